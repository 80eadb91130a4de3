"""`connect` reaches a cluster and its Azure, and makes sure that it is the expected one; it only reads."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from aksdisks.azure.compute import Azure, place, same
from aksdisks.errors import (
    AksdisksError,
    ApiError,
    InputError,
    NotAllowed,
    NotReachable,
    ParameterError,
    Refused,
    TargetMismatch,
    did_you_mean,
)
from aksdisks.inspection.ownership import read_ownership
from aksdisks.kube.client import Cluster
from aksdisks.model import Inventory, Node, StorageClass, Unknown
from aksdisks.parameters import Parameters
from aksdisks.prices import PriceList
from aksdisks.targets.choice import time_scale
from aksdisks.targets.target import TargetSettings, open_target
from aksdisks.waiting import Progress, silent

# How long a target has to answer before it is asked again; seconds.
_ANSWER_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """A cluster and its Azure that `connect` reached: `with aksdisks.connect() as target: target.inventory("shop")`.

    It only reads: it makes no namespace, no Lease and no label. As a context manager it closes its connections.
    """

    parameters: Parameters
    settings: TargetSettings
    cluster: Cluster
    azure: Azure
    progress: Progress

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def inventory(self, namespace: str | None = None, *, prices: PriceList | None = None) -> Inventory:
        """What a namespace (None: all of them), the cluster's nodes and its node resource group hold now, and whose.

        Disks have their price by `prices`, such as `PriceList.read(path)`; None: by the list that is built in.
        What Azure does not tell is Unknown in it; a kind that may not be read stands in `unreadable`. Raises InputError
        for a namespace that does not exist, NotReachable where Kubernetes does not answer.
        """
        scale = self.settings.time_scale
        found = read_ownership(
            self.cluster, self.azure, namespace, time_scale=scale, prices=prices, everything=True, shares=True
        )
        if namespace and not (found.pods or found.claims or found.events):
            try:
                missing = self.cluster.find("Namespace", namespace) is None
            except NotAllowed:
                missing = False  # who may not look at namespaces is told what is in them
            if missing:
                raise InputError(object=f"namespace {namespace}", expected="one that exists", found="none")
        return found

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


def connect(
    parameters: Parameters | None = None,
    progress: Progress = silent,
    *,
    context: str | None = None,
    kubeconfig: str | Path | None = None,
) -> Target:
    """Reach a cluster and its Azure, and check that it is the one that the parameters expect; nothing is made.

    `context` is one of the kubeconfig's (None: its current one), `kubeconfig` a file (None: KUBECONFIG's, else
    ~/.kube/config); both prevail over the parameters. Where Azure is comes from the parameters, else from
    AKSDISKS_ARM_ENDPOINT, AKSDISKS_CA_BUNDLE and AZURE_*, as `aksdisks lab env` exports them, else it is the public
    cloud, with whatever credential DefaultAzureCredential finds. AKSDISKS_TIME_SCALE, cluster seconds in one real
    second (else 1), holds for a cluster that is named by `context` or `kubeconfig`, or by no parameters at all.

    Raises InputError for what cannot be meant, TargetMismatch for another cluster, NotReachable and NotAllowed.
    """
    if not isinstance(parameters, Parameters | None):
        hint = "connect(context=...) names a context of the kubeconfig"
        raise ParameterError("parameters", expected="aksdisks.Parameters", found=repr(parameters), hint=hint)
    named: dict[str, Any] = {"context": context, "kubeconfig": kubeconfig}
    named = {name: str(value) for name, value in named.items() if value is not None}
    if parameters is None or named:
        named |= {"target": "aks", "cluster": "kubeconfig"}
        parameters = (parameters or Parameters()).model_copy(update=named)
        settings = replace(open_target(parameters), time_scale=time_scale())
    else:
        settings = open_target(parameters)
    return reach(parameters, settings, progress)


def reach(parameters: Parameters, settings: TargetSettings, progress: Progress = silent) -> Target:
    """As `connect`, where the target's settings are there already, such as those of a lab made for a run."""
    cluster = Cluster(settings.kubernetes(), progress)
    nodes: tuple[Node, ...] | Unknown
    try:
        nodes = cluster.nodes()
    except NotAllowed as error:
        # Any answer proves that the cluster is there; without the nodes Azure cannot be found.
        nodes = Unknown(error.message)
        cluster.version()
    except ApiError as error:
        raise NotReachable(object=f"{cluster.server}", expected="a Kubernetes API", cause=f"{error.message}") from error
    azure = azure_of(settings, nodes, progress)
    target = Target(parameters, settings, cluster, azure, progress)
    if settings.expected:
        _check_expected(target)
    return target


def check_storage_class(target: Target) -> StorageClass | Unknown:
    """The class that the parameters name; raises Refused when there is none, it makes no disks, or it retains them."""
    parameters = target.parameters
    try:
        classes = target.cluster.classes()
    except NotAllowed as error:
        return Unknown(error.message)
    found = next((entry for entry in classes if entry.name == parameters.storage_class), None)
    if found is None:
        names = [entry.name for entry in classes if entry.makes_disks]
        raise Refused(
            object="storage_class",
            expected=f"one of {', '.join(sorted(names)) or 'a disk class (none is there)'}",
            found=repr(parameters.storage_class),
            hint=did_you_mean(parameters.storage_class, names),
        )
    if not found.makes_disks:
        raise Refused(
            object=f"storage_class {found.name}", expected="a class that makes disks", found=f"{found.provisioner}"
        )
    if found.reclaim_policy == "Retain" and not parameters.allow_retain:
        raise Refused(
            object=f"storage_class {found.name}",
            expected="reclaim policy Delete",
            found="Retain",
            hint="disks would stay and cost; allow_retain: true accepts that",
        )
    return found


def azure_of(settings: TargetSettings, nodes: tuple[Node, ...] | Unknown, progress: Progress) -> Azure:
    """Azure's client: the subscription and the node resource group are in the nodes' providerID."""
    if isinstance(settings.azure, Unknown):
        return Azure(settings.azure)
    if isinstance(nodes, Unknown):
        return Azure(Unknown(f"the nodes, which tell the subscription, cannot be read: {nodes.because}"))
    found = [named for node in nodes if (named := place(node.provider_id))]
    places = {(subscription.lower(), group.lower()) for subscription, group in found}
    if len(places) != 1:
        return Azure(Unknown(f"the nodes' providerIDs name {len(places)} Azure resource groups, expected 1"))
    return Azure(settings.azure, *found[-1], settings.time_scale, progress)


def _check_expected(target: Target) -> None:
    """`expect` names the API server's URL, the managed cluster's ARM id, or the node resource group's."""
    expected, cluster, azure = target.settings.expected, target.cluster, target.azure
    if "://" in expected:
        if not same(expected, cluster.server):
            raise TargetMismatch(object="expect", expected=f"{expected}", found=f"{cluster.server}")
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
        raise TargetMismatch(object="expect", expected=f"{expected} ({wanted})", found=f"nodes in {found}")
