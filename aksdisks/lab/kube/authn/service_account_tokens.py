"""Tokens of service accounts: JSON Web Tokens that the lab signs, and what makes one invalid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aksdisks.lab.client.interface import Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
"""Upstream's usual issuer; the API server is the audience of the same name."""

SECRET_TYPE = "kubernetes.io/service-account-token"
_LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY = "kubernetes.io/serviceaccount"
ALGORITHM = "ES256"
_REMEMBERED = 1024


class TokenRefused(Exception):  # noqa: N818 - what happened, as in the lab's other errors
    """A bearer token that is not valid, or no longer; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The service account that a token stands for, and the token's own id, empty for a Secret's."""

    namespace: str
    name: str
    uid: str
    token_id: str = ""


class AccountTokens:
    """Issues and checks tokens: the signature once, the existence of account and Secret at every request."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, key: bytes) -> None:
        """`key`: the private key, PEM, as `new_key` makes it."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._key: Any = serialization.load_pem_private_key(key, None)
        self._claims = lru_cache(_REMEMBERED)(self._verified)

    def issue(self, account: Object, audiences: Sequence[str], seconds: int) -> tuple[str, datetime]:
        """A token and when it expires; the claims are upstream's (pkg/serviceaccount/claims.go)."""
        now = self._clock.now()
        metadata = account["metadata"]
        holder = {"name": metadata["name"], "uid": metadata["uid"]}
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": list(audiences),
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": ISSUER,
            "jti": self._ids.uid(),
            "kubernetes.io": {"namespace": metadata["namespace"], "serviceaccount": holder},
            "nbf": int(now.timestamp()),
            "sub": f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}",
        }
        return self._sign(claims), expires

    def issue_for_secret(self, account: Object, secret: Object) -> str:
        """The token of a Secret of type kubernetes.io/service-account-token: it ends with the Secret alone."""
        metadata = account["metadata"]
        return self._sign(
            {
                "iss": _LEGACY_ISSUER,
                f"{_LEGACY}/namespace": metadata["namespace"],
                f"{_LEGACY}/secret.name": secret["metadata"]["name"],
                f"{_LEGACY}/service-account.name": metadata["name"],
                f"{_LEGACY}/service-account.uid": metadata["uid"],
                "sub": f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}",
            }
        )

    def holder(self, token: str, audiences: Sequence[str] = ()) -> Holder:
        """Whose it is; raises `TokenRefused` for what was not signed here, has expired, or whose account is gone."""
        claims = self._claims(token)
        if claims["iss"] == _LEGACY_ISSUER:
            return self._legacy_holder(claims)
        if claims["exp"] <= self._clock.now().timestamp():
            raise TokenRefused("[invalid bearer token, service account token has expired]")
        wanted = audiences or (ISSUER,)
        if not set(wanted) & set(claims["aud"]):
            raise TokenRefused(
                f"[invalid bearer token, token audiences {claims['aud']} is invalid for the target audiences "
                f"{list(wanted)}]"
            )
        namespace, account = claims["kubernetes.io"]["namespace"], claims["kubernetes.io"]["serviceaccount"]
        return self._holder(namespace, account["name"], account["uid"], claims["jti"])

    def public_keys(self) -> Object:
        """The JSON Web Key Set that tokens can be checked with (`/openid/v1/jwks`)."""
        from jwt.algorithms import ECAlgorithm

        key = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{"use": "sig", "alg": ALGORITHM, "kid": "aksdisks-lab", **key}]}

    def _legacy_holder(self, claims: Object) -> Holder:
        namespace = claims[f"{_LEGACY}/namespace"]
        name, uid = claims[f"{_LEGACY}/service-account.name"], claims[f"{_LEGACY}/service-account.uid"]
        secret = self._store.get("secrets", (namespace, claims[f"{_LEGACY}/secret.name"]))
        if secret is None or "deletionTimestamp" in secret.object["metadata"]:
            raise TokenRefused("[invalid bearer token, service account token has been invalidated]")
        return self._holder(namespace, name, uid)

    def _holder(self, namespace: str, name: str, uid: str, token_id: str = "") -> Holder:
        found = self._store.get("serviceaccounts", (namespace, name))
        if found is None or found.object["metadata"]["uid"] != uid:
            raise TokenRefused("[invalid bearer token, service account token has been invalidated]")
        return Holder(namespace, name, uid, token_id)

    def _sign(self, claims: Object) -> str:
        # Imported where needed: most labs never see such a token, and it costs a start 40 ms.
        import jwt

        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": "aksdisks-lab"})

    def _verified(self, token: str) -> Object:
        """The claims of a token that was signed here; expiry and audience change while the signature does not."""
        import jwt

        options: Any = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims: Object = jwt.decode(token, self._key.public_key(), [ALGORITHM], options=options)
        except (jwt.PyJWTError, ValueError):
            raise TokenRefused("invalid bearer token") from None
        return claims


def new_key() -> bytes:
    """A private key for `AccountTokens`, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
