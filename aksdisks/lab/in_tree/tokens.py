"""The tokens controller of 2019: every service account has a secret with a token, which its pods mount."""

from __future__ import annotations

from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.informer import split_key
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.admission.plugins import TOKEN_SECRET


class LegacyTokens(Controller):
    """Source: k/k pkg/controller/serviceaccount/tokens_controller.go, before 1.24."""

    name = "serviceaccount-token-controller"

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids) -> None:
        """Keys are those of service accounts."""
        super().__init__(api, clock, ids)
        self.accounts = self.watch("serviceaccounts")

    async def reconcile(self, key: str) -> float | None:
        """Make the secret of an account that has none."""
        account = self.accounts.get_key(key)
        if account is None or account.get("secrets"):
            return None
        namespace, name = split_key(key)
        secret = f"{name}-token-{self.ids.suffix()}"
        notes = {
            "kubernetes.io/service-account.name": name,
            "kubernetes.io/service-account.uid": account["metadata"]["uid"],
        }
        body = {"metadata": {"name": secret, "annotations": notes}, "type": "kubernetes.io/service-account-token"}
        await self.api.create("secrets", body, namespace)
        patch = {"secrets": [{"name": secret}], "metadata": {"annotations": {TOKEN_SECRET: secret}}}
        self.accounts.observe(await self.api.patch("serviceaccounts", name, patch, namespace))
        return None
