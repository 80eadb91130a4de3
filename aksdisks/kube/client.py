"""Kubernetes calls, typed values out: paged lists, watches, server-side apply, deletion with preconditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from aksdisks.errors import ApiError, NotFound
from aksdisks.kube.http import path
from aksdisks.kube.optional import OptionalKinds
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import FIELD_MANAGER
from aksdisks.model import (
    Attachment,
    Change,
    Claim,
    CSINode,
    KubeEvent,
    Node,
    Pod,
    StorageClass,
    Unknown,
    Volume,
    decode,
    with_drivers,
)


class Cluster(OptionalKinds):
    """One cluster's API. Every method raises NotReachable, NotAllowed, NotFound, AlreadyExists, Conflict or ApiError.

    Lists are read in pages and decoded from raw JSON: thousands of objects come back without client models.
    """

    def version(self) -> str:
        """The API server's version, such as `v1.35.0`."""
        return str(self.request("GET", "/version").get("gitVersion", ""))

    def nodes(self) -> tuple[Node, ...]:
        """All nodes, with the disk slots that their CSINodes state."""
        csi_nodes: tuple[CSINode, ...] = self.list("CSINode")
        return with_drivers(self.list("Node"), csi_nodes)

    def pods(self, namespace: str, selector: str = "") -> tuple[Pod, ...]:
        """The pods of a namespace (empty: of all), by label selector."""
        return self.list("Pod", namespace, selector)

    def claims(self, namespace: str, selector: str = "") -> tuple[Claim, ...]:
        """The claims of a namespace (empty: of all), by label selector."""
        return self.list("PersistentVolumeClaim", namespace, selector)

    def volumes(self) -> tuple[Volume, ...]:
        """All volumes."""
        return self.list("PersistentVolume")

    def attachments(self) -> tuple[Attachment, ...]:
        """All attachments."""
        return self.list("VolumeAttachment")

    def events(self, namespace: str) -> tuple[KubeEvent, ...]:
        """The events of a namespace, oldest first."""
        found: tuple[KubeEvent, ...] = self.list("Event", namespace)
        return tuple(sorted(found, key=lambda event: (str(event.first), event.name)))

    def classes(self) -> tuple[StorageClass, ...]:
        """All storage classes."""
        return self.list("StorageClass")

    def list(self, kind: str, namespace: str = "", selector: str = "") -> tuple[Any, ...]:
        """All typed values of a kind."""
        return tuple(self.items(kind, namespace, selector, partial(decode, kind))[0])

    def watch(self, kinds: Sequence[str], namespace: str = "", selector: str = "") -> Watcher:
        """A watch over several kinds at once, to be entered with `with`; see Watcher."""
        return Watcher(self, kinds, namespace, selector)

    def follow(self, kind: str, namespace: str = "", selector: str = "") -> Iterator[tuple[Any, ...] | None]:
        """All typed values of a kind, again after every change, None in between: what `waiting.wait` reads."""
        with Watcher(self, [kind], namespace, selector, lazy=True) as watcher:
            now = {_key(change): change.value for change in watcher.initial}
            yield tuple(now.values())
            for change in watcher:
                if change is not None:
                    now[_key(change)] = change.value
                    if change.type == "DELETED":
                        del now[_key(change)]
                yield None if change is None else tuple(now.values())

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """One object as raw JSON; raises NotFound."""
        return self.request("GET", path(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object as raw JSON, None where there is none."""
        try:
            return self.get(kind, name, namespace)
        except NotFound:
            return None

    def create(self, manifest: Mapping[str, Any], namespace: str = "", *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object; `dry_run` asks the server, with its admission, without making it."""
        return self.request("POST", path(manifest["kind"], namespace), _writing(dry_run), dict(manifest))

    def replace(self, raw: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
        """Write a whole object back; raises Conflict when it changed since it was read."""
        url = path(raw["kind"], namespace, raw["metadata"]["name"])
        return self.request("PUT", url, {"fieldManager": FIELD_MANAGER}, dict(raw))

    def apply(self, manifest: Mapping[str, Any], namespace: str = "", *, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply as field manager `aksdisks`; idempotent. Raises Conflict where another manager holds on."""
        # Scaling through the subresource takes `replicas` over as this same manager but another operation; by force
        # the apply stays idempotent. Foreign objects were refused before.
        query = {**_writing(dry_run), "force": "true"}
        url = path(manifest["kind"], namespace, manifest["metadata"]["name"])
        return self.request("PATCH", url, query, dict(manifest), "apply-patch+yaml")

    def scale(self, kind: str, name: str, namespace: str, replicas: int) -> None:
        """Set the replicas through the scale subresource, as `kubectl scale` does."""
        url = path(kind, namespace, name, "scale")
        body = {"spec": {"replicas": replicas}}
        self.request("PATCH", url, {"fieldManager": FIELD_MANAGER}, body, "merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str = "", *, uid: str = "") -> bool:
        """Delete an object, with `uid` only that very one (else Conflict); False where there was none."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.request("DELETE", path(kind, namespace, name), body=options)
        except NotFound:
            return False
        return True

    def allowed(self, verb: str, resource: str, group: str = "", namespace: str = "", name: str = "") -> bool | Unknown:
        """Whether this identity may do it, to the object of that `name` or to all; `resource` may be `pods/exec`."""
        resource, _, subresource = resource.partition("/")
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        attributes |= {"subresource": subresource, "name": name}
        filled = {key: value for key, value in attributes.items() if value}
        status = self._review("authorization.k8s.io/v1", "SelfSubjectAccessReview", {"resourceAttributes": filled})
        return status if isinstance(status, Unknown) else bool(status.get("allowed"))

    def identity(self) -> str | Unknown:
        """Who the API server takes us for (SelfSubjectReview, Kubernetes 1.28 and later)."""
        status = self._review("authentication.k8s.io/v1", "SelfSubjectReview", {})
        return status if isinstance(status, Unknown) else str((status.get("userInfo") or {}).get("username", ""))

    def _review(self, version: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any] | Unknown:
        """The status of a review, which is asked for by creating one and never stored."""
        body = {"apiVersion": version, "kind": kind, **({"spec": spec} if spec else {})}
        try:
            return self.request("POST", f"/apis/{version}/{kind.lower()}s", body=body).get("status") or {}
        except ApiError as error:
            return Unknown(error.message)


def _writing(dry_run: bool) -> dict[str, str]:
    """What every write says of itself."""
    return {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "dryRun": "All" if dry_run else ""}


def _key(change: Change) -> str:
    return change.value.uid or change.value.name
