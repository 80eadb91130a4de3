"""Validation of volume sources that pods and persistent volumes share (pkg/apis/core/validation)."""

from __future__ import annotations

import re
from collections.abc import Callable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators.causes import formed, invalid, required, unsupported
from aksdisks.lab.kube.validators.mounts import no_backsteps

_HOST_PATHS = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas"
_ONE_TYPE = "may not specify more than 1 volume type"

MISNAMED = {"gcePersistentDisk": "persistentDisk"}
"""Sources whose errors stand under another field than their own."""

_REQUIRED = {
    "awsElasticBlockStore": ("volumeID",), "azureFile": ("secretName", "shareName"), "cephfs": ("monitors",),
    "cinder": ("volumeID",), "gcePersistentDisk": ("pdName",), "glusterfs": ("endpoints", "path"),
    "nfs": ("server", "path"), "photonPersistentDisk": ("pdID",), "portworxVolume": ("volumeID",),
    "rbd": ("monitors", "image"), "scaleIO": ("gateway", "system", "volumeName"), "vsphereVolume": ("volumePath",),
    "flexVolume": ("driver",), "iscsi": ("targetPortal", "iqn"),
}  # fmt: skip


def source(at: str, kind: str, found: Object) -> list[Cause]:
    """What pods and volumes alike ask of one kind of source."""
    causes = [required(f"{at}.{key}") for key in _REQUIRED.get(kind, ()) if not found.get(key)]
    check = _CHECKS.get(kind)
    return causes + (check(at, found) if check else [])


def driver_name(field: str, name: str) -> list[Cause]:
    """The name of a CSI driver: 63 bytes, a subdomain but for its case."""
    causes = [] if name else [required(field)]
    if len(name) > 63:
        causes.append(Cause(field, "FieldValueTooLong", "Too long: may not be more than 63 bytes"))
    return causes + [invalid(field, name, problem) for problem in names.subdomain_errors(name.lower())]


def _host_path(at: str, found: Object) -> list[Cause]:
    path, kind = found.get("path", ""), found.get("type", "")
    if not path:
        return [required(f"{at}.path")]
    causes = no_backsteps(f"{at}.path", path)
    return causes + ([] if kind in _HOST_PATHS else [unsupported(f"{at}.type", kind, _HOST_PATHS)])


def _nfs(at: str, found: Object) -> list[Cause]:
    path = found.get("path", "")
    return [] if path.startswith("/") else [invalid(f"{at}.path", path, "must be an absolute path")]


def _azure_disk(at: str, found: Object) -> list[Cause]:
    uri, kind = found.get("diskURI", ""), found.get("kind", "Shared")
    causes = [required(f"{at}.{key}") for key in ("diskName", "diskURI") if not found.get(key)]
    caching = found.get("cachingMode", "ReadWrite")
    if caching not in ("None", "ReadOnly", "ReadWrite"):
        causes.append(unsupported(f"{at}.cachingMode", caching, ("None", "ReadOnly", "ReadWrite")))
    if kind not in ("Dedicated", "Managed", "Shared"):
        causes.append(unsupported(f"{at}.kind", kind, ("Dedicated", "Managed", "Shared")))
    wanted = _MANAGED_URI if kind == "Managed" else _BLOB_URI
    if not uri.startswith("/subscriptions/" if kind == "Managed" else "https://"):
        causes.append(unsupported(f"{at}.diskURI", uri, (wanted,)))
    return causes


def _partition(at: str, found: Object) -> list[Cause]:
    number = found.get("partition", 0)
    return [] if 0 <= number <= 255 else [invalid(f"{at}.partition", number, "must be between 1 and 255, inclusive")]


def _flocker(at: str, found: Object) -> list[Cause]:
    name, uid = found.get("datasetName", ""), found.get("datasetUUID", "")
    causes = [] if name or uid else [required(at, "one of datasetName and datasetUUID is required")]
    if name and uid:
        why = "datasetName and datasetUUID can not be specified simultaneously"
        causes.append(invalid(at, "resource", why))
    return causes + ([invalid(f"{at}.datasetName", name, "must not contain '/'")] if "/" in name else [])


