"""Reads the Kubernetes objects out of files, folders and standard input, each with the place where it stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, TypeGuard

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from aksdisks.errors import InputError
from aksdisks.inspection.diagnosis.findings import ObjectRef
from aksdisks.inspection.lint.documents import NOT_RENDERED, NotYamlError, Path, Text, checked, entries, locate, plain
from aksdisks.inspection.lint.findings import BadFile

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
_CHART = "Chart.yaml"
CLUSTER_SCOPED = ("Namespace", "Node", "PersistentVolume", "StorageClass", "VolumeAttachment", "CSINode", "CSIDriver",
                  "VolumeAttributesClass", "PriorityClass", "ClusterRole", "ClusterRoleBinding",
                  "CustomResourceDefinition")  # fmt: skip
"""Kinds that stand in no namespace."""


@dataclass(frozen=True)
class Manifest:
    """A Kubernetes object as a file or a cluster has it.

    `text` and `node` are where it stands; of a cluster's object they are None, and its JSON is `live`.
    """

    kind: str
    namespace: str
    name: str
    text: Text | None = field(default=None, repr=False, compare=False)
    node: MappingNode | None = field(default=None, repr=False, compare=False)
    live: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The object as plain values; nobody may change them."""
        found: dict[str, Any] = plain(self.node) if self.node is not None else self.live or {}
        return found

    @property
    def ref(self) -> ObjectRef:
        """How findings name it."""
        return ObjectRef(self.kind, self.namespace, self.name)

    @property
    def file(self) -> str:
        """The name of its file; empty for a cluster's object."""
        return self.text.file if self.text else ""

    def line(self, path: Path = ()) -> int:
        """The line, from 1, of a field, else of the nearest one around it; 0 for a cluster's object."""
        if self.text is None or self.node is None:
            return 0
        found = locate(self.node, path)
        return self.text.line((found.key or found.value).start_mark.index)

    def __str__(self) -> str:
        """`Deployment shop/web`."""
        return str(self.ref)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the objects in the order of the files, the files, and those that could not be read."""

    manifests: tuple[Manifest, ...]
    files: tuple[str, ...]
    bad_files: tuple[BadFile, ...]


def read_files(names: Sequence[str], stdin: Callable[[], bytes], namespace: str = "default") -> Reading:
    """The objects in files, in folders with all that is below them, and in standard input (`-`).

    `namespace` is that of the objects which name none. In a folder only files that end in `SUFFIXES` count, and no
    hidden ones. YAML that is no Kubernetes object, such as a chart's values, is passed over. What is no YAML stands in
    `bad_files`, and the other files are read nevertheless; but in a folder not what cannot be an object either, such
    as an editor's settings with comments. A Helm chart in a folder is one bad file, and not read. Raises InputError
    for a name that is not there, for a folder that cannot be listed, and for one without any file to read.
    """
    manifests: list[Manifest] = []
    bad: list[BadFile] = []
    files = list(dict.fromkeys(file for name in names for file in _files(name, bad)))
    for file in files:
        content = b""
        try:
            content = stdin() if file == STDIN else FilePath(file).read_bytes()
            manifests += objects(Text(file, content.decode("utf-8-sig")), namespace)
        except OSError as error:
            bad.append(BadFile(file=file, line=0, because=error.strerror or str(error)))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            bad.append(BadFile(file=file, line=line, because="not UTF-8 text"))
        except NotYamlError as error:
            if file in names or (b"apiVersion" in content and b"kind" in content):
                bad.append(BadFile(file=file, line=error.line, because=error.problem))
    return Reading(tuple(manifests), tuple(files), tuple(bad))


def _files(name: str, bad: list[BadFile]) -> list[str]:
    """The files that a name stands for; what in a folder cannot be read as it is, is added to `bad`."""
    if name == STDIN or FilePath(name).is_file() or FilePath(name).is_fifo():
        return [name]
    if not FilePath(name).is_dir():
        raise InputError(object=name, expected="a file or a folder", found="neither")
    found: list[str] = []
    for folder, folders, files in os.walk(name, onerror=_cannot_be_listed):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        if _CHART in files:
            bad.append(
                BadFile(
                    file=os.path.normpath(FilePath(folder, _CHART)), line=0, because=f"a Helm chart, {NOT_RENDERED}"
                )
            )
            folders.clear()
            continue
        wanted = sorted(each for each in files if each.endswith(SUFFIXES) and not each.startswith("."))
        found += [os.path.normpath(FilePath(folder, each)) for each in wanted]
    if not found and not bad:
        raise InputError(object=name, expected=f"a folder with files that end in {', '.join(SUFFIXES)}", found="none")
    return found


def _cannot_be_listed(error: OSError) -> None:
    raise InputError(object=str(error.filename), expected="a folder that can be listed", cause=error.strerror or "")


def objects(text: Text, namespace: str = "default") -> list[Manifest]:
    """The Kubernetes objects in a text, a list's items as objects of their own; raises NotYamlError."""
    found: list[Manifest] = []
    for node in text.documents():
        if _is_object(node):
            checked(text, node)
            found += (_manifest(text, kind, each, namespace) for kind, each in _unrolled(node))
    return found


def _is_object(node: Node) -> TypeGuard[MappingNode]:
    names = [key.value for key, _ in node.value] if isinstance(node, MappingNode) else []
    return "kind" in names and "apiVersion" in names


def _unrolled(node: MappingNode, of: str = "") -> Iterator[tuple[str, MappingNode]]:
    """An object with its kind, or those of a list; the items of a `PodList`, as the API gives it, do not say theirs."""
    fields = entries(node)
    items, kind = fields.get("items"), _text(fields.get("kind")) or of
    if not kind.endswith("List") or items is None or not isinstance(items[1], SequenceNode):
        yield kind, node
        return
    of = kind.removesuffix("List")
    for each in items[1].value:
        if _is_object(each) or (of and isinstance(each, MappingNode)):
            yield from _unrolled(each, of)


def _manifest(text: Text, kind: str, node: MappingNode, namespace: str) -> Manifest:
    fields = entries(node)
    _, metadata = fields.get("metadata", (None, None))
    named = entries(metadata) if isinstance(metadata, MappingNode) else {}
    name = _text(named.get("name")) or _text(named.get("generateName"))
    where = "" if kind in CLUSTER_SCOPED else _text(named.get("namespace")) or namespace
    return Manifest(kind, where, name, text, node)


def _text(pair: tuple[Node, Node] | None) -> str:
    return str(pair[1].value) if pair is not None and isinstance(pair[1], ScalarNode) else ""
