"""YAML and JSON texts become plain values of which every field knows its line; nothing in them is ever executed."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import AliasEvent, NodeEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import BaseResolver

Path = tuple[str | int, ...]
"""Where something stands in an object: keys and places in lists."""

_MERGE = "<<"
# An alias costs a few characters and stands for all that it names: aliases of aliases grow without end.
_LARGEST = 1_000_000
# No object of Kubernetes comes near to it, and Python's own limit is not far above.
_DEEPEST = 200
_TOO_DEEP = f"values that are nested more than {_DEEPEST} deep"
# Of a node whose values are being counted.
_BEGUN = (0, 0)
NOT_RENDERED = "which is no YAML before it is rendered: give what `helm template` prints"
_TEMPLATE = f"a template, {NOT_RENDERED}"
# Braces that begin a line or a value: inside of a text they are YAML.
_OF_HELM = re.compile(r"(^|[:-] )\s*\{\{")
_TAG = "tag:yaml.org,2002:"
_SURROGATES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class NotYamlError(Exception):
    """Raised for a text that is no YAML, or none that may be read: `line` counts from 1, `problem` says why."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line, self.problem = line, problem


class _Resolver(BaseResolver):
    """What a plain scalar is to kubectl (sigs.k8s.io/yaml): YAML 1.1's booleans, no dates and no base of 60."""


