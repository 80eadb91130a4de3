"""Azure Resource Manager's routes: each turns a call into a question to the cloud and its answer into JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.aks import clusters
from aksdisks.lab.arm.bodies import member
from aksdisks.lab.arm.compute import power
from aksdisks.lab.arm.compute.cloud import Cloud
from aksdisks.lab.arm.compute.disks import Disk
from aksdisks.lab.arm.compute.machines import Machine
from aksdisks.lab.arm.resources.operations import Operation
from aksdisks.lab.arm.wire.answers import Answer, Call, page
from aksdisks.lab.arm.wire.filters import matching

Json = dict[str, Any]
Handler = Callable[[Call], Answer]

SUBSCRIPTION = "/subscriptions/{subscription}"
GROUP = SUBSCRIPTION + "/resourceGroups/{group}"
COMPUTE = "/providers/Microsoft.Compute"
MACHINE = GROUP + COMPUTE + "/virtualMachines/{machine}"
SCALE_SET = GROUP + COMPUTE + "/virtualMachineScaleSets/{scale_set}"
INSTANCE = SCALE_SET + "/virtualMachines/{instance}"
CLUSTERS = "/providers/Microsoft.ContainerService/managedClusters"
LOCATION_OF_CLUSTERS = SUBSCRIPTION + "/providers/Microsoft.ContainerService/locations/{location}"

SHORTEST_POLL = 10
"""Milliseconds that a poller waits at least, whatever the lab's speed."""


