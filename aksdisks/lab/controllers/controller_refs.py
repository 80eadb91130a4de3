"""Taking and giving up objects by selector and controller reference, as pkg/controller's ref manager does."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.lab.client.informer import Informer
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.controllers.pods import controller_of, controller_reference
from aksdisks.lab.kube.schema import selectors

_INDEX = "controller"


def index_by_controller(informer: Informer, left_out: Callable[[Object], bool] = lambda _: False) -> None:
    """Let `controlled_by` and `claim` find their objects without looking at all of them; before the informer runs.

    They do not find what is `left_out`; `informer.refile` is to be called when that changes.
    """

    def filed_under(obj: Object) -> tuple[str, ...]:
        controller = controller_of(obj)
        if controller is None:
            return (f"{obj['metadata']['namespace']}/",)
        return () if left_out(obj) else (str(controller["uid"]),)

    informer.add_index(_INDEX, filed_under)


def controlled_by(informer: Informer, owner: Object) -> list[Object]:
    """The objects whose controller reference names `owner`."""
    return informer.by_index(_INDEX, owner["metadata"]["uid"])


def orphans(informer: Informer, namespace: str) -> list[Object]:
    """The objects of a namespace that nothing controls."""
    return informer.by_index(_INDEX, f"{namespace}/")


async def claim(
    api: KubernetesApi,
    owner_resource: str,
    owner: Object,
    informer: Informer,
    eligible: Callable[[Object], bool] = lambda _: True,
) -> list[Object]:
    """The `eligible` objects that `owner` controls, of an informer that is indexed by controller.

    Orphans that match `owner.spec.selector` are adopted, own ones that no longer match are released. Raises ApiError,
    but not for objects that vanish meanwhile.
    """
    meta = owner["metadata"]
    stays = "deletionTimestamp" not in meta
    requirements = selectors.from_label_selector(owner["spec"]["selector"])
    claimed: list[Object] = []
    for obj in filter(eligible, controlled_by(informer, owner)):
        if selectors.matches(requirements, obj["metadata"].get("labels")):
            claimed.append(obj)
        elif stays:
            await _release(api, informer.resource, obj, meta["uid"])
    wanted = [
        obj
        for obj in filter(eligible, orphans(informer, meta["namespace"]))
        if "deletionTimestamp" not in obj["metadata"] and selectors.matches(requirements, obj["metadata"].get("labels"))
    ]
    if stays and wanted and await _still_there(api, owner_resource, meta):
        for obj in wanted:
            if (adopted := await _adopt(api, informer.resource, obj, owner)) is not None:
                informer.observe(adopted)
                claimed.append(adopted)
    return claimed


async def _still_there(api: KubernetesApi, resource: str, meta: Object) -> bool:
    """Ask the server, not the cache: adopting for an owner that is gone would get the object deleted."""
    try:
        fresh = await api.get(resource, meta["name"], meta.get("namespace"))
    except ApiError as error:
        if error.reason == "NotFound":
            return False
        raise
    return bool(fresh["metadata"]["uid"] == meta["uid"]) and "deletionTimestamp" not in fresh["metadata"]


async def _adopt(api: KubernetesApi, resource: str, obj: Object, owner: Object) -> Object | None:
    meta = obj["metadata"]
    references = [*meta.get("ownerReferences", ()), controller_reference(owner)]
    patch = {"metadata": {"ownerReferences": references, "uid": meta["uid"]}}
    return await _patch(api, resource, meta, patch)


async def _release(api: KubernetesApi, resource: str, obj: Object, owner_uid: str) -> None:
    meta = obj["metadata"]
    references = [r for r in meta.get("ownerReferences", ()) if r["uid"] != owner_uid]
    await _patch(api, resource, meta, {"metadata": {"ownerReferences": references or None, "uid": meta["uid"]}})


async def _patch(api: KubernetesApi, resource: str, meta: Object, patch: Object) -> Object | None:
    try:
        return await api.patch(resource, meta["name"], patch, meta.get("namespace"))
    except ApiError as error:
        if error.reason in ("NotFound", "Invalid"):
            return None
        raise
