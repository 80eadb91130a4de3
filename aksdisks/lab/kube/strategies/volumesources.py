"""The sources of volumes that pods and persistent volumes share (pkg/apis/core/validation).

Of sources that no node of AKS can mount, only the structure is looked at.
"""

from __future__ import annotations

from collections.abc import Collection

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
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
    "azureDisk": (
        must("diskName"),
        must("diskURI"),
        enumeration("cachingMode", "None", "ReadOnly", "ReadWrite"),
        enumeration("kind", "Dedicated", "Managed", "Shared"),
        _disk_uri,
    ),
    "azureFile": (must("secretName"), must("shareName")),
    "csi": (Rule("driver", driver_name),),
    "hostPath": (Rule("path", _path), _host_path_type),
    "local": (Rule("path", _path),),
    "nfs": (must("server"), must("path"), Rule("path", _absolute)),
}


def source(at: str, holder: Object, others: Collection[str], more: dict[str, Rules]) -> list[Cause]:
    """The one source of a volume, in whose holder the `others` are no sources; `more`: what the holder asks of it."""
    given = [kind for kind in holder if kind not in others]
    if not given:
        return [required(at, "must specify a volume type")]
    kind = given[0]
    causes = check((*_RULES.get(kind, ()), *more.get(kind, ())), holder[kind], f"{at}.{kind}")
    why = "may not specify more than 1 volume type"
    return causes + [forbidden(f"{at}.{other}", why) for other in given[1:]]
