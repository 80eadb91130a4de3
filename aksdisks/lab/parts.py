"""The parts that a lab runs: controllers, node agents and the drivers, these two where faults can stop them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from aksdisks.lab.agents.csi.driver import DiskDriver, FileDriver
from aksdisks.lab.agents.csi.share_mounts import ShareMounts
from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.agents.kubelet.probes import Run, apart
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute.powered_off import PoweredOff
from aksdisks.lab.arm.driver.files import AzureFiles
from aksdisks.lab.arm.driver.interface import AzureCompute
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.client.controller import Controller
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.client.recorder import EventRecorder
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.attach_detach import AttachDetach
from aksdisks.lab.controllers.cloud_node_lifecycle import CloudNodes
from aksdisks.lab.controllers.cluster_role_aggregation import RoleAggregation
from aksdisks.lab.controllers.custom_resources import CustomResourceDefinitions
from aksdisks.lab.controllers.daemonset import DaemonSetController
from aksdisks.lab.controllers.deployment import DeploymentController
from aksdisks.lab.controllers.disruption import Disruption
from aksdisks.lab.controllers.endpointslice import EndpointSlices
from aksdisks.lab.controllers.ephemeral_volumes import EphemeralVolumes
from aksdisks.lab.controllers.garbage_collector import GarbageCollector
from aksdisks.lab.controllers.namespace import NamespaceController
from aksdisks.lab.controllers.node_lifecycle import NodeLifecycle
from aksdisks.lab.controllers.persistent_volume import PersistentVolumeController
from aksdisks.lab.controllers.pod_gc import PodGarbage
from aksdisks.lab.controllers.replicaset import ReplicaSetController
from aksdisks.lab.controllers.scheduler import Scheduler
from aksdisks.lab.controllers.snapshot_controller import SnapshotController
from aksdisks.lab.controllers.statefulset import StatefulSetController
from aksdisks.lab.controllers.storage_protection import AttributesClassProtection, ClaimProtection, VolumeProtection
from aksdisks.lab.controllers.taint_eviction import TaintEviction
from aksdisks.lab.controllers.unstarted_jobs import UnstartedJobs
from aksdisks.lab.controllers.volume_expand import VolumeExpand
from aksdisks.lab.errors import LabError
from aksdisks.lab.faults.azure_resources import machine_is_gone
from aksdisks.lab.faults.driver_registration import Registrar
from aksdisks.lab.faults.mounts import MountFaults
from aksdisks.lab.faults.node_connection import NodeConnection
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.faults.supervised import Part, Supervised
from aksdisks.lab.ids import Ids
from aksdisks.lab.in_tree.binder import InTreeBinder
from aksdisks.lab.in_tree.driver import InTreeDriver
from aksdisks.lab.in_tree.mounts import InTreeNodeAgent
from aksdisks.lab.in_tree.tokens import LegacyTokens
from aksdisks.lab.scenario import MachineSpec, Scenario
from aksdisks.lab.seed import csi_node, register
from aksdisks.lab.versions import words_of

_CONTROLLERS = (
    AttachDetach,
    ClaimProtection,
    DeploymentController,
    Disruption,
    EndpointSlices,
    EphemeralVolumes,
    GarbageCollector,
    NamespaceController,
    CustomResourceDefinitions,
    NodeLifecycle,
    PodGarbage,
    ReplicaSetController,
    RoleAggregation,
    Scheduler,
    StatefulSetController,
    TaintEviction,
    UnstartedJobs,
    PersistentVolumeController,
    VolumeExpand,
    VolumeProtection,
    AttributesClassProtection,
)


def controllers(scenario: Scenario, *, driver: bool = True) -> Iterator[Callable[[Any, Clock, Ids], Controller]]:
    """What kube-controller-manager and the scheduler do, in the words of the scenario's version and era.

    With the disk driver come the snapshot-controller and the driver's DaemonSet, as AKS has them; without `driver`
    real ones may run beside.
    In this order they come to their turns: the scheduler hears of a pod before the persistent-volume controller does.
    """
    words = words_of(scenario.kubernetes_version)
    in_tree = scenario.era == "2019"
    for kind in _CONTROLLERS:
        if kind in (Scheduler, StatefulSetController):
            yield partial(kind, words=words)
        else:
            yield InTreeBinder if in_tree and kind is PersistentVolumeController else kind
    if in_tree:
        yield LegacyTokens
    elif driver:
        yield SnapshotController
        yield DaemonSetController


class AgentParts:
    """Makes the node agents and the drivers."""

    def __init__(
        self,
        api: KubernetesApi,
        clock: Clock,
        ids: Ids,
        scenario: Scenario,
        faults: Faults,
        files: AzureFiles,
        powered_off: PoweredOff | None = None,
        probe: Run = apart,
    ) -> None:
        """`files`: Azure as nodes reach it that mount shares; `powered_off`: the machines that do not run, where Azure
        is in the same process.
        """
        self._api = api
        self._files = files
        self._powered_off = powered_off or PoweredOff()
        self._probe = probe
        self._clock = clock
        self._ids = ids
        self._scenario = scenario
        self._faults = faults
        in_tree = scenario.era == "2019"
        self._agent: type[NodeAgent] = InTreeNodeAgent if in_tree else NodeAgent
        self._driver: type[DiskDriver] = InTreeDriver if in_tree else DiskDriver

    def parts(self, compute: AzureCompute | None) -> Iterator[Part]:
        """`compute`: the disk driver's view of Azure; None: no controller of a driver's, since real ones run beside.

        Nodes register the drivers and mount disks that are attached, whoever attached them, and shares that there are.
        """
        for machine in self._scenario.machines:
            yield self._node(machine)
        if compute is not None:
            yield Supervised(
                DiskDriver.name,
                lambda: self._driver(self._api, self._clock, self._ids, compute),
                self._faults,
                lambda: self._faults.is_on("driver-down"),
            )
            if self._scenario.era == "today":
                yield FileDriver(self._api, self._clock, self._ids, self._files)
        drivers = {
            machine.node_name: csi_node(self._scenario, machine, {})["spec"]["drivers"]
            for machine in self._scenario.machines
        }
        if self._scenario.era == "today":
            yield Registrar(self._api, self._clock, self._faults, drivers)

    def _node(self, machine: MachineSpec) -> Part:
        connection = NodeConnection(self._api, self._faults, machine.node_name, self._powered_off)
        delays, nodes, absent = self._scenario.delays, self._scenario.node_count, self._scenario.absent_images
        words = words_of(self._scenario.kubernetes_version)
        staging = ShareMounts(connection, self._clock, self._files)

        def mounts(recorder: EventRecorder) -> MountFaults:
            return MountFaults(connection, self._clock, recorder, machine.node_name, self._faults)

        async def registered() -> None:
            await register(self._api, self._scenario, machine, self._clock.now())

        return Supervised(
            NodeAgent.name,
            lambda: self._agent(
                connection,
                self._clock,
                self._ids,
                machine.node_name,
                delays,
                mounts,
                nodes,
                absent,
                words,
                self._probe,
                staging,
            ),
            self._faults,
            lambda: machine_is_gone(self._faults, machine),
            before_restart=registered,
        )


def check_driver_can_go(scenario: Scenario) -> None:
    """Whether a cluster of the scenario's era can be without the lab's driver. Raises `LabError`."""
    if scenario.era != "today":
        raise LabError(
            f"scenario {scenario.name}: expected one of today's for --no-driver, found one of {scenario.era}, whose "
            "volume plug-in is part of Kubernetes"
        )


def control_plane(api: KubernetesApi, clock: Clock, ids: Ids, cloud: Cloud) -> Iterator[Part]:
    """What acts on nodes without being on them or the driver's."""

    def exists(machine_id: str) -> bool:
        try:
            cloud.machines.get(machine_id)
        except CloudError:
            return False
        return True

    yield CloudNodes(api, clock, ids, exists)
