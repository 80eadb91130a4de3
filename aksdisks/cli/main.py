"""The command line: each command turns its flags into one call of the library and its outcome into an exit code."""

from __future__ import annotations

import errno
import importlib.util
import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from aksdisks.cli import lab

# An image for the schedule is built without the lab.
_LAB_IS_THERE = importlib.util.find_spec("aksdisks.lab") is not None

# What only the user's machine can be blamed for: no room, no write access.
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


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
            _drop_what_cannot_be_shown()
            raise typer.Exit(0) from None
        except Exception as error:
            # All that neither a person nor this machine can be blamed for is a defect, and shows its traceback.
            if isinstance(error, OSError) and error.errno in _MACHINE:
                code = 2
                _drop_what_cannot_be_shown()
            elif isinstance(error, _errors_for_people()):
                code = error.exit_code
            else:
                raise
            typer.echo(f"aksdisks: {error}", err=True)
            raise typer.Exit(code) from error


def _errors_for_people() -> tuple[Any, ...]:
    """The bases of the library's errors and of the lab's, which imports nothing of the library."""
    from aksdisks.errors import AksdisksError

    if not _LAB_IS_THERE:
        return (AksdisksError,)
    from aksdisks.lab.errors import LabError

    return (AksdisksError, LabError)


app = typer.Typer(
    name="aksdisks",
    cls=_Commands,
    help="See, test and prove how dynamic Azure disks behave in AKS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
if _LAB_IS_THERE:
    app.add_typer(lab.app, name="lab")

_WEBHOOK = "AKSDISKS_WEBHOOK"
_EXIT_CODES = "Exit codes: 0 passed, 1 a check or a cell failed, 2 bad input, 3 inconclusive, 130 interrupted."

FileOption = Annotated[
    Path | None,
    typer.Option("-f", "--file", help="Parameter file (YAML). Default: parameters/lab.yaml.", show_default=False),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="Set one parameter; wins over the file. Repeatable."),
]


def _complete_runbooks(incomplete: str) -> list[str]:
    """Names of runbooks for the shell's completion."""
    from aksdisks.runner import shipped

    return [path.stem for path in shipped.runbooks() if path.stem.startswith(incomplete)]


NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
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


def _parameters(file: Path | None, settings: list[str] | None) -> tuple[Any, dict[str, str]]:
    """The parameters of a file, of the environment and of `-p` flags, and where each came from."""
    from aksdisks import parameters
    from aksdisks.errors import InputError
    from aksdisks.runner import shipped

    overrides = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"-p: expected NAME=VALUE, found {setting!r}")
        overrides[name.strip()] = value
    return parameters.resolve(file or shipped.folder("parameters") / "lab.yaml", overrides)


@app.command(epilog=_EXIT_CODES)
def run(
    names: NamesArgument = None,
    file: FileOption = None,
    settings: SetOption = None,
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="Folder that gets a folder for each run, or a Blob container's URL."),
    ] = "evidence",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show the final table only.")] = False,
    share: Annotated[
        bool, typer.Option("--share", help="Take out who and where: subscriptions, users, hosts.")
    ] = False,
    sign: Annotated[Path | None, typer.Option(help="Sign with this private key (`aksdisks evidence keygen`).")] = None,
    webhook: Annotated[
        str, typer.Option(envvar=_WEBHOOK, help="Tell this URL of a failure or a change of outcome.")
    ] = "",
) -> None:
    """Run the runbooks headless through papermill and leave them, executed, as evidence."""
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.cli.signals import Signals
    from aksdisks.evidence.delivery import Container
    from aksdisks.runner import shipped
    from aksdisks.runner.runner import run_runbooks

    runbooks, parameters = shipped.runbooks(names or ()), _parameters(file, settings)[0]
    container = Container.of(output) if "://" in output else None
    folder = Path("evidence") if container else Path(output)
    again = ["aksdisks", "clean", *(("-f", str(file)) if file else ())]
    again += [word for setting in settings or () for word in ("-p", setting)]
    reporter = ConsoleReporter(quiet=quiet)
    result = run_runbooks(
        runbooks,
        parameters,
        folder,
        reporter=reporter,
        interruption=Signals(reporter.say),
        share=share,
        key=sign,
        webhook=webhook,
        container=container,
        clean=shlex.join(again),
    )
    raise typer.Exit(result.exit_code)


