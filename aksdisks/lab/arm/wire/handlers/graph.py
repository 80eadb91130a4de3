"""Microsoft Graph as far as names of service principals go: `az role assignment list` resolves them there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes

if TYPE_CHECKING:
    from aksdisks.lab.arm.entra.tokens import Tokens
    from aksdisks.lab.scenario import Principal

Json = dict[str, Any]

VERSION = "v1.0"

_NAMED = re.compile(r"(?:servicePrincipalNames/any\(c:\s*c eq|appId eq|id eq|displayName eq)\s*'([^']*)'\)?")


class GraphHandlers:
    """The routes; every principal of the tenant may read all others."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", f"/{VERSION}/servicePrincipals", self.list_principals
        yield "GET", f"/{VERSION}/servicePrincipals/{{id}}", self.get_principal
        yield "POST", f"/{VERSION}/directoryObjects/getByIds", self.get_by_ids

    def list_principals(self, call: Call) -> Answer:
        """All, or those that a `$filter` names by an id."""
        text = call.query.get("$filter", "")
        named = _NAMED.fullmatch(text.strip())
        if text and named is None:
            raise CloudError(400, "Request_UnsupportedQuery", f"Unsupported or invalid query filter clause '{text}'.")
        everyone = self._tokens.principals.values()
        shown = [entry for entry in everyone if named is None or named[1].lower() in _names(entry)]
        return Answer(200, {"value": [_principal_json(entry) for entry in shown]})

    def get_principal(self, call: Call) -> Answer:
        """One, by its object id."""
        wanted = call.parameters["id"]
        for entry in self._tokens.principals.values():
            if entry.object_id == wanted.lower():
                return Answer(200, _principal_json(entry))
        message = (
            f"Resource '{wanted}' does not exist or one of its queried reference-property objects are not present."
        )
        raise CloudError(404, "Request_ResourceNotFound", message)

    def get_by_ids(self, call: Call) -> Answer:
        """Those of the body's `ids` that there are."""
        wanted = {str(entry).lower() for entry in member(call.body, "ids", list) or ()}
        found = [entry for entry in self._tokens.principals.values() if entry.object_id in wanted]
        kind = {"@odata.type": "#microsoft.graph.servicePrincipal"}
        return Answer(200, {"value": [{**kind, **_principal_json(entry)} for entry in found]})


def unknown(parts: Iterable[str]) -> CloudError:
    """A path that the lab has not got of Graph."""
    segment = list(parts)[-1]
    return CloudError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def _names(principal: Principal) -> tuple[str, ...]:
    return principal.client_id.lower(), principal.object_id


def _principal_json(principal: Principal) -> Json:
    return {
        "id": principal.object_id,
        "accountEnabled": True,
        "appId": principal.client_id,
        "appDisplayName": f"aksdisks {principal.client_id[:8]}",
        "displayName": f"aksdisks {principal.client_id[:8]}",
        "servicePrincipalNames": [principal.client_id],
        "servicePrincipalType": "Application",
    }
