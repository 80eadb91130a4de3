"""Managed clusters, their node pools and the credentials for them."""

from __future__ import annotations

import base64
from functools import partial

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.aks import clusters
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.arm.wire.paths import GROUP, SUBSCRIPTION

CLUSTERS = "/providers/Microsoft.ContainerService/managedClusters"
CLUSTER = GROUP + CLUSTERS + "/{cluster}"
LOCATION = SUBSCRIPTION + "/providers/Microsoft.ContainerService/locations/{location}"


class ClusterHandlers:
    """The cluster of one subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._scenario = cloud.scenario

    def routes(self) -> Routes:
        """Method, path with parameters, handler."""
        yield "GET", SUBSCRIPTION + CLUSTERS, self.list_all
        yield "GET", GROUP + CLUSTERS, self.list_all
        yield "GET", CLUSTER, self.get
        yield "GET", CLUSTER + "/upgradeProfiles/default", self.get_upgrades
        yield "GET", LOCATION + "/kubernetesVersions", self.list_versions
        yield "GET", CLUSTER + "/agentPools", self.list_pools
        yield "GET", CLUSTER + "/agentPools/{pool}", self.get_pool
        yield "POST", CLUSTER + "/listClusterAdminCredential", partial(self.list_credentials, "clusterAdmin")
        yield "POST", CLUSTER + "/listClusterUserCredential", partial(self.list_credentials, "clusterUser")

    def list_all(self, call: Call) -> Answer:
        """The managed clusters of the group or of the subscription."""
        group = call.parameters.get("group")
        there = group is None or self._cloud.groups.name(group) == self._scenario.resource_group
        there = there and call.sees(self._scenario.cluster_id)
        return Answer(200, {"value": [clusters.managed_cluster_json(self._scenario)] if there else []})

    def get(self, call: Call) -> Answer:
        """One managed cluster."""
        self._require(call)
        return Answer(200, clusters.managed_cluster_json(self._scenario))

    def get_upgrades(self, call: Call) -> Answer:
        """Where the cluster could go."""
        self._require(call)
        return Answer(200, clusters.upgrades_json(self._scenario))

    def list_versions(self, _: Call) -> Answer:
        """The versions that a cluster may have."""
        return Answer(200, clusters.versions_json(self._scenario))

    def list_pools(self, call: Call) -> Answer:
        """The cluster's node pools."""
        self._require(call)
        return Answer(200, {"value": [clusters.pool_json(self._scenario)]})

    def get_pool(self, call: Call) -> Answer:
        """One node pool."""
        scenario, pool = self._scenario, call.parameters["pool"]
        self._require(call)
        if pool.lower() != scenario.pool.lower():
            kind = f"Microsoft.ContainerService/managedClusters/{scenario.cluster_name}/agentPools/{pool}"
            raise errors.resource_not_found(kind, call.parameters["group"])
        return Answer(200, clusters.pool_json(scenario))

    def list_credentials(self, name: str, call: Call) -> Answer:
        """The kubeconfig of the cluster's administrator or user."""
        self._require(call)
        value = base64.b64encode(self._cloud.kubeconfigs[name]).decode()
        return Answer(200, {"kubeconfigs": [{"name": name, "value": value}]})

    def _require(self, call: Call) -> None:
        """Raises `CloudError` where the path names no cluster that there is."""
        scenario, group, name = self._scenario, call.parameters["group"], call.parameters["cluster"]
        right_group = self._cloud.groups.name(group) == scenario.resource_group
        if not right_group or name.lower() != scenario.cluster_name.lower():
            raise errors.resource_not_found(f"Microsoft.ContainerService/managedClusters/{name}", group)
