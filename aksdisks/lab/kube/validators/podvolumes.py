"""Validation of a pod's volumes (pkg/apis/core/validation validateVolumeSource)."""

from __future__ import annotations

from aksdisks.lab.kube import names
from aksdisks.lab.kube.interface import Object
from aksdisks.lab.kube.quantities import parse
from aksdisks.lab.kube.status import Cause
from aksdisks.lab.kube.validators import claims
from aksdisks.lab.kube.validators.causes import duplicate, forbidden, formed, invalid, required, unsupported
from aksdisks.lab.kube.validators.containers import descending_path

_HOST_PATHS = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_MAX_MODE = 0o777
_MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"


def volume(at: str, found: Object, seen: dict[str, Object]) -> list[Cause]:
    """One volume; adds it to `seen` when its name is good."""
    name = found.get("name", "")
    sources = [key for key in found if key != "name"]
    causes: list[Cause] = []
    if not sources:
        causes.append(required(at, "must specify a volume type"))
    causes += [forbidden(f"{at}.{key}", "may not specify more than 1 volume type") for key in sources[1:]]
    if sources:
        causes += _source(f"{at}.{sources[0]}", sources[0], found[sources[0]])
    if not name:
        return [*causes, required(f"{at}.name")]
    problems = formed(f"{at}.name", name, names.label_errors)
    if name in seen:
        problems.append(duplicate(f"{at}.name", name))
    if not problems:
        seen[name] = found
    return causes + problems


def _source(at: str, kind: str, source: Object) -> list[Cause]:
    causes: list[Cause] = []
    if kind == "persistentVolumeClaim" and not source.get("claimName"):
        causes.append(required(f"{at}.claimName"))
    elif kind == "secret":
        causes += [] if source.get("secretName") else [required(f"{at}.secretName")]
        causes += _items(at, source)
    elif kind == "configMap":
        causes += [] if source.get("name") else [required(f"{at}.name")]
        causes += _items(at, source)
    elif kind == "hostPath":
        causes += host_path(at, source)
    elif kind == "nfs":
        causes += [required(f"{at}.{key}") for key in ("server", "path") if not source.get(key)]
    elif kind == "csi":
        causes += [] if source.get("driver") else [required(f"{at}.driver")]
    elif kind == "emptyDir":
        limit = source.get("sizeLimit")
        if limit is not None and parse(limit) < 0:
            causes.append(forbidden(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity"))
    elif kind == "ephemeral":
        template = source.get("volumeClaimTemplate")
        if template is None:
            causes.append(required(f"{at}.volumeClaimTemplate"))
        else:
            causes += claims.claim_spec(f"{at}.volumeClaimTemplate.spec", template.get("spec", {}))
    elif kind == "azureDisk":
        causes += azure_disk(at, source)
    return causes


def _items(at: str, source: Object) -> list[Cause]:
    causes: list[Cause] = []
    mode = source.get("defaultMode")
    if mode is not None and not 0 <= mode <= _MAX_MODE:
        why = "must be a number between 0 and 0777 (octal), both inclusive"
        causes.append(invalid(f"{at}.defaultMode", mode, why))
    for index, item in enumerate(source.get("items", ())):
        field = f"{at}.items[{index}]"
        causes += [required(f"{field}.{key}") for key in ("key", "path") if not item.get(key)]
        causes += descending_path(f"{field}.path", item.get("path", ""))
    return causes


def host_path(at: str, source: Object) -> list[Cause]:
    """A directory of the node."""
    path = source.get("path", "")
    if not path:
        return [required(f"{at}.path")]
    causes = [invalid(f"{at}.path", path, "must not contain '..'")] if ".." in path.split("/") else []
    kind = source.get("type", "")
    return causes + ([] if kind in _HOST_PATHS else [unsupported(f"{at}.type", kind, _HOST_PATHS)])


def azure_disk(at: str, source: Object) -> list[Cause]:
    """A disk by its URI, as in-tree volumes name it."""
    uri, kind = source.get("diskURI", ""), source.get("kind", "Shared")
    causes = [required(f"{at}.{key}") for key in ("diskName", "diskURI") if not source.get(key)]
    caching = source.get("cachingMode", "ReadWrite")
    if caching not in ("None", "ReadOnly", "ReadWrite"):
        causes.append(unsupported(f"{at}.cachingMode", caching, ("None", "ReadOnly", "ReadWrite")))
    if kind not in ("Dedicated", "Managed", "Shared"):
        causes.append(unsupported(f"{at}.kind", kind, ("Dedicated", "Managed", "Shared")))
    wanted = _MANAGED_URI if kind == "Managed" else _BLOB_URI
    if uri and not uri.startswith(wanted.partition("{")[0]):
        causes.append(unsupported(f"{at}.diskURI", uri, (wanted,)))
    return causes
