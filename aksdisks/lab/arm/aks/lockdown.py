"""The lockdown of a node resource group: the deny assignment by which AKS keeps others from changing what is in it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.scenario import Principal, Scenario

Json = dict[str, Any]

KIND = "Microsoft.Authorization/denyAssignments"
_EVERYONE = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Lockdown:
    """Denies all but reading in the node resource group, whatever roles somebody has.

    Excepted is the cluster's own identity, as which the lab's disk driver acts without signing in: whoever signs in is
    somebody else.
    """

    scope: str
    id: str
    name: str
    cluster_identity: str

    @classmethod
    def of(cls, scenario: Scenario) -> Lockdown | None:
        """The scenario's, None where its group is not restricted (`nodeResourceGroupProfile.restrictionLevel`)."""
        if scenario.node_resource_group_restriction == "Unrestricted":
            return None
        unique = uuid.uuid5(uuid.NAMESPACE_OID, scenario.cluster_id)
        own = uuid.uuid5(unique, "lockdown")
        # The words, and the form of name and id, are AKS's as users quote them.
        name = (
            f"kubernetes.azure.com/{unique}/{own}: node resource group deny assignment created by Azure Kubernetes "
            "Services for nrg-lockdown, see: https://aka.ms/aks/nrg_lockdown"
        )
        scope = f"{scenario.subscription}/resourcegroups/{scenario.node_resource_group}"
        return cls(scope, own.hex, name, cluster_identity(scenario))

    def check(self, principal: Principal, action: str, scope: str) -> None:
        """Raises DenyAssignmentAuthorizationFailed for what a principal may do by its roles, but not here."""
        if action.lower().endswith("/read") or not f"{scope.lower()}/".startswith(f"{self.scope.lower()}/"):
            return
        raise CloudError(
            403,
            "DenyAssignmentAuthorizationFailed",
            f"The client '{principal.client_id}' with object id '{principal.object_id}' has permission to perform "
            f"action '{action}' on scope '{scope}'; however, the access is denied because of the deny assignment with "
            f"name '{self.name}' and Id '{self.id}' at scope '{self.scope}'.",
        )

    def to_json(self) -> Json:
        """As a GET answers it (learn.microsoft.com, "List Azure deny assignments")."""
        permissions = {"actions": ["*"], "notActions": ["*/read"], "dataActions": [], "notDataActions": []}
        properties = {
            "denyAssignmentName": self.name,
            "description": "",
            "permissions": [permissions],
            "scope": self.scope,
            "doNotApplyToChildScopes": False,
            "principals": [{"id": _EVERYONE, "type": "SystemDefined"}],
            "excludePrincipals": [{"id": self.cluster_identity, "type": "ServicePrincipal"}],
            "isSystemProtected": True,
        }
        return {
            "properties": properties,
            "id": f"{self.scope}/providers/{KIND}/{self.id}",
            "type": KIND,
            "name": self.id,
        }


def cluster_identity(scenario: Scenario) -> str:
    """The object id of the managed cluster's own identity."""
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_OID, scenario.cluster_id), "cluster"))
