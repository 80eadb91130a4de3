"""The command line: each command turns its flags into one call of the library and its outcome into an exit code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer


class _Commands(typer.core.TyperGroup):
    """Turns every error that is meant for a person into one line on stderr and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("aksdisks: interrupted", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # `aksdisks list | head`: nobody reads on, which is no error of ours.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except Exception as error:
            # The library's errors and the lab's have no common base, because the lab imports nothing of the library;
            # what stops a lab from starting or stopping is bad input. All else is a defect and shows its traceback.
            module = type(error).__module__
            code = 2 if module.startswith("aksdisks.lab.") else getattr(error, "exit_code", None)
            if not module.startswith("aksdisks.") or code is None:
                raise
            typer.echo(f"aksdisks: {error}", err=True)
            raise typer.Exit(code) from error


app = typer.Typer(
    name="aksdisks",
    cls=_Commands,
    help="See, test and prove how dynamic Azure disks behave in AKS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab_app = typer.Typer(
    help="The embedded laboratory: a stand-in for AKS and Azure on this machine.", no_args_is_help=True
)
app.add_typer(lab_app, name="lab")

_EXIT_CODES = "Exit codes: 0 passed, 1 a check or a cell failed, 2 bad input, 3 inconclusive, 130 interrupted."

FileOption = Annotated[
    Path | None,
    typer.Option("-f", "--file", help="Parameter file (YAML). Default: parameters/lab.yaml.", show_default=False),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="Set one parameter; wins over the file. Repeatable."),
]
StateDirOption = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where the lab keeps its state. Default: AKSDISKS_STATE_DIR.", show_default=False),
]


def _complete_runbooks(incomplete: str) -> list[str]:
    """Names of runbooks for the shell's completion."""
    from aksdisks import shipped

    return [path.stem for path in shipped.runbooks() if path.stem.startswith(incomplete)]


NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Runbooks, such as 01 or 01-dynamic-disk. Default: all.",
        autocompletion=_complete_runbooks,
        show_default=False,
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        from aksdisks import __version__

        typer.echo(f"aksdisks {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def _parameters(file: Path | None, settings: list[str] | None) -> Any:
    """The parameters of a file and of `-p` flags."""
    from aksdisks import parameters, shipped
    from aksdisks.errors import InputError

    overrides = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"-p: expected NAME=VALUE, found {setting!r}")
        overrides[name.strip()] = value
    return parameters.load(file or shipped.folder("parameters") / "lab.yaml", overrides)


@app.command(epilog=_EXIT_CODES)
def run(
    names: NamesArgument = None,
    file: FileOption = None,
    settings: SetOption = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder that gets a folder for each run.")] = Path(
        "evidence"
    ),
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show the final table only.")] = False,
) -> None:
    """Run the runbooks headless through papermill and leave them, executed, as evidence."""
    from aksdisks import runner, shipped

    result = runner.run(shipped.runbooks(names or ()), _parameters(file, settings), output, quiet=quiet)
    raise typer.Exit(result.exit_code)


@app.command(name="list")
def list_runbooks() -> None:
    """List the runbooks: their names and what each promises."""
    from aksdisks import shipped
    from aksdisks.runner import describe

    for path in shipped.runbooks():
        typer.echo(f"{path.stem:<18} {describe(path)}")


@app.command(epilog=_EXIT_CODES)
def check(file: FileOption = None, settings: SetOption = None) -> None:
    """Ask the target, before anything is made, whether a run can pass there."""
    from aksdisks import runner

    raise typer.Exit(runner.check(_parameters(file, settings)))


