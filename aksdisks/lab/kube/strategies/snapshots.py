"""The definitions of VolumeSnapshot, its content and its class, with which the driver's add-on comes.

Source: kubernetes-csi/external-snapshotter client/config/crd, here as far as clients can tell: the version that is
served, its fields, rules and columns. v1beta1, which upstream's definitions name and do not serve, is left out.
"""

from __future__ import annotations

from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import naming
from aksdisks.lab.kube.strategies.catalog import STRATEGIES

GROUP, VERSION = "snapshot.storage.k8s.io", "v1"
_DEFINITIONS = "customresourcedefinitions"
_APPROVED = "https://github.com/kubernetes-csi/external-snapshotter/pull"
_QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)


def _value(kind: str, told: str = "", *rules: tuple[str, str], **more: Any) -> Object:
    """A field; each of its rules is a message and the rule."""
    schema: Object = {"type": kind, **({"description": told} if told else {}), **more}
    if rules:
        schema["x-kubernetes-validations"] = [{"message": message, "rule": rule} for message, rule in rules]
    return schema


def _text(told: str = "", *rules: tuple[str, str], **more: Any) -> Object:
    return _value("string", told, *rules, **more)


def _fixed(name: str, told: str) -> Object:
    return _text(told, (f"{name} is immutable", "self == oldSelf"))


def _kept(name: str) -> tuple[str, str]:
    return f"{name} is required once set", f"!has(oldSelf.{name}) || has(self.{name})"


def _fields(told: str, *rules: tuple[str, str], needs: tuple[str, ...] = (), **properties: Object) -> Object:
    required = {"required": list(needs)} if needs else {}
    return _value("object", told, *rules, properties=properties, **required)


def _source(one: str, other: str, **told: str) -> Object:
    """Two fields of which exactly one is set, for ever."""
    exactly = f"(has(self.{one}) && !has(self.{other})) || (!has(self.{one}) && has(self.{other}))"
    rules = (*map(_kept, told), (f"exactly one of {one} and {other} must be set", exactly))
    fields = {name: _fixed(name, text) for name, text in told.items()}
    return _fields("Where the snapshot comes from; it does not change.", *rules, needs=(), **fields)


_POLICY = _text("Whether Azure's snapshot goes with the objects that stand for it.", enum=["Delete", "Retain"])
_DRIVER = _text("The name of the CSI driver.")
_ERROR = _fields(
    "What last kept the snapshot from being made; it is tried again.",
    message=_text("What was wrong."),
    time=_text("When it was.", format="date-time"),
)
_READY = _value("boolean", "Whether a volume can be restored from it.")

_REFERENCE = _fields(
    "The VolumeSnapshot that this content belongs to; namespace and name are needed.",
    ("both spec.volumeSnapshotRef.name and spec.volumeSnapshotRef.namespace must be set",
     "has(self.name) && has(self.__namespace__)"),
    needs=(),
    **{name: _text() for name in ["apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"]},
) | {"x-kubernetes-map-type": "atomic"}  # fmt: skip

_SNAPSHOT: Object = {
    "spec": _fields(
        "What is asked for.",
        needs=("source",),
        source=_source(
            "volumeSnapshotContentName",
            "persistentVolumeClaimName",
            persistentVolumeClaimName="The claim, in the same namespace, whose volume is copied.",
            volumeSnapshotContentName="The content that already stands for a snapshot.",
        ),
        volumeSnapshotClassName=_text(
            "The class; without it the default one of the volume's driver.",
            ("volumeSnapshotClassName must not be the empty string when set", "size(self) > 0"),
        ),
    ),
    "status": _fields(
        "What has become of it; it counts only where the content points back.",
        boundVolumeSnapshotContentName=_text("The content that stands for it."),
        creationTime=_text("The moment whose bytes it holds.", format="date-time"),
        error=_ERROR,
        readyToUse=_READY,
        restoreSize={
            "type": "string",
            "description": "The smallest volume that can be restored from it.",
            "pattern": _QUANTITY,
            "x-kubernetes-int-or-string": True,
        },
        volumeGroupSnapshotName=_text("The group of snapshots that it is part of."),
    ),
}

_CONTENT: Object = {
    "spec": _fields(
        "Which snapshot of the storage system it stands for, or which is to be made.",
        _kept("sourceVolumeMode"),
        needs=("deletionPolicy", "driver", "source", "volumeSnapshotRef"),
        deletionPolicy=_POLICY,
        driver=_DRIVER,
        source=_source(
            "volumeHandle",
            "snapshotHandle",
            volumeHandle="The volume that is to be copied, as its driver names it.",
            snapshotHandle="The snapshot that is there already, as its driver names it.",
        ),
        sourceVolumeMode=_fixed("sourceVolumeMode", "Filesystem or Block, as the copied volume is used."),
        volumeSnapshotClassName=_text("The class that it was made with."),
        volumeSnapshotRef=_REFERENCE,
    ),
    "status": _fields(
        "What the driver has answered.",
        creationTime=_value("integer", "The moment whose bytes it holds: nanoseconds since 1970.", format="int64"),
        error=_ERROR,
        readyToUse=_READY,
        restoreSize=_value("integer", "The size of its volume in bytes.", format="int64", minimum=0),
        snapshotHandle=_text("The snapshot, as its driver names it."),
        volumeGroupSnapshotHandle=_text("The group of snapshots, as its driver names it."),
    ),
}

