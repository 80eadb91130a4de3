"""The command that tells why something is stuck: `aksdisks diagnose`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aksdisks.cli.options import ClusterFileOption, ContextOption, EverywhereOption, NamespaceOption, chosen

EXIT_CODES = (
    "Exit codes: 0 no problem, 1 a problem (with --watch also the time-out), 2 bad input, "
    "3 none found but what could not be seen might hide one."
)


class Format(StrEnum):
    """How the findings are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def _complete_objects(incomplete: str) -> list[str]:
    """The kinds, for the shell's completion."""
    return [f"{kind}/" for kind in ("pod", "pvc", "pv", "volumesnapshot") if f"{kind}/".startswith(incomplete)]


_Object = Annotated[
    str,
    typer.Argument(
        metavar="[pod/NAME|pvc/NAME|pv/NAME|volumesnapshot/NAME]",
        help="What is stuck. Default: all in the namespace.",
        show_default=False,
        autocompletion=_complete_objects,
    ),
]


def diagnose(
    object: _Object = "",
    namespace: NamespaceOption = "",
    everywhere: EverywhereOption = False,
    file: ClusterFileOption = None,
    context: ContextOption = "",
    watch: Annotated[bool, typer.Option("--watch", help="Print changes of verdict until all is well.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0.0, help="With --watch: give up after so many seconds of cluster time.")
    ] = 900.0,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the findings, and end.")] = False,
) -> None:
    """Say why a pod, a claim or a volume is stuck: one cause, from Kubernetes and Azure together. It only reads.

    The findings are printed on stdout; the first line on stderr names the cluster.
    """
    from aksdisks.cli.findings import Printer
    from aksdisks.inspection.diagnosis import asking, following
    from aksdisks.runner import shipped

    if schema:
        typer.echo((shipped.folder("docs") / "diagnosis.schema.json").read_text(encoding="utf-8"), nl=False)
        return
    printer = Printer(format.value)
    choice = chosen(file, context)
    what = asking.question(object, namespace, everywhere=everywhere, context_namespace=choice.namespace)
    asked = asking.open_cluster(choice, printer.progress)
    printer.cluster(choice.name, asked.cluster.server)
    if watch:
        raise typer.Exit(following.follow(asked, what, timeout, printer.change))
    found = asking.ask(asked, what)
    printer.diagnosis(found, what, asked.time_scale)
    raise typer.Exit(found.exit_code)
