"""A scenario file becomes a frozen description of a cluster and its Azure: names, sizes, classes, delays."""

from __future__ import annotations

import dataclasses
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from aksdisks.lab import versions, yamls
from aksdisks.lab.errors import ScenarioError
from aksdisks.lab.fault_catalogue import FaultSwitch
from aksdisks.lab.images import ABSENT


@dataclass(frozen=True)
class Delays:
    """How long the parts of a real cluster take, in cluster seconds (facts D).

    `copy_snapshot`: until a snapshot of a Premium SSD v2 or an Ultra Disk of at most 100 GiB is complete, after it was
    made; of a larger one it takes longer in proportion.
    `lro_retry_after`: the Retry-After of a long-running operation at speed 1, in whole seconds.
    """

    create_disk: float = 2.0
    update_disk: float = 2.0
    delete_disk: float = 2.0
    create_account: float = 18.0
    copy_snapshot: float = 60.0
    attach: float = 12.0
    detach: float = 10.0
    start_machine: float = 30.0
    stop_machine: float = 30.0
    mount: float = 2.0
    unmount: float = 0.5
    image_pull: float = 1.5
    start_container: float = 1.0
    stop_container: float = 1.0
    lro_retry_after: int = 1


@dataclass(frozen=True)
class StorageClass:
    """One of the classes that AKS puts into a cluster (facts A)."""

    name: str
    provisioner: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    volume_binding_mode: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    reclaim_policy: Literal["Delete", "Retain"] = "Delete"
    allow_volume_expansion: bool = True
    mount_options: tuple[str, ...] = ()
    default: bool = False


@dataclass(frozen=True)
class VmSize:
    """What a VM size offers: vCPUs, memory in GiB, data disks (facts D, CSI azure_dd_max_disk_count.go)."""

    cpus: int
    memory_gib: float
    max_data_disks: int


VM_SIZES: Mapping[str, VmSize] = {
    "Standard_DS2_v2": VmSize(2, 7, 8),
    "Standard_B2s": VmSize(2, 4, 4),
    "Standard_B2ms": VmSize(2, 8, 4),
    "Standard_D2s_v3": VmSize(2, 8, 4),
    "Standard_D2s_v4": VmSize(2, 8, 4),
    "Standard_D2s_v5": VmSize(2, 8, 4),
    "Standard_D2s_v6": VmSize(2, 8, 8),
    "Standard_D4s_v3": VmSize(4, 16, 8),
    "Standard_D4s_v5": VmSize(4, 16, 8),
    "Standard_D4s_v6": VmSize(4, 16, 12),
    "Standard_D8s_v3": VmSize(8, 32, 16),
    "Standard_D8s_v5": VmSize(8, 32, 16),
    "Standard_D8s_v6": VmSize(8, 32, 24),
    "Standard_D16s_v5": VmSize(16, 64, 32),
}


MAX_NODES = 1000
"""What one node pool takes (learn.microsoft.com/azure/aks/quotas-skus-regions)."""

DISK_SKUS = (
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "PremiumV2_LRS",
    "UltraSSD_LRS",
)
"""Azure's managed disks, as `sku.name` says it."""


@dataclass(frozen=True)
class MachineSpec:
    """A node's machine as Azure and Kubernetes each name it."""

    index: int
    node_name: str
    vm_name: str
    instance_id: str
    resource_id: str
    provider_id: str
    zone: str


@dataclass(frozen=True)
class AzureRole:
    """A role as it is assigned: one of Azure's own by name alone, or any name with its actions (wildcards allowed).

    `scope`: an ARM id or a resource group's name; empty for the subscription.
    """

    name: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    scope: str = ""


