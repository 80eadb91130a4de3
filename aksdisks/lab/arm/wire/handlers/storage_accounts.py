"""Storage accounts: the routes, their keys, and whether a name is free."""

from __future__ import annotations

from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.errors import missing_parameter
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.handlers.operations import accepted
from aksdisks.lab.arm.wire.handlers.usages import require_location
from aksdisks.lab.arm.wire.paths import ACCOUNT, GROUP, STORAGE, STORAGE_LOCATION, SUBSCRIPTION

ACCOUNT_LIMIT = 250
"""Accounts in a region of a subscription (azure-docs azure-subscription-service-limits.md)."""


class StorageAccountHandlers:
    """The accounts of one subscription; the rules are `Accounts`'."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._accounts = cloud.storage.accounts

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "POST", f"{SUBSCRIPTION}{STORAGE}/checkNameAvailability", self.check_name
        yield "GET", f"{STORAGE_LOCATION}/usages", self.list_usages
        yield "GET", f"{SUBSCRIPTION}{STORAGE}/storageAccounts", self.list_all
        yield "GET", f"{GROUP}{STORAGE}/storageAccounts", self.list_all
        yield "GET", ACCOUNT, self.get
        yield "PUT", ACCOUNT, self.put
        yield "PATCH", ACCOUNT, self.patch
        yield "DELETE", ACCOUNT, self.delete
        yield "POST", f"{ACCOUNT}/listKeys", self.list_keys
        yield "POST", f"{ACCOUNT}/regenerateKey", self.regenerate_key

    def check_name(self, call: Call) -> Answer:
        """Whether an account can have a name (azure-rest-api-specs StorageAccountCheckNameAvailability.json)."""
        name = member(call.body, "name", str)
        if name is None:
            raise missing_parameter("name")
        problem = self._accounts.name_problem(name)
        if problem is None:
            return Answer(200, {"nameAvailable": True})
        return Answer(200, {"nameAvailable": False, "reason": problem[0], "message": problem[1]})

    def list_usages(self, call: Call) -> Answer:
        """How many accounts there are of those that there may be."""
        require_location(self._cloud, call)
        name = {"value": "StorageAccounts", "localizedValue": "Storage Accounts"}
        used = len(self._accounts.all())
        return Answer(200, {"value": [{"unit": "Count", "currentValue": used, "limit": ACCOUNT_LIMIT, "name": name}]})

    def list_all(self, call: Call) -> Answer:
        """Those of the group or of the subscription."""
        found = self._accounts.all(call.parameters.get("group"))
        return page(call, ((account.key, account.id, account.to_json) for account in found))

    def get(self, call: Call) -> Answer:
        """One of them."""
        return Answer(200, self._accounts.get(*_place(call)).to_json())

    def put(self, call: Call) -> Answer:
        """Make one, which takes a while, or change one."""
        operation = self._accounts.put(*_place(call), call.body)
        return self.get(call) if operation is None else accepted(self._cloud, call, operation, None)

    def patch(self, call: Call) -> Answer:
        """Change one."""
        return Answer(200, self._accounts.patch(*_place(call), call.body).to_json())

    def delete(self, call: Call) -> Answer:
        """Delete one with its shares; 204 when there is none."""
        return Answer(200 if self._accounts.delete(*_place(call)) else 204)

    def list_keys(self, call: Call) -> Answer:
        """Both keys."""
        return Answer(200, {"keys": self._accounts.keys(*_place(call))})

    def regenerate_key(self, call: Call) -> Answer:
        """Another key in place of one."""
        return Answer(200, {"keys": self._accounts.regenerate(*_place(call), call.body)})


def _place(call: Call) -> tuple[str, str]:
    return call.parameters["group"], call.parameters["account"]
