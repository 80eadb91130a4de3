"""Who asks: a client certificate or a bearer token becomes a user, a request without either is anonymous."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import NameOID

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.authn.service_account_tokens import AccountTokens, TokenRefused

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
ANONYMOUS_NAME = "system:anonymous"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class User:
    """Who a request is from, as SelfSubjectReview shows it."""

    name: str
    groups: tuple[str, ...]
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> Object:
        """As `userInfo` in reviews; what is empty is left out."""
        extra = {key: list(values) for key, values in self.extra}
        found = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": extra}
        return {key: value for key, value in found.items() if value}


ANONYMOUS = User(ANONYMOUS_NAME, (UNAUTHENTICATED,))


class Authenticator:
    """Identifies the lab's administrator and service accounts by their tokens, and other users by certificates."""

    def __init__(self, token: str, name: str, group: str, accounts: AccountTokens) -> None:
        """`token` is the administrator's secret, `name` and `group` are the administrator's."""
        self._token = token.encode()
        self._admin = User(name, (group, AUTHENTICATED))
        self.accounts = accounts

    def identify(self, request: web.Request) -> User:
        """The user; 401 for a token that is wrong or has expired.

        As with upstream's union of authenticators, a good certificate is enough whatever the token says; what is not a
        bearer token is not looked at.
        """
        transport = request.transport
        connection = transport.get_extra_info("ssl_object") if transport else None
        encoded = connection.getpeercert(binary_form=True) if connection is not None else None
        if encoded and (user := _by_certificate(encoded)) is not None:
            return user
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return ANONYMOUS
        try:
            return self.by_token(token)
        except TokenRefused:
            raise ApiError(401, "Unauthorized", "Unauthorized") from None

    def by_token(self, token: str, audiences: tuple[str, ...] = ()) -> User:
        """Whose token it is; raises `TokenRefused`. `audiences`: for whom it must be meant; empty: this API server."""
        if hmac.compare_digest(token.encode(errors="surrogateescape"), self._token):
            return self._admin
        holder = self.accounts.holder(token, audiences)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{holder.namespace}", AUTHENTICATED)
        name = f"system:serviceaccount:{holder.namespace}:{holder.name}"
        extra = ((CREDENTIAL_ID, (f"JTI={holder.token_id}",)),) if holder.token_id else ()
        return User(name, groups, holder.uid, extra)


@lru_cache(1024)
def _by_certificate(encoded: bytes) -> User | None:
    """TLS has already checked who signed it; CN is the user, each O a group."""
    subject = x509.load_der_x509_certificate(encoded).subject
    name, groups = (
        tuple(str(entry.value) for entry in subject.get_attributes_for_oid(oid))
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    )
    fingerprint = f"X509SHA256={hashlib.sha256(encoded).hexdigest()}"
    extra = ((CREDENTIAL_ID, (fingerprint,)),)
    return User(name[0], (*groups, AUTHENTICATED), extra=extra) if name else None
