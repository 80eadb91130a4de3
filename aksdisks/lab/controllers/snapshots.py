"""What the controller and the sidecar of snapshots, and the provisioner, share: names, finalizers, and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.authz.attributes import quote
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.strategies.snapshots import GROUP

SNAPSHOTS, CONTENTS, CLASSES = (f"volumesnapshot{ending}.{GROUP}" for ending in ("s", "contents", "classes"))

_PREFIX = "snapshot.storage.kubernetes.io"
AS_SOURCE, BOUND = f"{_PREFIX}/volumesnapshot-as-source-protection", f"{_PREFIX}/volumesnapshot-bound-protection"
CONTENT_BOUND = f"{_PREFIX}/volumesnapshotcontent-bound-protection"
CLAIM_AS_SOURCE = f"{_PREFIX}/pvc-as-source-protection"
"""Finalizers, these and those above: of snapshots, of contents, and of claims that are being copied."""

BEING_CREATED, BEING_DELETED = f"{_PREFIX}/volumesnapshot-being-created", f"{_PREFIX}/volumesnapshot-being-deleted"
SECRET_NAME, SECRET_NAMESPACE = f"{_PREFIX}/deletion-secret-name", f"{_PREFIX}/deletion-secret-namespace"
IS_DEFAULT = f"{_PREFIX}/is-default-class"
"""Annotations, these and those above: of contents and of classes."""

RESERVED = "csi.storage.k8s.io/"
"""What parameters of a class begin with that are not the driver's."""
SECRETS = (f"{RESERVED}snapshotter-secret-name", f"{RESERVED}snapshotter-secret-namespace")
_TOKEN = re.compile(r"\$\{([^}]*)\}|\$(\w+)")


class SnapshotError(Exception):
    """What keeps a snapshot from being made, bound or deleted, in upstream's words."""


def class_not_found(name: str) -> SnapshotError:
    """As the list of a controller says it."""
    return SnapshotError(f'volumesnapshotclass.{GROUP} "{name}" not found')


def is_ready(obj: Object) -> bool:
    """Whether a snapshot or a content can be restored from."""
    return bool((obj.get("status") or {}).get("readyToUse"))


def has_finalizer(obj: Object, finalizer: str) -> bool:
    """Whether it is there."""
    return finalizer in (obj["metadata"].get("finalizers") or ())


def with_finalizers(obj: Object, *added: str, without: tuple[str, ...] = ()) -> Object:
    """The object with some finalizers more, or less, to be written."""
    kept = [one for one in obj["metadata"].get("finalizers") or () if one not in without]
    return {**obj, "metadata": {**obj["metadata"], "finalizers": [*kept, *added]}}


def secret_annotations(parameters: Mapping[str, str], content_name: str, snapshot: Object) -> dict[str, str]:
    """A content's annotations that name the driver's secret; none where the class names none. Raises `SnapshotError`.

    Source: external-snapshotter pkg/utils/util.go GetSecretReference.
    """
    stated = [parameters.get(name) for name in SECRETS]
    problem = ""
    if (stated[0] is None) != (stated[1] is None):
        problem = "either name and namespace for Snapshotter secrets specified, Both must be specified"
    elif "" in stated:
        problem = "Snapshotter secrets specified in parameters but value of either namespace or name is empty"
    if problem:
        raise SnapshotError(f"failed to get name and namespace template from params: {problem}")
    if stated[0] is None or stated[1] is None:
        return {}
    known = {
        "volumesnapshotcontent.name": content_name,
        "volumesnapshot.namespace": str(snapshot["metadata"]["namespace"]),
    }
    namespace = _resolved(stated[1], known, "namespace")
    name = _resolved(stated[0], {**known, "volumesnapshot.name": str(snapshot["metadata"]["name"])}, "secret")
    return {SECRET_NAME: name, SECRET_NAMESPACE: namespace}


def _resolved(template: str, known: Mapping[str, str], kind: str) -> str:
    tokens = [first or second for first, second in _TOKEN.findall(template)]
    if unknown := sorted({token for token in tokens if token not in known}):
        listed = " ".join(map(quote, unknown))
        raise SnapshotError(f"error resolving value {quote(template)}: invalid tokens: [{listed}]")
    found = _TOKEN.sub(lambda token: known[token[1] or token[2]], template)
    if (names.label_errors if kind == "namespace" else names.subdomain_errors)(found):
        said = quote(found) if found == template else f"{quote(template)} resolved to {quote(found)} which"
        raise SnapshotError(f"{said} is not a valid {kind} name")
    return found
