"""HTTP requests about resources as calls of the API, and their results as answers; the rules are in `write`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from aiohttp import web

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.errors import NotEmulated
from aksdisks.lab.kube.schema import duplicates as repeated
from aksdisks.lab.kube.schema.decoding import decode
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import bad_request, method_not_allowed, no_such_resource
from aksdisks.lab.kube.schema.unstored import SUBRESOURCE_KINDS
from aksdisks.lab.kube.storage.store import Version
from aksdisks.lab.kube.strategies.served import Kinds
from aksdisks.lab.kube.wire import negotiation, options
from aksdisks.lab.kube.wire.exec import STREAMS, Streams
from aksdisks.lab.kube.wire.rendering import Renderer, include_object
from aksdisks.lab.kube.wire.request_info import RequestInfo
from aksdisks.lab.kube.wire.rights import GUARD
from aksdisks.lab.kube.write.api import KubeApi, Page
from aksdisks.lab.kube.write.options import WriteOptions


@dataclass(frozen=True, slots=True)
class Target:
    """What a path is about."""

    resource: str
    kind: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None
    watch: bool = False


def locate(kinds: Kinds, info: RequestInfo) -> Target:
    """The target of a request about a resource; 404 for a path that names nothing."""
    resource = kinds.by_path(info.group, info.version, info.resource)
    if resource is None or len(info.parts) > 3:
        raise no_such_resource()
    kind = kinds.resource(resource)
    # For access control a Namespace is in the namespace of its own name; here it is in none.
    namespace = info.namespace if info.namespace and info.resource != "namespaces" else None
    name = info.name if len(info.parts) > 1 else None
    if (namespace is not None) != kind.namespaced and (name is not None or namespace is not None):
        raise no_such_resource()
    if info.subresource and info.subresource not in kind.subresources:
        raise no_such_resource()
    return Target(resource, kind, namespace, name, info.subresource or None, info.verb == "watch")


_PATCHES_OF_CUSTOM = (
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
    "application/merge-patch+json, application/apply-patch+yaml"
)

_Verbs = dict[str, Callable[[web.Request, Target], Awaitable[web.StreamResponse]]]
"""By HTTP method."""


class Endpoints:
    """One coroutine for each verb."""

    def __init__(self, api: KubeApi, clock: Clock, streams: Streams) -> None:
        self._api = api
        self._streams = streams
        self._clock = clock
        part: _Verbs = {"GET": self._get, "PUT": self._update, "PATCH": self._patch}
        self._verbs: dict[str, _Verbs] = {
            "collection": {"GET": self._list_or_watch, "POST": self._create, "DELETE": self._delete_collection},
            "object": {**part, "DELETE": self._delete},
            "status": part,
            "scale": part,
            "finalize": {"PUT": self._update},
            "binding": {"POST": self._bind},
            "eviction": {"POST": self._evict},
        }

    async def handle(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Answer one request; raises `ApiError` and `NotEmulated`."""
        if not target.kind.kept:
            _check_absent(request, target.kind)
        if target.kind.ready_made and request.method != "GET":
            raise NotEmulated(f"{target.kind.qualified}: {target.kind.ready_made}")
        if target.subresource in STREAMS:
            return await self._streams.handle(request, target.namespace or "", target.name or "", target.subresource)
        place = target.subresource or ("object" if target.name else "collection")
        verb = self._verbs.get(place, {}).get(request.method)
        if verb is None:
            raise method_not_allowed()
        return await verb(request, target)

    async def _list_or_watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        renderer = self._renderer(request, target)
        query = request.query
        options.check_numbers(query)
        if target.watch:
            return await self._watch(request, target, renderer)
        options.check_list(query)
        page = self._api.list_page(
            target.resource,
            target.namespace,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            limit=options.number(query.get("limit", "")) or 0,
            continue_token=query.get("continue", ""),
            resource_version=query.get("resourceVersion", ""),
            resource_version_match=query.get("resourceVersionMatch", ""),
        )
        return _answer(renderer.page(page), renderer.form.media_type)

    async def _watch(self, request: web.Request, target: Target, renderer: Renderer) -> web.StreamResponse:
        query = request.query
        options.check_watch(query)
        negotiation.check_stream(renderer.form)
        events = self._api.watch_versions(
            target.resource,
            target.namespace,
            resource_version=query.get("resourceVersion", ""),
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            allow_bookmarks=options.flag(query.get("allowWatchBookmarks", "")),
            timeout_seconds=options.seconds(query.get("timeoutSeconds", "")),
            send_initial_events=options.flag(query["sendInitialEvents"]) if "sendInitialEvents" in query else None,
        )
        response = web.StreamResponse(headers={"Content-Type": negotiation.JSON, "Cache-Control": "no-cache, private"})
        await response.prepare(request)
        first = True
        try:
            async with aclosing(events):
                async for event in events:
                    # The age column is as of the event, not of the watch's beginning.
                    shown = replace(renderer, now=self._clock.now())
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
        wanted = request.query.get("resourceVersion", "")
        version = self._api.get_version(target.resource, str(target.name), target.namespace, target.subresource, wanted)
        return _answer(renderer.one(version), renderer.form.media_type)

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        if target.kind.namespaced and target.namespace is None:
            raise method_not_allowed()
        renderer = self._renderer(request, target)
        write = await _write_options(request)
        body = await _body(request, target.kind)
        version = self._api.create_version(target.resource, body, target.namespace, **write)
        return _answer(renderer.one(version), renderer.form.media_type, 201, write["warnings"])

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        write = await _write_options(request)
        body = await _body(request, SUBRESOURCE_KINDS.get(target.subresource or "", target.kind))
        _check_place(body, target)
        written = self._api.update_version(target.resource, body, subresource=target.subresource, **write)
        code = 201 if written.created else 200
        return _answer(renderer.one(written.version), renderer.form.media_type, code, write["warnings"])

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        patch_type = negotiation.PATCH_TYPES.get(negotiation.media_type(options.content_type(request)))
        if target.kind.custom is not None and patch_type in (None, "strategic"):
            raise ApiError(415, "UnsupportedMediaType", _PATCHES_OF_CUSTOM)
        if patch_type is None:
            raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        force = options.patch_options(request, patch_type)
        write = await _write_options(request)
        patch = negotiation.decode_patch(await request.read(), patch_type)
        if patch_type == "apply":
            _check_place(patch, target)
        written = self._api.patch_version(
            target.resource,
            str(target.name),
            patch,
            target.namespace,
            subresource=target.subresource,
            patch_type=patch_type,
            force=force,
            **write,
        )
        code = 201 if written.created else 200
        return _answer(renderer.one(written.version), renderer.form.media_type, code, write["warnings"])

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        renderer = self._renderer(request, target)
        wanted, dry_run = await options.delete_options(request)
        deleted = self._api.delete_version(target.resource, str(target.name), target.namespace, wanted, dry_run=dry_run)
        if deleted.gone and not self._api.kinds.strategy(target.resource).returns_deleted:
            return _answer(orjson.dumps(_deleted_status(target.kind, deleted.version)), negotiation.JSON)
        return _answer(renderer.one(deleted.version), renderer.form.media_type)

    async def _delete_collection(self, request: web.Request, target: Target) -> web.Response:
        if "deletecollection" not in target.kind.verbs or (target.kind.namespaced and target.namespace is None):
            raise method_not_allowed()
        renderer = self._renderer(request, target)
        options.check_list(request.query)
        wanted, dry_run = await options.delete_options(request)
        versions = self._api.delete_collection(
            target.resource,
            target.namespace,
            label_selector=request.query.get("labelSelector", ""),
            field_selector=request.query.get("fieldSelector", ""),
            options=wanted,
            dry_run=dry_run,
        )
        page = Page(versions, str(self._api.store.resource_version))
        return _answer(renderer.page(page), renderer.form.media_type)

    async def _bind(self, request: web.Request, target: Target) -> web.Response:
        binding = SUBRESOURCE_KINDS["binding"]
        body = decode(binding, await _body(request, binding))
        dry_run, _ = options.write_options(request)
        node, uid = (body.get("target") or {}).get("name", ""), (body.get("metadata") or {}).get("uid")
        await self._api.bind(str(target.namespace), str(target.name), node, uid=uid, dry_run=dry_run)
        return _success(201)

    async def _evict(self, request: web.Request, target: Target) -> web.Response:
        eviction = SUBRESOURCE_KINDS["eviction"]
        body = decode(eviction, await _body(request, eviction))
        wanted, dry_run = options.read_delete_options(body.get("deleteOptions") or {}, request)
        await self._api.evict(str(target.namespace), str(target.name), wanted, dry_run=dry_run)
        return _success(201)

    def _renderer(self, request: web.Request, target: Target) -> Renderer:
        streams = target.name is None and request.method == "GET"
        form = negotiation.accepted(request.headers.get("Accept", ""), streams=streams)
        if target.subresource not in (None, "scale", "status") and form.kind:
            form = negotiation.Representation(form.media_type)
        strategy = self._api.kinds.strategy(target.resource) if target.kind.kept else None
        scale, include = target.subresource == "scale", include_object(request.query.get("includeObject", ""))
        return Renderer(target.kind, strategy, scale, form, include, self._clock.now())


