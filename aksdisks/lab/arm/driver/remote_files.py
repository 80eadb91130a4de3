"""The file driver's Azure over HTTPS: the same questions as in process, for agents that run apart from the lab."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm.driver.files import AzureFiles
from aksdisks.lab.arm.driver.rest import ArmAddress, ArmRest
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage.account import TYPE

if TYPE_CHECKING:
    from aksdisks.lab.arm.storage.storage import Reason
    from aksdisks.lab.clock import Clock
    from aksdisks.lab.ids import Ids

Json = dict[str, Any]


class ArmFiles(AzureFiles):
    """`AzureFiles` by Resource Manager's REST interface. `close` it."""

    def __init__(self, address: ArmAddress, clock: Clock, ids: Ids) -> None:
        subscription = f"/subscriptions/{address.subscription_id}"
        super().__init__(subscription, address.node_resource_group, address.location, ids)
        self.pace = clock.speed
        self._accounts = f"{subscription}/providers/{TYPE}"
        self._arm = ArmRest(address, clock)

    async def close(self) -> None:
        """Stop sending."""
        await self._arm.close()

    async def closed(self, account: str, share: str, key: str | None) -> Reason | None:
        """See `AzureFiles`. No file service is served apart: Resource Manager is asked what it would say."""
        found = [entry["id"] for entry in await self._arm.list(self._accounts) if entry["name"] == account.lower()]
        if not found:
            return "account"
        keys = (await self._arm.change("POST", f"{found[0]}/listKeys", None))["keys"]
        if key is not None and not any(hmac.compare_digest(key.encode(), own["value"].encode()) for own in keys):
            return "key"
        try:
            known = await self._arm.get(f"{found[0]}/fileServices/default/shares/{share}")
        except CloudError as error:
            if error.status not in (400, 404):
                raise
            return "share"
        return None if (known["properties"].get("enabledProtocols") == "NFS") is (key is None) else "share"

    async def _request(self, method: str, resource_id: str, body: Json | None = None) -> Json:
        if method != "GET":
            return await self._arm.change(method, resource_id, body)
        if resource_id.endswith(f"/{TYPE}"):
            return {"value": await self._arm.list(resource_id)}
        return await self._arm.get(resource_id)
