"""Who asks: a bearer token or a client certificate becomes a user, anything else nobody."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user, as SelfSubjectReview shows it."""

    name: str
    groups: tuple[str, ...]


class Access:
    """The lab's one administrator, known by a token or by a certificate of the lab's own authority."""

    def __init__(self, token: str, name: str, group: str) -> None:
        """`token` is the lab's secret; `name` and `group` are what its client certificate says (CN and O)."""
        self._token = token.encode()
        self._admin = User(name, (group, "system:authenticated"))

    def identify(self, authorization: str, certificate: Mapping[str, Any] | None) -> User | None:
        """The user, or None for a request that is to be answered 401.

        `certificate` is what `ssl.SSLSocket.getpeercert` returns: TLS has already checked who signed it. As with
        upstream's union of authenticators, a good certificate is enough whatever the token says.
        """
        if certificate:
            subject = dict(pair for entry in certificate.get("subject", ()) for pair in entry)
            name, group = subject.get("commonName", ""), subject.get("organizationName", "")
            if name:
                return User(name, (group, "system:authenticated") if group else ("system:authenticated",))
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token):
            return self._admin
        return None
