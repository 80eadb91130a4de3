"""Access tokens of the lab's one tenant: issued to its principals, checked on every call to Resource Manager."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from aksdisks.lab.arm import errors
from aksdisks.lab.scenario import Principal

if TYPE_CHECKING:
    from aksdisks.lab.clock import Clock

REMEMBERED = 1024
"""Tokens whose signature need not be checked again."""

LIFETIME = 3599
"""Seconds (of real time, as all timestamps) that a token is good for."""

DOMAIN = "aksdisks.example"
"""The tenant's other name."""

AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


class Tokens:
    """JSON Web Tokens, signed and checked."""

    def __init__(
        self,
        tenant_id: str,
        principals: Sequence[Principal],
        clock: Clock,
        key: Callable[[], bytes] | None = None,
    ) -> None:
        """`principals`: the first is the default one; `key` gives what tokens are signed with (as `new_key`).

        It is asked when the key is needed first: to make one takes a tenth of a second of each lab's start.
        """
        self.tenant_id = tenant_id
        self.principals = {principal.client_id.lower(): principal for principal in principals}
        self.clock = clock
        self._default = principals[0]
        self._pem = key or new_key
        self._checked: set[str] = set()

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        loaded = serialization.load_pem_private_key(self._pem(), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return loaded

    @cached_property
    def _numbers(self) -> rsa.RSAPublicNumbers:
        return self._key.public_key().public_numbers()

    @cached_property
    def _key_id(self) -> str:
        return _base64(hashlib.sha1(_bytes(self._numbers.n), usedforsecurity=False).digest())

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
            "appidacr": "1",
            "idp": f"https://sts.windows.net/{self.tenant_id}/",
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        header = {"typ": "JWT", "alg": "RS256", "x5t": self._key_id, "kid": self._key_id}
        signed = f"{_encode(header)}.{_encode(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def public_key(self) -> dict[str, str]:
        """What signatures are checked with, as an entry of a JSON Web Key Set."""
        number, exponent = _base64(_bytes(self._numbers.n)), _base64(_bytes(self._numbers.e))
        ids = {"kid": self._key_id, "x5t": self._key_id}
        return {"kty": "RSA", "use": "sig", **ids, "n": number, "e": exponent}

    def check(self, authorization: str | None, own: str) -> Principal:
        """Whose token the header holds; `own`: Resource Manager's address here. Raises `CloudError` 401."""
        if not authorization:
            raise errors.token_missing()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.token_header_invalid()
        token = token.strip()
        signed, _, signature = token.rpartition(".")
        if token not in self._checked:
            self._check_signature(signed, signature)
            if len(self._checked) >= REMEMBERED:
                self._checked.clear()
            self._checked.add(token)
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

    def _check_signature(self, signed: str, signature: str) -> None:
        try:
            given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            self._key.public_key().verify(given, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise errors.token_invalid() from None


def new_key() -> bytes:
    """A key for tokens, PEM."""
    key = rsa.generate_private_key(65537, 2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


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


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
