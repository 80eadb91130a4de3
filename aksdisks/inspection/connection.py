"""The way in: a target's clients, its nodes, and the proof that it is the expected cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass

from aksdisks.azure.compute import Azure, place, same
from aksdisks.errors import AksdisksError, ApiError, NotAllowed, NotReachable, Refused, TargetMismatch, did_you_mean
from aksdisks.kube.client import Cluster
from aksdisks.model import Node, StorageClass, Unknown
from aksdisks.parameters import Parameters
from aksdisks.targets.target import Target, open_target
from aksdisks.waiting import Progress, silent

# How long a target has to answer before it is asked again; seconds.
_ANSWER_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Both clients of a target that answers and is the expected one; nothing was made yet."""

    parameters: Parameters
    target: Target
    cluster: Cluster
    azure: Azure
    progress: Progress

    def problem(self) -> str:
        """Why the target does not answer (any more); empty when it does. One that restarts is not waited for."""
        for pause in (0.4, 0.8, 1.6, 0.0):
            if not (lost := self.cluster.ping(_ANSWER_WITHIN)):
                break
            time.sleep(pause)
        else:
            return lost
        try:
            self.cluster.request("GET", "/version")
        except AksdisksError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Give Azure's connections back; Kubernetes' pool ends with the process."""
        self.azure.close()


def connect(parameters: Parameters, progress: Progress = silent) -> Connection:
    """Reach the target and check `expect`. Raises InputError, TargetMismatch, NotReachable and NotAllowed."""
    target = open_target(parameters)
    cluster = Cluster(target.kubernetes(), progress)
    nodes: tuple[Node, ...] | Unknown
    try:
        nodes = cluster.nodes()
    except NotAllowed as error:
        # Any answer proves that the cluster is there; without the nodes Azure cannot be found.
        nodes = Unknown(error.message)
        cluster.version()
    except ApiError as error:
        raise NotReachable(f"{cluster.server}: expected a Kubernetes API, found: {error.message}") from error
    azure = _azure(target, nodes, progress)
    connection = Connection(parameters, target, cluster, azure, progress)
    if target.expected:
        _check_expected(connection)
    return connection


def check_storage_class(connection: Connection) -> StorageClass | Unknown:
    """The class that the parameters name; raises Refused when there is none, it makes no disks, or it retains them."""
    parameters = connection.parameters
    try:
        classes = connection.cluster.classes()
    except NotAllowed as error:
        return Unknown(error.message)
    found = next((entry for entry in classes if entry.name == parameters.storage_class), None)
    if found is None:
        names = [entry.name for entry in classes if entry.makes_disks]
        raise Refused(
            f"storage_class: expected one of {', '.join(sorted(names)) or 'a disk class (none is there)'}, "
            f"found {parameters.storage_class!r}",
            hint=did_you_mean(parameters.storage_class, names),
        )
    if not found.makes_disks:
        raise Refused(f"storage_class {found.name}: expected a class that makes disks, found {found.provisioner}")
    if found.reclaim_policy == "Retain" and not parameters.allow_retain:
        raise Refused(
            f"storage_class {found.name}: expected reclaim policy Delete, found Retain",
            hint="disks would stay and cost; allow_retain: true accepts that",
        )
    return found


def _azure(target: Target, nodes: tuple[Node, ...] | Unknown, progress: Progress) -> Azure:
    """Azure's client: the subscription and the node resource group are in the nodes' providerID."""
    if isinstance(target.azure, Unknown):
        return Azure(target.azure)
    if isinstance(nodes, Unknown):
        return Azure(Unknown(f"the nodes, which tell the subscription, cannot be read: {nodes.because}"))
    found = [named for node in nodes if (named := place(node.provider_id))]
    places = {(subscription.lower(), group.lower()) for subscription, group in found}
    if len(places) != 1:
        return Azure(Unknown(f"the nodes' providerIDs name {len(places)} Azure resource groups, expected 1"))
    return Azure(target.azure, *found[-1], target.time_scale, progress)


def _check_expected(connection: Connection) -> None:
    """`expect` names the API server's URL, the managed cluster's ARM id, or the node resource group's."""
    expected, cluster, azure = connection.target.expected, connection.cluster, connection.azure
    if "://" in expected:
        if not same(expected, cluster.server):
            raise TargetMismatch(f"expect: expected {expected}, found {cluster.server}")
        return
    if azure.unknown is not None:
        raise NotAllowed(f"expect: {expected} cannot be compared: Azure is {azure.unknown}")
    found = f"/subscriptions/{azure.subscription}/resourceGroups/{azure.resource_group}"
    wanted = expected
    if "/managedclusters/" in expected.lower():
        group = azure.node_resource_group(expected)
        if isinstance(group, Unknown):
            raise NotAllowed(f"expect: {expected} cannot be compared: {group.because}")
        wanted = "/".join(["", "subscriptions", expected.strip("/").split("/")[1], "resourceGroups", group])
    if not same(wanted, found):
        raise TargetMismatch(f"expect: expected {expected} ({wanted}), found nodes in {found}")
