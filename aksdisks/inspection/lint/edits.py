"""A change of an object becomes a diff of the file in which it stands, or the command that makes it in a cluster."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.cyaml import CSafeDumper
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from aksdisks.inspection.lint.documents import NotYamlError, Path, Text, checked, locate, plain
from aksdisks.inspection.lint.reading import STDIN, Manifest
from aksdisks.inspection.lint.workloads import at_path
from aksdisks.model.decoding import mapping

_CONTEXT = 3
# What an API server adds to an object, and a manifest does not have.
_OF_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
_ANCHOR = re.compile(r"(?<![^\s:\-\[,{])&([^\s,\]}]+)")
_LINE_BREAK = re.compile(r"\r\n|\n|\r|$")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Edit:
    """That a field gets a value; None takes the field away. What is missing on the way to it is made.

    A field that is new comes after the first one around it, where readers look for it, or with `last` at the end.
    """

    path: Path
    value: Any
    last: bool = False


class _NoEditError(Exception):
    """Raised where a text is written in a way in which the change cannot be made safely."""


_Change = tuple[int, int, str]
"""The characters from … to … of a text, and what takes their place."""


def fix(manifest: Manifest, edits: Sequence[Edit], *, patchable: bool = True) -> str:
    """A unified diff against the object's own file, `a/` and `b/` before its name; empty where none can be made.

    Of a cluster's object the `kubectl patch` that does it, or, where the API server would refuse that, a diff of the
    object's manifest.
    """
    if not edits:
        return ""
    if manifest.text is None or manifest.node is None:
        return _patch(manifest, edits) if patchable else _diff_of_live(manifest, edits)
    try:
        return _diff_of_file(manifest.text, manifest.node, manifest.raw, edits)
    except _NoEditError:
        return ""


def edited(raw: Any, edits: Sequence[Edit]) -> Any:
    """The object with the changes in it; the one that is given stays as it is."""
    found = json.loads(json.dumps(raw))
    for edit in edits:
        _set(found, edit.path, edit.value)
    return found


def _set(raw: Any, path: Path, value: Any) -> None:
    *way, last = path
    for part in way:
        if isinstance(raw, dict) and not isinstance(raw.get(part), dict | list):
            if value is None:
                return
            raw[part] = {}
        raw = raw[part]
    if value is not None:
        raw[last] = value
    elif isinstance(raw, list) and isinstance(last, int):
        del raw[last]
    else:
        raw.pop(last, None)


# In a file


def _diff_of_file(text: Text, node: MappingNode, raw: Any, edits: Sequence[Edit]) -> str:
    start, end = node.start_mark.index, _end(text.text, node)
    end = end if node.flow_style else _line_end(text.text, end)
    first = max(1, text.line(start) - _CONTEXT)
    low, high = text.start(first), text.start(text.line(end) + _CONTEXT + 1)
    before = after = text.text[low:high]
    for begin, stop, new in reversed(_apart(text, [_change(text, node, edit) for edit in edits])):
        after = after[: begin - low] + new + after[stop - low :]
    own = slice(start - low, end - low + len(after) - len(before))
    _require_own(text, start, end)
    _require_same(" " * node.start_mark.column + after[own], edited(raw, edits))
    return _diff(before, after, _shown(text.file), first - 1)


def _apart(text: Text, changes: Sequence[_Change]) -> list[_Change]:
    """The changes in their order; what is put behind lines that go takes their place."""
    found: list[_Change] = []
    for begin, stop, new in sorted(changes):
        if not found or begin >= found[-1][1]:
            found.append((begin, stop, new))
        elif begin == stop and not found[-1][2]:
            found[-1] = (*found[-1][:2], new.removeprefix(text.newline) + text.newline)
        else:
            raise _NoEditError
    return found


def _require_own(text: Text, start: int, end: int) -> None:
    """What an alias outside of the object stands for cannot be changed for the object alone."""
    for anchor in _ANCHOR.findall(text.text, start, end):
        alias = re.compile(rf"\*{re.escape(anchor)}(?=[\s,\]}}]|$)")
        if alias.search(text.text, 0, start) or alias.search(text.text, end):
            raise _NoEditError


def _require_same(text: str, wanted: Any) -> None:
    """What was written has to say what was meant: whatever way of writing we did not think of ends here."""
    try:
        source = Text("", text)
        nodes = list(source.documents())
        for node in nodes:
            checked(source, node)
    except NotYamlError as error:
        raise _NoEditError from error
    if len(nodes) != 1 or plain(nodes[0]) != wanted:
        raise _NoEditError


def _change(text: Text, root: Node, edit: Edit) -> _Change:
    found = locate(root, edit.path)
    rest = edit.path[found.parts :]
    if edit.value is None:
        if rest:
            raise _NoEditError
        return _removal(text.text, locate(root, edit.path[:-1]).value, found.key, found.value)
    empty = isinstance(found.value, ScalarNode) and found.parts > 0 and found.value.tag.endswith(":null")
    if not rest or empty:
        return _replacement(text, found.key, found.value, _nested(rest, edit.value))
    if not isinstance(found.value, MappingNode):
        raise _NoEditError
    field = {str(rest[0]): _nested(rest[1:], edit.value)}
    return _insertion(text, found.value, field, -1 if edit.last or not found.parts else 0)


def _nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def _replacement(text: Text, key: Node | None, node: Node, value: Any) -> _Change:
    start, end = node.start_mark.index, _end(text.text, node)
    simple = not isinstance(value, dict | list) or not value
    if isinstance(node, ScalarNode):
        if simple or key is None or _in_flow(text.text, node):
            space = " " if text.text[start - 1 : start] == ":" else ""
            as_json = node.style == '"' or _in_flow(text.text, node)
            return start, end, space + (_flow(value) if as_json else _simple(value))
        return key.end_mark.index, end, ":" + text.newline + _block(value, key.start_mark.column + 2, text)
    if isinstance(node, CollectionNode) and node.flow_style:
        return start, end, _flow(value)
    if simple:
        return (start if key is None else key.end_mark.index), end, ("" if key is None else ": ") + _simple(value)
    return start, end, _block(value, node.start_mark.column, text).lstrip(" ")


def _insertion(text: Text, parent: MappingNode, field: dict[str, Any], after: int) -> _Change:
    """A new field after another one of a mapping, by its place."""
    if parent.flow_style or not parent.value:
        at = parent.start_mark.index + 1
        return at, at, f"{_flow(field)[1:-1]}{', ' if parent.value else ''}"
    key, value = parent.value[after]
    own = value if value.end_mark.index >= key.end_mark.index else key  # an alias' value stands elsewhere
    end = _line_end(text.text, _end(text.text, own))
    return end, end, text.newline + _block(field, key.start_mark.column, text)


def _removal(text: str, parent: Node, key: Node | None, node: Node) -> _Change:
    start = (key or node).start_mark.index
    end = _end(text, node) if node.end_mark.index >= start else (key or node).end_mark.index
    if not isinstance(parent, MappingNode | SequenceNode) or len(parent.value) == 1:
        raise _NoEditError
    if parent.flow_style:
        after = re.compile(r"\s*,\s*").match(text, end)
        head = text[parent.start_mark.index : start].rstrip()
        last = parent.start_mark.index + len(head) - 1 if head.endswith(",") else start
        return (start, after.end(), "") if after else (last, end, "")
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    if text[begin:start].strip() != ("-" if isinstance(parent, SequenceNode) else ""):
        raise _NoEditError
    ends = _LINE_BREAK.match(text, _line_end(text, end))
    return begin, ends.end() if ends else len(text), ""


def _in_flow(text: str, node: Node) -> bool:
    """Whether a scalar stands in braces or brackets: what comes after it tells."""
    return bool(re.compile(r"\s*[,}\]]").match(text, node.end_mark.index))


def _end(text: str, node: Node) -> int:
    """Where a node ends; a block's mark stands after the comments and empty lines that follow it."""
    last = node
    while isinstance(last, CollectionNode) and not last.flow_style and last.value:
        child = last.value[-1]
        last = max(child, key=lambda each: each.end_mark.index) if isinstance(child, tuple) else child
    start, end = last.start_mark.index, last.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _line_end(text: str, at: int) -> int:
    found = re.compile(r"[^\r\n]*").match(text, at)
    return found.end() if found else at


