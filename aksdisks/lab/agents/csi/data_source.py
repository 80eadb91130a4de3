"""What a claim's new volume is to be filled from: the provisioner's checks of it, and the disk that becomes a copy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aksdisks.lab.agents.csi.common import NOT_FOUND, RefusalError, RpcError, refusal_text
from aksdisks.lab.agents.csi.volume_objects import GIB, DiskRequest
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.controllers.snapshots import CONTENTS, SNAPSHOTS, has_finalizer, is_ready
from aksdisks.lab.controllers.storage import annotations_of, refers_to, volume_mode
from aksdisks.lab.controllers.volume_matching import requested_bytes
from aksdisks.lab.kube.authz.attributes import quote
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.strategies.snapshots import GROUP

if TYPE_CHECKING:
    from aksdisks.lab.arm.driver.interface import AzureCompute

CLONING = "provisioner.storage.kubernetes.io/cloning-protection"
"""The finalizer of a claim that another one is made from (PROV pkg/controller/clone_controller.go)."""

RESTORING = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
"""The finalizer of a snapshot while a claim's disk is being made from it (PROV pkg/controller/controller.go)."""

_CLAIM, _SNAPSHOT = "PersistentVolumeClaim", "VolumeSnapshot"
_MODE_MAY_CHANGE = "snapshot.storage.kubernetes.io/allow-volume-mode-change"
_TRUE, _FALSE = (("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False"))
_NEAR_GIB = 50
"""So much larger than a volume its snapshot may be for the driver to leave the size to Azure."""
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
    def is_snapshot(self) -> bool:
        """Whether it is a snapshot that is restored, not a claim that is copied."""
        return self.kind == _SNAPSHOT

    @property
    def is_populators(self) -> bool:
        """Neither a claim nor a snapshot: the provisioner leaves it to whoever knows the kind."""
        return self.kind not in (_CLAIM, _SNAPSHOT)


def data_source(claim: Object) -> DataSource | None:
    """The claim's source; None for a claim of an empty volume."""
    found = claim["spec"].get("dataSource") or claim["spec"].get("dataSourceRef")
    return DataSource(found["kind"], found["name"], found.get("apiGroup") or "") if found else None


def source_claim(source: DataSource, claim: Object, driver: str, find_claim: Find, find_volume: Find) -> Object:
    """The claim whose volume is copied. Raises `SourceError`; `driver` is that of the new claim's class."""
    with _told_of(source):
        found = _checked_claim(source.name, claim, find_claim)
        _check_volume(find_volume(found["spec"].get("volumeName", "")), found, claim, driver)
    return found


async def source_snapshot(source: DataSource, claim: Object, storage_class: Object, api: KubernetesApi) -> str:
    """The handle of the snapshot that the claim's volume is restored from. Raises `SourceError`."""
    if source.group != GROUP:
        raise SourceError(f"the PVC source does not belong to the right APIGroup. Expected {GROUP}, Got {source.group}")
    name, namespace = source.name, claim["metadata"]["namespace"]
    with _told_of(source):
        try:
            snapshot = await api.get(SNAPSHOTS, name, namespace)
        except ApiError as error:
            # A client says what it asked for where the kind itself is unknown (client-go rest/request.go).
            asked = "" if "not found" in error.message else f" (get {SNAPSHOTS} {name})"
            raise SourceError(f"error getting snapshot {name} from api server: {error}{asked}") from error
        bound = str((snapshot.get("status") or {}).get("boundVolumeSnapshotContentName") or "")
        if "deletionTimestamp" in snapshot["metadata"] and not has_finalizer(snapshot, RESTORING):
            raise SourceError(f"snapshot {name} is being deleted")
        if not bound:
            raise SourceError(f"snapshot {name} not bound")
        try:
            content = await api.get(CONTENTS, bound)
        except ApiError as error:
            raise SourceError(f"error getting snapshotcontent {bound} for snapshot {name}") from error
        return _checked_content(snapshot, content, claim, storage_class)


def _checked_content(snapshot: Object, content: Object, claim: Object, storage_class: Object) -> str:
    """The handle of the content's snapshot (getSnapshotSource). Raises `SourceError`."""
    meta, reference = snapshot["metadata"], content["spec"]["volumeSnapshotRef"]
    name, whose = meta["name"], f"snapshotcontent {content['metadata']['name']} for snapshot {meta['name']}"
    if any(reference.get(part) != meta[part] for part in ("uid", "namespace", "name")):
        raise SourceError(f"{whose} is bound to a different snapshot")
    if content["spec"]["driver"] != storage_class["provisioner"]:
        own = storage_class["metadata"]["name"]
        raise SourceError(f"{whose} is not handled by CSI driver of StorageClass {own}")
    if not is_ready(snapshot):
        raise SourceError(f"snapshot {name} is not Ready")
    handle = (content.get("status") or {}).get("snapshotHandle")
    if not handle:
        raise SourceError(f"snapshot handle {name} is not available")
    asked, least = int(requested_bytes(claim)), int(parse(snapshot["status"].get("restoreSize") or "0"))
    if asked < least:
        raise SourceError(f"requested volume size {asked} is less than the size {least} for the source snapshot {name}")
    _check_mode(content, claim)
    return str(handle)


def _check_mode(content: Object, claim: Object) -> None:
    had = content["spec"].get("sourceVolumeMode")
    if had is None or had == volume_mode(claim):
        return
    allowed, own = annotations_of(content).get(_MODE_MAY_CHANGE), content["metadata"]["name"]
    if allowed in _TRUE:
        return
    why = f"{_MODE_MAY_CHANGE} annotation is not present on snapshotcontent {own}"
    if allowed in _FALSE:
        why = f"{_MODE_MAY_CHANGE} is set to false on snapshotcontent {own}"
    elif allowed is not None:
        said = f"strconv.ParseBool: parsing {quote(allowed)}: invalid syntax"
        why = f"failed to convert {_MODE_MAY_CHANGE} annotation value to boolean with error: {said}"
    meta = claim["metadata"]
    raise SourceError(
        f"requested volume {meta['namespace']}/{meta['name']} modifies the mode of the source volume but does not have "
        f"permission to do so. {why}"
    )


@contextmanager
def _told_of(source: DataSource) -> Iterator[None]:
    """What is refused says which source it is about."""
    try:
        yield
    except SourceError as error:
        text = f"error getting handle for DataSource Type {source.kind} by Name {source.name}: {error}"
        raise SourceError(text) from error


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


async def restored(request: DiskRequest, handle: str, compute: AzureCompute) -> DiskRequest:
    """The request for a disk of a snapshot (CSI controllerserver.go CreateVolume). Raises `RpcError`.

    It is in the zone of the claim's node, wherever the snapshot's disk was. Where the snapshot is a little larger than
    what is asked for, which nobody checked because its size was not known, Azure makes the disk as large.
    """
    try:
        parts = handle.split("/")
        if len(parts) != 9:
            raise DriverError(f"invalid URI: {handle}")
        snapshot = await compute.get_snapshot("/".join([*parts[:7], "snapshots", parts[8]]))
    except (CloudError, DriverError) as error:
        raise RpcError(NOT_FOUND, refusal_text(error, "GET", handle)) from error
    larger = math.ceil(int(snapshot["properties"]["diskSizeBytes"]) / GIB) - request.size_gib
    return replace(request, source_id=handle, size_of_source=0 < larger <= _NEAR_GIB)


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