@dataclass(frozen=True)
class Principal:
    """A service principal of the tenant and the roles that it has been assigned."""

    client_id: str
    client_secret: str = field(repr=False)
    roles: tuple[AzureRole, ...] = ()

    @property
    def object_id(self) -> str:
        """Its id in the directory, which refusals name besides the client's."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.client_id.lower()))


@dataclass(frozen=True)
class Scenario:
    """One cluster and its Azure side; the defaults are the article's cluster as AKS would make it today.

    `node_resource_group_restriction`: ReadOnly is AKS's lockdown, under which only the cluster changes that group.
    `absent_images`: shell patterns of the images that no registry has; a pod that wants one never starts.
    """

    name: str
    location: str = "westeurope"
    cluster_name: str = "article"
    resource_group: str = "disks"
    subscription_id: str = "6a1d5f4e-93c7-4b0e-8f52-2d7c1b9e4a60"
    tenant_id: str = "c0a7e3b2-5d18-4f96-a4e1-7b3f0d62c985"
    client_id: str = "3e8b41d7-26fa-4c59-9d03-e5a98c71f02b"
    pool: str = "agentpool"
    suffix: str = "22115152"
    machine_kind: Literal["vmss", "vmas"] = "vmss"
    node_count: int = 3
    vm_size: str = "Standard_DS2_v2"
    max_data_disks: int = 0
    disk_quota: int = 0
    throttling: Literal["off", "clients", "everyone"] = "clients"
    node_resource_group_restriction: Literal["Unrestricted", "ReadOnly"] = "Unrestricted"
    os_disk_gib: int = 128
    zones: tuple[str, ...] = ()
    region_zones: tuple[str, ...] = ("1", "2", "3")
    offered_skus: tuple[str, ...] = DISK_SKUS
    era: Literal["today", "2019"] = "today"
    kubernetes_version: str = versions.DEFAULT
    """A minor version as `1.35`, or with its patch number, which is 0 unless given."""
    storage_classes: tuple[StorageClass, ...] = ()
    delays: Delays = field(default_factory=Delays)
    faults: tuple[FaultSwitch, ...] = ()
    principals: tuple[Principal, ...] = ()
    absent_images: tuple[str, ...] = ABSENT

    def __post_init__(self) -> None:
        """Complete the version."""
        object.__setattr__(self, "kubernetes_version", versions.complete(self.kubernetes_version))

    @property
    def node_resource_group(self) -> str:
        """The group that AKS makes for a cluster's machines and disks (facts E, Names)."""
        return f"MC_{self.resource_group}_{self.cluster_name}_{self.location}"

    def tenant_principals(self, client_secret: str) -> tuple[Principal, ...]:
        """The scenario's own principals after the default one, which may do everything and has that secret."""
        return (Principal(self.client_id, client_secret, (AzureRole("Owner"),)), *self.principals)

    @property
    def subscription(self) -> str:
        """The subscription's ARM id."""
        return f"/subscriptions/{self.subscription_id}"

    @property
    def cluster_id(self) -> str:
        """The managed cluster's ARM id."""
        return (
            f"{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{self.cluster_name}"
        )

    @property
    def scale_set(self) -> str:
        """The name of the pool's scale set; meaningful with `machine_kind` vmss."""
        return f"aks-{self.pool}-{self.suffix}-vmss"

    @property
    def pod_cidr(self) -> str:
        """Where the nodes' /24 ranges come from: AKS's default, which is enough for 256 of them, or a wider range."""
        return "10.244.0.0/16" if self.node_count <= 256 else "100.64.0.0/10"

    @property
    def size(self) -> VmSize:
        """What the machines offer; `max_data_disks` of the scenario, when given, wins over the size's own."""
        size = VM_SIZES[self.vm_size]
        return dataclasses.replace(size, max_data_disks=self.max_data_disks or size.max_data_disks)

    @cached_property
    def machines(self) -> tuple[MachineSpec, ...]:
        """The nodes' machines, in the order they were made; zones are given out in turn."""
        return tuple(self._machine(index) for index in range(self.node_count))

    def _machine(self, index: int) -> MachineSpec:
        compute = f"{self.subscription}/resourceGroups/{self.node_resource_group}/providers/Microsoft.Compute"
        if self.machine_kind == "vmss":
            node_name = f"{self.scale_set}{_base36(index):0>6}"
            vm_name, instance_id = f"{self.scale_set}_{index}", str(index)
            resource_id = f"{compute}/virtualMachineScaleSets/{self.scale_set}/virtualMachines/{instance_id}"
        else:
            node_name = vm_name = f"aks-{self.pool}-{self.suffix}-{index}"
            instance_id, resource_id = "", f"{compute}/virtualMachines/{vm_name}"
        group = self.node_resource_group
        return MachineSpec(
            index=index,
            node_name=node_name,
            vm_name=vm_name,
            instance_id=instance_id,
            resource_id=resource_id,
            # The cloud provider lower-cases the resource group here and nothing else (facts E, providerID).
            provider_id="azure://" + resource_id.replace(f"/{group}/", f"/{group.lower()}/"),
            zone=self.zones[index % len(self.zones)] if self.zones else "",
        )


