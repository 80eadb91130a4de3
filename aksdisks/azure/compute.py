"""Compute calls of Azure Resource Manager, typed values out; what Azure does not tell is Unknown, with the reason."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from aksdisks.azure.calls import SignIn, checked_answers, field, reported_retries, why
from aksdisks.model import Disk, Machine, NoCredential, NotPermitted, Unknown
from aksdisks.targets.credentials import AzureSettings
from aksdisks.waiting import Progress, silent

R = TypeVar("R")
# How long between two looks when ARM does not say, in cluster seconds: the pace of the Azure CLI's own waits is 30.
_PACE = 5.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 30.0  # real seconds: no wait sleeps through its deadline by more
_PROVIDER_ID = re.compile(r"^azure:///subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/", re.IGNORECASE)


def place(provider_id: str) -> tuple[str, str] | None:
    """Subscription and node resource group of a node's providerID (there in lower case); None for other clouds."""
    match = _PROVIDER_ID.match(provider_id)
    return (match[1], match[2]) if match else None


def same(one: str, other: str) -> bool:
    """Whether two ARM ids name the same thing: their case does not count."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()


class Azure:
    """The disks and machines of one node resource group. It only reads: nothing here ever changes Azure.

    `unknown` is the one answer of an Azure that cannot be asked; any other Unknown may pass.
    """

    def __init__(
        self,
        settings: AzureSettings | Unknown,
        subscription: str = "",
        resource_group: str = "",
        time_scale: float = 1.0,
        progress: Progress = silent,
    ) -> None:
        self.subscription = subscription
        self.resource_group = resource_group
        self.unknown = settings if isinstance(settings, Unknown) else None
        self._settings: Any = settings
        self._credential = None if isinstance(settings, Unknown) else SignIn(settings.credential)
        self._time_scale = time_scale
        self._progress = progress
        self._client: Any = None
        self._retry_after: float | None = None

    def disks(self) -> tuple[Disk, ...] | Unknown:
        """All disks of the node resource group, by name."""
        return self._ask(self._disks)

    def machines(self) -> tuple[Machine, ...] | Unknown:
        """All scale-set instances and virtual machines of the node resource group, by node name."""
        return self._ask(self._machines)

    def _disks(self) -> tuple[Disk, ...]:
        found = self._compute().disks.list_by_resource_group(self.resource_group, raw_response_hook=self._pace)
        return tuple(sorted(map(Disk.of, found), key=lambda disk: disk.name))

    def _machines(self) -> tuple[Machine, ...]:
        client, group = self._compute(), self.resource_group
        found = [*client.virtual_machines.list(group)]
        for scale_set in client.virtual_machine_scale_sets.list(group):
            found += client.virtual_machine_scale_set_vms.list(group, scale_set.name)
        return tuple(sorted(map(Machine.of, found), key=lambda machine: machine.node))

    def quotas(self, location: str) -> Mapping[str, tuple[int, int]] | Unknown:
        """The subscription's quotas in a region: (used, limit) by name, such as PremiumDiskCount."""
        return self._ask(
            lambda: {each.name.value: (each.current_value, each.limit) for each in self._compute().usage.list(location)}
        )

    def offered_disks(self, location: str) -> frozenset[str] | Unknown:
        """The disk SKUs that the region offers to the subscription, such as Premium_LRS."""
        return self._ask(lambda: self._offered_disks(location))

    def _offered_disks(self, location: str) -> frozenset[str]:
        found = self._compute().resource_skus.list(filter=f"location eq '{location}'")
        return frozenset(
            sku.name
            for sku in found
            if sku.resource_type == "disks" and not any(each.type == "Location" for each in sku.restrictions or ())
        )

    def follow_disks(self) -> Iterator[tuple[Disk, ...] | Unknown | None]:
        """The disks again and again, at the pace that ARM asks for: it has no watch. What `waiting.wait` reads."""
        while True:
            self._retry_after = None
            yield self.disks()
            # Retry-After is real seconds; our own pace is the cluster's and shrinks with the lab's speed.
            pause = self._retry_after or _PACE / self._time_scale
            time.sleep(min(max(_SHORTEST_PAUSE, pause), _LONGEST_PAUSE))

    def node_resource_group(self, cluster_id: str) -> str | Unknown:
        """The node resource group of a managed cluster, by the cluster's ARM id: with it `expect` is checked."""
        return self._ask(lambda: field(self._resource(cluster_id, "2025-01-01"), "properties", "nodeResourceGroup"))

    def location(self) -> str | Unknown:
        """The region of the node resource group."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return self._ask(lambda: field(self._resource(group, "2021-04-01"), "location"))

    def _resource(self, path: str, version: str) -> Any:
        """The answer with any resource, as ARM's raw JSON: what the compute client has no call for."""
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy
        from azure.core.rest import HttpRequest

        settings = self._settings
        signed_in: Any = BearerTokenCredentialPolicy(self._credential, *settings.scopes)  # type: ignore[arg-type]
        policies = [checked_answers(), reported_retries(self._progress, settings.transport), signed_in]
        url = f"{settings.arm_endpoint}{path}?api-version={version}"
        with PipelineClient[Any, Any](settings.arm_endpoint, policies=policies, **settings.transport) as arm:
            response = arm.send_request(HttpRequest("GET", url))
            response.raise_for_status()
            return response

    def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _compute(self) -> Any:
        """The SDK's client; its packages are imported only where Azure is asked."""
        if self._client is None:
            from azure.mgmt.compute import ComputeManagementClient

            self._client = ComputeManagementClient(
                self._credential,  # type: ignore[arg-type]
                self.subscription,
                base_url=self._settings.arm_endpoint,
                credential_scopes=self._settings.scopes,
                retry_policy=reported_retries(self._progress, self._settings.transport),
                per_call_policies=[checked_answers()],
                **self._settings.transport,
            )
        return self._client

    def _pace(self, response: Any) -> None:
        text = response.http_response.headers.get("Retry-After", "")
        self._retry_after = float(text) if text.isdigit() else None

    def _ask(self, call: Callable[[], R]) -> R | Unknown:
        """A call's answer, or why Azure gives none: rights, throttling, no credential, no connection."""
        if self.unknown is not None:
            return self.unknown
        from azure.core.exceptions import AzureError, ClientAuthenticationError, DeserializationError

        try:
            return call()
        except ClientAuthenticationError as error:
            lasting = self._credential is not None and self._credential.lasting
            return (NoCredential if lasting else Unknown)(why(error))
        except (AzureError, DeserializationError) as error:
            return (NotPermitted if getattr(error, "status_code", None) == 403 else Unknown)(why(error))
