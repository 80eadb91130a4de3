"""The refusals that the rules raise, in upstream's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema.resource import Resource


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong: `reason` as in a Status's causes (`FieldValueInvalid`), `message` without the field."""

    field: str
    reason: str
    message: str


def _details(resource: Resource, name: str, kind: str) -> Object:
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = kind
    return details


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no such object."""
    message = f'{resource.qualified} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(resource, name, resource.plural))


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(resource, name, resource.plural))


def conflict(resource: Resource, name: str, why: str = "") -> ApiError:
    """409: someone else was first, or a precondition does not hold."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name, resource.plural))


def forbidden(resource: Resource, name: str, why: str, causes: Sequence[Cause] = ()) -> ApiError:
    """403 by an admission rule."""
    details = _details(resource, name, resource.plural)
    if causes:
        details["causes"] = [_cause(cause) for cause in causes]
    return ApiError(403, "Forbidden", f'{resource.qualified} "{name}" is forbidden: {why}', details)


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 with every field that is wrong; several are listed in brackets as upstream's aggregate does."""
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = _details(resource, name, resource.kind)
    details["causes"] = [_cause(cause) for cause in causes]
    return ApiError(422, "Invalid", f'{resource.qualified_kind} "{name}" is invalid: {joined}', details)


def bad_request(message: str) -> ApiError:
    """400 without details."""
    return ApiError(400, "BadRequest", message)


def internal(message: str) -> ApiError:
    """500 without a reason: what upstream answers for an error that it has not foreseen (responsewriters/status.go)."""
    return ApiError(500, "", message)


def no_such_resource() -> ApiError:
    """404 for a path that names nothing served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    """405 for a verb that the resource does not have."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def expired(message: str) -> ApiError:
    """410: a watch or a page that begins before what is remembered."""
    return ApiError(410, "Expired", message)


def _cause(cause: Cause) -> Object:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}
