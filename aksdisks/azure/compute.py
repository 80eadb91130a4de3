"""Compute calls of Azure Resource Manager, typed values out; what Azure does not tell is Unknown, with the reason."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from aksdisks.azure.calls import (
    Answer,
    SignIn,
    answered,
    checked,
    checked_answers,
    failed,
    field,
    reported_retries,
    why,
)
from aksdisks.model import CLUSTER_TAG, Disk, DiskSnapshot, Machine, NoCredential, NotPermitted, Unknown, id_key
from aksdisks.targets.credentials import AzureSettings
from aksdisks.waiting import Progress, silent

R = TypeVar("R")
# How long between two looks when ARM does not say, in cluster seconds: the pace of the Azure CLI's own waits is 30.
_PACE = 5.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 30.0  # real seconds: no wait sleeps through its deadline by more
# The forms in which resources are asked for: they have all fields that are read, and clouds that lag behind know them.
_DISKS, _COMPUTE = "2023-10-02", "2024-07-01"
# The codes of a 404 that say that there is no such thing.
_NONE = ("ResourceNotFound", "NotFound", "ResourceGroupNotFound")
_DISK_ID = re.compile(
    r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/disks/[^/]+$", re.IGNORECASE
)
_PROVIDER_ID = re.compile(r"^azure:///subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/", re.IGNORECASE)


def place(provider_id: str) -> tuple[str, str] | None:
    """Subscription and node resource group of a node's providerID (there in lower case); None for other clouds."""
    match = _PROVIDER_ID.match(provider_id)
    return (match[1], match[2]) if match else None


def same(one: str, other: str) -> bool:
    """Whether two ARM ids name the same thing: their case does not count."""
    return id_key(one) == id_key(other)


def _power_counts(machine: Machine, in_question: Collection[str]) -> bool:
    """Whether a machine's power, which a list without it does not have, is still to be asked for."""
    return not machine.power and (machine.node in in_question or machine.provisioning_state not in ("Succeeded", ""))