@app.command()
def walk(
    folder: Annotated[Path, typer.Option(help="Working folder for copies of the runbooks.")] = Path("aksdisks-walk"),
    speed: Annotated[float, typer.Option(help="Speed of the lab, unless one runs already.")] = 10.0,
    port: Annotated[int, typer.Option(max=65535, help="JupyterLab's port.", show_default="8888, or any free one")] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser on it.")] = True,
) -> None:
    """Open JupyterLab on copies of the runbooks, beside a lab at walking speed; Ctrl-C ends both."""
    from aksdisks.cli.jupyterlab import walk as serve

    serve(folder, speed=speed, port=port, browser=browser, say=typer.echo)


@app.command(name="list")
def list_runbooks() -> None:
    """List the runbooks: their names and what each promises."""
    from aksdisks.runner import shipped
    from aksdisks.runner.arguments import describe

    for path in shipped.runbooks():
        typer.echo(f"{path.stem:<18} {describe(path)}")


@app.command(epilog="A flag (-p) wins over AKSDISKS_PARAM_<NAME>, that over the file, that over the default.")
def parameters(
    file: Annotated[Path | None, typer.Argument(help="Parameter file; default: parameters/lab.yaml.")] = None,
    settings: SetOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of a file, for editors.")] = False,
) -> None:
    """Show every parameter: its value and where that came from, type, unit, default and meaning."""
    import json

    from aksdisks.cli.console import show_parameters
    from aksdisks.parameters import json_schema

    if schema:
        typer.echo(json.dumps(json_schema(), indent=2))
    else:
        show_parameters(*_parameters(file, settings))


@app.command(epilog=_EXIT_CODES)
def check(file: FileOption = None, settings: SetOption = None) -> None:
    """Ask the target, before anything is made, whether a run can pass there."""
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.errors import NotAllowed
    from aksdisks.evidence.result import exit_code
    from aksdisks.inspection.preflight import RIGHTS
    from aksdisks.runner.runner import check_target

    reporter = ConsoleReporter(quiet=False)
    answers = check_target(_parameters(file, settings)[0], reporter.progress)
    reporter.answers(answers)
    # Where only rights are missing the target did not allow it, which proves nothing.
    failed = {answer.statement for answer in answers if answer.status == "failed"}
    raise typer.Exit(max(exit_code(answers), NotAllowed.exit_code if failed == {RIGHTS} else 0))


