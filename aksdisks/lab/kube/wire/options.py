"""What a request asks for beside its object: dry runs, managers, deletion, which moment a list is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.schema.status import Cause, bad_request
from aksdisks.lab.kube.wire import negotiation
from aksdisks.lab.kube.write.deletion import DeleteOptions

_KINDS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_MAX_MANAGER = 128
_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"
_MAX_SECONDS = 2**31


def content_type(request: web.Request) -> str:
    """As the client wrote it, empty when it did not: aiohttp would put a type of its own in the place."""
    return request.headers.get("Content-Type", "")


def flag(value: str) -> bool:
    """A query's boolean: upstream takes any text but 0 and false (apimachinery: runtime/conversion.go)."""
    return value.lower() not in ("", "0", "false")


def number(value: str) -> int | None:
    """A query's number, None without one; 400 when it is none."""
    if not value:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax')
    return int(value)


def seconds(value: str) -> int | None:
    """A time limit in whole seconds; None without one and for zero."""
    found = number(value)
    return min(found, _MAX_SECONDS) if found and found > 0 else None


def check_numbers(query: Mapping[str, str]) -> None:
    """400 for a list's numbers that are none, also where they would not count."""
    for name in ("timeoutSeconds", "limit"):
        number(query.get(name, ""))


def manager(request: web.Request) -> str:
    """Who owns what an ordinary write changes: as named, else the client's own name, as upstream has it."""
    named = request.query.get("fieldManager", "")
    if named:
        return named
    name = request.headers.get("User-Agent", "").partition("/")[0][:_MAX_MANAGER]
    return "".join(character for character in name if character.isprintable()) or "unknown"


def write_options(request: web.Request) -> tuple[bool, str]:
    """Whether a write is only tried, and how strictly its body is read; 422 for values that do not exist."""
    causes: list[Cause] = []
    named = request.query.get("fieldManager", "")
    if len(named.encode()) > _MAX_MANAGER:
        why = f"Too long: may not be more than {_MAX_MANAGER} bytes"
        causes.append(Cause("fieldManager", "FieldValueTooLong", why))
    causes += [
        _invalid("fieldManager", named, f"invalid character {_code_point(c)} (at position {at})")
        for at, c in enumerate(named)
        if not c.isprintable()
    ]
    dry = request.query.getall("dryRun", [])
    if any(value != "All" for value in dry):
        causes.append(_unsupported("dryRun", dry, ("All",)))
    validation = request.query.get("fieldValidation", "")
    if validation not in _VALIDATIONS:
        causes.append(_unsupported("fieldValidation", validation, _VALIDATIONS))
    check(_KINDS[request.method], causes)
    return bool(dry), validation or "Warn"


def patch_options(request: web.Request, patch_type: str) -> bool:
    """Whether an apply is forced; 422 for an apply without a manager, and for a forced patch of another type."""
    if patch_type == "apply":
        if not request.query.get("fieldManager", ""):
            why = "Required value: is required for apply patch"
            check("PatchOptions", [Cause("fieldManager", "FieldValueRequired", why)])
    elif "force" in request.query:
        why = "Forbidden: may not be specified for non-apply patch"
        check("PatchOptions", [Cause("force", "FieldValueForbidden", why)])
    return flag(request.query.get("force", ""))


