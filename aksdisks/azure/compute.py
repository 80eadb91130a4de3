"""Compute calls of Azure Resource Manager, typed values out; what Azure does not tell is Unknown, with the reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from aksdisks.azure.arm import DISKS
from aksdisks.azure.calls import checked_answers, field, reported_retries
from aksdisks.azure.storage import StorageCalls
from aksdisks.model import CLUSTER_TAG, Disk, DiskSnapshot, Machine, Unknown, id_key

_COMPUTE = "2024-07-01"
_ID = r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/{}/[^/]+$"
_DISK_ID, _SNAPSHOT_ID = (re.compile(_ID.format(kind), re.IGNORECASE) for kind in ("disks", "snapshots"))
_PROVIDER_ID = re.compile(r"^azure:///subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/", re.IGNORECASE)


def place(provider_id: str) -> tuple[str, str] | None:
    """Subscription and node resource group of a node's providerID (there in lower case); None for other clouds."""
    match = _PROVIDER_ID.match(provider_id)
    return (match[1], match[2]) if match else None


def same(one: str, other: str) -> bool:
    """Whether two ARM ids name the same thing: their case does not count."""
    return id_key(one) == id_key(other)


def _power_counts(machine: Machine, in_question: Collection[str]) -> bool:
    """Whether a machine's power, which a list without it does not have, is still to be asked for."""
    return not machine.power and (machine.node in in_question or machine.provisioning_state not in ("Succeeded", ""))


