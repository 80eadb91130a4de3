"""Secrets of type kubernetes.io/service-account-token: filled with a token, gone with their account."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import ClassVar

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.authn.service_account_tokens import SECRET_TYPE, AccountTokens

_NAME, _UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_ROOT_CA = "kube-root-ca.crt"


class AccountSecrets(Controller):
    """The tokens controller (pkg/controller/serviceaccount/tokens_controller.go)."""

    name: ClassVar[str] = "serviceaccount-token-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, tokens: AccountTokens) -> None:
        """Watches secrets and service accounts."""
        super().__init__(api, clock, ids)
        self._tokens = tokens
        self._secrets = self.watch("secrets", _key)
        self._accounts = self.watch("serviceaccounts", self._concerned)

    def _concerned(self, before: Object | None, after: Object | None) -> Iterable[str]:
        """The secrets of an account that came or went."""
        if before is not None and after is not None:
            return []
        account = (before or after or {})["metadata"]
        return [
            f"{account['namespace']}/{secret['metadata']['name']}"
            for secret in self._secrets.items()
            if secret["metadata"]["namespace"] == account["namespace"] and _account_of(secret) == account["name"]
        ]

    async def reconcile(self, key: str) -> float | None:
        """Fill a secret in, or delete it when its account is not there (any more) or is another."""
        secret = self._secrets.get_key(key)
        if secret is None or not _account_of(secret):
            return None
        metadata = secret["metadata"]
        namespace = metadata["namespace"]
        try:
            account = await self.api.get("serviceaccounts", _account_of(secret), namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            account = None
        known = metadata.get("annotations", {}).get(_UID)
        if account is None or (known and known != account["metadata"]["uid"]):
            await self._delete(metadata)
            return None
        data, uid = secret.get("data") or {}, account["metadata"]["uid"]
        authority = await self._authority()
        wanted = {"ca.crt": authority, "namespace": namespace}
        if known == uid and data.get("token") and all(data.get(name) == _coded(text) for name, text in wanted.items()):
            return None
        filled = {name: _coded(text) for name, text in wanted.items()}
        filled["token"] = data.get("token") or _coded(self._tokens.issue_for_secret(account, secret))
        annotations = {**metadata.get("annotations", {}), _UID: uid}
        changed = {**secret, "metadata": {**metadata, "annotations": annotations}, "data": {**data, **filled}}
        await self.api.update("secrets", changed)
        return None

    async def _delete(self, metadata: Object) -> None:
        try:
            await self.api.delete("secrets", metadata["name"], metadata["namespace"], uid=metadata["uid"])
        except ApiError as error:
            if error.code != 404:
                raise

    async def _authority(self) -> str:
        found = await self.api.get("configmaps", _ROOT_CA, "kube-system")
        return str(found["data"]["ca.crt"])


def _key(before: Object | None, after: Object | None) -> Iterable[str]:
    secret = before if after is None else after
    if secret is None or not _account_of(secret):
        return ()
    return (f"{secret['metadata']['namespace']}/{secret['metadata']['name']}",)


def _account_of(secret: Object) -> str:
    """The account that a secret is for; empty for secrets of other types."""
    if secret.get("type") != SECRET_TYPE:
        return ""
    return str(secret["metadata"].get("annotations", {}).get(_NAME, ""))


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