@app.command(epilog=_EXIT_CODES)
def clean(
    file: FileOption = None,
    settings: SetOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove what earlier runs left on the target, and nothing else; disks are reported, never deleted."""
    from aksdisks import runner

    raise typer.Exit(runner.clean(_parameters(file, settings), dry_run=dry_run))


@app.command(epilog=_EXIT_CODES)
def record(names: NamesArgument = None) -> None:
    """Execute the runbooks on a lab of their own and keep the outputs in them."""
    from aksdisks import recorder, shipped

    for path in shipped.runbooks(names or ()):
        typer.echo(f"recording {path.stem}", err=True)
        recorder.record([path])


@lab_app.command("start")
def lab_start(
    speed: Annotated[float, typer.Option(help="Seconds of a real cluster that pass in one second here.")] = 100.0,
    scenario: Annotated[str, typer.Option(help="A scenario's name, or a file.")] = "regional",
    state_dir: StateDirOption = None,
    kube_port: Annotated[int, typer.Option(help="Port of the Kubernetes API; 0: any free one.")] = 0,
    arm_port: Annotated[int, typer.Option(help="Port of Azure Resource Manager; 0: any free one.")] = 0,
) -> None:
    """Start the lab in the background; returns when it answers."""
    from aksdisks.lab import process

    state = process.start(
        state_dir or process.default_state_dir(), speed=speed, scenario=scenario, kube_port=kube_port, arm_port=arm_port
    )
    typer.echo(f"The lab answers: Kubernetes at {state.kube_url}, Azure at {state.arm_url}, speed {state.speed:g}.")
    moved = f"AKSDISKS_STATE_DIR={state.state_dir} " if state_dir else ""
    typer.echo(f'Next:  eval "$({moved}aksdisks lab env)"\n       kubectl get nodes')
    typer.echo("End:   aksdisks lab stop" + (f" --state-dir {state_dir}" if state_dir else ""))


@lab_app.command("status")
def lab_status(
    state_dir: StateDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document, without secrets.")] = False,
) -> None:
    """Say whether the lab runs and where it answers; exit code 3 when it does not run."""
    from aksdisks.lab import process

    folder = state_dir or process.default_state_dir()
    state = process.status(folder)
    if as_json:
        typer.echo(json.dumps({"running": state is not None, "state_dir": str(folder)} | _public(state), indent=2))
    elif state is None:
        typer.echo(f"No lab runs with state in {folder}. Start one: aksdisks lab start")
    else:
        for name, value in _public(state).items():
            typer.echo(f"{name.replace('_', ' '):<20} {value}")
    raise typer.Exit(0 if state else 3)


def _public(state: Any) -> dict[str, Any]:
    """A lab's state without its secret."""
    import dataclasses

    facts = dataclasses.asdict(state) if state else {}
    return {name: value for name, value in facts.items() if name != "client_secret"}


@lab_app.command("stop")
def lab_stop(state_dir: StateDirOption = None) -> None:
    """Stop the lab; what was in it is gone."""
    from aksdisks.lab import process

    process.stop(state_dir or process.default_state_dir())
    typer.echo("The lab is stopped.")


@lab_app.command("env")
def lab_env(state_dir: StateDirOption = None) -> None:
    """Print what a shell exports so that kubectl and the SDKs use the lab: eval "$(aksdisks lab env)"."""
    import shlex

    for name, value in _running(state_dir).environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


fault_app = typer.Typer(help="What goes wrong in the running lab: see it, switch it on and off.", no_args_is_help=True)
lab_app.add_typer(fault_app, name="fault")
ObjectOption = Annotated[
    str, typer.Option("--object", metavar="KIND/NAME", help="Only for this: node/NAME, disk/NAME, zone/N, …")
]


@fault_app.command("on")
def fault_on(
    name: str,
    target: ObjectOption = "",
    rate: Annotated[float, typer.Option(help="Which part of the occasions it hits: above 0, at most 1.")] = 1.0,
    state_dir: StateDirOption = None,
) -> None:
    """Make something go wrong from now on; `aksdisks lab fault list` names what can."""
    from aksdisks.lab import faults_client

    faults_client.switch_on(_running(state_dir), name, target, rate)


@fault_app.command("off")
def fault_off(
    name: Annotated[str, typer.Argument(show_default=False)] = "",
    target: ObjectOption = "",
    everything: Annotated[bool, typer.Option("--all", help="All that is on.")] = False,
    state_dir: StateDirOption = None,
) -> None:
    """Let it go right again."""
    from aksdisks.errors import InputError
    from aksdisks.lab import faults_client

    if bool(name) == everything:
        raise InputError("lab fault off: expected the name of a fault or --all, found " + ("both" if name else "none"))
    faults_client.switch_off(_running(state_dir), name, target)


@fault_app.command("list")
def fault_list(
    state_dir: StateDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> None:
    """List what can go wrong, and mark what does."""
    import dataclasses

    from aksdisks.lab import faults_client
    from aksdisks.lab.faults import KINDS

    on = faults_client.switched_on(_running(state_dir))
    if as_json:
        known = [dataclasses.asdict(kind) for kind in KINDS.values()]
        typer.echo(json.dumps({"faults": [dataclasses.asdict(switch) for switch in on], "known": known}, indent=2))
        return
    for kind in KINDS.values():
        hits = [f"{one.object or 'everything'} ({one.rate:g})" for one in on if one.name == kind.name]
        aims = f" [{', '.join(kind.aims)}]" if kind.aims else ""
        typer.echo(f"{kind.name:<20} {'on: ' + ', '.join(hits) if hits else kind.meaning + aims}")


def _running(state_dir: Path | None) -> Any:
    """The state of the lab that runs there."""
    from aksdisks.lab import process

    folder = state_dir or process.default_state_dir()
    state = process.status(folder)
    if state is None:
        raise process.NotRunning(f"lab in {folder}: expected one running, found none (start one: aksdisks lab start)")
    return state


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
