"""What the registry of claims makes of data sources before validation (pkg/api/persistentvolumeclaim/util.go)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object

_LEGACY = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def prepare(spec: Object, old: Object | None) -> None:
    """Both forms of a source say the same, and what the older form never took is left out; changes `spec`.

    A source in another namespace needs a feature gate that is off by default.
    """
    before = old or {}
    if spec.get("dataSourceRef", {}).get("namespace") and "dataSourceRef" not in before:
        del spec["dataSourceRef"]
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        if "dataSource" not in before and (source.get("apiGroup", ""), source.get("kind")) not in _LEGACY:
            del spec["dataSource"]
        else:
            spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)
