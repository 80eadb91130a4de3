"""The command line as it is described to typer: docs/cli.md, and whether a line of a guide keeps to it."""

from __future__ import annotations

import inspect
import re
import shlex
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from aksdisks.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
_FIRST = """# Command line

Every command, as `aksdisks COMMAND --help` shows it. `aksdisks --install-completion` completes commands, runbooks,
contexts and causes in your shell. Unless a command says otherwise, its exit code is 0 when it is done, 2 for bad input,
and 130 when it was interrupted. This page is built from the commands' help (`python -m tests.reference`).
"""


@cache
def commands() -> dict[str, Any]:
    """Every command by its full name, groups among them, in the order of `aksdisks --help`."""
    return dict(_below("aksdisks", get_command(app)))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    inner = getattr(command, "commands", {}).items()
    for each, sub in sorted(inner, key=lambda item: hasattr(item[1], "commands")):
        yield from _below(f"{name} {each}", sub)


def page() -> str:
    """docs/cli.md: a table of all commands, then each."""
    found = {name: command for name, command in commands().items() if " " in name}
    rows = [
        f"| [{name}](#{name.replace(' ', '-')}) | {_sentence(command)} |"
        for name, command in found.items()
        if not hasattr(command, "commands")
    ]
    head = "| command | what it does |\n|---|---|"
    return "\n".join([_FIRST, head, *rows, "", *("\n".join(_entry(*item)) for item in found.items())])


def _sentence(command: Any) -> str:
    return _plain(" ".join(inspect.cleandoc(command.help).split("\n\n")[0].split()))


def _entry(name: str, command: Any) -> Iterator[str]:
    arguments = [each for each in command.params if not each.opts[0].startswith("-")]
    options = [each for each in command.params if each not in arguments]
    group = hasattr(command, "commands")
    usage = [name, "COMMAND" if group else "", "[OPTIONS]" if options else "", *map(_argument, arguments)]
    yield f"## {name}\n"
    yield f"```text\n{' '.join(filter(None, usage))}\n```\n"
    yield f"{_plain(inspect.cleandoc(command.help))}\n"
    choices = _choices(command)
    rows = [f"| `{_argument(each)}` | {_help(each)} |" for each in arguments]
    rows += [f"| {_flags(each, choices)} | {_help(each)} |" for each in options]
    if rows:
        yield "\n".join(["| option | what it is |", "|---|---|", *(_escaped(row) for row in rows), ""])
    if command.epilog:
        yield f"{_plain(command.epilog)}\n"


def _escaped(row: str) -> str:
    """A row of a table whose second cell and code may hold a bar."""
    return "| " + row.removeprefix("| ").removesuffix(" |").replace("|", "\\|").replace(" \\| ", " | ", 1) + " |"


def _argument(each: Any) -> str:
    """An argument as the usage has it: in brackets where it may be left out, with dots where there may be several."""
    name = (each.metavar or each.name.upper()).removesuffix("...").strip("[]")
    return f"{name if each.required else f'[{name}]'}{'...' if each.nargs == -1 else ''}"


def _flags(each: Any, choices: Mapping[str, str]) -> str:
    """The names of an option, and what follows them."""
    names = ", ".join(f"`{name}`" for name in (*each.opts, *each.secondary_opts))
    value = each.metavar or choices.get(each.name) or each.opts[-1].strip("-").upper()
    return names if each.is_flag else f"{names} `{value}`"


def _choices(command: Any) -> dict[str, str]:
    """The values of the options that take one of a few."""
    hints = typing.get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    return {
        name: "|".join(member.value for member in hint)
        for name, hint in hints.items()
        if inspect.isclass(hint) and issubclass(hint, Enum)
    }


def _help(each: Any) -> str:
    told, default = _plain(" ".join((each.help or "").split())), each.default
    if each.show_default and default not in (None, False, "", ()):
        told += f" Default: `{each.opts[0] if default is True else default}`."
    return told + (f" Environment: `{each.envvar}`." if each.envvar else "") + (" Required." if each.required else "")


def _plain(text: str) -> str:
    """Without what Markdown would take for a tag or for emphasis, outside of code."""
    parts = text.split("`")
    return "`".join(part if at % 2 else re.sub(r"([<*])", r"\\\1", part) for at, part in enumerate(parts))


def wrong(line: str) -> str:
    """What is wrong with an `aksdisks …` line: a command or an option that there is not; empty if nothing is."""
    words = shlex.split(line, comments=True)
    words = words[: next((at for at, word in enumerate(words) if word in ("|", ">", "&&", ";")), None)]
    found, name, rest = commands(), "aksdisks", words[1:]
    while rest and f"{name} {rest[0]}" in found:
        name = f"{name} {rest.pop(0)}"
    if hasattr(found[name], "commands") and not (rest and rest[0].startswith("-")):
        return f"{name} has no command {rest[0] if rest else 'alone'}"
    known = {flag: each for each in found[name].params for flag in (*each.opts, *each.secondary_opts)}
    known |= dict.fromkeys(("-h", "--help"))
    while rest:
        flag, value, _ = rest.pop(0).partition("=")
        if flag.startswith("-") and flag != "-":
            if flag not in known:
                return f"{name} has no option {flag}"
            if known[flag] and not known[flag].is_flag and not value:
                rest = rest[1:]
        elif all(each.opts[0].startswith("-") for each in found[name].params):
            return f"{name} takes no {flag}"
    return ""
