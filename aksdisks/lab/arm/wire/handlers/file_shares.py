"""The file services of storage accounts, and their shares."""

from __future__ import annotations

from functools import partial
from typing import Any

from aksdisks.lab.arm.bodies import section
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.storage import file_service, refusals, share_rules
from aksdisks.lab.arm.storage.account import Account
from aksdisks.lab.arm.storage.share import Share
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.paths import ACCOUNT

Json = dict[str, Any]

SERVICES = ACCOUNT + "/fileServices"
SHARES = SERVICES + "/default/shares"
SHARE = SHARES + "/{share}"

_SNAPSHOT = "x-ms-snapshot"


class FileShareHandlers:
    """The routes; the rules are `Shares`' and those of the file service."""

    def __init__(self, cloud: Cloud) -> None:
        self._accounts = cloud.storage.accounts
        self._shares = cloud.storage.shares

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", SERVICES, self.list_services
        yield "GET", SERVICES + "/default", self.get_service
        yield "PUT", SERVICES + "/default", self.put_service
        yield "GET", SHARES, self.list_all
        yield "GET", SHARE, self.get
        yield "HEAD", SHARE, self.head
        yield "PUT", SHARE, self.put
        yield "PATCH", SHARE, self.patch
        yield "DELETE", SHARE, self.delete
        yield "POST", SHARE + "/restore", self.restore

    def list_services(self, call: Call) -> Answer:
        """The one that each account has."""
        return Answer(200, {"value": [file_service.to_json(self._service_of(call, "read"))]})

    def get_service(self, call: Call) -> Answer:
        """What is settled for all shares of an account."""
        return Answer(200, file_service.to_json(self._service_of(call, "read")))

    def put_service(self, call: Call) -> Answer:
        """Change that."""
        return Answer(200, file_service.put(self._service_of(call, "write"), call.body))

    def list_all(self, call: Call) -> Answer:
        """The shares of an account; `$expand=deleted` with those that can be restored."""
        wanted = _expanded(call)
        found = self._shares.all(*_account(call), deleted="deleted" in wanted)
        found = [share for share in found if share.name.startswith(_prefix(call))]
        return page(call, ((share.key, "", partial(self._shares.to_json, share, listed=True)) for share in found))

    def get(self, call: Call) -> Answer:
        """One share; `$expand=stats` with how many bytes are used."""
        share = self._shares.get(*_place(call))
        return Answer(200, self._shares.to_json(share, stats="stats" in _expanded(call)), {"ETag": share.etag})

    def head(self, call: Call) -> Answer:
        """Whether there is that share."""
        self._shares.get(*_place(call))
        return Answer(204)

    def put(self, call: Call) -> Answer:
        """Make a share, or change one."""
        _expanded(call)
        fresh = not self._shares.exists(*_place(call))
        share = self._shares.put(*_place(call), call.body)
        return Answer(201 if fresh else 200, _accepted(share, call.body), {"ETag": share.etag})

    def patch(self, call: Call) -> Answer:
        """Change a share."""
        share = self._shares.patch(*_place(call), call.body)
        return Answer(200, _accepted(share, call.body), {"ETag": share.etag})

    def delete(self, call: Call) -> Answer:
        """Delete a share; 204 when there is none."""
        _refuse_snapshots(call)
        return Answer(200 if self._shares.delete(*_place(call)) else 204)

    def restore(self, call: Call) -> Answer:
        """A deleted share is back."""
        self._shares.restore(*_place(call), call.body)
        return Answer(200)

    def _service_of(self, call: Call, verb: str) -> Account:
        account = self._accounts.parent(*_account(call), verb, "storageAccounts/fileServices")
        share_rules.check_service(account)
        return account


def _account(call: Call) -> tuple[str, str]:
    return call.parameters["group"], call.parameters["account"]


def _place(call: Call) -> tuple[str, str, str]:
    return (*_account(call), call.parameters["share"])


def _accepted(share: Share, asked: Json) -> Json:
    """As the answer to a PUT or PATCH shows it, which holds of its properties what was asked for.

    Source: cloud-provider-azure pkg/azclient/fileshareclient/testdata/AZURECLOUD.yaml.
    """
    whole = share.to_json(share.modified, 0)
    wanted = section(asked, "properties")
    properties = {name: value for name, value in whole["properties"].items() if name in wanted}
    return {"id": whole["id"], "name": whole["name"], "type": whole["type"], "properties": properties}


def _expanded(call: Call) -> set[str]:
    """What is asked for beyond the usual."""
    _refuse_snapshots(call)
    wanted = {word.strip().lower() for word in call.query.get("$expand", "").split(",")}
    if "snapshots" in wanted and call.method != "GET":
        raise refusals.not_emulated("snapshots of file shares")
    return wanted


def _refuse_snapshots(call: Call) -> None:
    if call.headers.get(_SNAPSHOT):
        raise refusals.not_emulated("snapshots of file shares")


def _prefix(call: Call) -> str:
    """What names have to begin with: the one `$filter` that the file service knows (`startswith(name, 'a')`)."""
    _, _, rest = call.query.get("$filter", "").partition("'")
    return rest.rpartition("'")[0]