def _quobyte(at: str, found: Object) -> list[Cause]:
    registry, causes = found.get("registry", ""), []
    if not registry:
        causes.append(required(f"{at}.registry", _HOST_PORTS))
    elif len(found.get("tenant", "")) >= 65:
        why = "must be a UUID and may not exceed a length of 64 characters"
        causes.append(required(f"{at}.tenant", why))
    else:
        pairs = [pair for pair in registry.split(",") if not re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*):[^:]*", pair)]
        causes += [invalid(f"{at}.registry", registry, _HOST_PORTS) for _ in pairs]
    return causes + ([] if found.get("volume") else [required(f"{at}.volume")])


def _fibre_channel(at: str, found: Object) -> list[Cause]:
    targets, ids, lun = found.get("targetWWNs") or [], found.get("wwids") or [], found.get("lun")
    field = f"{at}.targetWWNs"
    causes = [] if targets or ids else [required(field, "must specify either targetWWNs or wwids, but not both")]
    if targets and ids:
        causes.append(invalid(field, targets, "targetWWNs and wwids can not be specified simultaneously"))
    if targets and lun is None:
        causes.append(required(f"{at}.lun", "lun is required if targetWWNs is specified"))
    return causes + (_lun(at, lun) if targets and lun is not None else [])


def _lun(at: str, lun: int) -> list[Cause]:
    return [] if 0 <= lun <= 255 else [invalid(f"{at}.lun", lun, "must be between 0 and 255, inclusive")]


_NAMES = {
    "iqn": r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)",
    "eui": r"eui.[A-Za-z0-9]{16}",
    "naa": r"naa.[A-Za-z0-9]{32}",
}


def _iscsi(at: str, found: Object) -> list[Cause]:
    name, initiator = found.get("iqn", ""), found.get("initiatorName")
    causes = _initiator(f"{at}.iqn", name) if name else []
    causes += _lun(at, found.get("lun", 0))
    if (found.get("chapAuthDiscovery") or found.get("chapAuthSession")) and "secretRef" not in found:
        causes.append(required(f"{at}.secretRef"))
    return causes + (_initiator(f"{at}.initiatorname", initiator) if initiator is not None else [])


def _initiator(field: str, name: str) -> list[Cause]:
    pattern = _NAMES.get(name[:3])
    if pattern is None:
        return [invalid(field, name, "must be valid format starting with iqn, eui, or naa")]
    return [] if re.search(f"{pattern}$", name) else [invalid(field, name, "must be valid format")]


def _flex(at: str, found: Object) -> list[Cause]:
    why = "kubernetes.io and k8s.io namespaces are reserved"
    reserved = (".kubernetes.io", ".k8s.io")
    return [
        invalid(f"{at}.options[{key}]", key, why)
        for key in found.get("options", {})
        if f".{key.partition('/')[0].lower()}".endswith(reserved)
    ]


def _storage_os(at: str, found: Object) -> list[Cause]:
    name, space = found.get("volumeName", ""), found.get("volumeNamespace", "")
    causes = formed(f"{at}.volumeName", name, names.label_errors) if name else [required(f"{at}.volumeName")]
    causes += formed(f"{at}.volumeNamespace", space, names.label_errors) if space else []
    return causes + _secret_name(at, found)


def _secret_name(at: str, found: Object) -> list[Cause]:
    missing = "secretRef" in found and not found["secretRef"].get("name")
    return [required(f"{at}.secretRef.name")] if missing else []


_CHECKS: dict[str, Callable[[str, Object], list[Cause]]] = {
    "awsElasticBlockStore": _partition,
    "azureDisk": _azure_disk,
    "cinder": _secret_name,
    "fc": _fibre_channel,
    "flexVolume": _flex,
    "flocker": _flocker,
    "gcePersistentDisk": _partition,
    "hostPath": _host_path,
    "iscsi": _iscsi,
    "nfs": _nfs,
    "quobyte": _quobyte,
    "storageos": _storage_os,
}


def only_one(at: str, kind: str) -> Cause:
    """A second source of one volume."""
    shown = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}.get(kind, kind)
    return Cause(f"{at}.{shown}", "FieldValueForbidden", f"Forbidden: {_ONE_TYPE}")