_CLASS: Object = {
    "deletionPolicy": _POLICY,
    "driver": _DRIVER,
    "parameters": _value("object", "What the driver is told.", additionalProperties=_text()),
}

_AGE = "Age date .metadata.creationTimestamp"

_KINDS: tuple[tuple[str, str, bool, int, Object, tuple[str, ...], tuple[str, ...]], ...] = (
    ("VolumeSnapshot", "vs", True, 814, _SNAPSHOT, ("spec",), (
        "ReadyToUse boolean .status.readyToUse",
        "SourcePVC string .spec.source.persistentVolumeClaimName",
        "SourceSnapshotContent string .spec.source.volumeSnapshotContentName",
        "RestoreSize string .status.restoreSize",
        "SnapshotClass string .spec.volumeSnapshotClassName",
        "SnapshotContent string .status.boundVolumeSnapshotContentName",
        "CreationTime date .status.creationTime",
    )),
    ("VolumeSnapshotContent", "vsc vscs", False, 955, _CONTENT, ("spec",), (
        "ReadyToUse boolean .status.readyToUse",
        "RestoreSize integer .status.restoreSize",
        "DeletionPolicy string .spec.deletionPolicy",
        "Driver string .spec.driver",
        "VolumeSnapshotClass string .spec.volumeSnapshotClassName",
        "VolumeSnapshot string .spec.volumeSnapshotRef.name",
        "VolumeSnapshotNamespace string .spec.volumeSnapshotRef.namespace",
    )),
    ("VolumeSnapshotClass", "vsclass vsclasses", False, 814, _CLASS, ("deletionPolicy", "driver"), (
        "Driver string .driver",
        "DeletionPolicy string .deletionPolicy",
    )),
)  # fmt: skip
"""Kind, short names, whether it has namespaces, the request that approved it, fields, those it needs, columns."""


def definitions() -> list[Object]:
    """The three CustomResourceDefinitions, complete, as a client would send them."""
    return [_definition(*kind) for kind in _KINDS]


def _definition(
    kind: str, short: str, namespaced: bool, approved: int, fields: Object, needs: tuple[str, ...],
    columns: tuple[str, ...],
) -> Object:  # fmt: skip
    plural = f"{kind.lower()}{'es' if kind.endswith('s') else 's'}"
    common = {"apiVersion": _text(), "kind": _text(), "metadata": {"type": "object"}}
    printed = (column.split() for column in (*columns, _AGE))
    version: Object = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _fields("", needs=needs, **common, **fields)},
        "additionalPrinterColumns": [{"name": name, "type": of, "jsonPath": path} for name, of, path in printed],
        "subresources": {"status": {}} if "status" in fields else {},
    }
    annotations = {naming.APPROVAL: f"{_APPROVED}/{approved}"}
    names = {"plural": plural, "singular": kind.lower(), "shortNames": short.split(), "kind": kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "annotations": annotations},
        "spec": {
            "group": GROUP,
            "names": {**names, "listKind": f"{kind}List"},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [version],
            "conversion": {"strategy": "None"},
        },
    }


RESOURCES = {
    crd["metadata"]["name"]: Resource(
        crd["spec"]["names"]["plural"],
        crd["spec"]["names"]["kind"],
        GROUP,
        VERSION,
        crd["spec"]["scope"] == "Namespaced",
    )
    for crd in definitions()
}
"""The kinds by the keys that the lab's own parts ask for them by, for clients that have only paths."""


def install(store: Store, ids: Ids, now: str) -> None:
    """Store the three definitions as a client's creation would leave them; what is there already stays.

    Their schemas are known to be sound: to check them, as is done with a client's, would load the library of rules
    before anybody needs it, and take longer than the rest of the start of a lab.
    """
    strategy = STRATEGIES[_DEFINITIONS]
    for crd in definitions():
        name = crd["metadata"]["name"]
        if store.get(_DEFINITIONS, ("", name)) is not None:
            continue
        crd["metadata"] |= {"uid": ids.uid(_DEFINITIONS, "", name), "creationTimestamp": now, "generation": 1}
        crd["status"] = strategy.initial_status(crd, now)
        assert strategy.allocate is not None
        strategy.allocate(store, ids, crd)
        store.create(_DEFINITIONS, ("", name), crd)