class Handlers:
    """The routes of one subscription; no rules in here."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Method, path with parameters, handler. Literal parts are matched without case."""
        yield "GET", SUBSCRIPTION + "/resourceGroups", self.list_groups
        yield "GET", GROUP, self.get_group
        yield "HEAD", GROUP, self.head_group
        yield "PUT", GROUP, self.put_group
        yield "PATCH", GROUP, self.patch_group
        yield "DELETE", GROUP, self.delete_group
        yield "GET", SUBSCRIPTION + "/operationresults/{operation}", self.get_result
        for kind in ("disks", "virtualMachines", "virtualMachineScaleSets"):
            handler = {
                "disks": self.list_disks,
                "virtualMachines": self.list_machines,
                "virtualMachineScaleSets": self.list_scale_sets,
            }[kind]
            yield "GET", f"{SUBSCRIPTION}{COMPUTE}/{kind}", handler
            yield "GET", f"{GROUP}{COMPUTE}/{kind}", handler
        disk = GROUP + COMPUTE + "/disks/{disk}"
        yield "GET", disk, self.get_disk
        yield "PUT", disk, self.put_disk
        yield "PATCH", disk, self.patch_disk
        yield "DELETE", disk, self.delete_disk
        snapshot = GROUP + COMPUTE + "/snapshots/{snapshot}"
        yield "PUT", snapshot, self.put_snapshot
        yield "PATCH", snapshot, self.patch_snapshot
        yield "DELETE", snapshot, self.delete_snapshot
        yield "GET", SCALE_SET, self.get_scale_set
        yield "GET", SCALE_SET + "/virtualMachines", self.list_instances
        for machine in (MACHINE, INSTANCE):
            yield "GET", machine, self.get_machine
            yield "PUT", machine, self.update_machine
            yield "PATCH", machine, self.update_machine
            yield "GET", machine + "/instanceView", self.get_instance_view
            yield "POST", machine + "/attachDetachDataDisks", self.attach_detach
            for act in power.ACTS.values():
                yield "POST", f"{machine}/{act.name}", partial(self.change_power, act)
        for act in power.ACTS.values():
            yield "POST", f"{SCALE_SET}/{act.name}", partial(self.change_power_of_several, act)
        yield "GET", SUBSCRIPTION + COMPUTE + "/locations/{location}/{kind}/{operation}", self.get_operation
        yield "GET", SUBSCRIPTION + CLUSTERS, self.list_clusters
        yield "GET", GROUP + CLUSTERS, self.list_clusters
        cluster = GROUP + CLUSTERS + "/{cluster}"
        yield "GET", cluster, self.get_cluster
        yield "GET", cluster + "/upgradeProfiles/default", self.get_upgrades
        yield "GET", LOCATION_OF_CLUSTERS + "/kubernetesVersions", self.list_versions
        yield "GET", cluster + "/agentPools", self.list_pools
        yield "GET", cluster + "/agentPools/{pool}", self.get_pool
        yield "POST", cluster + "/listClusterAdminCredential", partial(self.list_credentials, "clusterAdmin")
        yield "POST", cluster + "/listClusterUserCredential", partial(self.list_credentials, "clusterUser")

    # Groups

    def list_groups(self, call: Call) -> Answer:
        """All resource groups."""
        known = self._cloud.groups
        groups = [group for group in map(known.to_json, known.names()) if call.sees(str(group["id"]))]
        shown = matching(call.query.get("$filter", ""), groups)
        return page(call, [(str(group["name"]).lower(), partial(dict, group)) for group in shown])

    def get_group(self, call: Call) -> Answer:
        """One resource group."""
        return Answer(200, self._cloud.groups.to_json(call.parameters["group"]))

    def head_group(self, call: Call) -> Answer:
        """Whether there is that resource group."""
        self._cloud.group(call.parameters["group"])
        return Answer(204)

    def put_group(self, call: Call) -> Answer:
        """Make a group, or change its tags."""
        fresh = self._cloud.groups.put(call.parameters["group"], call.body)
        return Answer(201 if fresh else 200, self._cloud.groups.to_json(call.parameters["group"]))

    def patch_group(self, call: Call) -> Answer:
        """Change a group's tags."""
        self._cloud.groups.patch(call.parameters["group"], call.body)
        return self.get_group(call)

    def delete_group(self, call: Call) -> Answer:
        """Delete a group with what is in it."""
        operation = self._cloud.delete_group(call.parameters["group"])
        return Answer(202, None, self._result_address(call, operation))

    def get_result(self, call: Call) -> Answer:
        """What became of the deletion of a group (cloud-provider-azure's ResourceGroup.yaml)."""
        operation = self._cloud.operations.get("operationresults", call.parameters["operation"])
        if operation is None:
            raise errors.CloudError(404, "NotFound", f"The entity {call.parameters['operation']} was not found.")
        if operation.status == "InProgress":
            return Answer(202, None, self._result_address(call, operation))
        if operation.error is not None:
            raise operation.error
        return Answer(200)

    def _result_address(self, call: Call, operation: Operation) -> dict[str, str]:
        path = f"{self._cloud.scenario.subscription}/operationresults/{operation.id}"
        version = call.query.get("api-version", "")
        return {"Location": f"{call.base}{path}?api-version={version}", **self._pace()}

    # Disks

    def list_disks(self, call: Call) -> Answer:
        """The disks of the group or of the subscription."""
        disks = self._cloud.disks(call.parameters.get("group"))
        return page(call, [(disk.key, disk.to_json) for disk in disks if call.sees(disk.id)])

    def get_disk(self, call: Call) -> Answer:
        """One disk."""
        return Answer(200, self._disk(call).to_json())

    def put_disk(self, call: Call) -> Answer:
        """Create or update."""
        group, name = call.parameters["group"], call.parameters["disk"]
        fresh = name.lower() not in {disk.name.lower() for disk in self._cloud.disks(group)}
        operation = self._cloud.create_or_update_disk(group, name, call.body)
        return self._accepted(call, operation, self._disk(call).accepted_json(call.body, fresh=fresh))

    def patch_disk(self, call: Call) -> Answer:
        """Update."""
        operation = self._cloud.update_disk(call.parameters["group"], call.parameters["disk"], call.body)
        return self._accepted(call, operation, self._disk(call).accepted_json(call.body, fresh=False))

    def delete_disk(self, call: Call) -> Answer:
        """Delete; 204 when there is none."""
        operation = self._cloud.delete_disk(call.parameters["group"], call.parameters["disk"])
        return Answer(204) if operation is None else self._accepted(call, operation, None)

    # Snapshots; those who only read are in the inventory

    def put_snapshot(self, call: Call) -> Answer:
        """Create or update."""
        snapshots, group, name = self._cloud.snapshots, call.parameters["group"], call.parameters["snapshot"]
        fresh = not snapshots.exists(group, name)
        operation = snapshots.put(group, name, call.body)
        return self._accepted(call, operation, snapshots.get(group, name).accepted_json(call.body, fresh=fresh))

    def patch_snapshot(self, call: Call) -> Answer:
        """Update."""
        snapshots, group, name = self._cloud.snapshots, call.parameters["group"], call.parameters["snapshot"]
        operation = snapshots.patch(group, name, call.body)
        return self._accepted(call, operation, snapshots.get(group, name).accepted_json(call.body, fresh=False))

    def delete_snapshot(self, call: Call) -> Answer:
        """Delete; 204 when there is none."""
        operation = self._cloud.snapshots.delete(call.parameters["group"], call.parameters["snapshot"])
        return Answer(204) if operation is None else self._accepted(call, operation, None)

    # Machines

    def list_machines(self, call: Call) -> Answer:
        """The VMs of the group or of the subscription; a scale set's instances are not among them."""
        machines = self._cloud.machines(call.parameters.get("group"))
        return self._machine_page(call, machines if self._cloud.scenario.machine_kind == "vmas" else [])

    def list_scale_sets(self, call: Call) -> Answer:
        """The scale sets of the group or of the subscription."""
        scenario, group = self._cloud.scenario, call.parameters.get("group")
        there = group is None or self._cloud.group(group) == scenario.node_resource_group
        sets = [self._cloud.scale_set_json()] if there and scenario.machine_kind == "vmss" else []
        return page(call, [(entry["id"], partial(dict, entry)) for entry in sets if call.sees(entry["id"])])

    def get_scale_set(self, call: Call) -> Answer:
        """One scale set."""
        self._require_scale_set(call)
        return Answer(200, self._cloud.scale_set_json())

    def list_instances(self, call: Call) -> Answer:
        """The instances of a scale set."""
        self._require_scale_set(call)
        return self._machine_page(call, self._cloud.machines())

    def get_machine(self, call: Call) -> Answer:
        """One VM or instance, with what runs on it where `$expand` asks."""
        machine = self._machine(call)
        return Answer(200, machine.to_json(instance_view=_expands_view(call)), {"ETag": machine.etag})

    def get_instance_view(self, call: Call) -> Answer:
        """What runs on one VM or instance."""
        return Answer(200, self._machine(call).instance_view())

    def update_machine(self, call: Call) -> Answer:
        """PUT or PATCH of a VM or instance."""
        machine = self._machine(call)
        wanted = call.headers.get("If-Match", "*")
        if wanted not in ("*", machine.etag):
            raise errors.etag_differs(wanted, machine.etag)
        operation = self._cloud.update_machine(machine.spec.resource_id, call.body)
        return self._accepted(call, operation, machine.to_json(), status=200 if call.method == "PUT" else 202)

    def attach_detach(self, call: Call) -> Answer:
        """POST of only what changes."""
        machine = self._machine(call)
        operation = self._cloud.attach_detach(machine.spec.resource_id, call.body)
        return self._accepted(call, operation, None)

    def change_power(self, act: power.Act, call: Call) -> Answer:
        """Start, stop or make anew one VM or instance."""
        operation = self._cloud.change_power([self._machine(call).spec.resource_id], act)
        return self._accepted(call, operation, None)

    def change_power_of_several(self, act: power.Act, call: Call) -> Answer:
        """The same for the instances that the body names, or for all."""
        self._require_scale_set(call)
        wanted = member(call.body, "instanceIds", list) or ["*"]
        ids = [self._instance(str(instance)).spec.resource_id for instance in wanted if instance != "*"]
        if "*" in wanted:
            ids = [machine.spec.resource_id for machine in self._cloud.machines()]
        return self._accepted(call, self._cloud.change_power(ids, act), None)

    # Operations

    def get_operation(self, call: Call) -> Answer:
        """An operation's status, or with `monitor=true` (the Location address) what it led to."""
        kind, operation_id = call.parameters["kind"], call.parameters["operation"]
        operation = self._cloud.operations.get(kind, operation_id)
        if operation is None:
            raise errors.CloudError(404, "NotFound", f"The entity {operation_id} was not found.")
        running = operation.status == "InProgress"
        if call.query.get("monitor") != "true":
            return Answer(200, operation.to_json(), self._pace() if running else {})
        if running:
            return Answer(202, None, self._addresses(call, operation))
        if operation.error is not None:
            return Answer(operation.error.status, operation.error.body())
        return Answer(204) if operation.result is None else Answer(200, operation.result)

    # Clusters

    def list_clusters(self, call: Call) -> Answer:
        """The managed clusters of the group or of the subscription."""
        scenario, group = self._cloud.scenario, call.parameters.get("group")
        there = group is None or self._cloud.group(group) == scenario.resource_group
        there = there and call.sees(scenario.cluster_id)
        return Answer(200, {"value": [clusters.managed_cluster_json(scenario)] if there else []})

    def get_cluster(self, call: Call) -> Answer:
        """One managed cluster."""
        self._require_cluster(call)
        return Answer(200, clusters.managed_cluster_json(self._cloud.scenario))

    def get_upgrades(self, call: Call) -> Answer:
        """Where the cluster could go."""
        self._require_cluster(call)
        return Answer(200, clusters.upgrades_json(self._cloud.scenario))

    def list_versions(self, _: Call) -> Answer:
        """The versions that a cluster may have."""
        return Answer(200, clusters.versions_json(self._cloud.scenario))

    def list_pools(self, call: Call) -> Answer:
        """The cluster's node pools."""
        self._require_cluster(call)
        return Answer(200, {"value": [clusters.pool_json(self._cloud.scenario)]})

    def get_pool(self, call: Call) -> Answer:
        """One node pool."""
        scenario, pool = self._cloud.scenario, call.parameters["pool"]
        self._require_cluster(call)
        if pool.lower() != scenario.pool.lower():
            kind = f"Microsoft.ContainerService/managedClusters/{scenario.cluster_name}/agentPools/{pool}"
            raise errors.resource_not_found(kind, call.parameters["group"])
        return Answer(200, clusters.pool_json(scenario))

    def list_credentials(self, name: str, call: Call) -> Answer:
        """The kubeconfig of the cluster's administrator or user."""
        self._require_cluster(call)
        value = base64.b64encode(self._cloud.kubeconfigs[name]).decode()
        return Answer(200, {"kubeconfigs": [{"name": name, "value": value}]})

    # Parts

    def _disk(self, call: Call) -> Disk:
        return self._cloud.disk(call.parameters["group"], call.parameters["disk"])

    def _machine(self, call: Call) -> Machine:
        parameters = call.parameters
        self._cloud.group(parameters["group"])
        compute = f"{self._cloud.scenario.subscription}/resourceGroups/{parameters['group']}{COMPUTE}"
        if "instance" not in parameters:
            return self._cloud.machine(f"{compute}/virtualMachines/{parameters['machine']}")
        self._require_scale_set(call)
        return self._instance(parameters["instance"])

    def _instance(self, number: str) -> Machine:
        if not number.isdecimal():
            raise errors.instance_not_a_number()
        machine = next((entry for entry in self._cloud.machines() if entry.spec.instance_id == number), None)
        if machine is None:
            raise errors.instance_not_active(number)
        return machine

    def _machine_page(self, call: Call, machines: list[Machine]) -> Answer:
        view = _expands_view(call) or call.query.get("statusOnly") == "true"
        return page(
            call,
            [
                (f"{machine.spec.index:08}", partial(machine.to_json, instance_view=view))
                for machine in machines
                if call.sees(machine.spec.resource_id)
            ],
        )

    def _require_cluster(self, call: Call) -> None:
        scenario, group, name = self._cloud.scenario, call.parameters["group"], call.parameters["cluster"]
        if self._cloud.group(group) != scenario.resource_group or name.lower() != scenario.cluster_name.lower():
            raise errors.resource_not_found(f"Microsoft.ContainerService/managedClusters/{name}", group)

    def _require_scale_set(self, call: Call) -> None:
        scenario, group, name = self._cloud.scenario, call.parameters["group"], call.parameters["scale_set"]
        right_group = self._cloud.group(group) == scenario.node_resource_group
        if scenario.machine_kind != "vmss" or not right_group or name.lower() != scenario.scale_set.lower():
            raise errors.resource_not_found(f"Microsoft.Compute/virtualMachineScaleSets/{name}", group)

    def _accepted(self, call: Call, operation: Operation, body: Json | None, status: int = 202) -> Answer:
        return Answer(status, body, self._addresses(call, operation))

    def _addresses(self, call: Call, operation: Operation) -> dict[str, str]:
        """Where to ask how it goes on (facts E, LRO)."""
        path = self._cloud.operations.path(operation)
        address = f"{call.base}{path}?api-version={call.query.get('api-version', '')}"
        monitor = address.replace("?", "?monitor=true&")
        return {"Azure-AsyncOperation": address, "Location": monitor, **self._pace()}

    def _pace(self) -> dict[str, str]:
        """How long to wait before asking again.

        Retry-After has whole seconds. Where the lab is faster than that the milliseconds' header stands alone: Azure's
        SDKs read it (azure-core policies/_utils.py), while a Retry-After of 0 makes them wait their default 30 s.
        """
        real = self._cloud.scenario.delays.lro_retry_after / self._cloud.clock.speed
        if real >= 1:
            return {"Retry-After": str(round(real))}
        return {"x-ms-retry-after-ms": str(max(SHORTEST_POLL, round(real * 1000)))}


def _expands_view(call: Call) -> bool:
    return call.query.get("$expand", "").lower() == "instanceview"
