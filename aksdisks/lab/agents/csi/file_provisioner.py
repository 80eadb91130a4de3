"""The provisioner of the file driver: makes shares for claims, in accounts that it finds or makes, and deletes them.

Source: kubernetes-sigs/azurefile-csi-driver pkg/azurefile/controllerserver.go, azurefile.go.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from aksdisks.lab.agents.csi.common import (
    ALREADY_EXISTS,
    INTERNAL,
    Kept,
    RefusalError,
    RpcError,
    called,
    refusal_text,
)
from aksdisks.lab.agents.csi.data_source import DataSource
from aksdisks.lab.agents.csi.provisioner import Provisioner
from aksdisks.lab.agents.csi.share_parameters import NFS, SMB, V2_LEAST, ShareRequest, of_account, share_request
from aksdisks.lab.agents.csi.share_volumes import (
    ACCOUNT_KEY,
    ACCOUNT_NAME,
    KEY_KEPT,
    HandleError,
    ShareAddress,
    address_in,
    full_account,
    persistent_volume,
    secret_name,
)
from aksdisks.lab.agents.csi.volume_objects import volume_name
from aksdisks.lab.arm.driver.files import SKIP_MATCHING, AccountWanted, AzureFiles, Json
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage.refusals import FULL
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import FILE_DRIVER
from aksdisks.lab.ids import Ids

TIMEOUT = 1200.0
"""Seconds that the provisioner waits for the driver (deploy/csi-azurefile-controller.yaml)."""


FOUND_KEPT, TAG_KEPT = 60.0, 1800.0
"""Cluster seconds for which the driver takes the account that it found last, and for which it leaves an account's tag
as it is once it has looked (azurefile.go accountSearchCache, skipMatchingTagCache)."""


class FileProvisioner(Provisioner):
    """See the module; `retry_last` as deploy/csi-azurefile-controller.yaml has it."""

    driver: ClassVar[str] = FILE_DRIVER
    retry_last: ClassVar[float] = 1800.0

    def __init__(self, api: KubernetesApi, clock: Clock, ids: Ids, azure: AzureFiles, recorder: EventRecorder) -> None:
        """As `Provisioner`."""
        super().__init__(api, clock, ids, recorder)
        self.azure = azure
        self._accounts: dict[str, str] = {}
        self._searches: dict[str, asyncio.Lock] = {}
        self._found = Kept[str](clock, FOUND_KEPT)
        self._keys = Kept[str](clock, KEY_KEPT)
        self._tagged = Kept[bool](clock, TAG_KEPT)

    async def create_volume(
        self, claim: Object, storage_class: Object, _node: Object | None, source: DataSource | None
    ) -> Object:
        """See `Provisioner`."""
        if source is not None:
            raise RefusalError(
                f"data source of claim {claim['metadata']['name']}: expected none, since the lab's file driver copies "
                f"no shares, found {source.kind} {source.name}"
            )
        name = volume_name(claim)
        request = share_request(claim, storage_class, name, self.azure.subscription)
        work = self._create_volume(request, name)
        request, address = await called(self.azure, self.clock, TIMEOUT, work)
        self._accounts.pop(name, None)
        return persistent_volume(claim, storage_class, request, address, name, self.identity)

    async def delete_volume(self, _name: str, handle: str) -> str | None:
        """See `Provisioner`; of a handle that names no share nothing is deleted (DeleteVolume)."""
        try:
            address = address_in(handle)
        except HandleError:
            return None
        group = address.group or self.azure.group
        try:
            await called(self.azure, self.clock, TIMEOUT, self._delete_share(group, address))
        except RpcError as error:
            return str(error)
        except (CloudError, DriverError) as error:
            share_id = self.azure.of(address.subscription).id_of(group, address.account, address.share)
            refusal = refusal_text(error, "DELETE", share_id)
            text = f"DeleteFileShare {address.share} under account({address.account}) rg({group}) failed with error: "
            return str(RpcError(INTERNAL, text + refusal))
        return None

    async def _delete_share(self, group: str, address: ShareAddress) -> None:
        """What is gone is deleted, unless its account went, too; then the account may take shares again."""
        azure = self.azure.of(address.subscription)
        try:
            await azure.delete_share(group, address.account, address.share)
        except CloudError as error:
            if error.code != "ShareNotFound":
                raise
        if not self._tagged.get(address.account):
            self._tagged.put(address.account, True)
            with suppress(CloudError, DriverError):
                await azure.untag_account(group, address.account, SKIP_MATCHING)

    async def _create_volume(self, request: ShareRequest, name: str) -> tuple[ShareRequest, ShareAddress]:
        """The driver's CreateVolume: the request as it was carried out, and its share. Raises `RpcError`."""
        if request.account and not request.sku and request.size_gib < V2_LEAST:
            with suppress(CloudError, DriverError):
                azure = self.azure.of(request.subscription)
                account = await azure.get_account(request.group or azure.group, request.account)
                request = of_account(request, str(account["sku"]["name"]))
        return request, await self._create_share(request, name)

    async def _create_share(self, request: ShareRequest, name: str) -> ShareAddress:
        group, azure = request.group or self.azure.group, self.azure.of(request.subscription)
        account = request.account or self._accounts.get(name, "")
        if not account:
            account = await self._ensure_account(request, group, name)
        share_id = azure.id_of(group, account, request.share)
        try:
            found = await _quota(azure, group, account, request.share)
        except (CloudError, DriverError) as error:
            raise RpcError(INTERNAL, refusal_text(error, "GET", share_id)) from error
        if found is not None and found < request.size_gib:
            text = f"request file share({request.share}) already exists, but its capacity {found} is smaller than "
            raise RpcError(ALREADY_EXISTS, f"{text}{request.size_gib}")
        try:
            if found is None:
                await azure.create_share(group, account, request.share, share_properties(request))
        except (CloudError, DriverError) as error:
            full = isinstance(error, CloudError) and error.code == FULL
            if full and await self._skipped(request, group, account, name):
                return await self._create_share(request, name)
            raise RpcError(
                INTERNAL,
                f"failed to create file share({request.share}) on account({request.account}) type({request.sku}) "
                f"subsID({request.subscription}) rg({group}) location({request.location}) size({request.size_gib}), "
                f"error: failed to create share {request.share} in account {account}: "
                f"{refusal_text(error, 'PUT', share_id)}",
            ) from error
        if request.keeps_key:
            await self._keep_key(request, group, account)
        return ShareAddress(group, account, request.share, request.secret_namespace)

    async def _skipped(self, request: ShareRequest, group: str, account: str, name: str) -> bool:
        """Whether a full account could be tagged, so that shares go to another one from now on.

        Raises `RpcError` for one that the class names.
        """
        if request.account:
            raise RpcError(INTERNAL, full_account(account))
        self._accounts.pop(name, None)
        self._found.drop(self._search(request, group))
        self._tagged.put(account, True)
        try:
            await self.azure.of(request.subscription).tag_account(group, account, {SKIP_MATCHING: ""})
        except (CloudError, DriverError):
            return False
        return True

    async def _ensure_account(self, request: ShareRequest, group: str, volume: str) -> str:
        """The account for shares of this kind, made where there is none (EnsureStorageAccount).

        One claim at a time looks for it, so that several which come together have one account. For a minute it is not
        looked for again, though it may be gone by then, or a class may want a new one. The volume that it was found
        for keeps to it. Raises `RpcError`.
        """
        search = self._search(request, group)
        name = self._found.get(search) or ""
        if name:
            return name
        azure = self.azure.of(request.subscription)
        try:
            async with self._searches.setdefault(search, asyncio.Lock()):
                name = await azure.ensure_account(group, replace(_wanted(request), new=request.make_account))
            self._keys.put(name, await azure.account_key(group, name))
            self._found.put(search, name)
            self._accounts[volume] = name
            return name
        except (CloudError, DriverError) as error:
            method, path = getattr(error, "request", None) or ("GET", azure.id_of(group))
            text = {
                "PUT": f"failed to create storage account {path.rpartition('/')[2]}, error",
                "POST": f"could not get storage key for storage account {name}",
            }.get(method, f"could not list storage accounts for account type {request.sku}")
            refusal = refusal_text(error, method, path)
            raise RpcError(INTERNAL, f"failed to ensure storage account: {text}: {refusal}") from error

    def _search(self, request: ShareRequest, group: str) -> str:
        return f"{request.subscription} {group} {_wanted(request)}"

    async def _keep_key(self, request: ShareRequest, group: str, account: str) -> None:
        """A secret in the claim's namespace has the key; one that is there stays (SetAzureCredentials)."""
        name, namespace = request.secret_name or secret_name(account), request.secret_namespace
        azure = self.azure.of(request.subscription)
        try:
            key = self._keys.get(account) or await self._key_in(name, namespace)
            key = key or await azure.account_key(group, account)
        except (CloudError, DriverError) as error:
            path = f"{azure.id_of(group, account)}/listKeys"
            text = f"failed to GetStorageAccesskey on account({account}) rg({group}), error: "
            raise RpcError(INTERNAL, text + refusal_text(error, "POST", path)) from error
        self._keys.put(account, key)
        data = {ACCOUNT_NAME: account, ACCOUNT_KEY: key}
        encoded = {entry: base64.b64encode(value.encode()).decode() for entry, value in data.items()}
        try:
            await self.api.create("secrets", {"metadata": {"name": name}, "type": "Opaque", "data": encoded}, namespace)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                text = f"failed to store storage account key: couldn't create secret {error.message}"
                raise RpcError(INTERNAL, text) from error

    async def _key_in(self, name: str, namespace: str) -> str:
        """The key in a secret; empty without one."""
        try:
            secret = await self.api.get("secrets", name, namespace)
        except ApiError:
            return ""
        return base64.b64decode((secret.get("data") or {}).get(ACCOUNT_KEY, "")).decode(errors="replace").strip()


def _wanted(request: ShareRequest) -> AccountWanted:
    return AccountWanted(
        sku=request.sku,
        kind=request.kind,
        tags=request.tags,
        https_only=request.protocol == SMB,
        match_tags=request.match_tags,
        settings=request.settings,
        location=request.location,
    )


async def _quota(azure: AzureFiles, group: str, account: str, share: str) -> int | None:
    """The size of a share in GiB, None where there is none."""
    try:
        return int((await azure.get_share(group, account, share))["properties"]["shareQuota"])
    except CloudError as error:
        if error.status != 404:
            raise
        return None


def share_properties(request: ShareRequest) -> Json:
    """What the driver asks of a new share (pkg/azurefile/azurefile_mgmt_client.go CreateFileShare)."""
    asked = {
        "enabledProtocols": NFS if request.protocol == NFS else "",
        "accessTier": request.access_tier,
        "rootSquash": request.root_squash,
    }
    properties = {"shareQuota": request.size_gib, "metadata": {"createdBy": FILE_DRIVER}}
    return properties | {name: value for name, value in asked.items() if value}
