"""Flags and arguments that several commands share, and the parameters that they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

WEBHOOK = "AKSDISKS_WEBHOOK"
EXIT_CODES = "Exit codes: 0 passed, 1 a check or a cell failed, 2 bad input, 3 inconclusive, 130 interrupted."

FileOption = Annotated[
    Path | None,
    typer.Option("-f", "--file", help="Parameter file (YAML). Default: parameters/lab.yaml.", show_default=False),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="Set one parameter; wins over the file. Repeatable."),
]


def _complete_contexts(incomplete: str) -> list[str]:
    """The kubeconfig's contexts, for the shell's completion."""
    from aksdisks.errors import InputError
    from aksdisks.targets.kubeconfig import contexts

    try:
        return [name for name in contexts().namespaces if name.startswith(incomplete)]
    except InputError:
        return []


NamespaceOption = Annotated[str, typer.Option("-n", "--namespace", help="Default: the context's.", show_default=False)]
DisksOfOption = Annotated[
    str, typer.Option("-n", "--namespace", help="Only disks made for claims of it. Default: all.", show_default=False)
]
EverywhereOption = Annotated[bool, typer.Option("-A", "--all-namespaces", help="All namespaces.")]
ClusterFileOption = Annotated[
    Path | None, typer.Option("-f", "--file", help="Parameter file that names the cluster.", show_default=False)
]
ContextOption = Annotated[
    str,
    typer.Option(
        help="A context of the kubeconfig. Default: its current one, else the running lab.",
        show_default=False,
        autocompletion=_complete_contexts,
    ),
]
GraceOption = Annotated[
    str,
    typer.Option(metavar="30m|24h|7d", help="How long a disk that nothing names counts as young; time of the cluster."),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        help="Price list, as `aksdisks prices update` writes it. Default: a small dated one.",
        show_default=False,
    ),
]


def chosen(file: Path | None, context: str) -> Any:
    """The cluster that `-f` and `--context` name, see `aksdisks.targets.choice.choose`; InputError for both."""
    from aksdisks.errors import InputError
    from aksdisks.targets.choice import choose

    if file is None:
        return choose(context=context)
    if context:
        raise InputError(object="-f and --context", expected="one of them", found="both")
    return choose(read_parameters(file, None)[0], file=str(file))


def disks_of(namespace: str, *, everywhere: bool) -> str | None:
    """The namespace whose disks `-n` and `-A` ask for, None for all: most disks stand in none. InputError for both."""
    from aksdisks.errors import InputError

    if namespace and everywhere:
        raise InputError(object="-n and -A", expected="one of them", found="both")
    return namespace or None


def grace_seconds(text: str) -> float:
    """The seconds that `--grace` stands for; raises InputError."""
    from aksdisks.errors import InputError
    from aksdisks.quantities import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise InputError(object="--grace", expected="a duration such as 30m, 24h or 7d", found=repr(text)) from error


def price_list(file: Path | None) -> Any:
    """The price list of `--prices`, else the one that is built in; raises InputError."""
    from aksdisks.prices import PriceList

    return PriceList.read(file) if file else PriceList.builtin()


def _complete_runbooks(incomplete: str) -> list[str]:
    """Names of runbooks for the shell's completion."""
    from aksdisks.runner import shipped

    return [path.stem for path in shipped.runbooks() if path.stem.startswith(incomplete)]


def _names(default: str) -> Any:
    """The argument of a command that takes runbooks; what it takes where none is named."""
    return typer.Argument(
        metavar="NAME",
        help=f"Runbooks, such as 01 or 01-dynamic-disk. Default: {default}.",
        autocompletion=_complete_runbooks,
        show_default=False,
    )


NamesToRun = Annotated[list[str] | None, _names("those of the article, 00 to 05")]
NamesToRecord = Annotated[list[str] | None, _names("all")]


def read_parameters(file: Path | None, settings: list[str] | None) -> tuple[Any, dict[str, str]]:
    """The parameters of a file, of the environment and of `-p` flags, and where each came from."""
    from aksdisks import parameters
    from aksdisks.errors import InputError
    from aksdisks.runner import shipped

    overrides = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise InputError(object="-p", expected="NAME=VALUE", found=repr(setting))
        overrides[name.strip()] = value
    return parameters.resolve(file or shipped.folder("parameters") / "lab.yaml", overrides)
