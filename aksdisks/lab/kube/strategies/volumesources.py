"""The sources of volumes that pods and persistent volumes share (pkg/apis/core/validation).

Of sources that no node of AKS can mount, only the required fields are looked at.
"""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.strategies.causes import forbidden, invalid, required, too_long, unsupported
from aksdisks.lab.kube.strategies.mounts import no_backsteps
from aksdisks.lab.kube.strategies.rules import Rule, Rules, check, enumeration
from aksdisks.lab.kube.strategies.rules import required as must

_HOST_PATHS = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_FIELDS = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""How errors about a second source name these."""
_DEFAULTS: dict[str, Object] = {
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def defaults(holder: Object) -> None:
    """The defaults of the sources that a pod's or a persistent volume has."""
    if "hostPath" in holder:
        holder["hostPath"].setdefault("type", "")
    for kind, values in _DEFAULTS.items():
        if kind in holder:
            fill(holder[kind], **values)


def driver_name(field: str, name: str | None) -> list[Cause]:
    """The name of a CSI driver: 63 bytes, a subdomain but for its case."""
    causes = [] if name else [required(field)]
    if len(name or "") > 63:
        causes.append(too_long(field, 63))
    return causes + [invalid(field, name or "", problem) for problem in names.subdomain_errors((name or "").lower())]


def _path(field: str, path: str | None) -> list[Cause]:
    return no_backsteps(field, path) if path else [required(field)]


def _host_path_type(at: str, found: Object) -> list[Cause]:
    kind = found.get("type", "")
    return [] if kind in _HOST_PATHS or not found.get("path") else [unsupported(f"{at}.type", kind, _HOST_PATHS)]


def _absolute(field: str, path: str | None) -> list[Cause]:
    return [] if (path or "").startswith("/") else [invalid(field, path or "", "must be an absolute path")]


def _disk_uri(at: str, found: Object) -> list[Cause]:
    uri, managed = found.get("diskURI", ""), found.get("kind") == "Managed"
    if uri.startswith("/subscriptions/" if managed else "https://"):
        return []
    return [unsupported(f"{at}.diskURI", uri, (_MANAGED_URI if managed else _BLOB_URI,))]


_RULES: dict[str, Rules] = {
    "awsElasticBlockStore": (must("volumeID"),),
    "azureDisk": (
        must("diskName"),
        must("diskURI"),
        enumeration("cachingMode", "None", "ReadOnly", "ReadWrite"),
        enumeration("kind", "Dedicated", "Managed", "Shared"),
        _disk_uri,
    ),
    "azureFile": (must("secretName"), must("shareName")),
    "cephfs": (must("monitors"),),
    "cinder": (must("volumeID"),),
    "csi": (Rule("driver", driver_name),),
    "flexVolume": (must("driver"),),
    "gcePersistentDisk": (must("pdName"),),
    "glusterfs": (must("endpoints"), must("path")),
    "hostPath": (Rule("path", _path), _host_path_type),
    "iscsi": (must("targetPortal"), must("iqn")),
    "local": (Rule("path", _path),),
    "nfs": (must("server"), must("path"), Rule("path", _absolute)),
    "photonPersistentDisk": (must("pdID"),),
    "portworxVolume": (must("volumeID"),),
    "rbd": (must("monitors"), must("image")),
    "scaleIO": (must("gateway"), must("system"), must("volumeName")),
    "vsphereVolume": (must("volumePath"),),
}


def source(at: str, holder: Object, order: tuple[str, ...], more: dict[str, Rules]) -> list[Cause]:
    """The one source of a volume: the first in upstream's order counts; `more`: what its holder asks of it as well."""
    given = [kind for kind in order if kind in holder]
    if not given:
        return [required(at, "must specify a volume type")]
    kind = given[0]
    field = f"{at}.persistentDisk" if kind == "gcePersistentDisk" else f"{at}.{kind}"
    causes = check((*_RULES.get(kind, ()), *more.get(kind, ())), holder[kind], field)
    why = "may not specify more than 1 volume type"
    return causes + [forbidden(f"{at}.{_FIELDS.get(other, other)}", why) for other in given[1:]]
