"""The commands that go to a target: run, check, clean."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from aksdisks.cli.options import WEBHOOK, FileOption, NamesToRun, SetOption, read_parameters


def run(
    names: NamesToRun = None,
    file: FileOption = None,
    settings: SetOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All runbooks that apply to the target.")] = False,
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
        str, typer.Option(envvar=WEBHOOK, help="Tell this URL of a failure or a change of outcome.")
    ] = "",
) -> None:
    """Run the runbooks headless through papermill and leave them, executed, as evidence."""
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.cli.signals import Signals
    from aksdisks.evidence.delivery import Container
    from aksdisks.runner import shipped
    from aksdisks.runner.runner import run_runbooks

    parameters = read_parameters(file, settings)[0]
    runbooks = shipped.to_run(names or (), parameters, everything=everything)
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


def check(file: FileOption = None, settings: SetOption = None) -> None:
    """Ask the target, before anything is made, whether a run can pass there."""
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.errors import NotAllowed
    from aksdisks.evidence.result import exit_code
    from aksdisks.inspection.preflight import RIGHTS
    from aksdisks.runner.runner import check_target

    reporter = ConsoleReporter(quiet=False)
    answers = check_target(read_parameters(file, settings)[0], reporter.progress)
    reporter.answers(answers)
    # Where only rights are missing the target did not allow it, which proves nothing.
    failed = {answer.statement for answer in answers if answer.status == "failed"}
    raise typer.Exit(max(exit_code(answers), NotAllowed.exit_code if failed == {RIGHTS} else 0))


def clean(
    file: FileOption = None,
    settings: SetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List exactly what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove what earlier runs left on the target, and nothing else.

    The volumes and disks of removed claims go with them, by the cluster's own doing. Retained ones, and those of
    namespaces that are gone, are reported and stay. What runbook 08 made in Azure itself is deleted by its tag.
    """
    from aksdisks.cli.console import ConsoleReporter
    from aksdisks.evidence.result import exit_code
    from aksdisks.session import leftovers

    reporter = ConsoleReporter(quiet=False)
    checks = leftovers.clean(read_parameters(file, settings)[0], dry_run=dry_run, progress=reporter.progress)
    reporter.answers(checks)
    raise typer.Exit(exit_code(checks))
