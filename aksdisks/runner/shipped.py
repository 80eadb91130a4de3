"""Finds the runbooks and parameter files, in a checkout or in an installed package."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aksdisks.errors import InputError
from aksdisks.parameters import Parameters

ARTICLE = ("00", "01", "02", "03", "04", "05")
"""The runbooks of the article: those that run where none is named."""


@dataclass(frozen=True)
class _Need:
    """What a runbook needs of its target."""

    words: str
    given: Callable[[Parameters], bool]


_NEEDED = {
    "06": _Need("a lab, or the parameter node_pool", lambda given: given.target == "lab" or bool(given.node_pool)),
    "07": _Need("a lab", lambda given: given.target == "lab"),
    "08": _Need("a lab, or the parameter make_disks", lambda given: given.target == "lab" or given.make_disks),
    "09": _Need("a lab, or the parameter make_disks", lambda given: given.target == "lab" or given.make_disks),
}
_PACKAGE = Path(__file__).parent.parent


def folder(kind: str) -> Path:
    """The folder of `runbooks` or `parameters`: beside the package in a checkout, inside it when installed."""
    beside = _PACKAGE.parent / kind
    return beside if beside.is_dir() else _PACKAGE / f"_{kind}"


def runbooks(names: Sequence[str] = ()) -> list[Path]:
    """The runbooks of these names in order, or all of them; `01` and `01-dynamic-disk` name the same one.

    Raises InputError for a name that no runbook has.
    """
    available = sorted(folder("runbooks").glob("[0-9][0-9]-*.ipynb"))
    if not names:
        return available
    by_name = {path.stem: path for path in available} | {path.stem[:2]: path for path in available}
    chosen = []
    for name in names:
        key = name.removesuffix(".ipynb").rsplit("/", 1)[-1]
        if key not in by_name:
            near = difflib.get_close_matches(key, by_name, n=1, cutoff=0.4)
            hint = f"; did you mean {by_name[near[0]].stem}?" if near else ""
            expected = ", ".join(path.stem for path in available)
            message = f"runbook: expected one of {expected}; found {name!r}{hint}"
            raise InputError(message, object="runbook", expected=f"one of {expected}", found=repr(name))
        if by_name[key] not in chosen:
            chosen.append(by_name[key])
    return sorted(chosen)


def to_run(names: Sequence[str], parameters: Parameters, *, everything: bool = False) -> list[Path]:
    """The runbooks of these names; without names those of the article, or `everything` that applies to the target.

    Raises InputError for a name that no runbook has, and for names beside `everything`.
    """
    if names and everything:
        raise InputError(object="--all", expected="no names beside it", found=" ".join(names))
    if names:
        return runbooks(names)
    return [path for path in runbooks() if (applies(path, parameters) if everything else is_of_article(path))]


def is_of_article(runbook: Path) -> bool:
    """Whether a runbook walks through the article."""
    return runbook.stem[:2] in ARTICLE


def applies(runbook: Path, parameters: Parameters) -> bool:
    """Whether a runbook does anything on the parameters' target; one that is run where it does not says so."""
    needed = _NEEDED.get(runbook.stem[:2])
    return needed is None or needed.given(parameters)


def needs(runbook: Path) -> str:
    """What a runbook needs to do anything, in words; empty for those that do on every target."""
    needed = _NEEDED.get(runbook.stem[:2])
    return needed.words if needed else ""


def deployment() -> list[Path]:
    """The files that put a run on a schedule: image, manifests, roles, examples."""
    return sorted(path for path in (_PACKAGE / "deploy").iterdir() if path.is_file() and path.suffix != ".py")


def write_deployment(folder: Path) -> None:
    """Write those files into a folder; raises InputError where that cannot be, or would overwrite one."""
    for path in deployment():
        if (folder / path.name).exists():
            raise InputError(object=f"{folder / path.name}", expected="no file", found="one; nothing is overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(object=f"{folder}", expected="a folder that can be made", cause=f"{error.strerror}") from error
    for path in deployment():
        (folder / path.name).write_bytes(path.read_bytes())
