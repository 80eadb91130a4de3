"""What a claim's new volume is to be filled from: the provisioner's checks of it, and the disk that becomes a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aksdisks.lab.agents.csi.common import RefusalError
from aksdisks.lab.agents.csi.volume_objects import DiskRequest
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.storage import refers_to, volume_mode
from aksdisks.lab.controllers.volume_matching import requested_bytes

if TYPE_CHECKING:
    from aksdisks.lab.arm.driver.interface import AzureCompute

CLONING = "provisioner.storage.kubernetes.io/cloning-protection"
"""The finalizer of a claim that another one is made from (PROV pkg/controller/clone_controller.go)."""

_CLAIM, _SNAPSHOT = "PersistentVolumeClaim", "VolumeSnapshot"
_SNAPSHOTS = "snapshot.storage.k8s.io"
_INVALID = "claim in dataSource not bound or invalid"
_LONGEST_CHAIN = 10
_NO_STATUS = "[] map[] [] map[] map[] <nil> <nil>"
"""A claim's status without anything but a phase, as Go prints it."""

Find = Callable[[str], Object | None]


class SourceError(RefusalError):
    """The provisioner's refusal of a data source, in its words (PROV pkg/controller/controller.go)."""


@dataclass(frozen=True)
class DataSource:
    """The object that a claim names, in its own namespace."""

    kind: str
    name: str
    group: str

    @property
    def is_populators(self) -> bool:
        """Neither a claim nor a snapshot: the provisioner leaves it to whoever knows the kind."""
        return self.kind not in (_CLAIM, _SNAPSHOT)


def data_source(claim: Object) -> DataSource | None:
    """The claim's source; None for a claim of an empty volume."""
    found = claim["spec"].get("dataSource") or claim["spec"].get("dataSourceRef")
    return DataSource(found["kind"], found["name"], found.get("apiGroup") or "") if found else None


def source_claim(source: DataSource, claim: Object, driver: str, find_claim: Find, find_volume: Find) -> Object:
    """The claim whose volume is copied. Raises `SourceError`; `driver` is that of the new claim's class.

    There are no snapshots in the lab's cluster, and no such kind: the provisioner finds none.
    """
    if source.kind == _SNAPSHOT and source.group != _SNAPSHOTS:
        raise SourceError(
            f"the PVC source does not belong to the right APIGroup. Expected {_SNAPSHOTS}, Got {source.group}"
        )
    try:
        if source.kind == _SNAPSHOT:
            raise SourceError(
                f"error getting snapshot {source.name} from api server: the server could not find the requested "
                f"resource (get volumesnapshots.{_SNAPSHOTS} {source.name})"
            )
        found = _checked_claim(source.name, claim, find_claim)
        _check_volume(find_volume(found["spec"].get("volumeName", "")), found, claim, driver)
    except SourceError as error:
        text = f"error getting handle for DataSource Type {source.kind} by Name {source.name}: {error}"
        raise SourceError(text) from error
    return found


def _checked_claim(name: str, claim: Object, find_claim: Find) -> Object:
    namespace = claim["metadata"]["namespace"]
    found = find_claim(f"{namespace}/{name}")
    if found is None:
        missing = f'persistentvolumeclaim "{name}" not found'
        raise SourceError(f'error getting PVC {name} (namespace "{namespace}") from api server: {missing}')
    phase = (found.get("status") or {}).get("phase", "")
    if phase != "Bound":
        status = f"{{{phase} {_NO_STATUS}}}"
        raise SourceError(f"the PVC DataSource {name} must have a status of Bound.  Got {status}")
    if found["metadata"].get("deletionTimestamp"):
        raise SourceError(f"the PVC DataSource {name} is currently being deleted")
    for whose, one in (("source", found), ("requested", claim)):
        if one["spec"].get("storageClassName") is None:
            raise SourceError(f"the {whose} PVC ({one['metadata']['name']}) storageclass cannot be empty")
    asked, has = int(requested_bytes(claim)), int(requested_bytes(found))
    if asked < has:
        raise SourceError(
            "error, new PVC request must be greater than or equal in size to the specified PVC data source, "
            f"requested {asked} but source is {has}"
        )
    if not found["spec"].get("volumeName"):
        raise SourceError(f"volume name is empty in source PVC {name}")
    return found


def _check_volume(volume: Object | None, source: Object, claim: Object, driver: str) -> None:
    if volume is None or (volume["spec"].get("csi") or {}).get("driver") != driver:
        raise SourceError(_INVALID)
    if not refers_to(volume, source) or (volume.get("status") or {}).get("phase") != "Bound":
        raise SourceError(_INVALID)
    has, asked = volume_mode(volume), volume_mode(claim)
    if has != asked:
        raise SourceError(
            "the source PVC and destination PVCs must have the same volume mode for cloning.  "
            f"Source is {has}, but new PVC requested {asked}"
        )


async def copied(request: DiskRequest, disk_id: str, compute: AzureCompute, region: str) -> DiskRequest:
    """The request for a copy of a disk (CSI controllerserver.go CreateVolume).

    Size and zone are looked for where the first of a chain of copies began. A copy is made in its source's zone, and
    its file system has to grow where the source is smaller. What cannot be found out is left to Azure's own checks.
    """
    request = replace(request, source_id=disk_id)
    try:
        origin = await _origin(disk_id, compute)
    except (CloudError, DriverError):
        return request
    if int(origin["properties"]["diskSizeGB"]) < request.size_gib:
        request = replace(request, resize=True)
    zones = list(origin.get("zones") or ())
    if len(zones) == 1 and not request.sku.endswith("_ZRS"):
        request = replace(request, zone=zones[0], topology=(f"{region}-{zones[0]}",))
    return request


async def _origin(disk_id: str, compute: AzureCompute) -> Object:
    for _ in range(_LONGEST_CHAIN + 1):
        disk = await compute.get_disk(disk_id)
        creation = disk["properties"]["creationData"]
        if creation["createOption"] != "Copy":
            return disk
        # The driver takes whatever was copied for a disk, a snapshot too, and then does not find it.
        parts = str(creation["sourceResourceId"]).split("/")
        disk_id = "/".join([*parts[:7], "disks", parts[8]])
    raise CloudError(400, "BadRequest", f"more than {_LONGEST_CHAIN} copies lie between {disk_id} and its origin")


def waits_for_copy(claim: Object, others: list[Object]) -> str:
    """The name of a claim that is still being made from this one, empty when there is none (syncClaim)."""
    for other in others:
        source = other["spec"].get("dataSource") or {}
        pending = (other.get("status") or {}).get("phase") == "Pending"
        if pending and source.get("kind") == _CLAIM and source.get("name") == claim["metadata"]["name"]:
            return str(other["metadata"]["name"])
    return ""
