"""The difference of two claim specs as upstream prints it: unified, of the Go structs as indented JSON."""

from __future__ import annotations

import difflib
import json
from typing import Any

from aksdisks.lab.kube.interface import Object

_CLAIM_FIELDS = (
    ("AccessModes", "accessModes", None),
    ("Selector", "selector", None),
    ("Resources", "resources", None),
    ("VolumeName", "volumeName", ""),
    ("StorageClassName", "storageClassName", None),
    ("VolumeMode", "volumeMode", None),
    ("DataSource", "dataSource", None),
    ("DataSourceRef", "dataSourceRef", None),
    ("VolumeAttributesClassName", "volumeAttributesClassName", None),
)


def claim_spec(spec: Object) -> dict[str, Any]:
    """A claim's spec with the names, order and empty values of core.PersistentVolumeClaimSpec."""
    shown = {name: spec.get(key, empty) for name, key, empty in _CLAIM_FIELDS}
    resources = spec.get("resources", {})
    shown["Resources"] = {"Limits": resources.get("limits"), "Requests": resources.get("requests")}
    return shown


def between(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The changed lines with three lines around them."""
    before, after = (json.dumps(value, indent=1).split("\n") for value in (old, new))
    lines = difflib.unified_diff(before, after, n=3, lineterm="")
    return "".join(f"{line}\n" for line in lines if not line.startswith(("---", "+++")))
