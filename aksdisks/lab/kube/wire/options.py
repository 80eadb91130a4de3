"""The options in a request's query and headers: dry run, field manager, deletion, resourceVersion of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from aksdisks.lab.kube.schema.decoding import decode
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import Cause, bad_request, invalid
from aksdisks.lab.kube.schema.unstored import DELETE_OPTIONS
from aksdisks.lab.kube.strategies import causes
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
    """400 for parameters of a list that are not numbers, also where they would have no effect."""
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
    found: list[Cause] = []
    named = request.query.get("fieldManager", "")
    if len(named.encode()) > _MAX_MANAGER:
        found.append(causes.too_long("fieldManager", _MAX_MANAGER))
    found += [
        causes.invalid("fieldManager", named, f"invalid character U+{ord(c):04X} (at position {at})")
        for at, c in enumerate(named)
        if not c.isprintable()
    ]
    dry = request.query.getall("dryRun", [])
    if any(value != "All" for value in dry):
        found.append(causes.unsupported("dryRun", dry, ("All",)))
    validation = request.query.get("fieldValidation", "")
    if validation not in _VALIDATIONS:
        found.append(causes.unsupported("fieldValidation", validation, _VALIDATIONS))
    _check(_KINDS[request.method], found)
    return bool(dry), validation or "Warn"


def patch_options(request: web.Request, patch_type: str) -> bool:
    """Whether an apply is forced; 422 for an apply without a manager, and for a forced patch of another type."""
    if patch_type == "apply":
        if not request.query.get("fieldManager", ""):
            _check("PatchOptions", [causes.required("fieldManager", "is required for apply patch")])
    elif "force" in request.query:
        _check("PatchOptions", [causes.forbidden("force", "may not be specified for non-apply patch")])
    return flag(request.query.get("force", ""))


def check_list(query: Mapping[str, str]) -> None:
    """422 for a list's parameters that exclude each other (apimachinery: internalversion/validation)."""
    version, match, page = (query.get(key, "") for key in ("resourceVersion", "resourceVersionMatch", "continue"))
    found: list[Cause] = []
    if match and not version:
        found.append(_forbidden_match("resourceVersionMatch is forbidden unless resourceVersion is provided"))
    if match and page:
        found.append(_forbidden_match("resourceVersionMatch is forbidden when continue is provided"))
    if match not in ("", _EXACT, _NOT_OLDER):
        found.append(causes.unsupported("resourceVersionMatch", match, (_EXACT, _NOT_OLDER, "")))
    if match == _EXACT and version == "0":
        found.append(_forbidden_match('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        found.append(causes.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    _check("ListOptions", found)


def check_watch(query: Mapping[str, str]) -> None:
    """422 for a watch's parameters that exclude each other."""
    match, initial = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    found: list[Cause] = []
    if initial and match != _NOT_OLDER:
        found.append(_forbidden_match("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
    if match and not initial:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        found.append(_forbidden_match(why))
    if match not in ("", _NOT_OLDER):
        found.append(causes.unsupported("resourceVersionMatch", match, (_NOT_OLDER,)))
    if match and query.get("continue", ""):
        found.append(_forbidden_match("resourceVersionMatch is forbidden when continue is provided"))
    _check("ListOptions", found)


async def delete_options(request: web.Request) -> tuple[DeleteOptions, bool]:
    """What a DELETE asks for in its body, or without one in its query, and whether it is only tried."""
    raw = await request.read()
    body = negotiation.decode(raw, content_type(request), "DeleteOptions") if raw.strip() else {}
    return read_delete_options(body, request)


def read_delete_options(body: Any, request: web.Request) -> tuple[DeleteOptions, bool]:
    """The options of a body and of the query; 400 and 422 for what they cannot say."""
    # Every group's DeleteOptions is the same kind, sent under the group's own name.
    body = decode(DELETE_OPTIONS, {**body, "apiVersion": "v1"} if isinstance(body, dict) else body)
    preconditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds")
    if grace is None:
        grace = number(request.query.get("gracePeriodSeconds", ""))
    propagation = body.get("propagationPolicy", request.query.get("propagationPolicy"))
    orphan = body.get("orphanDependents")
    if orphan is None and "orphanDependents" in request.query:
        orphan = flag(request.query["orphanDependents"])
    dry = [*(body.get("dryRun") or ()), *request.query.getall("dryRun", [])]
    found: list[Cause] = []
    if orphan is not None and propagation is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        found.append(causes.invalid("propagationPolicy", propagation, why))
    if propagation is not None and propagation not in _PROPAGATIONS:
        found.append(causes.unsupported("propagationPolicy", propagation, (*_PROPAGATIONS, "nil")))
    if any(value != "All" for value in dry):
        found.append(causes.unsupported("dryRun", dry, ("All",)))
    _check("DeleteOptions", found)
    if propagation is None and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    # Upstream treats a negative period as the shortest one; longer ones than a century end with the calendar.
    period = None if grace is None else min(grace if grace >= 0 else 1, _MAX_SECONDS)
    wanted = DeleteOptions(propagation, period, preconditions.get("uid"), preconditions.get("resourceVersion"))
    return wanted, bool(dry)


def _check(kind: str, found: Sequence[Cause]) -> None:
    """422 for options of a request that do not hold (apimachinery: meta/v1/validation)."""
    if found:
        raise invalid(Resource("", kind, "meta.k8s.io"), "", found)


def _forbidden_match(why: str) -> Cause:
    return causes.forbidden("resourceVersionMatch", why)