@app.command(epilog=_EXIT_CODES)
def clean(
    file: FileOption = None,
    settings: SetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List exactly what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove what earlier runs left on the target, and nothing else.

    The volumes and disks of removed claims go with them, by the cluster's own doing. Retained ones, and those of
    namespaces that are gone, are reported and stay.
    """
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.evidence.result import exit_code
    from aksdisks.session import leftovers

    reporter = ConsoleReporter(quiet=False)
    checks = leftovers.clean(_parameters(file, settings)[0], dry_run=dry_run, progress=reporter.progress)
    reporter.answers(checks)
    raise typer.Exit(exit_code(checks))


@app.command(epilog=_EXIT_CODES)
def record(names: NamesArgument = None) -> None:
    """Execute the runbooks on a lab of their own and keep the outputs in runbooks/ (for those who change them)."""
    from aksdisks.runner import recorder, shipped

    for path in shipped.runbooks(names or ()):
        typer.echo(f"recording {path.stem}", err=True)
        recorder.record([path])


@app.command()
def deploy(to: Annotated[Path | None, typer.Option(help="Write the files into this folder.")] = None) -> None:
    """List, or write out, what a run on a schedule takes: image, CronJob, roles, examples (docs/schedule.md)."""
    from aksdisks.runner import shipped

    if to is not None:
        shipped.write_deployment(to)
    for path in shipped.deployment():
        typer.echo(path.name)


evidence_app = typer.Typer(help="What runs left as evidence: list, compare, verify, deliver.", no_args_is_help=True)
app.add_typer(evidence_app, name="evidence")
EvidenceOption = Annotated[Path, typer.Option("-o", "--output", help="The folder that has a folder for each run.")]


@evidence_app.command("keygen")
def evidence_keygen(private: Annotated[Path, typer.Argument(help="File for the private key.")]) -> None:
    """Make an Ed25519 key pair for `aksdisks run --sign` and `evidence verify --key`."""
    from aksdisks.evidence.seal import keygen

    typer.echo(f"private key {private}, public key {keygen(private)}")


@evidence_app.command("verify", epilog="Exit codes: 0 as it was sealed, 1 altered, 2 no such folder or key.")
def evidence_verify(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    key: Annotated[Path | None, typer.Option(help="The public key (FILE.pub) of who should have signed.")] = None,
) -> None:
    """Name every file that was altered, added or removed since the folder was sealed."""
    from aksdisks.evidence.seal import verify

    verdict = verify(folder, key)
    for problem in verdict.problems:
        typer.echo(problem)
    typer.echo(f"{verdict.files} files, {'as sealed' if verdict.holds else 'not as sealed'}. {verdict.remark}")
    raise typer.Exit(0 if verdict.holds else 1)


@evidence_app.command("upload")
def evidence_upload(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    url: Annotated[str, typer.Argument(help="https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX")],
) -> None:
    """Deliver a run's folder to a Blob container, for the first time or again."""
    from aksdisks.evidence.delivery import Container

    typer.echo(f"{Container.of(url).upload(folder)} files delivered to {url}")


@evidence_app.command("notify")
def evidence_notify(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    webhook: Annotated[str, typer.Option(envvar=_WEBHOOK, help="The URL that is told, whatever the outcome.")],
) -> None:
    """Tell a webhook how a run came out, for the first time or again."""
    from aksdisks.evidence import result as evidence
    from aksdisks.evidence.delivery import tell

    folder = folder.resolve()
    run = evidence.find(folder.parent, str(folder))
    tell(webhook, run.document(), evidence.outcome_before(folder, run.started), str(folder))
    typer.echo(f"the webhook was told that {run.run} {run.status}")


@evidence_app.command("list")
def evidence_list(output: EvidenceOption = Path("evidence")) -> None:
    """List the runs, the oldest first."""
    from aksdisks.evidence import result as evidence

    for past in evidence.runs(output):
        target, status = "-", past.problem
        if past.result:
            states = [book.status for book in past.result.runbooks]
            target = past.result.target
            status = f"{past.result.status:<12} {states.count('passed')} of {len(states)} runbooks"
        typer.echo(f"{past.folder.name:<24} {target:<5} {status}")


@evidence_app.command("compare", epilog="Exit codes: 0 nothing changed, 1 something did, 2 no such run.")
def evidence_compare(
    before: Annotated[str, typer.Argument(help="A run's id (its beginning is enough), or its folder.")],
    after: Annotated[str, typer.Argument(help="The same of a later one.")],
    output: EvidenceOption = Path("evidence"),
) -> None:
    """Show what changed between two runs: outcome, timing, versions, parameters and disks."""
    from aksdisks.cli.console import NOTHING
    from aksdisks.evidence import result as evidence

    changes = list(evidence.compare(evidence.find(output, before), evidence.find(output, after)))
    for what, was, now in changes:
        typer.echo(f"{what}: {was or NOTHING} -> {now or NOTHING}")
    if not changes:
        typer.echo("nothing changed")
    raise typer.Exit(1 if changes else 0)


def main() -> None:
    """The entry point: takes Ctrl-C also as a background job of a script, and answers for all that was shown.

    A shell starts such a job with SIGINT ignored. What is still in Python's buffers is written here, because at its own
    end Python could only say that writing failed, with a traceback and exit code 120.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            app()
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        _drop_what_cannot_be_shown()
        if error.errno == errno.EPIPE:
            sys.exit(0)
        if error.errno not in _MACHINE:
            raise
        with suppress(OSError):
            print(f"aksdisks: {error}", file=sys.stderr)
        _drop_what_cannot_be_shown()
        sys.exit(2)


def _drop_what_cannot_be_shown() -> None:
    """Turn a stream whose buffer cannot be written, for want of a reader or of room, to nobody."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
