"""Validation of persistent volumes (pkg/apis/core/validation)."""

from __future__ import annotations

import posixpath
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import claims, godiff, volumesources
from aksdisks.lab.kube.validators.causes import (
    NULL,
    Struct,
    forbidden,
    formed,
    immutable,
    invalid,
    required,
    unsupported,
)
from aksdisks.lab.kube.validators.claims import POSITIVE, VOLUME_MODES, access_modes
from aksdisks.lab.kube.validators.mounts import no_backsteps
from aksdisks.lab.kube.validators.scheduling import node_selector

_POLICIES = ("Delete", "Recycle", "Retain")
_NOT_SOURCES = frozenset(
    (
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    )
)  # fmt: skip


def volume(obj: Object) -> list[Cause]:
    """A new volume."""
    return volume_spec("spec", obj.get("spec", {}), obj["metadata"].get("name", ""))


def volume_spec(at: str, spec: Object, name: str, *, inline: bool = False) -> list[Cause]:
    """A volume's spec below a field; `inline`: that of a VolumeAttachment, which says less."""
    causes = _inline(at, spec) if inline else []
    causes += [] if spec.get("accessModes") else [required(f"{at}.accessModes")]
    causes += access_modes(at, spec)
    policy, mode = spec.get("persistentVolumeReclaimPolicy"), spec.get("volumeMode")
    if not inline:
        causes += _capacity(f"{at}.capacity", spec.get("capacity", {}))
        if policy and policy not in _POLICIES:
            causes.append(unsupported(f"{at}.persistentVolumeReclaimPolicy", policy, _POLICIES))
        causes += _affinity(f"{at}.nodeAffinity", spec.get("nodeAffinity"))
    causes += _source(at, spec, name)
    if spec.get("storageClassName") and not inline:
        causes += formed(f"{at}.storageClassName", spec["storageClassName"], names.subdomain_errors)
    if mode is not None and mode not in VOLUME_MODES and not inline:
        causes.append(unsupported(f"{at}.volumeMode", mode, VOLUME_MODES))
    attributes = spec.get("volumeAttributesClassName")
    if attributes is not None:
        field = f"{at}.volumeAttributesClassName"
        causes += (
            formed(field, attributes, names.subdomain_errors)
            if attributes
            else [required(field, "an empty string is disallowed")]
        )
        if "csi" not in spec:
            causes.append(required(f"{at}.csi", "has to be specified when using volumeAttributesClassName"))
    return causes


def _inline(at: str, spec: Object) -> list[Cause]:
    why = "may not be specified in the context of inline volumes"
    causes = [forbidden(f"{at}.{key}", why) for key in ("claimRef", "capacity") if spec.get(key)]
    if "csi" not in spec:
        causes.append(required(f"{at}.csi", "has to be specified in the context of inline volumes"))
    if spec.get("persistentVolumeReclaimPolicy", "Retain") != "Retain":
        reason = "may only be Retain in the context of inline volumes"
        causes.append(forbidden(f"{at}.persistentVolumeReclaimPolicy", reason))
    causes += [forbidden(f"{at}.{key}", why) for key in ("nodeAffinity", "storageClassName") if spec.get(key)]
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        reason = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        causes.append(forbidden(f"{at}.volumeMode", reason))
    return causes


def _affinity(at: str, affinity: Object | None) -> list[Cause]:
    if affinity is None:
        return []
    if "required" not in affinity:
        return [required(f"{at}.required", "must specify required node constraints")]
    return node_selector(f"{at}.required", affinity["required"])


def _capacity(at: str, capacity: Object) -> list[Cause]:
    causes = [] if capacity else [required(at)]
    if set(capacity) != {"storage"}:
        causes.append(unsupported(at, capacity or None, ("storage",)))
    for name, value in capacity.items():
        causes += claims.basic_resource(f"{at}[{name}]", value)
        if parse(value) <= 0:
            causes.append(invalid(f"{at}[{name}]", value, POSITIVE))
    return causes


# In the order in which upstream looks at them: the first one counts, the others are too many.
_SOURCES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
    "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
    "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip
_SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")


def _source(at: str, spec: Object, name: str) -> list[Cause]:
    given = [kind for kind in _SOURCES if kind in spec]
    causes: list[Cause] = []
    if given:
        kind = given[0]
        field = f"{at}.{volumesources.MISNAMED.get(kind, kind)}"
        causes += volumesources.source(field, kind, spec[kind])
        causes += _of_volumes(field, kind, spec[kind], name)
        if kind == "local" and spec.get("nodeAffinity") is None:
            causes.append(required(f"{at}.nodeAffinity", "Local volume requires node affinity"))
        causes += [volumesources.only_one(at, other) for other in given[1:]]
    else:
        causes.append(required(at, "must specify a volume type"))
    path = spec.get("hostPath", {}).get("path", "")
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle" and path and posixpath.normpath(path) in ("/", "//"):
        why = "may not be 'recycle' for a hostPath mount of '/'"
        causes.append(forbidden(f"{at}.persistentVolumeReclaimPolicy", why))
    return causes


