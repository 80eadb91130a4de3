"""Access tokens of the lab's one tenant: issued to its principals, checked on every call to Resource Manager."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.scenario import Principal

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

LIFETIME = 3599
"""Seconds (of real time, as all timestamps) that a token is good for."""

AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


class Tokens:
    """JSON Web Tokens, signed and checked."""

    def __init__(self, tenant_id: str, principals: Sequence[Principal], clock: Clock, key: bytes | None = None) -> None:
        """`principals`: the first is the default one; `key`: what tokens are signed with, a new one unless given."""
        self.tenant_id = tenant_id
        self.principals = {principal.client_id.lower(): principal for principal in principals}
        self.clock = clock
        self._default = principals[0]
        self._key = key or secrets.token_bytes(32)

    def principal(self, client_id: str) -> Principal | None:
        """The principal of that client id."""
        return self.principals.get(client_id.lower())

    def issue(self, audience: str, principal: Principal | None = None) -> str:
        """A token for a resource, good for `LIFETIME` seconds; for the default principal unless one is named."""
        principal = principal or self._default
        now = int(self.clock.now().timestamp())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "appid": principal.client_id,
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        signed = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def check(self, authorization: str | None, own: str) -> Principal:
        """Whose token the header holds; `own`: Resource Manager's address here. Raises `CloudError` 401."""
        if not authorization:
            raise errors.token_missing()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.token_header_invalid()
        signed, _, signature = token.strip().rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise errors.token_invalid()
        claims = _decode(signed.partition(".")[2])
        expiry, now = datetime.fromtimestamp(claims["exp"], UTC), self.clock.now()
        if expiry <= now:
            raise errors.token_expired(expiry, now)
        allowed = audiences(own)
        if claims["aud"].rstrip("/") not in allowed:
            raise errors.token_audience(
                claims["aud"], [f"{audience}{end}" for audience in allowed for end in ("/", "")]
            )
        return self.principals[claims["appid"].lower()]

    def _signature(self, signed: str) -> str:
        return _base64(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def audiences(own: str) -> Sequence[str]:
    """For whom a token may be asked: Azure's names of Resource Manager, and its address here."""
    return (*AUDIENCES, own.rstrip("/"))


def _encode(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _decode(part: str) -> Any:
    # Only what carries our signature comes here, so it is what `_encode` wrote.
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
