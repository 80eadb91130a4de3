"""Who may do what in Azure: role assignments against the action and the scope that a request amounts to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aksdisks.lab.arm import errors
from aksdisks.lab.scenario import AzureRole, Principal

BUILT_IN: Mapping[str, AzureRole] = {
    role.name.lower(): role
    for role in (
        AzureRole("Owner", ("*",)),
        AzureRole(
            "Contributor",
            ("*",),
            (
                "Microsoft.Authorization/*/Delete",
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action",
            ),
        ),
        AzureRole("Reader", ("*/read",)),
        AzureRole(
            "Storage Account Contributor",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Storage/storageAccounts/*",
            ),
        ),
        AzureRole(
            "Reader and Data Access",
            (
                "Microsoft.Storage/storageAccounts/listKeys/action",
                "Microsoft.Storage/storageAccounts/ListAccountSas/action",
                "Microsoft.Storage/storageAccounts/read",
            ),
        ),
        AzureRole(
            "Storage Account Key Operator Service Role",
            (
                "Microsoft.Storage/storageAccounts/listkeys/action",
                "Microsoft.Storage/storageAccounts/regeneratekey/action",
            ),
        ),
        AzureRole(
            "Azure Kubernetes Service Cluster User Role",
            (
                "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
                "Microsoft.ContainerService/managedClusters/read",
            ),
        ),
        AzureRole(
            "Azure Kubernetes Service Cluster Admin Role",
            (
                "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
                "Microsoft.ContainerService/managedClusters/read",
            ),
        ),
    )
}
"""Azure's own roles, as far as the lab has what they are about (azure-docs role-based-access-control)."""

BUILT_IN_IDS: Mapping[str, str] = {
    "owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "storage account contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "reader and data access": "c12c1c16-33a1-487b-954d-41c89c60f349",
    "storage account key operator service role": "81a9662b-bebf-436f-a333-f67b29880f12",
    "azure kubernetes service cluster user role": "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
    "azure kubernetes service cluster admin role": "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
}
"""Their names as resources, the same in every tenant (azure-docs role-based-access-control/built-in-roles.md)."""

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


@dataclass(frozen=True)
class Right:
    """What a route needs: the action, and how many of the path's parts are its scope."""

    action: str
    depth: int

    def scope(self, parts: Sequence[str]) -> str:
        """The scope in a request's path."""
        return "/" + "/".join(parts[: self.depth])


def right(method: str, template: Sequence[str]) -> Right | None:
    """What a route of that path needs; None for what every principal of the tenant may ask.

    Types are the path's every second part after the provider. A path that ends in a type is a list, whose scope is
    what it is a list of, or with POST an action on the resource before it.
    """
    if template[0] != "subscriptions" or len(template) < 2:
        return None
    verb = "read" if template[-1] == "checkNameAvailability" else _VERBS[method]
    if template[-2:-1] == ["asyncoperations"]:
        # Whoever may make accounts may ask how far that is; no role of Azure's names the operation.
        return Right("Microsoft.Storage/storageAccounts/read", 2)
    if template[2:3] in (["operationresults"], ["tagNames"]):
        return Right(f"Microsoft.Resources/subscriptions/{template[2]}/read", 2)
    if "providers" not in template:
        kinds = "/".join(["Microsoft.Resources", *template[::2]])
        return Right(f"{kinds}/{verb}", len(template) - len(template) % 2)
    # What hangs on another resource has its own provider after that one's name.
    start = len(template) - 1 - template[::-1].index("providers")
    if len(template) < start + 3:
        return Right(f"Microsoft.Resources/subscriptions/providers/{verb}", 2)
    kinds = "/".join([template[start + 1], *template[start + 2 :: 2]])
    segments = len(template) - start - 2
    if segments % 2 == 0:
        return Right(f"{kinds}/{verb}", len(template))
    return Right(f"{kinds}/{verb}", start if segments == 1 else len(template) - 1)


class Authorization:
    """The role assignments of one subscription."""

    def __init__(self, subscription: str) -> None:
        """`subscription`: its ARM id."""
        self._subscription = subscription

    def allows(self, principal: Principal, action: str, scope: str) -> bool:
        """Whether one of the principal's roles, assigned there or above, has the action."""
        inner = f"{scope.lower()}/"
        return any(inner.startswith(f"{self.at(role)}/") and _has(role, action) for role in principal.roles)

    def allows_within(self, principal: Principal, action: str, scope: str) -> bool:
        """Whether the principal may do it at that scope or anywhere below."""
        outer = f"{scope.lower()}/"
        below = any(f"{self.at(role)}/".startswith(outer) and _has(role, action) for role in principal.roles)
        return below or self.allows(principal, action, scope)

    def sees_subscription(self, principal: Principal) -> bool:
        """A subscription is listed to whoever has a role anywhere in it."""
        return bool(principal.roles)

    def check(self, principal: Principal, right: Right, parts: Sequence[str]) -> None:
        """Raises AuthorizationFailed.

        Lists over the subscription show what the principal may read, so a role anywhere below is enough. Operations are
        addressed at the subscription's locations: whoever has the right to read them anywhere may, as the driver's role
        is assigned to a resource group (facts G).
        """
        scope = right.scope(parts)
        wide = right.depth == 2 or "/locations/" in right.action
        ask = self.allows_within if wide else self.allows
        if not ask(principal, right.action, self._subscription if wide else scope):
            raise errors.not_authorised(principal.client_id, principal.object_id, right.action, scope)

    def at(self, role: AzureRole) -> str:
        """The scope that a role is assigned at, in lower case: an ARM id, a resource group, or the subscription."""
        if not role.scope:
            return self._subscription.lower()
        scope = role.scope if role.scope.startswith("/") else f"{self._subscription}/resourceGroups/{role.scope}"
        return scope.rstrip("/").lower()


def definition(role: AzureRole) -> AzureRole:
    """What an assigned role allows: its own actions, or those of Azure's role of that name."""
    return role if role.actions else BUILT_IN.get(role.name.lower(), role)


def _has(role: AzureRole, action: str) -> bool:
    known = definition(role)
    return any(_pattern(entry).fullmatch(action) for entry in known.actions) and not any(
        _pattern(entry).fullmatch(action) for entry in known.not_actions
    )


@lru_cache(maxsize=1024)
def _pattern(action: str) -> re.Pattern[str]:
    """`*` stands for anything, slashes too; case does not count."""
    return re.compile(".*".join(re.escape(part) for part in action.split("*")), re.IGNORECASE)