def _flow(value: Any) -> str:
    return json.dumps(value)


def _simple(value: Any) -> str:
    return _dumped(value).removesuffix("...\n").strip()


def _block(value: Any, indent: int, text: Text) -> str:
    return text.newline.join(" " * indent + line for line in _dumped(value).splitlines())


def _dumped(value: Any) -> str:
    dumped = yaml.dump(
        value, Dumper=CSafeDumper, sort_keys=False, default_flow_style=False, width=10_000, allow_unicode=True
    )
    return str(dumped)


def _shown(file: str) -> str:
    """The name of a file as a patch has it: relative to the folder in which one works, if it is below that."""
    if file == STDIN:
        return "stdin"
    relative = os.path.relpath(file)
    return file.lstrip("/") if relative.startswith("..") else relative


def _diff(before: str, after: str, file: str, offset: int) -> str:
    """A unified diff of a part of a file, `offset` lines from its beginning."""
    old, new = _split(before), _split(after)
    found = list(difflib.unified_diff(old, new, f"a/{file}", f"b/{file}", n=_CONTEXT))
    moved = (_HUNK.sub(lambda hunk: _moved(hunk, offset), line) if line.startswith("@@") else line for line in found)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in moved)


_HUNK = re.compile(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def _moved(hunk: re.Match[str], offset: int) -> str:
    old, new = int(hunk[1]) + offset, int(hunk[3]) + offset
    return f"@@ -{old}{hunk[2] or ''} +{new}{hunk[4] or ''} @@"


def _split(text: str) -> list[str]:
    """Lines as patch counts them: only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


# In a cluster


def _patch(manifest: Manifest, edits: Sequence[Edit]) -> str:
    """`kubectl patch` with a JSON patch: it can change one entry of a list, too."""
    operations: list[dict[str, Any]] = []
    for edit in edits:
        parts = 0
        while parts < len(edit.path) - 1 and at_path(manifest.raw, edit.path[: parts + 1]) is not None:
            parts += 1
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in edit.path[: parts + 1])
        made = {"op": "add", "path": pointer, "value": _nested(edit.path[parts + 1 :], edit.value)}
        operations.append({"op": "remove", "path": pointer} if edit.value is None else made)
    space = f" -n {shlex.quote(manifest.namespace)}" if manifest.namespace else ""
    words = f"kubectl patch {manifest.kind.lower()} {shlex.quote(manifest.name)}{space} --type json"
    return f"{words} -p {shlex.quote(json.dumps(operations))}"


def _diff_of_live(manifest: Manifest, edits: Sequence[Edit]) -> str:
    raw = {key: value for key, value in edited(manifest.raw, ()).items() if key != "status"}
    for key in _OF_THE_SERVER:
        mapping(raw, "metadata").pop(key, None)
    mapping(raw, "metadata.annotations").pop(_LAST_APPLIED, None)
    name = f"{manifest.kind.lower()}-{manifest.name}.yaml"
    return _diff(_dumped(raw), _dumped(edited(raw, edits)), name, 0)