class Azure(StorageCalls):
    """The disks, machines and file shares of one node resource group.

    It reads; `stop`, `start` and `act` alone change anything.
    """

    _compute: Any = None

    def disks(self) -> tuple[Disk, ...] | Unknown:
        """All disks of the node resource group, by name."""
        return self._ask(self._disks)

    def disk(self, id_: str) -> Disk | Unknown | None:
        """A disk of whatever resource group, by its id; None where Azure has none, Unknown too for no disk's id."""
        if not _DISK_ID.match(id_):
            return Unknown(f"{id_!r} is no id of a managed disk")
        found = self.find(id_)
        return Disk.of(found) if isinstance(found, dict) else found

    def machines(self, in_question: Collection[str] = ()) -> tuple[Machine, ...] | Unknown:
        """All scale-set instances and virtual machines of the node resource group, by node name.

        Their power is asked for of the nodes `in_question`, and of machines whose last update has not succeeded.
        """
        return self._ask(lambda: self._machines(frozenset(name.lower() for name in in_question)))

    def _disks(self) -> tuple[Disk, ...]:
        return tuple(sorted(map(Disk.of, self._list("disks", DISKS)), key=lambda disk: disk.name))

    def _machines(self, in_question: frozenset[str]) -> tuple[Machine, ...]:
        raw = list(self._list("virtualMachines", _COMPUTE))
        for scale_set in self._list("virtualMachineScaleSets", _COMPUTE):
            # For its instances one list tells as much as a call for each would.
            view = {"$expand": "instanceView"} if in_question else {}
            raw += self._list(f"virtualMachineScaleSets/{scale_set['name']}/virtualMachines", _COMPUTE, **view)
        found = [Machine.of(each) for each in raw]
        asked = [self._machine(each.id) if _power_counts(each, in_question) else each for each in found]
        return tuple(sorted(asked, key=lambda machine: machine.node))

    def _machine(self, id_: str) -> Machine:
        return Machine.of(self._get(id_, _COMPUTE, **{"$expand": "instanceView"}))

    def snapshots(self) -> tuple[DiskSnapshot, ...] | Unknown:
        """All snapshots of the node resource group, by name."""
        return self._ask(
            lambda: tuple(sorted(map(DiskSnapshot.of, self._list("snapshots", DISKS)), key=lambda each: each.name))
        )

    def snapshot(self, id_: str) -> DiskSnapshot | Unknown | None:
        """A snapshot of whatever resource group, by its id; as `disk`."""
        if not _SNAPSHOT_ID.match(id_):
            return Unknown(f"{id_!r} is no id of a snapshot")
        found = self.find(id_)
        return DiskSnapshot.of(found) if isinstance(found, dict) else found

    def stop(self, machine: str) -> Unknown | None:
        """Ask Azure to cut the power of a machine, by its id, as a failure would: nothing on it shuts down.

        It keeps its disks. None once Azure has accepted it: then `follow_machine` shows when it has stopped.
        """
        return self._ask(lambda: self._post(f"{machine}/powerOff", skipShutdown="true"))

    def start(self, machine: str) -> Unknown | None:
        """Ask Azure to start a machine, by its id; as `stop`."""
        return self._ask(lambda: self._post(f"{machine}/start"))

    def follow_machine(self, machine: str) -> Iterator[Machine | Unknown | None]:
        """One machine with its power, by its id, again and again; as `follow_disks`."""
        return self._again(lambda: self._ask(lambda: self._machine(machine)))

    def quotas(self, location: str) -> Mapping[str, tuple[int, int]] | Unknown:
        """The subscription's quotas in a region: (used, limit) by name, such as PremiumDiskCount."""
        return self._ask(
            lambda: {each.name.value: (each.current_value, each.limit) for each in self._sdk().usage.list(location)}
        )

    def offered_disks(self, location: str) -> frozenset[str] | Unknown:
        """The disk SKUs that the region offers to the subscription, such as Premium_LRS."""
        return self._ask(lambda: self._offered_disks(location))

    def _offered_disks(self, location: str) -> frozenset[str]:
        found = self._sdk().resource_skus.list(filter=f"location eq '{location}'")
        return frozenset(
            sku.name
            for sku in found
            if sku.resource_type == "disks" and not any(each.type == "Location" for each in sku.restrictions or ())
        )

    def follow_disks(self) -> Iterator[tuple[Disk, ...] | Unknown | None]:
        """The disks again and again, at the pace that ARM asks for: it has no watch. What `waiting.wait` reads."""
        return self._again(self.disks)

    def follow_snapshots(self) -> Iterator[tuple[DiskSnapshot, ...] | Unknown | None]:
        """The snapshots again and again; as `follow_disks`."""
        return self._again(self.snapshots)

    def node_resource_group(self, cluster_id: str) -> str | Unknown:
        """The node resource group of a managed cluster, by the cluster's ARM id: with it `expect` is checked."""
        return self._ask(lambda: field(self._get(cluster_id, "2025-01-01"), "properties", "nodeResourceGroup"))

    def cluster_name(self) -> str | Unknown:
        """The managed cluster's name, by the tag that AKS puts on the node resource group; empty where it has none."""
        return self._ask(lambda: str((self._get(self.group, "2021-04-01").get("tags") or {}).get(CLUSTER_TAG, "")))

    def location(self) -> str | Unknown:
        """The region of the node resource group."""
        return self._ask(lambda: field(self._get(self.group, "2021-04-01"), "location"))

    def _list(self, kind: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """The compute resources of a kind in the node resource group."""
        return self._pages(f"{self.group}/providers/Microsoft.Compute/{kind}", version, **query)

    def _post(self, path: str, **query: str) -> None:
        """Ask for an act; Azure begins it and answers with nothing. It is one that may be asked for twice."""
        url = f"{self._settings.arm_endpoint}{path}"
        self._answer("POST", url, {"api-version": _COMPUTE, **query}).raise_for_status()

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        client, self._compute = self._compute, None
        if client is not None:
            client.close()

    def _sdk(self) -> Any:
        """The SDK's client, for what is asked for once in a while: it takes half a second to import."""
        if self._compute is None:
            from azure.mgmt.compute import ComputeManagementClient

            settings = self._settings
            self._compute = ComputeManagementClient(
                self._credential,  # type: ignore[arg-type]
                self.subscription,
                base_url=settings.arm_endpoint,
                credential_scopes=settings.scopes,
                retry_policy=reported_retries(self._progress, settings.transport),
                per_call_policies=[checked_answers()],
                **settings.transport,
            )
        return self._compute
