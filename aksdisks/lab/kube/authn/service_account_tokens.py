"""Tokens of service accounts: JSON Web Tokens that the lab signs, and what makes one of them stop being good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
_EXTRA = "authentication.kubernetes.io"


class TokenRefused(Exception):  # noqa: N818 - what happened, as in the lab's other errors
    """A bearer token that stands for nobody (any more); the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The service account that a token stands for; `extra` as in `userInfo`."""

    namespace: str
    name: str
    uid: str
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


class AccountTokens:
    """Issues and checks tokens; a signature is checked once, whether its objects are still there at every request."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, key: bytes) -> None:
        """`key`: the private key, PEM, as `new_key` makes it."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._key: Any = serialization.load_pem_private_key(key, None)
        self._known: dict[str, Object] = {}

    def issue(
        self, account: Object, audiences: Sequence[str], seconds: int, bound: Object | None = None
    ) -> tuple[str, datetime]:
        """A token and when it expires; `bound` is the pod, secret or node with which it ends.

        The claims are upstream's (pkg/serviceaccount/claims.go).
        """
        now = self._clock.now()
        metadata = account["metadata"]
        private: Object = {"namespace": metadata["namespace"]}
        if bound is not None:
            private |= self._bound_claims(bound)
        private["serviceaccount"] = {"name": metadata["name"], "uid": metadata["uid"]}
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": list(audiences),
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": ISSUER,
            "jti": self._ids.uid(),
            "kubernetes.io": private,
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
        """Whose it is; raises `TokenRefused` for what was not signed here, expired, or is bound to what is gone."""
        claims = self._claims(token)
        if claims["iss"] == _LEGACY_ISSUER:
            return self._legacy_holder(claims)
        private = claims["kubernetes.io"]
        if claims["exp"] <= self._clock.now().timestamp():
            raise TokenRefused("[invalid bearer token, service account token has expired]")
        wanted = audiences or (ISSUER,)
        if not set(wanted) & set(claims["aud"]):
            raise TokenRefused(
                f"[invalid bearer token, token audiences {claims['aud']} is invalid for the target audiences "
                f"{list(wanted)}]"
            )
        namespace, account = private["namespace"], private["serviceaccount"]
        self._check("serviceaccounts", namespace, account)
        extra = [(f"{_EXTRA}/credential-id", (f"JTI={claims['jti']}",))]
        for kind, plural, where in (
            ("secret", "secrets", namespace),
            ("pod", "pods", namespace),
            ("node", "nodes", ""),
        ):
            if kind not in private:
                continue
            # A pod's node is told along with the pod; only a token bound to the node itself ends with it.
            if kind != "node" or "pod" not in private:
                self._check(plural, where, private[kind])
            if kind != "secret":
                extra.append((f"{_EXTRA}/{kind}-name", (private[kind]["name"],)))
                extra.append((f"{_EXTRA}/{kind}-uid", (private[kind]["uid"],)))
        return Holder(namespace, account["name"], account["uid"], tuple(sorted(extra)))

    def audiences(self, token: str) -> list[str]:
        """For whom a good token is meant."""
        return list(self._claims(token).get("aud") or (ISSUER,))

    def public_keys(self) -> Object:
        """The JSON Web Key Set that tokens can be checked with (`/openid/v1/jwks`)."""
        from jwt.algorithms import ECAlgorithm

        key = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{"use": "sig", "alg": ALGORITHM, "kid": "aksdisks-lab", **key}]}

    def _bound_claims(self, bound: Object) -> Object:
        kind, metadata = bound["kind"].lower(), bound["metadata"]
        claims = {kind: {"name": metadata["name"], "uid": metadata["uid"]}}
        node = self._store.get("nodes", ("", bound.get("spec", {}).get("nodeName", ""))) if kind == "pod" else None
        if node is not None:
            claims["node"] = {"name": node.object["metadata"]["name"], "uid": node.object["metadata"]["uid"]}
        return claims

    def _legacy_holder(self, claims: Object) -> Holder:
        namespace = claims[f"{_LEGACY}/namespace"]
        name, uid = claims[f"{_LEGACY}/service-account.name"], claims[f"{_LEGACY}/service-account.uid"]
        secret = self._store.get("secrets", (namespace, claims[f"{_LEGACY}/secret.name"]))
        if secret is None or "deletionTimestamp" in secret.object["metadata"]:
            raise TokenRefused("[invalid bearer token, service account token has been invalidated]")
        self._check("serviceaccounts", namespace, {"name": name, "uid": uid})
        return Holder(namespace, name, uid)

    def _check(self, resource: str, namespace: str, wanted: Object) -> None:
        found = self._store.get(resource, (namespace, wanted["name"]))
        if found is None or found.object["metadata"]["uid"] != wanted["uid"]:
            raise TokenRefused("[invalid bearer token, service account token has been invalidated]")

    def _sign(self, claims: Object) -> str:
        # Imported where needed: most labs never see such a token, and it costs a start 40 ms.
        import jwt

        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": "aksdisks-lab"})

    def _claims(self, token: str) -> Object:
        found = self._known.get(token)
        if found is None:
            import jwt

            try:
                # Expiry and audience are the caller's: they change while the signature does not.
                options: Any = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
                found = jwt.decode(token, self._key.public_key(), [ALGORITHM], options=options)
            except (jwt.PyJWTError, ValueError):
                raise TokenRefused("invalid bearer token") from None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = found
        return found


def new_key() -> bytes:
    """A private key for `AccountTokens`, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
