"""HTTP requests about resources become calls of the API, and what comes back becomes answers; no rules live here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiohttp import web

from aksdisks.lab.clock import Clock
from aksdisks.lab.kube import negotiation
from aksdisks.lab.kube.api import KubeApi
from aksdisks.lab.kube.deletion import DeleteOptions
from aksdisks.lab.kube.interface import ApiError, Object
from aksdisks.lab.kube.registry import RESOURCES, Resource, by_path
from aksdisks.lab.kube.rendering import Renderer, include_object
from aksdisks.lab.kube.status import bad_request, method_not_allowed, no_such_resource
from aksdisks.lab.kube.store import Version

_RETURNED_WHEN_GONE = frozenset(
    (
        "csidrivers", "csinodes", "persistentvolumeclaims", "persistentvolumes", "pods", "serviceaccounts",
        "services", "storageclasses", "volumeattachments",
    )
)  # fmt: skip
"""Kinds whose DELETE answers with the object although it is gone; the others with a Status (upstream's OpenAPI)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a path is about."""

    resource: str
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None

    @property
    def kind(self) -> Resource:
        """The row of the registry."""
        return RESOURCES[self.resource]


def locate(group: str, version: str, parts: list[str]) -> Target:
    """The target of the path below `/api/v1` or `/apis/<group>/<version>`; 404 for a path that names nothing."""
    namespace = None
    if len(parts) > 2 and parts[0] == "namespaces" and by_path(group, version, parts[2]):
        namespace, parts = parts[1], parts[2:]
    resource = by_path(group, version, parts[0])
    if resource is None or len(parts) > 3:
        raise no_such_resource()
    name = parts[1] if len(parts) > 1 else None
    subresource = parts[2] if len(parts) > 2 else None
    kind = RESOURCES[resource]
    if (namespace is not None) != kind.namespaced and (name is not None or namespace is not None):
        raise no_such_resource()
    if subresource is not None and subresource not in kind.subresources:
        raise no_such_resource()
    return Target(resource, namespace, name, subresource)


class Endpoints:
    """One coroutine for each verb."""

    def __init__(self, api: KubeApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._verbs: dict[tuple[str, str], Callable[[web.Request, Target], Awaitable[web.StreamResponse]]] = {
            ("GET", "collection"): self._list_or_watch,
            ("POST", "collection"): self._create,
            ("DELETE", "collection"): self._delete_collection,
            ("GET", "object"): self._get,
            ("PUT", "object"): self._update,
            ("PATCH", "object"): self._patch,
            ("DELETE", "object"): self._delete,
            ("GET", "status"): self._get,
            ("PUT", "status"): self._update,
            ("PATCH", "status"): self._patch,
            ("GET", "scale"): self._get,
            ("PUT", "scale"): self._update,
            ("PATCH", "scale"): self._patch,
            ("PUT", "finalize"): self._update,
            ("POST", "binding"): self._bind,
            ("POST", "eviction"): self._evict,
        }

    async def handle(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Answer one request; raises `ApiError`."""
        place = target.subresource or ("object" if target.name else "collection")
        verb = self._verbs.get((request.method, place))
        if verb is None:
            raise method_not_allowed()
        return await verb(request, target)

    async def _list_or_watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        renderer = self._renderer(request, target)
        query = request.query
        if _flag(query.get("watch", "")):
            return await self._watch(request, target, renderer)
        page = self._api.list_page(
            target.resource,
            target.namespace,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            limit=_number(query.get("limit", ""), "limit") or 0,
            continue_token=query.get("continue", ""),
            resource_version=query.get("resourceVersion", ""),
        )
        return _answer(renderer.page(page), renderer.form.media_type)

    async def _watch(self, request: web.Request, target: Target, renderer: Renderer) -> web.StreamResponse:
        query = request.query
        events = self._api.watch_versions(
            target.resource,
            target.namespace,
            resource_version=query.get("resourceVersion", ""),
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            allow_bookmarks=_flag(query.get("allowWatchBookmarks", "")),
            timeout_seconds=_number(query.get("timeoutSeconds", ""), "timeoutSeconds") or None,
            send_initial_events=_flag(query.get("sendInitialEvents", "")),
        )
        response = web.StreamResponse(headers={"Content-Type": negotiation.JSON, "Cache-Control": "no-cache, private"})
        await response.prepare(request)
        first = True
        try:
            async with aclosing(events):
                async for event in events:
                    # The age column is as of the event, not of the watch's beginning.
                    shown = Renderer(renderer.resource, renderer.form, renderer.include, self._clock.now())
                    line = shown.event(event, first=first)
                    await self._api.store.records.settled()
                    await response.write(line)
                    first = False
        except ApiError as error:
            # A watch has begun with 200, so a forgotten version is told as upstream does: by an event.
            await response.write(orjson.dumps({"type": "ERROR", "object": negotiation.status(error)}) + b"\n")
        except ConnectionResetError:
            return response  # the client has gone; nothing is left to tell it
        await response.write_eof()
        return response

    async def _get(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        version = self._api.get_version(target.resource, str(target.name), target.namespace, target.subresource)
        return _answer(renderer.one(version), renderer.form.media_type)

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        if target.kind.namespaced and target.namespace is None:
            raise method_not_allowed()
        renderer = self._renderer(request, target)
        body = await _object(request, target.kind.kind)
        warnings: list[str] = []
        version = self._api.create_version(
            target.resource,
            body,
            target.namespace,
            dry_run=_dry_run(request),
            field_validation=_field_validation(request),
            warnings=warnings,
        )
        return _answer(renderer.one(version), renderer.form.media_type, 201, warnings)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        body = await _object(request, "Scale" if target.subresource == "scale" else target.kind.kind)
        _check_place(body, target)
        warnings: list[str] = []
        version = self._api.update_version(
            target.resource,
            body,
            subresource=target.subresource,
            dry_run=_dry_run(request),
            field_manager=_manager(request),
            field_validation=_field_validation(request),
            warnings=warnings,
        )
        return _answer(renderer.one(version), renderer.form.media_type, 200, warnings)

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        patch_type = negotiation.PATCH_TYPES.get(negotiation.media_type(_content_type(request)))
        if patch_type is None:
            raise negotiation.unsupported_media_type()
        manager, force = request.query.get("fieldManager", ""), request.query.get("force", "")
        if patch_type == "apply" and not manager:
            why = "Required value: is required for apply patch"
            raise _invalid_option("PatchOptions", "fieldManager", "FieldValueRequired", why)
        if patch_type != "apply" and force:
            why = "Forbidden: may not be specified for non-apply patch"
            raise _invalid_option("PatchOptions", "force", "FieldValueForbidden", why)
        patch = negotiation.decode_patch(await request.read(), patch_type)
        if patch_type == "apply":
            _check_place(patch, target)
        warnings: list[str] = []
        written = self._api.patch_version(
            target.resource,
            str(target.name),
            patch,
            target.namespace,
            subresource=target.subresource,
            patch_type=patch_type,
            dry_run=_dry_run(request),
            field_manager=request.query.get("fieldManager", "") if patch_type == "apply" else _manager(request),
            force=_flag(request.query.get("force", "")),
            field_validation=_field_validation(request),
            warnings=warnings,
        )
        code = 201 if written.created else 200
        return _answer(renderer.one(written.version), renderer.form.media_type, code, warnings)

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        options = await _delete_options(request)
        deleted = self._api.delete_version(
            target.resource, str(target.name), target.namespace, options, dry_run=_dry_run(request)
        )
        if deleted.gone and target.resource not in _RETURNED_WHEN_GONE:
            return _answer(orjson.dumps(_gone(target.kind, deleted.version)), negotiation.JSON)
        return _answer(renderer.one(deleted.version), renderer.form.media_type)

    async def _delete_collection(self, request: web.Request, target: Target) -> web.Response:
        if "deletecollection" not in target.kind.verbs:
            raise method_not_allowed()
        versions = self._api.delete_collection(
            target.resource,
            target.namespace,
            label_selector=request.query.get("labelSelector", ""),
            field_selector=request.query.get("fieldSelector", ""),
            options=await _delete_options(request),
            dry_run=_dry_run(request),
        )
        head = {"kind": f"{target.kind.kind}List", "apiVersion": target.kind.api_version}
        metadata = {"resourceVersion": str(self._api.store.resource_version)}
        items = [orjson.Fragment(version.item_json) for version in versions]
        return _answer(orjson.dumps({**head, "metadata": metadata, "items": items}), negotiation.JSON)

    async def _bind(self, request: web.Request, target: Target) -> web.Response:
        body = await _object(request, "Binding")
        uid = body.get("metadata", {}).get("uid") or None
        node = body.get("target", {}).get("name", "")
        await self._api.bind(str(target.namespace), str(target.name), node, uid=uid)
        return _success(201)

    async def _evict(self, request: web.Request, target: Target) -> web.Response:
        body = await _object(request, "Eviction")
        options = _read_delete_options(body.get("deleteOptions") or {}, request)
        await self._api.evict(str(target.namespace), str(target.name), options)
        return _success(201)

    def _renderer(self, request: web.Request, target: Target) -> Renderer:
        form = negotiation.accepted(request.headers.get("Accept", ""))
        if target.subresource is not None and form.kind:
            form = negotiation.Representation(form.media_type)
        return Renderer(
            target.resource, form, include_object(request.query.get("includeObject", "")), self._clock.now()
        )


def _manager(request: web.Request) -> str:
    """Who owns what an ordinary write changes: as named, else the client's own name, as upstream has it."""
    return request.query.get("fieldManager", "") or request.headers.get("User-Agent", "").partition("/")[0]


async def _object(request: web.Request, kind: str) -> Object:
    body = negotiation.decode(await request.read(), _content_type(request), kind)
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): expected a JSON object")
    return body


def _check_place(body: Object, target: Target) -> None:
    """Body and path must agree; the namespace may be left to the path (apiserver: handlers/rest.go checkName)."""
    metadata = body.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request("metadata: expected a JSON object")
    if not metadata.get("name"):
        raise bad_request(
            f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        )
    if metadata["name"] != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if target.namespace is not None and (metadata.get("namespace") or target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if target.namespace is not None:
        metadata["namespace"] = target.namespace


async def _delete_options(request: web.Request) -> DeleteOptions:
    raw = await request.read()
    body = negotiation.decode(raw, _content_type(request), "DeleteOptions") if raw.strip() else {}
    return _read_delete_options(body if isinstance(body, dict) else {}, request)


def _read_delete_options(body: Object, request: web.Request) -> DeleteOptions:
    preconditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    propagation = body.get("propagationPolicy") or request.query.get("propagationPolicy")
    if propagation is not None:
        _check_option("DeleteOptions", "propagationPolicy", propagation, (*_PROPAGATIONS, "nil"))
    orphan = body.get("orphanDependents")
    if propagation is None and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    return DeleteOptions(
        propagation,
        _number(request.query.get("gracePeriodSeconds", ""), "gracePeriodSeconds") if grace is None else int(grace),
        preconditions.get("uid"),
        preconditions.get("resourceVersion"),
    )


def _gone(kind: Resource, version: Version) -> Object:
    metadata = version.object["metadata"]
    details: Object = {"name": metadata["name"]}
    if kind.group:
        details["group"] = kind.group
    details |= {"kind": kind.plural, "uid": metadata["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _success(code: Literal[201]) -> web.Response:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}
    return _answer(orjson.dumps(body), negotiation.JSON, code)


def _answer(body: bytes, media_type: str, code: int = 200, warnings: list[str] | None = None) -> web.Response:
    response = web.Response(body=body, status=code, content_type=media_type)
    response.headers["Cache-Control"] = "no-cache, private"
    for warning in warnings or ():
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
    return response


_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_VALIDATIONS = ("Ignore", "Warn", "Strict")


def _dry_run(request: web.Request) -> bool:
    values = request.query.getall("dryRun", [])
    for value in values:
        _check_option(_OPTIONS[request.method], "dryRun", value, ("All",))
    return bool(values)


def _field_validation(request: web.Request) -> str:
    value = request.query.get("fieldValidation", "Ignore") or "Ignore"
    _check_option(_OPTIONS[request.method], "fieldValidation", value, _VALIDATIONS)
    return value


def _check_option(kind: str, field: str, value: str, supported: tuple[str, ...]) -> None:
    if value not in supported:
        listed = ", ".join(f'"{name}"' for name in supported)
        message = f'Unsupported value: "{value}": supported values: {listed}'
        raise _invalid_option(kind, field, "FieldValueNotSupported", message)


def _invalid_option(kind: str, field: str, reason: str, message: str) -> ApiError:
    """422 for an option of a request (apimachinery: meta/v1/validation)."""
    cause = {"reason": reason, "message": message, "field": field}
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [cause]}
    return ApiError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {message}', details)


def _content_type(request: web.Request) -> str:
    """As the client wrote it, empty when it did not: aiohttp would put a type of its own in the place."""
    return request.headers.get("Content-Type", "")


def _flag(text: str) -> bool:
    return text.lower() in ("1", "t", "true")


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"{name}: expected a whole number, found {text!r}") from None
