"""Microsoft.Authorization: what the caller may do at a scope, who has which role there, and what is denied."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.aks.lockdown import Lockdown
from aksdisks.lab.arm.resources.roles import BUILT_IN, BUILT_IN_IDS, Authorization, definition
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.paths import GROUP, SUBSCRIPTION
from aksdisks.lab.scenario import AzureRole, Principal, Scenario

if TYPE_CHECKING:
    from aksdisks.lab.arm.entra.tokens import Tokens

Json = dict[str, Any]

SCOPES = (SUBSCRIPTION, GROUP, GROUP + "/providers/{namespace}/{kind}/{resource}")
AUTHORIZATION = "/providers/Microsoft.Authorization"

_MADE = "2026-01-01T00:00:00.0000000Z"


class RoleHandlers:
    """The routes; the rules are `Authorization`'s. A scenario's roles cannot be changed here."""

    def __init__(self, scenario: Scenario, tokens: Tokens, authorization: Authorization) -> None:
        self._scenario = scenario
        self._tokens = tokens
        self._authorization = authorization

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        for scope in SCOPES:
            yield "GET", f"{scope}{AUTHORIZATION}/permissions", self.permissions
            yield "GET", f"{scope}{AUTHORIZATION}/roleAssignments", self.list_assignments
            yield "GET", f"{scope}{AUTHORIZATION}/roleAssignments/{{assignment}}", self.get_assignment
            yield "GET", f"{scope}{AUTHORIZATION}/roleDefinitions", self.list_definitions
            yield "GET", f"{scope}{AUTHORIZATION}/roleDefinitions/{{definition}}", self.get_definition

    def permissions(self, call: Call) -> Answer:
        """What the caller's roles at the scope and above allow, one entry for each."""
        scope = f"{_scope(call).lower()}/"
        roles = call.principal.roles if call.principal is not None else ()
        found = [definition(role) for role in roles if scope.startswith(f"{self._authorization.at(role)}/")]
        return Answer(200, {"value": [_permissions(role) for role in found]})

    def list_assignments(self, call: Call) -> Answer:
        """The assignments at the scope, above and below; `$filter` may leave out those below, or other principals'."""
        scope, text = f"{_scope(call).lower()}/", call.query.get("$filter", "").lower()
        value = []
        for principal, entry in self._assignments():
            at = f"{entry['properties']['scope'].lower()}/"
            above, below = scope.startswith(at), at.startswith(scope) and "atscope()" not in text
            wanted = "principalid" not in text and "assignedto" not in text
            if (above or below) and (wanted or principal.object_id in text):
                value.append(entry)
        return Answer(200, {"value": value})

    def get_assignment(self, call: Call) -> Answer:
        """One assignment."""
        name = call.parameters["assignment"].lower()
        for _, entry in self._assignments():
            if entry["name"] == name:
                return Answer(200, entry)
        message = f"The role assignment '{name}' is not found."
        raise errors.CloudError(404, "RoleAssignmentNotFound", message)

    def list_definitions(self, call: Call) -> Answer:
        """Azure's own roles and those of the scenario; `$filter=roleName eq 'Reader'` for one."""
        text = call.query.get("$filter", "")
        _, _, wanted = text.partition("roleName eq ")
        known = [self._definition(role) for role in self._roles()]
        shown = [entry for entry in known if not wanted or _same(entry["properties"]["roleName"], wanted.strip(" '"))]
        return Answer(200, {"value": shown})

    def get_definition(self, call: Call) -> Answer:
        """One role."""
        name = call.parameters["definition"].lower()
        for role in self._roles():
            if _definition_name(role) == name:
                return Answer(200, self._definition(role))
        message = f"The specified role definition with ID '{name}' does not exist."
        raise errors.CloudError(404, "RoleDefinitionDoesNotExist", message)

    def _roles(self) -> Iterator[AzureRole]:
        known = {_definition_name(role): role for role in BUILT_IN.values()}
        for principal in self._tokens.principals.values():
            known |= {_definition_name(role): role for role in principal.roles if role.actions}
        yield from known.values()

    def _assignments(self) -> Iterator[tuple[Principal, Json]]:
        for principal in self._tokens.principals.values():
            for role in principal.roles:
                scope = role.scope if role.scope.startswith("/") else self._scenario.subscription
                if role.scope and not role.scope.startswith("/"):
                    scope = f"{scope}/resourceGroups/{role.scope}"
                name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{principal.object_id}{role.name}{scope.lower()}"))
                yield principal, self._assignment(principal, role, scope.rstrip("/"), name)

    def _assignment(self, principal: Principal, role: AzureRole, scope: str, name: str) -> Json:
        properties = {
            "roleDefinitionId": self._definition_id(role),
            "principalId": principal.object_id,
            "principalType": "ServicePrincipal",
            "scope": scope,
            "condition": None,
            "conditionVersion": None,
            "createdOn": _MADE,
            "updatedOn": _MADE,
            "createdBy": None,
            "updatedBy": None,
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        }
        kind = "Microsoft.Authorization/roleAssignments"
        return {"properties": properties, "id": f"{scope}/providers/{kind}/{name}", "type": kind, "name": name}

    def _definition(self, role: AzureRole) -> Json:
        own = role in BUILT_IN.values()
        properties = {
            "roleName": role.name,
            "type": "BuiltInRole" if own else "CustomRole",
            "description": "",
            "assignableScopes": ["/"] if own else [self._scenario.subscription],
            "permissions": [_permissions(role)],
            "createdOn": _MADE,
            "updatedOn": _MADE,
            "createdBy": None,
            "updatedBy": None,
        }
        kind = "Microsoft.Authorization/roleDefinitions"
        return {"properties": properties, "id": self._definition_id(role), "type": kind, "name": _definition_name(role)}

    def _definition_id(self, role: AzureRole) -> str:
        kind = "Microsoft.Authorization/roleDefinitions"
        return f"{self._scenario.subscription}/providers/{kind}/{_definition_name(role)}"


class DenyAssignmentHandlers:
    """The deny assignments, of which there is that of a lockdown or none; clients cannot make any."""

    def __init__(self, lockdown: Lockdown | None) -> None:
        self._known = [] if lockdown is None else [lockdown.to_json()]

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        for scope in SCOPES:
            yield "GET", f"{scope}{AUTHORIZATION}/denyAssignments", self.list_all

    def list_all(self, call: Call) -> Answer:
        """Those at the scope, above and below."""
        scope = f"{_scope(call)}/"
        at = [(f"{entry['properties']['scope'].lower()}/", entry) for entry in self._known]
        return Answer(200, {"value": [entry for own, entry in at if scope.startswith(own) or own.startswith(scope)]})


def _scope(call: Call) -> str:
    return call.path.lower().rpartition("/providers/microsoft.authorization/")[0]


def _permissions(role: AzureRole) -> Json:
    return {
        "actions": list(role.actions),
        "notActions": list(role.not_actions),
        "dataActions": [],
        "notDataActions": [],
    }


def _definition_name(role: AzureRole) -> str:
    """A role with actions of its own is the scenario's, whatever its name."""
    own = bool(role.actions) and role not in BUILT_IN.values()
    known = None if own else BUILT_IN_IDS.get(role.name.lower())
    return known or str(uuid.uuid5(uuid.NAMESPACE_URL, f"role {role.name}"))


def _same(first: str, second: str) -> bool:
    return first.lower() == second.lower()
