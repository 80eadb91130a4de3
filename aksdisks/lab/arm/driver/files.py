"""What the file driver asks of Azure: accounts found or made, their keys, shares; in process or over HTTPS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aksdisks.lab.arm.driver.requests import Requests
from aksdisks.lab.arm.storage.account import TYPE
from aksdisks.lab.arm.storage.storage import Closed, Reason

if TYPE_CHECKING:
    from aksdisks.lab.arm.cloud import Cloud
    from aksdisks.lab.arm.injection import RequestInjection
    from aksdisks.lab.ids import Ids

Json = dict[str, Any]

PREFIX = "f"
"""Of the names of accounts that the driver makes (azurefile-csi-driver pkg/azurefile/azurefile.go)."""
_LONGEST = 24

CREATED_BY = ("k8s-azure-created-by", "azure")
SKIP_MATCHING = "skip-matching"
"""A tag that keeps the driver from putting more shares into an account (cloud-provider-azure pkg/provider/storage)."""


@dataclass(frozen=True)
class AccountWanted:
    """The account that a class asks for; `settings` hold what its parameters decide of an account's properties.

    `sku` empty: any, and Standard_LRS for a new one. `match_tags`: an account has to have all the tags. `location`
    empty: the cluster's. `new`: one that is there is not taken.
    """

    sku: str
    kind: str
    tags: Mapping[str, str] = field(default_factory=dict)
    https_only: bool = True
    match_tags: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    location: str = ""
    new: bool = False


class AzureFiles(ABC):
    """The file driver's view of Azure; groups by their names, sizes in GiB. Each call waits for Azure.

    Raises `CloudError`, and `DriverError` for what the driver gives up by itself. `pace`: cluster seconds in a second
    of Azure's.
    """

    pace = 1.0

    def __init__(self, subscription: str, group: str, location: str, ids: Ids) -> None:
        """`subscription`: its id as a path; `group`: the name of the node resource group."""
        self.group = group
        self.location = location
        self._subscription = subscription
        self._ids = ids

    async def ensure_account(self, group: str, wanted: AccountWanted) -> str:
        """The name of the first account of the group that fits, or of a new one.

        Source: cloud-provider-azure pkg/provider/storage/azure_storageaccount.go EnsureStorageAccount.
        """
        found = [] if wanted.new else (await self._request("GET", self.id_of(group)))["value"]
        for account in found:
            if _fits(account, wanted, wanted.location or self.location):
                return str(account["name"])
        name = f"{PREFIX}{self._ids.uid().replace('-', '')}"[: _LONGEST - 1]
        await self._request("PUT", self.id_of(group, name), _new_account(wanted, wanted.location or self.location))
        return name

    async def get_account(self, group: str, account: str) -> Json:
        """The account as Azure shows it; 404 when there is none."""
        return await self._request("GET", self.id_of(group, account))

    async def account_key(self, group: str, account: str) -> str:
        """The first of its keys."""
        listed = await self._request("POST", f"{self.id_of(group, account)}/listKeys")
        return str(listed["keys"][0]["value"])

    async def tag_account(self, group: str, account: str, tags: Mapping[str, str]) -> None:
        """Give it these tags beside those that it has."""
        had = (await self.get_account(group, account)).get("tags") or {}
        await self._request("PATCH", self.id_of(group, account), {"tags": {**had, **tags}})

    async def untag_account(self, group: str, account: str, tag: str) -> None:
        """Take a tag off it; nothing is sent where it has none of that name."""
        had = (await self.get_account(group, account)).get("tags") or {}
        if tag in had:
            others = {name: value for name, value in had.items() if name != tag}
            await self._request("PATCH", self.id_of(group, account), {"tags": others})

    async def create_share(self, group: str, account: str, share: str, properties: Mapping[str, Any]) -> None:
        """Make a share, or find the one of that name; `properties` as Azure's API names them (`shareQuota`)."""
        await self._request("PUT", self.id_of(group, account, share), {"properties": dict(properties)})

    async def get_share(self, group: str, account: str, share: str) -> Json:
        """The share as Azure shows it; 404 ShareNotFound when there is none."""
        return await self._request("GET", self.id_of(group, account, share))

    async def resize_share(self, group: str, account: str, share: str, size_gib: int) -> None:
        """Grow it; nothing is sent where it is as large (azurefile_mgmt_client.go ResizeFileShare)."""
        found = await self.get_share(group, account, share)
        if found["properties"]["shareQuota"] < size_gib:
            body = {"properties": {"shareQuota": size_gib}}
            await self._request("PATCH", self.id_of(group, account, share), body)

    async def delete_share(self, group: str, account: str, share: str) -> None:
        """Delete it; already gone is success."""
        await self._request("DELETE", self.id_of(group, account, share))

    @abstractmethod
    async def closed(self, account: str, share: str, key: str | None) -> Reason | None:
        """What the file service says to a node that mounts a share; None as the key for NFS, which has none."""

    @property
    def subscription(self) -> str:
        """The id of the subscription."""
        return self._subscription.rpartition("/")[2]

    def of(self, subscription: str) -> Self:
        """The same in the subscription that a class or a volume names; empty: the cluster's."""
        if subscription in ("", self.subscription):
            return self
        other = copy(self)
        other._subscription = f"/subscriptions/{subscription}"
        return other

    def id_of(self, group: str, account: str = "", share: str = "") -> str:
        """The ARM id of a share, an account, or of a group's accounts."""
        path = f"{self._subscription}/resourceGroups/{group}/providers/{TYPE}"
        path += f"/{account}" if account else ""
        return f"{path}/fileServices/default/shares/{share}" if share else path

    @abstractmethod
    async def _request(self, method: str, resource_id: str, body: Json | None = None) -> Json:
        """One request, and what it began, to its end; the answer's body. Raises `CloudError`."""


