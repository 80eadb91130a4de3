"""What Azure is made of here: tenants, the subscription, locations, providers, SKUs and resources of every type."""

from __future__ import annotations

from functools import partial
from typing import Any

from aksdisks.lab.arm.aks.clusters import managed_cluster_json
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute.skus import skus_json
from aksdisks.lab.arm.entra.tokens import DOMAIN
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes, page
from aksdisks.lab.arm.wire.api_versions import NAMESPACES, UNREGISTERED, invalid_namespace
from aksdisks.lab.arm.wire.filters import matching
from aksdisks.lab.arm.wire.handlers.usages import sizes
from aksdisks.lab.arm.wire.paths import SUBSCRIPTION
from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

GENERIC = ("id", "name", "type", "kind", "location", "tags", "sku", "managedBy", "zones")
"""What every resource has, as lists of all types show it."""


class DirectoryHandlers:
    """The routes that tell what there is; no rules in here."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._scenario = cloud.scenario

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", "/tenants", self.list_tenants
        yield "GET", "/subscriptions", self.list_subscriptions
        yield "GET", SUBSCRIPTION, self.get_subscription
        yield "GET", SUBSCRIPTION + "/locations", self.list_locations
        yield "GET", SUBSCRIPTION + "/providers", self.list_providers
        yield "GET", SUBSCRIPTION + "/providers/{provider}", self.get_provider
        for name in NAMESPACES:
            yield "POST", f"{SUBSCRIPTION}/providers/{name}/register", partial(self.register, name)
        yield "GET", SUBSCRIPTION + "/providers/Microsoft.Compute/skus", self.list_skus
        yield "GET", SUBSCRIPTION + "/providers/Microsoft.Compute/locations/{location}/vmSizes", self.list_sizes
        yield "GET", SUBSCRIPTION + "/resources", self.list_resources
        for scope in (SUBSCRIPTION, SUBSCRIPTION + "/resourceGroups/{group}"):
            yield "GET", scope + "/providers/Microsoft.Resources/deployments", self.list_deployments
            yield "GET", scope + "/providers/Microsoft.Resources/deployments/{deployment}", self.get_deployment
        yield "GET", SUBSCRIPTION + "/resourceGroups/{group}/resources", self.list_resources

    def list_tenants(self, _: Call) -> Answer:
        """All tenants: one."""
        tenant = self._scenario.tenant_id
        names = {"displayName": "aksdisks lab", "defaultDomain": DOMAIN, "tenantType": "AAD"}
        return Answer(200, {"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, **names}]})

    def list_subscriptions(self, call: Call) -> Answer:
        """All subscriptions: one, to those who have a role in it."""
        found = [_subscription(self._scenario)] if call.sees(self._scenario.subscription) else []
        return Answer(200, {"value": found, "count": {"type": "Total", "value": len(found)}})

    def get_subscription(self, _: Call) -> Answer:
        """The subscription."""
        return Answer(200, _subscription(self._scenario))

    def list_locations(self, _: Call) -> Answer:
        """All locations: the cluster's."""
        name = self._scenario.location
        body: Json = {
            "id": f"{self._scenario.subscription}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": name,
            "regionalDisplayName": name,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        if self._scenario.region_zones:
            zones = [{"logicalZone": zone, "physicalZone": f"{name}-az{zone}"} for zone in self._scenario.region_zones]
            body["availabilityZoneMappings"] = zones
        return Answer(200, {"value": [body]})

    def list_providers(self, _: Call) -> Answer:
        """The providers that the lab has something of."""
        return Answer(200, {"value": [self._provider(name) for name in (*NAMESPACES, *UNREGISTERED)]})

    def get_provider(self, call: Call) -> Answer:
        """One provider."""
        wanted = call.parameters["provider"]
        for name in (*NAMESPACES, *UNREGISTERED):
            if name.lower() == wanted.lower():
                return Answer(200, self._provider(name))
        raise invalid_namespace(wanted)

    def register(self, name: str, _: Call) -> Answer:
        """A provider that is registered stays so."""
        return Answer(200, self._provider(name))

    def list_skus(self, call: Call) -> Answer:
        """Disks and machines that the location has, with its zones."""
        _, _, wanted = call.query.get("$filter", "").partition("location eq ")
        there = not wanted or wanted.strip(" '").replace(" ", "").lower() == self._scenario.location
        shown = skus_json(self._scenario) if there else []
        for sku in shown:
            if sku["resourceType"] == "disks" and not self._cloud.injection.offers_sku(sku["name"]):
                where = {"type": "Location", "values": sku["locations"]}
                about = {"restrictionInfo": {"locations": sku["locations"]}}
                sku["restrictions"] = [where | about | {"reasonCode": "NotAvailableForSubscription"}]
        return page(call, [(f"{number:04}", "", partial(dict, sku)) for number, sku in enumerate(shown)])

    def list_sizes(self, _: Call) -> Answer:
        """The machines' sizes."""
        return Answer(200, {"value": sizes()})

    def list_resources(self, call: Call) -> Answer:
        """Everything in the group or the subscription, by id."""
        group = call.parameters.get("group")
        wanted = None if group is None else f"/resourcegroups/{self._cloud.groups.name(group).lower()}/"
        cloud, scenario = self._cloud, self._scenario
        found = [disk.to_json() for disk in cloud.disks.all()]
        found += [snapshot.to_json() for snapshot in cloud.snapshots.all()]
        found += [*cloud.machines.scale_sets(), *(machine.to_json() for machine in cloud.machines.vms())]
        found += [account.to_json() for account in cloud.storage.accounts.all()]
        found.append(managed_cluster_json(scenario))
        shown = [
            {key: entry[key] for key in GENERIC if key in entry}
            for entry in found
            if (wanted is None or wanted in entry["id"].lower()) and call.sees(entry["id"])
        ]
        shown = matching(call.query.get("$filter", ""), shown)
        shown.sort(key=lambda entry: entry["id"].lower())
        return page(call, [(entry["id"].lower(), "", partial(dict, entry)) for entry in shown])

    def list_deployments(self, call: Call) -> Answer:
        """Templates are not run here, so none has been."""
        if "group" in call.parameters:
            self._cloud.groups.name(call.parameters["group"])
        return Answer(200, {"value": []})

    def get_deployment(self, call: Call) -> Answer:
        """None."""
        self.list_deployments(call)
        message = f"Deployment '{call.parameters['deployment']}' could not be found."
        raise CloudError(404, "DeploymentNotFound", message)

    def _provider(self, name: str) -> Json:
        kinds = [
            {"resourceType": kind, "locations": [self._scenario.location], "apiVersions": list(versions)}
            for kind, versions in NAMESPACES.get(name, {}).items()
        ]
        return {
            "id": f"{self._scenario.subscription}/providers/{name}",
            "namespace": name,
            "resourceTypes": kinds,
            "registrationState": "Registered" if name in NAMESPACES else "NotRegistered",
            "registrationPolicy": "RegistrationRequired",
        }


def _subscription(scenario: Scenario) -> Json:
    return {
        "id": scenario.subscription,
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": scenario.subscription_id,
        "tenantId": scenario.tenant_id,
        "displayName": "aksdisks lab",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