for _kind, _pattern, _first in (
    ("bool", r"y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*|0[xX][0-9a-fA-F_]+)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("merge", r"<<", "<"),
):
    _Resolver.add_implicit_resolver(_TAG + _kind, re.compile(rf"^(?:{_pattern})$"), list(_first))


class _Loader(CParser, _Resolver):
    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        _Resolver.__init__(self)


class _AnchorsAgain(Composer, _Loader):
    """Reads what has an anchor twice, in which the later one counts from there on: YAML allows it, libyaml does not."""

    def __init__(self, text: str) -> None:
        _Loader.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """A node; its anchor takes the place of another of that name."""
        event = self.peek_event()
        if isinstance(event, NodeEvent) and not isinstance(event, AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


def _nodes(loader: _Loader) -> Iterator[Node]:
    while loader.check_node():
        node = loader.get_node()
        if node is not None:
            yield node


class Text:
    """The text of a file, under the name by which it is shown."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, as editors and patch count lines: to YAML 1.1 more characters end one."""
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    @cached_property
    def newline(self) -> str:
        """How its lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def line(self, offset: int) -> int:
        """The number of the line, from 1, in which this character stands."""
        return bisect_right(self.starts, offset)

    def content(self, line: int) -> str:
        """A line, by its number, without its end; empty where there is none."""
        return self.text[self.start(line) : self.start(line + 1)].rstrip("\r\n") if line > 0 else ""

    def start(self, line: int) -> int:
        """Where a line begins, by its number; the end of the text where there is none."""
        return self.starts[line - 1] if line <= len(self.starts) else len(self.text)

    def documents(self) -> list[Node]:
        """The nodes of its documents; raises NotYamlError."""
        text = _without_surrogates(self.text)
        try:
            try:
                return list(_nodes(_Loader(text)))
            except yaml.composer.ComposerError as error:
                if "duplicate anchor" not in str(error):
                    raise
                return list(_nodes(_AnchorsAgain(text)))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = self.line(mark.index) if mark else 1
            template = next((number for number in range(1, line + 2) if _OF_HELM.search(self.content(number))), 0)
            raise NotYamlError(template or line, _TEMPLATE if template else error.problem or "not YAML") from error
        except yaml.YAMLError as error:  # a control character, which the reader refuses
            position = getattr(error, "position", 0)
            raise NotYamlError(self.line(position), getattr(error, "reason", "not YAML")) from error


def _without_surrogates(text: str) -> str:
    """JSON may write one character as two halves, which YAML refuses."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _SURROGATES.sub(lambda found: f"\\U{ord(json.loads(_quoted(found[0]))):08X}", text)


def _quoted(text: str) -> str:
    return f'"{text}"'


def entries(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    """Key and value of each field by name; what a merge key brings stands first, and gives way."""
    found: dict[str, tuple[Node, Node]] = {}
    for key, value in node.value:
        if key.value == _MERGE:
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in reversed(sources):
                if isinstance(source, MappingNode):
                    found |= entries(source)
    return found | {key.value: (key, value) for key, value in node.value if key.value != _MERGE}


def checked(text: Text, node: Node) -> None:
    """Raises NotYamlError for what has two meanings or none: a key twice, a key that is no text, endless aliases."""
    try:
        _size(text, node, {})
    except RecursionError as error:
        raise _refused(text, node, _TOO_DEEP) from error


def _size(text: Text, node: Node, sizes: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values the node is once its aliases are followed, and how deep they are nested."""
    if isinstance(node, ScalarNode):
        return 1, 1
    known = sizes.get(id(node))
    if known == _BEGUN:
        raise _refused(text, node, "an alias of itself")
    if known is not None:
        return known
    sizes[id(node)] = _BEGUN
    size, depth = 1, 1
    for child in _values(text, node) if isinstance(node, MappingNode) else node.value:
        more, below = _size(text, child, sizes)
        size, depth = size + more, max(depth, below + 1)
    if size > _LARGEST:
        raise _refused(text, node, f"aliases that stand for more than {_LARGEST:,} values")
    if depth > _DEEPEST:
        raise _refused(text, node, _TOO_DEEP)
    sizes[id(node)] = size, depth
    return size, depth


def _values(text: Text, node: MappingNode) -> list[Node]:
    seen: dict[str, Node] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            template = _OF_HELM.search(text.content(text.line(key.start_mark.index)))
            raise _refused(text, key, _TEMPLATE if template else "a key that is no text")
        before = seen.setdefault(key.value, key)
        if before is not key and key.value != _MERGE:
            line = text.line(before.start_mark.index)
            raise _refused(text, key, f"the key {key.value!r} again, which line {line} has")
    return [value for _, value in node.value]


def _refused(text: Text, node: Node, problem: str) -> NotYamlError:
    return NotYamlError(text.line(node.start_mark.index), problem)


def plain(node: Node) -> Any:
    """What a checked node says, as mappings, lists, texts, numbers, booleans and None."""
    return _plain(node, {})


def _plain(node: Node, made: dict[int, Any]) -> Any:
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if id(node) not in made:
        if isinstance(node, MappingNode):
            made[id(node)] = {name: _plain(value, made) for name, (_, value) in entries(node).items()}
        else:
            made[id(node)] = [_plain(each, made) for each in node.value]
    return made[id(node)]


def _scalar(node: ScalarNode) -> Any:
    value: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return value.lower() in ("y", "yes", "true", "on")
        case "int" | "float":
            return _number(value)
    return value


def _number(text: str) -> Any:
    """As Go's ParseInt of base 0, else as a float; a text where it is neither."""
    digits = text.replace("_", "")
    sign, bare = (-1, digits[1:]) if digits[:1] == "-" else (1, digits.removeprefix("+"))
    try:
        if len(bare) < 20:
            octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
            return sign * int(bare, 8 if octal else 0)
    except ValueError:
        pass
    try:
        return sign * float(bare)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True)
class Found:
    """The last part of a path that is there: its key (None in a list), its value, how many parts of it are there."""

    key: Node | None
    value: Node
    parts: int


def locate(node: Node, path: Path) -> Found:
    """Where a path leads, as far as it does."""
    found = Found(None, node, 0)
    for number, part in enumerate(path, 1):
        if isinstance(found.value, MappingNode) and isinstance(part, str):
            pair = entries(found.value).get(part)
            if pair is None:
                return found
            found = Found(*pair, number)
        elif isinstance(found.value, SequenceNode) and isinstance(part, int) and part < len(found.value.value):
            found = Found(None, found.value.value[part], number)
        else:
            return found
    return found