class CloudFiles(AzureFiles):
    """`AzureFiles` on a cloud in process."""

    def __init__(self, cloud: Cloud, ids: Ids, injection: RequestInjection | None = None) -> None:
        """`injection`: what faults refuse the driver, a client like any other."""
        scenario = cloud.scenario
        super().__init__(scenario.subscription, scenario.node_resource_group, scenario.location, ids)
        self._cloud = cloud
        self._ask = Requests(cloud, "Microsoft.Storage", injection).ask

    async def _request(self, method: str, resource_id: str, body: Json | None = None) -> Json:
        group, account, share = _places(resource_id)
        if method == "POST":
            act = "storageAccounts/listKeys/action"
            return await self._ask(method, act, resource_id, lambda: {"keys": self._keys(group, account)})
        act = _ACTS[method]
        if share:
            kind = "storageAccounts/fileServices/shares"
            return await self._ask(method, f"{kind}/{act}", resource_id, lambda: self._share(method, resource_id, body))
        if method == "PUT":
            put = self._cloud.storage.accounts.put
            send = lambda: put(group, account, body or {})  # noqa: E731
            operation = await self._ask(method, f"storageAccounts/{act}", resource_id, send)
            return {} if operation is None else await operation.done() or {}
        return await self._ask(
            method, f"storageAccounts/{act}", resource_id, lambda: self._account(method, group, account, body)
        )

    async def closed(self, account: str, share: str, key: str | None) -> Reason | None:
        """See `AzureFiles`; the file service is no part of Resource Manager, whose faults and limits it has not."""
        found = self._cloud.storage.open(account, share, key)
        return found.reason if isinstance(found, Closed) else None

    def _keys(self, group: str, account: str) -> list[Json]:
        return self._cloud.storage.accounts.keys(group, account)

    def _account(self, method: str, group: str, account: str, body: Json | None) -> Json:
        accounts = self._cloud.storage.accounts
        if not account:
            return {"value": [entry.to_json() for entry in accounts.all(group)]}
        if method == "PATCH":
            return accounts.patch(group, account, body or {}).to_json()
        return accounts.get(group, account).to_json()

    def _share(self, method: str, resource_id: str, body: Json | None) -> Json:
        shares, place = self._cloud.storage.shares, _places(resource_id)
        if method == "DELETE":
            shares.delete(*place)
            return {}
        if method == "GET":
            return shares.to_json(shares.get(*place))
        change = shares.put if method == "PUT" else shares.patch
        return shares.to_json(change(*place, body or {}))


_ACTS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def _places(resource_id: str) -> tuple[str, str, str]:
    """Group, account and share out of an id, empty where it names none."""
    parts = [*resource_id.split("/"), *[""] * 13]
    return parts[4], parts[8], parts[12]


def _fits(account: Json, wanted: AccountWanted, location: str) -> bool:
    """Whether the driver puts shares into an account that is there."""
    tags, properties = account.get("tags") or {}, account["properties"]
    matches = (
        not wanted.sku or str(account["sku"]["name"]).lower() == wanted.sku.lower(),
        str(account["kind"]).lower() == wanted.kind.lower(),
        str(account["location"]).lower() == location.lower(),
        SKIP_MATCHING not in tags,
        not wanted.match_tags or all(tags.get(name) == value for name, value in _tags(wanted).items()),
        properties.get("supportsHttpsTrafficOnly", True) == wanted.https_only,
        not properties.get("isHnsEnabled") and not properties.get("isNfsV3Enabled"),
        properties.get("allowBlobPublicAccess", True) == wanted.settings.get("allowBlobPublicAccess", True),
        properties.get("allowSharedKeyAccess", True) == wanted.settings.get("allowSharedKeyAccess", True),
        _encrypted_twice(properties) == _encrypted_twice(wanted.settings),
        _asked(wanted, "allowCrossTenantReplication", properties.get("allowCrossTenantReplication", False)),
        _large(wanted) is None or (properties.get("largeFileSharesState") == "Enabled") == _large(wanted),
        _asked(wanted, "accessTier", properties.get("accessTier")),
    )
    return all(matches)


def _asked(wanted: AccountWanted, name: str, value: Any) -> bool:
    """Whether that is what the class says, or it says nothing of it."""
    return bool(wanted.settings.get(name, value) == value)


def _encrypted_twice(properties: Mapping[str, Any]) -> bool:
    return bool((properties.get("encryption") or {}).get("requireInfrastructureEncryption"))


def _large(wanted: AccountWanted) -> bool | None:
    """Whether large file shares were asked for; None where the class says nothing of them."""
    state = wanted.settings.get("largeFileSharesState")
    return None if state is None else state == "Enabled"


def _tags(wanted: AccountWanted) -> dict[str, str]:
    return {**wanted.tags, CREATED_BY[0]: CREATED_BY[1]}


def _new_account(wanted: AccountWanted, location: str) -> Json:
    """The body of the driver's PUT of an account."""
    settings = {"supportsHttpsTrafficOnly": wanted.https_only, "minimumTlsVersion": "TLS1_2", **wanted.settings}
    return {
        "sku": {"name": wanted.sku or "Standard_LRS"},
        "kind": wanted.kind,
        "location": location,
        "tags": _tags(wanted),
        "properties": settings,
    }