def _check_absent(request: web.Request, kind: Resource) -> None:
    """501 for a write of a kind that the lab does not have, 405 for a read that its discovery lacks."""
    if request.method in ("POST", "PUT", "PATCH"):
        why = f"the lab has nothing that would act on {kind.kind}, so it takes none rather than let it do nothing"
        raise NotEmulated(f"{kind.qualified}: {why}")
    if request.method == "GET" and "list" not in kind.verbs:
        raise method_not_allowed()


async def _write_options(request: web.Request) -> WriteOptions:
    """How a write is to be done; 422 for options that do not exist."""
    dry_run, validation = options.write_options(request)
    return WriteOptions(
        dry_run=dry_run,
        field_manager=options.manager(request),
        field_validation=validation,
        warnings=[],
        duplicates=None if validation == "Ignore" else repeated.in_json(await request.read()),
        guard=request.get(GUARD),
    )


async def _body(request: web.Request, kind: Resource) -> Object:
    body = negotiation.decode(await request.read(), options.content_type(request), kind.kind)
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.kind}): expected an object")
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
        raise bad_request(
            f"the namespace of the object ({metadata['namespace']}) does not match the namespace on the request "
            f"({target.namespace})"
        )
    if target.namespace is not None:
        metadata["namespace"] = target.namespace


def _deleted_status(kind: Resource, version: Version) -> Object:
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
    if warnings:
        _warn(response, warnings)
    return response


_WARNINGS_LENGTH, _WARNING_LENGTH = 4096, 256


def _warn(response: web.Response, warnings: list[str]) -> None:
    """Warnings as headers; those with control characters are left out, many are shortened (apiserver: warnings.go)."""
    shown = [warning for warning in dict.fromkeys(warnings) if warning.isprintable()]
    if sum(map(len, shown)) > _WARNINGS_LENGTH:
        shown = [warning[:_WARNING_LENGTH] for warning in shown]
    length = 0
    for warning in shown:
        length += len(warning)
        if length > _WARNINGS_LENGTH:
            return
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