def load(name_or_path: str | Path) -> Scenario:
    """The scenario of that name (package data) or in that file.

    A file may name another scenario in `base` and say only what differs. Raises `ScenarioError`.
    """
    values = _read(name_or_path, ())
    if isinstance(values.get("kubernetes_version"), float):  # 1.36 without quotation marks
        values["kubernetes_version"] = str(values["kubernetes_version"])
    scenario = _build(Scenario, values, "")
    assert isinstance(scenario, Scenario)
    if scenario.vm_size not in VM_SIZES:
        raise ScenarioError(f"vm_size: expected one of {', '.join(VM_SIZES)}, found {scenario.vm_size!r}")
    for sku in scenario.offered_skus:
        if sku not in DISK_SKUS:
            raise ScenarioError(f"offered_skus: expected some of {', '.join(DISK_SKUS)}, found {sku!r}")
    if not 1 <= scenario.node_count <= MAX_NODES:
        raise ScenarioError(f"node_count: expected 1 to {MAX_NODES}, found {scenario.node_count}")
    _check_version(scenario)
    for delay in dataclasses.fields(Delays):
        if getattr(scenario.delays, delay.name) < 0:
            raise ScenarioError(
                f"delays.{delay.name}: expected 0 or more, found {getattr(scenario.delays, delay.name)}"
            )
    return scenario


def of_version(scenario: Scenario, version: str) -> Scenario:
    """The scenario with another version of Kubernetes; raises `ScenarioError`, as for every scenario of 2019."""
    if scenario.era == "2019":
        raise ScenarioError(
            f"kubernetes: expected none with scenario {scenario.name}, which is of version "
            f"{scenario.kubernetes_version}, found {version!r}"
        )
    changed = dataclasses.replace(scenario, kubernetes_version=version)
    _check_version(changed)
    return changed


def _check_version(scenario: Scenario) -> None:
    minor, _, patch = scenario.kubernetes_version.rpartition(".")
    if scenario.era == "today" and not (minor in versions.KNOWN and patch.isdecimal()):
        raise ScenarioError(
            f"kubernetes_version: expected one of {', '.join(versions.KNOWN)}, found {scenario.kubernetes_version!r}"
        )


def restored(values: Mapping[str, Any]) -> Scenario:
    """A scenario out of what `dataclasses.asdict` made of it, through JSON. Raises `ScenarioError`."""
    scenario = _build(Scenario, dict(values), "")
    assert isinstance(scenario, Scenario)
    return scenario


def names() -> tuple[str, ...]:
    """The scenarios that come with the lab."""
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in _package().iterdir()))


def _package() -> Any:
    return resources.files("aksdisks.lab").joinpath("scenarios")


def _read(name_or_path: str | Path, seen: tuple[str, ...]) -> dict[str, Any]:
    name = str(name_or_path)
    if name in seen:
        raise ScenarioError(
            f"base: expected a scenario that does not lead back to itself, found {' → '.join(seen)} → {name}"
        )
    if name in names():
        stem, text = name, _package().joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    elif Path(name).is_file():
        stem, text = Path(name).stem, Path(name).read_text(encoding="utf-8")
    else:
        raise ScenarioError(f"scenario: expected a file or one of {', '.join(names())}, found {name!r}")
    try:
        values = yaml.load(text, yamls.LOADER)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}: expected YAML, found {' '.join(str(error).split())}") from error
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise ScenarioError(f"{name}: expected a mapping, found {type(values).__name__}")
    base = values.pop("base", None)
    inherited = _read(base, (*seen, name)) if base is not None else {}
    if isinstance(inherited.get("delays"), dict) and isinstance(values.get("delays"), dict):
        values["delays"] = inherited["delays"] | values["delays"]
    return inherited | {"name": stem} | values


def _build(kind: type, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ScenarioError(f"{where or 'scenario'}: expected a mapping, found {values!r}")
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for key in values:
        if key not in hints:
            raise ScenarioError(f"{prefix}{key}: expected one of {', '.join(hints)}, found an unknown key")
    for entry in dataclasses.fields(kind):
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and entry.name not in values:
            raise ScenarioError(f"{prefix}{entry.name}: expected a value, found none")
    return kind(**{key: _value(hints[key], value, prefix + key) for key, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if origin is Literal:
        if value in arguments:
            return value
        raise ScenarioError(f"{where}: expected one of {', '.join(arguments)}, found {value!r}")
    if origin is tuple:
        if not isinstance(value, list):
            raise ScenarioError(f"{where}: expected a list, found {value!r}")
        return tuple(_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ScenarioError(f"{where}: expected a mapping, found {value!r}")
        return {str(key): _value(str, item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ScenarioError(f"{where}: expected {_TYPE_NAMES[hint]}, found {value!r}")
    return value


_TYPE_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text