def _of_volumes(at: str, kind: str, found: Object, name: str) -> list[Cause]:
    """What is asked of a source only where it is a persistent volume's."""
    causes: list[Cause] = []
    if kind == "csi":
        causes += volumesources.driver_name(f"{at}.driver", found.get("driver", ""))
        causes += [] if found.get("volumeHandle") else [required(f"{at}.volumeHandle")]
        for key in _SECRETS:
            causes += _secret(f"{at}.{key}", found[key]) if key in found else []
    elif kind == "local":
        path = found.get("path", "")
        causes += no_backsteps(f"{at}.path", path) if path else [required(f"{at}.path")]
    elif kind == "azureFile" and found.get("secretNamespace") == "":
        causes.append(required(f"{at}.secretNamespace"))
    elif kind == "glusterfs" and "endpointsNamespace" in found:
        space = found["endpointsNamespace"]
        field = f"{at}.endpointsNamespace"
        why = "if the endpointnamespace is set, it must be a valid namespace name"
        causes += formed(field, space, names.label_errors) if space else [invalid(field, space, why)]
    elif kind in ("cinder", "storageos") and "secretRef" in found and not found["secretRef"].get("namespace"):
        causes.append(required(f"{at}.secretRef.namespace"))
    elif kind == "iscsi":
        if "initiatorName" in found and len(f"{name}:{found.get('targetPortal', '')}") > 64:
            why = (
                "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
                "iscsi.initiatorName is specified."
            )
            causes.append(invalid(f"{at}.targetportal", found.get("targetPortal", ""), why))
        if "secretRef" in found and not found["secretRef"].get("name"):
            causes.append(required(f"{at}.secretRef.name"))
    return causes


def _secret(at: str, reference: Object) -> list[Cause]:
    name, space = reference.get("name", ""), reference.get("namespace", "")
    causes = formed(f"{at}.name", name, names.subdomain_errors) if name else [required(f"{at}.name")]
    return causes + (formed(f"{at}.namespace", space, names.label_errors) if space else [required(f"{at}.namespace")])


_EXPAND = "controllerExpandSecretRef"


def volume_update(new: Object, old: Object) -> list[Cause]:
    """A changed volume: its source, mode and node affinity stay; a secret for expansion may be added once."""
    causes = volume(new)
    after, before = dict(new["spec"]), old["spec"]
    if "csi" in after and "csi" in before and _EXPAND not in before["csi"]:
        after["csi"] = {key: value for key, value in after["csi"].items() if key != _EXPAND}
    if _sources(after) != _sources(before):
        change = godiff.between(godiff.volume_source(before), godiff.volume_source(after))
        why = f"spec.persistentvolumesource is immutable after creation\n{change}"
        causes.append(forbidden("spec.persistentvolumesource", why))
    causes += immutable("volumeMode", after.get("volumeMode"), before.get("volumeMode"))
    affinity = after.get("nodeAffinity")
    if before.get("nodeAffinity") is not None and _stable(before["nodeAffinity"], affinity) != affinity:
        why = "field is immutable, except for updating from beta label to GA"
        causes.append(invalid("nodeAffinity", NULL if affinity is None else _affinity_struct(affinity), why))
    if before.get("volumeAttributesClassName") is not None and after.get("volumeAttributesClassName") is None:
        why = "update from non-nil value to nil is forbidden"
        causes.append(forbidden("spec.volumeAttributesClassName", why))
    return causes


_STABLE = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}


def _stable(before: Object, after: Object | None) -> Object:
    """The old affinity, with the new names of labels where the new one has them."""
    old, new = (one.get("required", {}).get("nodeSelectorTerms", []) for one in (before, after or {}))
    if len(old) != len(new):
        return before
    terms = []
    for was, now in zip(old, new, strict=True):
        pairs = list(zip(was.get("matchExpressions", []), now.get("matchExpressions", []), strict=False))
        if len(pairs) != len(was.get("matchExpressions", [])):
            return before
        renamed = [{**e, "key": n["key"] if _STABLE.get(e["key"]) == n.get("key") else e["key"]} for e, n in pairs]
        terms.append({**was, **({"matchExpressions": renamed} if renamed else {})})
    return {**before, "required": {**before.get("required", {}), "nodeSelectorTerms": terms}}


def _affinity_struct(affinity: Object) -> Struct:
    def terms(found: Object) -> list[Struct]:
        return [
            Struct(
                MatchExpressions=_expressions(term.get("matchExpressions")),
                MatchFields=_expressions(term.get("matchFields")),
            )
            for term in found.get("nodeSelectorTerms", ())
        ]

    required_ = affinity.get("required")
    return Struct(Required=None if required_ is None else Struct(NodeSelectorTerms=terms(required_)))


def _expressions(found: list[Object] | None) -> list[Struct] | None:
    if not found:
        return None
    return [Struct(Key=e.get("key", ""), Operator=e.get("operator", ""), Values=e.get("values")) for e in found]


def _sources(spec: Object) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}