def check_list(query: Any) -> None:
    """422 for a list's parameters that exclude each other (apimachinery: internalversion/validation)."""
    version, match, page = (query.get(key, "") for key in ("resourceVersion", "resourceVersionMatch", "continue"))
    causes: list[Cause] = []
    if match:
        if not version:
            causes.append(_forbidden_match("resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if page:
            causes.append(_forbidden_match("resourceVersionMatch is forbidden when continue is provided"))
        if match not in (_EXACT, _NOT_OLDER):
            causes.append(_unsupported("resourceVersionMatch", match, (_EXACT, _NOT_OLDER, "")))
        if match == _EXACT and version == "0":
            causes.append(_forbidden_match('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        why = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(Cause("sendInitialEvents", "FieldValueForbidden", why))
    check("ListOptions", causes)


def check_watch(query: Any) -> None:
    """422 for a watch's parameters that exclude each other."""
    match, initial = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    causes: list[Cause] = []
    if initial and match != _NOT_OLDER:
        causes.append(_forbidden_match("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
    if match:
        if not initial:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            causes.append(_forbidden_match(why))
        if match != _NOT_OLDER:
            causes.append(_unsupported("resourceVersionMatch", match, (_NOT_OLDER,)))
        if query.get("continue", ""):
            causes.append(_forbidden_match("resourceVersionMatch is forbidden when continue is provided"))
    check("ListOptions", causes)


async def delete_options(request: web.Request) -> tuple[DeleteOptions, bool]:
    """What a DELETE asks for in its body, or without one in its query, and whether it is only tried."""
    raw = await request.read()
    body = negotiation.decode(raw, content_type(request), "DeleteOptions") if raw.strip() else {}
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type DeleteOptions): expected a JSON object")
    if raw.strip() and body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise bad_request(f"decoded object cannot be converted to DeleteOptions: found {text(body['kind'])}")
    return read_delete_options(body, request)


def read_delete_options(body: Any, request: web.Request) -> tuple[DeleteOptions, bool]:
    """The options of a body and of the query; 400 and 422 for what they cannot say."""
    if not isinstance(body, dict):
        raise bad_request("deleteOptions: expected a JSON object")
    preconditions = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise bad_request("preconditions: expected a JSON object")
    for value, kind in (
        (body.get("gracePeriodSeconds"), int), (body.get("propagationPolicy"), str), (preconditions.get("uid"), str),
        (preconditions.get("resourceVersion"), str), (body.get("orphanDependents"), bool), (body.get("dryRun"), list),
    ):  # fmt: skip
        if value is not None and type(value) is not kind:
            raise bad_request(f"DeleteOptions: expected {kind.__name__}, found {text(value)}")
    grace = body.get("gracePeriodSeconds")
    if grace is None:
        grace = number(request.query.get("gracePeriodSeconds", ""))
    propagation = body.get("propagationPolicy", request.query.get("propagationPolicy"))
    orphan = body.get("orphanDependents")
    if orphan is None and "orphanDependents" in request.query:
        orphan = flag(request.query["orphanDependents"])
    dry = [*(body.get("dryRun") or ()), *request.query.getall("dryRun", [])]
    causes: list[Cause] = []
    if orphan is not None and propagation is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(_invalid("propagationPolicy", propagation, why))
    if propagation is not None and propagation not in _PROPAGATIONS:
        causes.append(_unsupported("propagationPolicy", propagation, (*_PROPAGATIONS, "nil")))
    if any(value != "All" for value in dry):
        causes.append(_unsupported("dryRun", dry, ("All",)))
    check("DeleteOptions", causes)
    if propagation is None and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    # Upstream treats a negative period as the shortest one; longer ones than a century end with the calendar.
    period = None if grace is None else min(grace if grace >= 0 else 1, _MAX_SECONDS)
    wanted = DeleteOptions(propagation, period, preconditions.get("uid"), preconditions.get("resourceVersion"))
    return wanted, bool(dry)


def check(kind: str, causes: Sequence[Cause]) -> None:
    """422 for options of a request that do not hold (apimachinery: meta/v1/validation)."""
    if not causes:
        return
    listed: list[Object] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    details = {"group": "meta.k8s.io", "kind": kind, "causes": listed}
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    raise ApiError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {shown}', details)


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _invalid(field: str, value: Any, why: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f"Invalid value: {text(value)}: {why}")


def _unsupported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    listed = ", ".join(f'"{one}"' for one in supported)
    why = f"Unsupported value: {text(value)}: supported values: {listed}"
    return Cause(field, "FieldValueNotSupported", why)


def _forbidden_match(why: str) -> Cause:
    return Cause("resourceVersionMatch", "FieldValueForbidden", f"Forbidden: {why}")