class Azure:
    """The disks and machines of one node resource group. It reads; `stop`, `start` and `act` alone change anything.

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
        self._arm: Any = None
        self._compute: Any = None
        self._retry_after: float | None = None

    def disks(self) -> tuple[Disk, ...] | Unknown:
        """All disks of the node resource group, by name."""
        return self._ask(self._disks)

    def disk(self, id_: str) -> Disk | Unknown | None:
        """A disk of whatever resource group, by its id; None where Azure has none, Unknown too for no disk's id."""
        if not _DISK_ID.match(id_):
            return Unknown(f"{id_!r} is no id of a managed disk")
        found = self.find(id_)
        return Disk.of(found) if isinstance(found, dict) else found

    def machines(self, in_question: Collection[str] = ()) -> tuple[Machine, ...] | Unknown:
        """All scale-set instances and virtual machines of the node resource group, by node name.

        Their power is asked for of the nodes `in_question`, and of machines whose last update has not succeeded.
        """
        return self._ask(lambda: self._machines(frozenset(name.lower() for name in in_question)))

    def _disks(self) -> tuple[Disk, ...]:
        return tuple(sorted(map(Disk.of, self._list("disks", _DISKS)), key=lambda disk: disk.name))

    def _machines(self, in_question: frozenset[str]) -> tuple[Machine, ...]:
        raw = list(self._list("virtualMachines", _COMPUTE))
        for scale_set in self._list("virtualMachineScaleSets", _COMPUTE):
            # For its instances one list tells as much as a call for each would.
            view = {"$expand": "instanceView"} if in_question else {}
            raw += self._list(f"virtualMachineScaleSets/{scale_set['name']}/virtualMachines", _COMPUTE, **view)
        found = [Machine.of(each) for each in raw]
        asked = [self._machine(each.id) if _power_counts(each, in_question) else each for each in found]
        return tuple(sorted(asked, key=lambda machine: machine.node))

    def _machine(self, id_: str) -> Machine:
        return Machine.of(self._get(id_, _COMPUTE, **{"$expand": "instanceView"}))

    def snapshots(self) -> tuple[DiskSnapshot, ...] | Unknown:
        """All snapshots of the node resource group, by name."""
        return self._ask(
            lambda: tuple(sorted(map(DiskSnapshot.of, self._list("snapshots", _DISKS)), key=lambda each: each.name))
        )

    def find(self, id_: str) -> dict[str, Any] | Unknown | None:
        """A disk or a snapshot as raw JSON, by its id; None where Azure says that there is none."""
        return self._ask(lambda: self._found(id_))

    def _found(self, id_: str) -> dict[str, Any] | None:
        from azure.core.exceptions import HttpResponseError

        try:
            return self._get(id_, _DISKS)
        except HttpResponseError as error:
            if error.status_code == 404 and error.error and error.error.code in _NONE:
                return None
            raise

    def follow(self, id_: str) -> Iterator[tuple[dict[str, Any], ...] | Unknown | None]:
        """A disk or a snapshot as raw JSON, again and again, no item where there is none; as `follow_disks`."""

        def look() -> tuple[dict[str, Any], ...] | Unknown:
            found = self.find(id_)
            return found if isinstance(found, Unknown) else () if found is None else (found,)

        return self._again(look)

    def act(self, method: str, id_: str, body: Mapping[str, Any] | None = None) -> Answer | Unknown:
        """Ask once for a change of a disk or a snapshot, by its id. Unknown: nobody can say whether it has begun.

        Nothing is tried again here: by the next try another disk may have the id, so that who asks looks first.
        """
        url = f"{self._settings.arm_endpoint}{id_}" if self.unknown is None else ""
        return self._ask(lambda: answered(self._answer(method, url, {"api-version": _DISKS}, body, retry_total=0)))

    def failure(self, operation: str) -> str:
        """Why a change that had begun failed, by its `Answer.operation`; empty where it has not, or nobody can say."""
        if self.unknown is not None or not operation.lower().startswith(f"{self._settings.arm_endpoint.lower()}/"):
            return ""  # no other address gets a token
        answer = self._ask(lambda: self._answer("GET", operation, {}))
        return "" if isinstance(answer, Unknown) else failed(answer)

    def stop(self, machine: str) -> Unknown | None:
        """Ask Azure to cut the power of a machine, by its id, as a failure would: nothing on it shuts down.

        It keeps its disks. None once Azure has accepted it: then `follow_machine` shows when it has stopped.
        """
        return self._ask(lambda: self._post(f"{machine}/powerOff", skipShutdown="true"))

    def start(self, machine: str) -> Unknown | None:
        """Ask Azure to start a machine, by its id; as `stop`."""
        return self._ask(lambda: self._post(f"{machine}/start"))

    def follow_machine(self, machine: str) -> Iterator[Machine | Unknown | None]:
        """One machine with its power, by its id, again and again; as `follow_disks`."""
        return self._again(lambda: self._ask(lambda: self._machine(machine)))

    def quotas(self, location: str) -> Mapping[str, tuple[int, int]] | Unknown:
        """The subscription's quotas in a region: (used, limit) by name, such as PremiumDiskCount."""
        return self._ask(
            lambda: {each.name.value: (each.current_value, each.limit) for each in self._sdk().usage.list(location)}
        )

    def offered_disks(self, location: str) -> frozenset[str] | Unknown:
        """The disk SKUs that the region offers to the subscription, such as Premium_LRS."""
        return self._ask(lambda: self._offered_disks(location))

    def _offered_disks(self, location: str) -> frozenset[str]:
        found = self._sdk().resource_skus.list(filter=f"location eq '{location}'")
        return frozenset(
            sku.name
            for sku in found
            if sku.resource_type == "disks" and not any(each.type == "Location" for each in sku.restrictions or ())
        )

    def follow_disks(self) -> Iterator[tuple[Disk, ...] | Unknown | None]:
        """The disks again and again, at the pace that ARM asks for: it has no watch. What `waiting.wait` reads."""
        return self._again(self.disks)

    def follow_snapshots(self) -> Iterator[tuple[DiskSnapshot, ...] | Unknown | None]:
        """The snapshots again and again; as `follow_disks`."""
        return self._again(self.snapshots)

    def _again(self, look: Callable[[], R]) -> Iterator[R | None]:
        while True:
            self._retry_after = None
            yield look()
            # Retry-After is real seconds; our own pace is the cluster's and shrinks with the lab's speed.
            pause = self._retry_after or _PACE / self._time_scale
            time.sleep(min(max(_SHORTEST_PAUSE, pause), _LONGEST_PAUSE))

    def node_resource_group(self, cluster_id: str) -> str | Unknown:
        """The node resource group of a managed cluster, by the cluster's ARM id: with it `expect` is checked."""
        return self._ask(lambda: field(self._get(cluster_id, "2025-01-01"), "properties", "nodeResourceGroup"))

    def cluster_name(self) -> str | Unknown:
        """The managed cluster's name, by the tag that AKS puts on the node resource group; empty where it has none."""
        return self._ask(lambda: str((self._get(self.group, "2021-04-01").get("tags") or {}).get(CLUSTER_TAG, "")))

    def location(self) -> str | Unknown:
        """The region of the node resource group."""
        return self._ask(lambda: field(self._get(self.group, "2021-04-01"), "location"))

    @property
    def group(self) -> str:
        """The id of the node resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    def _list(self, kind: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """The compute resources of a kind in the node resource group."""
        return self._pages(f"{self.group}/providers/Microsoft.Compute/{kind}", version, **query)

    def _pages(self, path: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """The items of a list, a call for each page."""
        page = self._get(path, version, **query)
        yield from page["value"]
        while link := page.get("nextLink"):
            page = self._send(link, {})
            yield from page["value"]

    def _get(self, path: str, version: str, **query: str) -> dict[str, Any]:
        """An answer of ARM's as it is, raw JSON: any SDK's models take longer to import and to fill than the call."""
        return self._send(f"{self._settings.arm_endpoint}{path}", {"api-version": version, **query})

    def _post(self, path: str, **query: str) -> None:
        """Ask for an act; Azure begins it and answers with nothing. It is one that may be asked for twice."""
        url = f"{self._settings.arm_endpoint}{path}"
        self._answer("POST", url, {"api-version": _COMPUTE, **query}).raise_for_status()

    def _send(self, url: str, query: Mapping[str, str]) -> dict[str, Any]:
        return checked(self._answer("GET", url, query))

    def _answer(
        self, method: str, url: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        from azure.core.rest import HttpRequest

        response = self._client().send_request(HttpRequest(method, url, params=dict(query), json=body), **options)
        text = response.headers.get("Retry-After", "")
        self._retry_after = float(text) if text.isdigit() else None
        return response

    def close(self) -> None:
        """Give the connections back."""
        clients, self._arm, self._compute = (self._arm, self._compute), None, None
        for client in filter(None, clients):
            client.close()

    def _sdk(self) -> Any:
        """The SDK's client, for what is asked for once in a while: it takes half a second to import."""
        if self._compute is None:
            from azure.mgmt.compute import ComputeManagementClient

            settings = self._settings
            self._compute = ComputeManagementClient(
                self._credential,  # type: ignore[arg-type]
                self.subscription,
                base_url=settings.arm_endpoint,
                credential_scopes=settings.scopes,
                retry_policy=reported_retries(self._progress, settings.transport),
                per_call_policies=[checked_answers()],
                **settings.transport,
            )
        return self._compute

    def _client(self) -> Any:
        """azure-core's client, for lists of thousands and what every look asks for: ARM's JSON as it is.

        Its packages are imported only where Azure is asked.
        """
        if self._arm is None:
            from azure.core import PipelineClient
            from azure.core.pipeline.policies import BearerTokenCredentialPolicy, UserAgentPolicy

            settings = self._settings
            signed_in: Any = BearerTokenCredentialPolicy(self._credential, *settings.scopes)  # type: ignore[arg-type]
            agent: Any = UserAgentPolicy("aksdisks")
            policies = [agent, reported_retries(self._progress, settings.transport), signed_in]
            self._arm = PipelineClient[Any, Any](settings.arm_endpoint, policies=policies, **settings.transport)
        return self._arm

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
