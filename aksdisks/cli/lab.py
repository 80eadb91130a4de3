"""The commands of the lab: `aksdisks lab …`; each turns its flags into one call and its outcome into an exit code."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="The embedded laboratory: a stand-in for AKS and Azure on this machine.", no_args_is_help=True)

StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        help="Where the lab keeps its state. Default: AKSDISKS_STATE_DIR, else ~/.local/state/aksdisks/lab.",
        show_default=False,
    ),
]

DriverOption = Annotated[
    bool,
    typer.Option(
        "--driver/--no-driver",
        help="Run the drivers' provisioners, resizers and attacher; without them the real ones can (see `lab env "
        "--driver`). Nodes register the driver and mount what is attached either way.",
    ),
]


@app.command("start")
def lab_start(
    speed: Annotated[
        float | None,
        typer.Option(help="Seconds of a real cluster that pass in one second here. Default: as before, else 100."),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            help="regional, three-zones, small-quota, availability-set, article-2019, or a file. "
            "Default: as before, else regional."
        ),
    ] = None,
    kubernetes: Annotated[
        str | None,
        typer.Option(help="The version of Kubernetes: 1.33 to 1.36. Default: as before, else the scenario's (1.35)."),
    ] = None,
    state_dir: StateDirOption = None,
    kube_port: Annotated[int, typer.Option(help="Port of the Kubernetes API; 0: as before, or any free one.")] = 0,
    arm_port: Annotated[int, typer.Option(help="Port of Azure Resource Manager; 0: as before, or any free one.")] = 0,
    agents: Annotated[
        bool, typer.Option("--agents/--no-agents", help="Run the nodes and the drivers (else: `lab agents`).")
    ] = True,
    driver: DriverOption = True,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing beyond the lab's end.")] = False,
) -> None:
    """Start the lab in the background, as it was when it stopped; returns when it answers."""
    from aksdisks.lab.server import process

    state = process.start(
        state_dir or process.default_state_dir(), speed=speed, scenario=scenario, kube_port=kube_port,
        arm_port=arm_port, ephemeral=ephemeral, agents=agents, driver=driver, kubernetes=kubernetes,
    )  # fmt: skip
    typer.echo(f"The lab answers: Kubernetes at {state.kube_url}, Azure at {state.arm_url}, speed {state.speed:g}.")
    moved = f"AKSDISKS_STATE_DIR={state.state_dir} " if state_dir else ""
    me = "aksdisks" if shutil.which("aksdisks") else sys.argv[0]
    typer.echo(f'Next:  eval "$({moved}{me} lab env)"\n       kubectl get nodes')
    typer.echo(f"End:   {me} lab stop" + (f" --state-dir {state_dir}" if state_dir else ""))


@app.command("status")
def lab_status(
    state_dir: StateDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document, without secrets.")] = False,
) -> None:
    """Say whether the lab runs and where it answers; exit code 3 when it does not run."""
    from aksdisks.lab.server import process

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


@app.command("stop")
def lab_stop(state_dir: StateDirOption = None) -> None:
    """Stop the lab; the next start brings everything back."""
    from aksdisks.lab.server import process

    process.stop(state_dir or process.default_state_dir())
    typer.echo("The lab is stopped.")


@app.command("reset")
def lab_reset(
    state_dir: StateDirOption = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask; only a terminal is asked anyway.")] = False,
) -> None:
    """Stop the lab if it runs and remove all that was in it: objects, disks, their bytes, credentials."""
    from aksdisks.lab.server import process

    folder = state_dir or process.default_state_dir()
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Remove the lab in {folder} with everything in it?", abort=True)
    typer.echo("The lab is gone; the next start begins anew." if process.reset(folder) else f"No lab in {folder}.")


@app.command("agents")
def lab_agents(
    kubeconfig: Annotated[Path, typer.Option("--kubeconfig", help="The Kubernetes API to serve, any.")],
    context: Annotated[str, typer.Option(help="Its context. Default: the current one.", show_default=False)] = "",
    speed: Annotated[
        float | None, typer.Option(help="Seconds of a cluster that pass in one second. Default: the lab's.")
    ] = None,
    driver: DriverOption = True,
    state_dir: StateDirOption = None,
) -> None:
    """Run the nodes and the drivers in this process, against any Kubernetes API and the running lab's Azure."""
    from aksdisks.lab.server import agents as standalone

    standalone.run(_running(state_dir), kubeconfig, context, speed, driver=driver)


