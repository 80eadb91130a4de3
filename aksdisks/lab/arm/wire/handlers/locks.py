"""Microsoft.Authorization/locks: the locks of the subscription, of a group, or of one resource."""

from __future__ import annotations

from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.handlers.authorization import AUTHORIZATION, SCOPES


class LockHandlers:
    """The routes; the rules are `Locks`'."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._locks = cloud.locks

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        for scope in SCOPES:
            several = f"{scope}{AUTHORIZATION}/locks"
            one = f"{several}/{{lock}}"
            yield "GET", several, self.list_all
            yield "GET", one, self.get
            yield "PUT", one, self.put
            yield "DELETE", one, self.delete

    def list_all(self, call: Call) -> Answer:
        """Those of the scope and of what is in it; with `$filter=atScope()` of the scope alone."""
        alone = call.query.get("$filter", "").replace(" ", "").lower() == "atscope()"
        return Answer(200, {"value": self._locks.at(_scope(call), below=not alone)})

    def get(self, call: Call) -> Answer:
        """One lock."""
        return Answer(200, self._locks.get(_scope(call), call.parameters["lock"]))

    def put(self, call: Call) -> Answer:
        """Make or change one."""
        self._check_there(call)
        fresh = self._locks.put(_scope(call), call.parameters["lock"], call.body)
        return Answer(201 if fresh else 200, self.get(call).body)

    def delete(self, call: Call) -> Answer:
        """Remove one; 204 when there is none."""
        return Answer(200 if self._locks.delete(_scope(call), call.parameters["lock"]) else 204)

    def _check_there(self, call: Call) -> None:
        """Raises ResourceNotFound, ResourceGroupNotFound for a lock of what is not there."""
        where = call.parameters
        if "group" in where:
            self._cloud.groups.name(where["group"])
        namespace, kind = where.get("namespace", "").lower(), where.get("kind", "").lower()
        if (namespace, kind) == ("microsoft.storage", "storageaccounts"):
            self._cloud.storage.accounts.get(where["group"], where["resource"])
        if namespace == "microsoft.compute":
            for known in (self._cloud.disks, self._cloud.snapshots):
                if known.kind == kind:
                    known.get(where["group"], where["resource"])


def _scope(call: Call) -> str:
    return call.path[: call.path.lower().rindex(f"{AUTHORIZATION.lower()}/")]
