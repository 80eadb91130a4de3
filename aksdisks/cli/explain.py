"""The command that tells what a cause of `aksdisks diagnose` or a rule of `aksdisks lint` is: `aksdisks explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aksdisks.inspection.diagnosis.cause import Cause
    from aksdisks.inspection.lint.rule import Rule


def _pages() -> dict[str, Cause | Rule]:
    """All causes and all rules by their ids, of which none is both."""
    from aksdisks.inspection.diagnosis.catalogue import catalogue as causes
    from aksdisks.inspection.lint.catalogue import catalogue as rules

    return {**causes(), **rules()}


def _complete(incomplete: str) -> list[str]:
    """The ids, for the shell's completion."""
    return [id_ for id_ in _pages() if id_.startswith(incomplete)]


def explain(
    id: Annotated[
        str,
        typer.Argument(
            metavar="[CAUSE|RULE]",
            help="The id of a cause or a rule. Default: list all.",
            show_default=False,
            autocompletion=_complete,
        ),
    ] = "",
) -> None:
    """Explain a cause that `aksdisks diagnose` finds, or a rule of `aksdisks lint`. Or list them all."""
    from aksdisks.errors import InputError, did_you_mean

    pages = _pages()
    if not id:
        for page in pages.values():
            typer.echo(f"{page.id:<22} {page.rank:<9} {page.title}")
    elif id in pages:
        typer.echo(pages[id].text(), nl=False)
    else:
        expected = "one that `aksdisks explain` lists"
        raise InputError(object="cause or rule", expected=expected, found=repr(id), hint=did_you_mean(id, pages))