@app.command("env")
def lab_env(
    state_dir: StateDirOption = None,
    az: Annotated[
        bool, typer.Option("--az", help="Also register the lab as a cloud of the Azure CLI's and log in to it.")
    ] = False,
    driver: Annotated[
        bool,
        typer.Option(
            "--driver",
            help="Only the cloud config (JSON, with its secret) that the real disk driver reads from the file in "
            "AZURE_CREDENTIAL_FILE; SSL_CERT_FILE=<ca.crt> makes it trust the lab.",
        ),
    ] = False,
) -> None:
    """Print what a shell exports so that kubectl and the SDKs use the lab: eval "$(aksdisks lab env)"."""
    import shlex

    state = _running(state_dir)
    if driver:
        from aksdisks.lab.errors import LabError
        from aksdisks.lab.persistence.settings import running_scenario

        if az:
            raise LabError("lab env: expected --az or --driver, found both")
        typer.echo(json.dumps(state.driver_config(running_scenario(state).machine_kind), indent=2))
        return
    variables = state.environment() | (state.az_environment() if az else {})
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    for command in state.az_commands() if az else ():
        typer.echo(command)


fault_app = typer.Typer(help="What goes wrong in the running lab: see it, switch it on and off.", no_args_is_help=True)
app.add_typer(fault_app, name="fault")
ObjectOption = Annotated[
    str, typer.Option("--object", metavar="KIND/NAME", help="Only for this: node/NAME, disk/NAME, zone/N, …")
]


@fault_app.command("on")
def fault_on(
    name: Annotated[str, typer.Argument(help="What goes wrong, such as attach-slow.", show_default=False)],
    target: ObjectOption = "",
    rate: Annotated[float, typer.Option(help="Which part of the occasions it hits: above 0, at most 1.")] = 1.0,
    state_dir: StateDirOption = None,
) -> None:
    """Make something go wrong from now on; `aksdisks lab fault list` names what can."""
    from aksdisks.lab.fault_catalogue import KINDS
    from aksdisks.lab.faults import client

    client.switch_on(_running(state_dir), name, target, rate)
    typer.echo(f"on: {name}{f' for {target}' if target else ''} ({KINDS[name].meaning})")


@fault_app.command("off")
def fault_off(
    name: Annotated[str, typer.Argument(help="What went wrong; or --all.", show_default=False)] = "",
    target: ObjectOption = "",
    everything: Annotated[bool, typer.Option("--all", help="All that is on.")] = False,
    state_dir: StateDirOption = None,
) -> None:
    """Let it go right again."""
    from aksdisks.lab.errors import LabError
    from aksdisks.lab.faults import client

    if bool(name) == everything:
        raise LabError("lab fault off: expected the name of a fault or --all, found " + ("both" if name else "none"))
    off = client.switch_off(_running(state_dir), name, target)
    typer.echo(f"off: {', '.join(one.name for one in off) or 'nothing, nothing was on'}")


@fault_app.command("list")
def fault_list(
    state_dir: StateDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> None:
    """List what can go wrong, and mark what does; in brackets stands what --object can name."""
    import dataclasses

    from aksdisks.lab.fault_catalogue import KINDS
    from aksdisks.lab.faults import client

    on = client.switched_on(_running(state_dir))
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
    from aksdisks.lab.server import process

    folder = state_dir or process.default_state_dir()
    state = process.status(folder)
    if state is None:
        raise process.NotRunning(f"lab in {folder}: expected one running, found none (start one: aksdisks lab start)")
    return state
