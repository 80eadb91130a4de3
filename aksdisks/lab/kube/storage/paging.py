"""Pages of a list, all as of the first one, and which resourceVersion a list is as of."""

from __future__ import annotations

import base64
from bisect import bisect_left
from dataclasses import dataclass

import orjson

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.kube.schema.status import bad_request, expired
from aksdisks.lab.kube.storage.store import Key, Store, Version

_PAGE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
)
_LIST_TOO_OLD = "The resourceVersion for the provided list is too old."
_VERSION = "meta.k8s.io/v1"
_NEWEST = -1
"""The resourceVersion in a token whose next page shows the newest state, not that of the first page."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a list is of: a resourceVersion, None for the newest state, and the key after which it begins."""

    resource_version: int | None = None
    after: Key | None = None


def encode(resource_version: int, last: Key, namespace: str | None) -> str:
    """The token that continues after `last` as of a resourceVersion (apiserver: storage/continue.go)."""
    start = last[1] if namespace is not None or not last[0] else f"{last[0]}/{last[1]}"
    token = {"v": _VERSION, "rv": resource_version, "start": f"{start}\0"}
    return base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")


def decode(token: str, namespace: str | None, *, namespaced: bool) -> Moment:
    """The resourceVersion and the key in a token; 400 when it is not one that `encode` makes."""
    try:
        read = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), "-_", validate=True))
        number, start = read["rv"], read["start"]
        parts = start.removesuffix("\0").split("/")
        if type(number) is not int or number == 0 or read["v"] != _VERSION or not all(parts) or len(parts) > 2:
            raise ValueError(start)
    except (ValueError, TypeError, LookupError, AttributeError):
        raise bad_request("invalid continue token: continue key is not valid") from None
    across = namespace is None and namespaced
    key = (parts[0], "".join(parts[1:])) if across else (namespace or "", parts[-1])
    return Moment(None if number == _NEWEST else number, key)


def moment(resource_version: str, match: str, limit: int, current: int) -> Moment:
    """What a list without a token is as of, by its parameters (apiserver: storage.ValidateListOptions).

    400 for a resourceVersion that is no number, 504 for one that has not been reached.
    """
    wanted = version_number(resource_version, "invalid resource version: ")
    check_not_future(wanted, current)
    exact = match == "Exact" or (not match and limit > 0)
    return Moment(wanted if wanted and exact else None)


def at(store: Store, resource: str, namespace: str | None, when: Moment) -> list[tuple[Key, Version]]:
    """The list as of then; 410 Expired when the history no longer reaches so far, with a token for the newest state."""
    if when.resource_version is None:
        found = list(store.list(resource, namespace))
    else:
        try:
            found = store.list_at(resource, namespace, when.resource_version)
        except ApiError as error:
            if when.after is None:
                raise expired(_LIST_TOO_OLD) from error
            refusal = expired(_PAGE_TOO_OLD)
            refusal.metadata = {"continue": encode(_NEWEST, when.after, namespace)}
            raise refusal from error
    if when.after is None:
        return found
    # After "name\0": the key itself has been shown.
    return found[bisect_left(found, (when.after[0], f"{when.after[1]}\0"), key=lambda pair: pair[0]) :]


def check_not_future(wanted: int, current: int) -> None:
    """504 for a resourceVersion that is in the future."""
    if wanted > current:
        message = f"Too large resource version: {wanted}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def version_number(resource_version: str, prefix: str = "") -> int:
    """A resourceVersion as a number, 0 for none; 400 when it is not one."""
    if not resource_version:
        return 0
    shown = f'{prefix}resourceVersion: Invalid value: "{resource_version}": strconv.ParseUint: parsing '
    if not (resource_version.isascii() and resource_version.isdigit()):
        raise bad_request(f'{shown}"{resource_version}": invalid syntax')
    if len(resource_version) > 20 or int(resource_version) >= 2**64:
        raise bad_request(f'{shown}"{resource_version}": value out of range')
    return int(resource_version)
