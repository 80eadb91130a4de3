"""What a namespace needs when it appears, and the deletion of all that is in it when it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.strategies.catalog import KEPT
from aksdisks.lab.kube.strategies.custom import is_true, stored_as

ACCOUNT = "default"
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)
FINALIZER_ESTIMATE = 15.0


@dataclass
class _Left:
    """What is still in a namespace after a pass; `estimate` in cluster seconds."""

    resources: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    estimate: float = 0.0


class NamespaceController(Controller):
    """The namespace, serviceaccounts and root-ca-cert-publisher controllers of upstream in one.

    The CA bundle published is that of `kube-root-ca.crt` in kube-system, which whoever seeds the cluster creates.
    """

    name: ClassVar[str] = "namespace-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Watches namespaces, service accounts and config maps."""
        super().__init__(api, clock, ids)
        self._namespaces = self.watch("namespaces")
        self._accounts = self.watch("serviceaccounts", _namespace_key)
        self._maps = self.watch("configmaps", _namespace_key)

    async def reconcile(self, key: str) -> float | None:
        """Furnish an active namespace, empty one that is being deleted."""
        namespace = self._namespaces.get_key(key)
        if namespace is None:
            return None
        if "deletionTimestamp" in namespace["metadata"]:
            return await self._empty(namespace)
        await self._furnish(key)
        return None

    async def _furnish(self, namespace: str) -> None:
        if self._accounts.get(ACCOUNT, namespace) is None:
            meta: Object = {"name": ACCOUNT, "namespace": namespace}
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
            await self._create("serviceaccounts", account, namespace)
        model = self._maps.get(ROOT_CA, "kube-system")
        current = self._maps.get(ROOT_CA, namespace)
        if model is None or namespace == "kube-system":
            return
        if current is None:
            annotations = {"kubernetes.io/description": DESCRIPTION}
            named: Object = {"name": ROOT_CA, "namespace": namespace, "annotations": annotations}
            bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": model["data"]}
            await self._create("configmaps", bundle, namespace)
        elif current.get("data") != model["data"]:
            await self.api.update("configmaps", current | {"data": model["data"]})

    async def _create(self, resource: str, obj: Object, namespace: str) -> None:
        try:
            await self.api.create(resource, obj, namespace)
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "NotFound", "Forbidden"):
                raise

    # --- deletion ---------------------------------------------------------------------------------------------------

    async def _empty(self, namespace: Object) -> float | None:
        """One pass as upstream's namespaced_resources_deleter: pods first, then the rest; finalized when empty."""
        name = namespace["metadata"]["name"]
        left = _Left()
        await self._delete_all("pods", "pods.", name, left)
        if not left.resources:
            for resource, kind in KEPT.items():
                if kind.namespaced and kind.plural != "pods" and "delete" in kind.verbs and resource == kind.plural:
                    await self._delete_all(resource, f"{kind.plural}.{kind.group}", name, left)
            definitions, _ = await self.api.list("customresourcedefinitions")
            for crd in definitions:
                if crd["spec"]["scope"] == "Namespaced" and is_true(crd, "Established"):
                    await self._delete_all(stored_as(crd), stored_as(crd), name, left)
        namespace = await self._write_conditions(namespace, left)
        if left.resources:
            return left.estimate / 2 + 1.0
        spec = namespace.get("spec", {}) | {"finalizers": []}
        try:
            await self.api.update("namespaces", namespace | {"spec": spec}, subresource="finalize")
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        return None

    async def _delete_all(self, resource: str, told: str, namespace: str, left: _Left) -> None:
        objects, _ = await self.api.list(resource, namespace)
        for obj in objects:
            if "deletionTimestamp" in obj["metadata"]:
                continue
            try:
                await self.api.delete(resource, obj["metadata"]["name"], namespace, propagation="Background")
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
        remaining, _ = await self.api.list(resource, namespace)
        if not remaining:
            return
        left.resources[told] = len(remaining)
        for obj in remaining:
            finalizers = obj["metadata"].get("finalizers", ())
            left.finalizers.update(finalizers)
            grace = float(obj["metadata"].get("deletionGracePeriodSeconds", 0))
            left.estimate = max(left.estimate, FINALIZER_ESTIMATE if finalizers else grace)

    async def _write_conditions(self, namespace: Object, left: _Left) -> Object:
        before = namespace.get("status", {})
        conditions = list(before.get("conditions", ()))
        for wanted in _conditions(left):
            current = next((c for c in conditions if c["type"] == wanted["type"]), None)
            if current is not None and all(current[name] == value for name, value in wanted.items()):
                continue
            kept = current is not None and current["status"] == wanted["status"]
            stamp = current["lastTransitionTime"] if current is not None and kept else timestamp(self.clock.now())
            entry = {"type": wanted["type"], "status": wanted["status"], "lastTransitionTime": stamp}
            entry |= {"reason": wanted["reason"], "message": wanted["message"]}
            conditions = [entry if c is current else c for c in conditions] if current else [*conditions, entry]
        if conditions == before.get("conditions"):
            return namespace
        status = before | {"phase": "Terminating", "conditions": conditions}
        return await self.api.update("namespaces", namespace | {"status": status}, subresource="status")


def _namespace_key(before: Object | None, after: Object | None) -> tuple[str, ...]:
    obj = before if after is None else after
    return () if obj is None else (obj["metadata"]["namespace"],)


def _conditions(left: _Left) -> list[Object]:
    """What a deleted namespace reports (upstream pkg/controller/namespace/deletion/status_condition_utils.go)."""
    rows = [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ]
    found: list[Object] = [
        {"type": type, "status": "False", "reason": reason, "message": message} for type, reason, message in rows
    ]
    resources = [f"{name} has {count} resource instances" for name, count in sorted(left.resources.items())]
    finalizers = [f"{name} in {count} resource instances" for name, count in sorted(left.finalizers.items())]
    found.append(
        {
            "type": "NamespaceContentRemaining",
            "status": str(bool(resources)),
            "reason": "SomeResourcesRemain" if resources else "ContentRemoved",
            "message": f"Some resources are remaining: {', '.join(resources)}"
            if resources
            else "All content successfully removed",
        }
    )
    found.append(
        {
            "type": "NamespaceFinalizersRemaining",
            "status": str(bool(finalizers)),
            "reason": "SomeFinalizersRemain" if finalizers else "ContentHasNoFinalizers",
            "message": f"Some content in the namespace has finalizers remaining: {', '.join(finalizers)}"
            if finalizers
            else "All content-preserving finalizers finished",
        }
    )
    return found
