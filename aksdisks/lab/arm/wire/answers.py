"""What handlers take and give: one call and one answer, apart from any web server."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from aksdisks.lab.arm.errors import CloudError, bad_parameter
from aksdisks.lab.scenario import Principal

Json = dict[str, Any]

PAGE_SIZE = 50
"""Entries of a page; small, so that clients that forget `nextLink` are found out."""


@dataclass(frozen=True)
class Call:
    """A request whose path has been matched; `base` is `https://host:port` as the client wrote it.

    `sees` tells whether who asks may do the same to another scope: lists leave out what they do not see.
    """

    method: str
    base: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    sees: Callable[[str], bool] = lambda _scope: True
    principal: Principal | None = None


@dataclass(frozen=True)
class Answer:
    """Status, JSON (None: no body) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]
Routes = Iterable[tuple[str, str, Handler]]
"""Method, path with parameters in braces, handler. Literal parts of a path are matched without case."""


def page(call: Call, entries: Iterable[tuple[str, str, Callable[[], Json]]]) -> Answer:
    """One page of `entries`, with the absolute address of the next one.

    An entry is its key, the scope that who asks must see (empty: whoever may list), and how to render it. They must be
    sorted by key. The token in the address of the next page holds the last key shown, so what comes and goes between
    two pages does no harm. `$top` (of storage `$maxpagesize`) is the page's size where it is smaller than ours.
    """
    after = _token_key(call.query["$skiptoken"]) if "$skiptoken" in call.query else None
    size = PAGE_SIZE
    for name in ("$top", "$maxpagesize"):
        top = call.query.get(name, str(size))
        if not top.isdecimal() or int(top) == 0:
            raise bad_parameter(name, top)
        size = min(size, int(top))
    # A list of thousands is asked for by many pages: what is not on this one costs no more than its key.
    rest = (entry for entry in entries if after is None or entry[0] > after)
    shown = list(islice((entry for entry in rest if not entry[1] or call.sees(entry[1])), size + 1))
    body: Json = {"value": [render() for _, _, render in shown[:size]]}
    if len(shown) > size:
        token = base64.urlsafe_b64encode(shown[size - 1][0].encode()).decode()
        body["nextLink"] = f"{call.base}{call.path}?{urlencode({**call.query, '$skiptoken': token}, safe='$')}"
    return Answer(200, body)


def _token_key(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        raise CloudError(400, "InvalidSkipToken", f"The provided skip token '{token}' is invalid.") from None
