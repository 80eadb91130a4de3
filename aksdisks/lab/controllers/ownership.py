"""Taking and giving up objects by selector and controller reference, as pkg/controller's ref manager does."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.controllers.pods import controller_of, controller_reference, matches
from aksdisks.lab.kube.interface import ApiError, KubernetesApi, Object


async def claim(
    api: KubernetesApi, owner_resource: str, owner: Object, resource: str, candidates: Iterable[Object]
) -> list[Object]:
    """Those of `candidates` that `owner` controls.

    Orphans that match `owner.spec.selector` are adopted, own ones that no longer match are released. Raises ApiError,
    but not for candidates that vanish meanwhile.
    """
    meta = owner["metadata"]
    claimed: list[Object] = []
    may_adopt: bool | None = None
    for obj in candidates:
        controller = controller_of(obj)
        fits = matches(owner["spec"]["selector"], obj["metadata"].get("labels"))
        if controller is not None:
            if controller["uid"] != meta["uid"]:
                continue
            if fits:
                claimed.append(obj)
            elif "deletionTimestamp" not in meta:
                await _release(api, resource, obj, meta["uid"])
        elif fits and "deletionTimestamp" not in meta and "deletionTimestamp" not in obj["metadata"]:
            if may_adopt is None:
                may_adopt = await _still_there(api, owner_resource, meta)
            if may_adopt and (adopted := await _adopt(api, resource, obj, owner)) is not None:
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
