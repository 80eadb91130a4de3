"""The annotation of kubectl's own apply, which the server reads and writes when kubectl applies server-side.

Upstream: apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go and lastappliedupdater.go.
"""

from __future__ import annotations

import orjson

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.fieldmanager import compare, fieldsets
from aksdisks.lab.kube.fieldmanager.fieldsets import Path
from aksdisks.lab.kube.schema import objects
from aksdisks.lab.kube.schema.schema import Node

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "kubectl"
"""Only for the field manager of this name the annotation is read and written."""


def unchanged(root: Node, live: Object) -> set[Path]:
    """The fields that kubectl's own apply set and that still are as it set them: no conflict, whoever owns them."""
    try:
        last = orjson.loads(_annotations(live).get(ANNOTATION, ""))
    except orjson.JSONDecodeError:
        return set()
    if not isinstance(last, dict):
        return set()
    change = compare.compare(root, last, live)
    return set(fieldsets.paths(fieldsets.fields(root, last))) - change.written - change.removed


def update(merged: Object, config: Object) -> None:
    """Bring the annotation, where there is one, to what is applied now; changes `merged`."""
    if ANNOTATION not in _annotations(merged):
        return
    said = own_copy(config)
    said["metadata"].pop("managedFields", None)
    _annotations(said).pop(ANNOTATION, None)
    merged["metadata"]["annotations"] = {**_annotations(merged), ANNOTATION: objects.text(said) + "\n"}


def _annotations(obj: Object) -> Object:
    found: Object = obj.get("metadata", {}).get("annotations") or {}
    return found
