"""The command that looks at manifests, or at a cluster's objects, for what will go wrong: `aksdisks lint`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aksdisks.cli.options import ClusterFileOption, ContextOption, EverywhereOption, NamespaceOption, chosen

if TYPE_CHECKING:
    from aksdisks.cli.lint_output import LintPrinter
    from aksdisks.inspection.lint.live import Live
    from aksdisks.inspection.lint.reading import Reading
    from aksdisks.targets.choice import Choice

EXIT_CODES = (
    "Exit codes: 0 nothing at or above --fail-on, 1 something is, "
    "2 bad input, such as a file that is not YAML, 3 nothing was found there, "
    "but what of the cluster could not be seen might hide it."
)


class Format(StrEnum):
    """How the findings are printed."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class FailOn(StrEnum):
    """From which level on a finding makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def lint(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR|-]...",
            help="Manifests, folders with all *.yaml, *.yml and *.json below them, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Judge what a cluster has; with files, judge those against it.")
    ] = False,
    namespace: NamespaceOption = "",
    everywhere: EverywhereOption = False,
    file: ClusterFileOption = None,
    context: ContextOption = "",
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="The least level that makes the exit code 1.")
    ] = FailOn.ERROR,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the findings, and end.")] = False,
) -> None:
    """Look at manifests, or at a cluster, for what will go wrong with disks. It only reads.

    The findings are printed on stdout. What helm and kustomize print is read with -; a template is no YAML.
    """
    if schema:
        from aksdisks.runner import shipped

        typer.echo((shipped.folder("docs") / "lint.schema.json").read_text(encoding="utf-8"), nl=False)
        return
    from aksdisks.cli.lint_output import LintPrinter
    from aksdisks.inspection.lint.engine import lint as judge

    names = files or []
    _require_sources(names, cluster=cluster, of_cluster=bool(namespace or everywhere or file or context))
    printer = LintPrinter(format.value, fail_on.value)
    choice = chosen(file, context) if cluster else None
    with _uncollected():
        reading = _read(names, namespace or (choice.namespace if choice else "default")) if names else None
        live = _read_cluster(printer, choice, namespace, reading, everywhere=everywhere) if choice else None
        report = judge(reading) if live is None else judge(reading, live.manifests, live.unseen)
    raise typer.Exit(printer.report(report))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: what is read is needed to the end, and going through it again takes a quarter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _require_sources(files: Sequence[str], *, cluster: bool, of_cluster: bool) -> None:
    """Raises InputError where nothing is given to look at, or more than can be meant."""
    from aksdisks.errors import InputError
    from aksdisks.inspection.lint.reading import STDIN

    if not files and not cluster:
        expected = "files, folders, - for standard input, or --cluster"
        raise InputError(object="lint", expected=expected, found="none of them")
    if STDIN in files and len(files) > 1:
        raise InputError(object="-", expected="no files beside standard input", found=" ".join(files))
    if of_cluster and not cluster:
        raise InputError(object="-n, -A, -f and --context", expected="--cluster beside them", found="files alone")


def _read(names: Sequence[str], namespace: str) -> Reading:
    """The objects of the files, those that name no namespace in this one.

    Raises InputError for standard input without any: what was to print them failed.
    """
    from aksdisks.errors import InputError
    from aksdisks.inspection.lint.reading import STDIN, read_files

    reading = read_files(names, lambda: sys.stdin.buffer.read(), namespace)
    if STDIN in names and not reading.manifests and not reading.bad_files:
        raise InputError(object="standard input", expected="Kubernetes objects", found="none")
    return reading


def _read_cluster(
    printer: LintPrinter, choice: Choice, namespace: str, reading: Reading | None, *, everywhere: bool
) -> Live:
    """The objects of the cluster that the flags name; beside files, those of the namespaces that their objects are in.

    Raises InputError for a namespace that is not there; one that only a file names may be made by it.
    """
    from aksdisks.inspection.diagnosis import asking
    from aksdisks.inspection.lint.live import read_cluster

    meant = asking.question("", namespace, everywhere=everywhere, context_namespace=choice.namespace).namespace
    where = meant
    if reading and meant and (named := {each.namespace for each in reading.manifests} - {""}):
        where = named.pop() if len(named) == 1 else None
    asked = asking.open_cluster(choice, printer.progress)
    printer.cluster(choice.name, asked.cluster.server)
    live = read_cluster(asked.cluster, where)
    if meant and meant == where and all(each.namespace != where for each in live.manifests):
        asked.require_namespace(where)
    return live
