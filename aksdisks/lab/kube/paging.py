"""Continue tokens: a list in pages that all show the moment of the first."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right

import orjson

from aksdisks.lab.kube.interface import ApiError
from aksdisks.lab.kube.status import bad_request, expired
from aksdisks.lab.kube.store import Key, Store, Version

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


def encode(resource_version: int, last: Key) -> str:
    """The token that continues after `last` as of a resourceVersion."""
    token = {"v": "meta.k8s.io/v1", "rv": resource_version, "start": [*last]}
    return base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")


def decode(token: str) -> tuple[int, Key]:
    """The resourceVersion and the last key of a token; 400 when it is not one."""
    try:
        read = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = read["start"]
        return int(read["rv"]), (str(namespace), str(name))
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise bad_request("continue key is not valid: encoding is not valid") from error


def at(store: Store, resource: str, namespace: str | None, resource_version: int) -> list[tuple[Key, Version]]:
    """The list as it was; 410 Expired in the words for pages when that is forgotten."""
    try:
        return store.list_at(resource, namespace, resource_version)
    except ApiError as error:
        raise expired(_TOO_OLD) from error


def after(found: list[tuple[Key, Version]], last: Key) -> list[tuple[Key, Version]]:
    """What follows a key."""
    return found[bisect_right(found, last, key=lambda pair: pair[0]) :]


def check_not_future(resource_version: str, current: int) -> None:
    """504 for a resourceVersion that has not been reached, 400 for one that is no number."""
    wanted = version_number(resource_version)
    if wanted > current:
        message = f"Too large resource version: {wanted}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def version_number(resource_version: str) -> int:
    """A resourceVersion as a number, 0 for none; 400 when it is not one."""
    if not resource_version:
        return 0
    if not resource_version.isdigit():
        raise bad_request(f'invalid resource version "{resource_version}"')
    return int(resource_version)
