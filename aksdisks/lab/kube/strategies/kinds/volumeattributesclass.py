"""Volume attributes classes (pkg/registry/storage/volumeattributesclass, pkg/apis/storage/validation)."""

from __future__ import annotations

from aksdisks.lab.kube.schema.resource import STORAGE, Resource
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.kinds.storageclass import driver_rules, parameters, stays
from aksdisks.lab.kube.strategies.rules import Rule
from aksdisks.lab.kube.strategies.rules import required as must
from aksdisks.lab.kube.strategies.strategy import Strategy

STRATEGIES = (
    Strategy(
        Resource("volumeattributesclasses", "VolumeAttributesClass", STORAGE, namespaced=False, short_names=("vac",)),
        columns=(columns.NAME, column("DriverName", "driverName"), columns.AGE),
        returns_deleted=True,
        known_finalizers=True,
        # The admission plugin StorageObjectInUseProtection puts it on.
        finalizers=("kubernetes.io/vac-protection",),
        rules=(
            *driver_rules("driverName"),
            Rule("parameters", parameters),
            must("parameters", "must contain at least one key/value pair"),
        ),
        rules_on_update=(),
        changes=(stays("driverName"), stays("parameters")),
    ),
)
