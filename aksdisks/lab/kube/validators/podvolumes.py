"""Validation of a pod's volumes (pkg/apis/core/validation ValidateVolumes)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.quantities import parse
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import claims, projections, volumesources
from aksdisks.lab.kube.validators.causes import duplicate, forbidden, formed, invalid, one_of, required
from aksdisks.lab.kube.validators.meta import annotation_map, labels
from aksdisks.lab.kube.validators.mounts import descending_path

# In the order in which upstream looks at them: the first one counts, the others are too many.
_SOURCES = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
    "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk",
    "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
_PULL = ("Always", "IfNotPresent", "Never")


def volumes(at: str, found: list[Object], pod_name: str, *, is_pod: bool) -> tuple[dict[str, Object], list[Cause]]:
    """The good volumes by name, and what is wrong with the others; a template's pods have no name yet."""
    good: dict[str, Object] = {}
    causes: list[Cause] = []
    made = {f"{pod_name}-{one.get('name', '')}" for one in found if "ephemeral" in one} if pod_name else set()
    for index, one in enumerate(found):
        field, name = f"{at}[{index}]", one.get("name", "")
        problems = _volume(field, one, pod_name, is_pod=is_pod)
        problems += formed(f"{field}.name", name, names.label_errors) if name else [required(f"{field}.name")]
        if name in good:
            problems.append(duplicate(f"{field}.name", name))
        if not problems:
            good[name] = one
        causes += problems
        claim = one.get("persistentVolumeClaim", {}).get("claimName")
        if claim in made:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            causes.append(invalid(f"{field}.persistentVolumeClaim.claimName", claim, why))
    return good, causes


def _volume(at: str, volume: Object, pod_name: str, *, is_pod: bool) -> list[Cause]:
    given = [kind for kind in _SOURCES if kind in volume]
    if not given:
        return [required(at, "must specify a volume type")]
    kind = given[0]
    source = volume[kind]
    field = f"{at}.{volumesources.MISNAMED.get(kind, kind)}"
    causes = _source(field, kind, source, is_pod=is_pod)
    if kind == "iscsi" and "initiatorName" in source:
        whole = f"{volume.get('name', '')}:{source.get('targetPortal', '')}"
        if len(whole) > 64:
            why = (
                "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
                "iscsi.initiatorName is specified."
            )
            causes.append(invalid(f"{at}.name", volume.get("name", ""), why))
    if kind == "ephemeral" and pod_name and volume.get("name"):
        claim = f"{pod_name}-{volume['name']}"
        problems = names.subdomain_errors(claim)
        causes += [invalid(f"{at}.name", volume["name"], f'PVC name "{claim}": {problem}') for problem in problems]
    return causes + [volumesources.only_one(at, other) for other in given[1:]]


def _source(at: str, kind: str, source: Object, *, is_pod: bool) -> list[Cause]:
    causes = volumesources.source(at, kind, source)
    if kind == "persistentVolumeClaim" and not source.get("claimName"):
        causes.append(required(f"{at}.claimName"))
    elif kind == "secret":
        causes += projections.keys(at, source, "secretName")
    elif kind == "configMap":
        causes += projections.keys(at, source, "name")
    elif kind == "downwardAPI":
        causes += projections.mode(f"{at}.defaultMode", source.get("defaultMode"))
        for item in source.get("items", ()):
            causes += projections.file(at, item)
    elif kind == "projected":
        causes += projections.projected(at, source)
    elif kind == "csi":
        causes += _csi(at, source)
    elif kind == "gitRepo":
        causes += [] if source.get("repository") else [required(f"{at}.repository")]
        causes += descending_path(f"{at}.directory", source.get("directory", ""))
    elif kind == "emptyDir":
        limit = source.get("sizeLimit")
        if limit is not None and parse(limit) < 0:
            causes.append(forbidden(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity"))
    elif kind == "ephemeral":
        causes += _ephemeral(f"{at}.volumeClaimTemplate", source.get("volumeClaimTemplate"))
    elif kind == "image":
        causes += [required(f"{at}.reference")] if is_pod and not source.get("reference") else []
        causes += one_of(f"{at}.pullPolicy", source.get("pullPolicy"), _PULL)
    return causes


def _csi(at: str, source: Object) -> list[Cause]:
    causes = volumesources.driver_name(f"{at}.driver", source.get("driver", ""))
    secret = source.get("nodePublishSecretRef")
    if secret is not None:
        name = secret.get("name", "")
        field = f"{at}.name" if name else f"{at}.nodePublishSecretRef.name"
        causes += formed(field, name, names.subdomain_errors) if name else [required(field)]
    return causes


_ALLOWED = ("annotations", "labels")
_GIVEN = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields",
)  # fmt: skip


def _ephemeral(at: str, template: Object | None) -> list[Cause]:
    if template is None:
        return [required(at)]
    meta = template.get("metadata", {})
    causes = annotation_map(f"{at}.metadata.annotations", meta.get("annotations", {}))
    causes += labels(f"{at}.metadata.labels", meta.get("labels", {}))
    shown = {"uid": "uID"}
    causes += [
        forbidden(f"{at}.metadata.{shown.get(key, key)}", "cannot be set")
        for key in _GIVEN
        if key not in _ALLOWED and meta.get(key)
    ]
    return causes + claims.claim_spec(f"{at}.spec", template.get("spec", {}))
