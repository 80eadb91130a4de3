"""A machine that is lost on purpose: its power is cut, what follows is waited for, and in the end it runs again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from shlex import quote

from aksdisks import manifests
from aksdisks.errors import InputError
from aksdisks.inspection.comparison import Said
from aksdisks.inspection.node_loss import NodeLoss
from aksdisks.kube.watch import Watcher
from aksdisks.model import Inventory, Machine, Node, Unknown, known
from aksdisks.model.checks import Holds, check
from aksdisks.session.disruption import OUT_OF_SERVICE
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.views.look import Look
from aksdisks.views.timeline import LOSS_STAGES, Timeline
from aksdisks.walkthrough.acts import Acts
from aksdisks.walkthrough.claims import ABOVE
from aksdisks.walkthrough.notes import Notes

_INSTANCE = re.compile(r"/resourceGroups/([^/]+)/.*/virtualMachineScaleSets/([^/]+)/virtualMachines/(\d+)$", re.I)
_TAINT = f"{OUT_OF_SERVICE['key']}={OUT_OF_SERVICE['value']}:{OUT_OF_SERVICE['effect']}"
_NOT_HERE = "no machine may be lost here: this is no lab, and the parameter node_pool names no pool"


class Loss:
    """Loses the machine of one of the StatefulSet's pods, and gives it back; `given`: whether that may be done here."""

    def __init__(
        self, session: Callable[[], Session], inventory: Callable[[], Inventory], act: Acts, notes: Notes
    ) -> None:
        """`session` gives the open session, or raises; `inventory` what is there now."""
        self._session, self._inventory, self._act, self._notes = session, inventory, act, notes
        self._held = ExitStack()
        self._watcher: Watcher | None = None
        self._seen = NodeLoss("", OUT_OF_SERVICE["key"], {}, {})
        self._machine: Machine | None = None
        self.given: Holds = None

    @property
    def node(self) -> str:
        """The node whose machine is chosen; empty before."""
        return self._seen.node

    def prepare(self) -> Stack:
        """Check that a machine may be lost here, and if so make sure of the StatefulSet, with a note on each disk."""
        allowed = self._allowed()
        made = [self._act.apply_stateful_set(), self._notes.write()] if self.given is True else []
        return Stack([*made, allowed])

    def _allowed(self) -> CheckView:
        """The check of the precondition; decides on `given`."""
        now, disruption = self._inventory(), self._session().disruption
        ours = [node for node in now.nodes if disruption.may_lose(node)]
        fit = [node for node in now.nodes if node.ready and node.schedulable]
        self.given, seen = True, f"machines that may be lost: {len(ours)}"
        if not ours:
            self.given, seen = None, _NOT_HERE
        elif isinstance(now.machines, Unknown):
            self.given, seen = now.machines, "without Azure nothing proves that a machine has stopped"
        elif len(fit) < 2:
            self.given, seen = Unknown("its pods would have no other node"), f"nodes that take pods: {len(fit)}"
        return CheckView(check("A machine may be lost here", self.given, seen))

    def choose(self) -> Card:
        """Choose the machine: that of pod number 2 or, if that may not be lost, of another pod of the StatefulSet."""
        if self.given is not True:
            return _nothing()
        now = self._inventory()
        if not self._is_lost():
            self._seen, self._machine = self._choose(now)
        if self._machine is None:
            self.given = Unknown("no pod of the set is on a machine that may be lost")
            return Card("No machine is chosen", [("why", self.given.because)])
        lines = [("node", self._seen.node), ("pods on it", ", ".join(sorted(self._seen.uids)))]
        return Card(f"Machine {self._machine.name} will be lost", lines)

    def stop(self) -> Card:
        """Cut the machine's power and wait until Kubernetes counts its node as lost."""
        machine = self._chosen()
        if machine is None:
            return _nothing()
        if not self._is_lost():
            session, seen = self._session(), self._seen
            node = next(each for each in self._inventory().nodes if each.name == seen.node)
            watcher = self._held.enter_context(session.watch("Node", "Pod", "VolumeAttachment"))
            self._watcher = watcher
            seen.begin(watcher.initial)
            session.disruption.stop_machine(node, machine.id)
            seen.moments["stopped", seen.node] = watcher.elapsed
            self._wait(f"node {seen.node} to count as lost", lambda now: not now.ready)
        return Card(f"Machine {machine.name} is off, and its node counts as lost", typed=_az(machine, "stop"))

    def wait_for_eviction(self) -> Card:
        """Wait until the pods' tolerance of a lost node has passed, and Kubernetes has marked them for deletion."""
        if self._chosen() is None:
            return _nothing()
        self._wait("the pods of the lost node to be marked for deletion", lambda now: now.terminating)
        pods = ", ".join(sorted(self._seen.uids))
        return Card("Kubernetes has marked the lost node's pods for deletion", [("pods", pods)])

    def marked(self, look: Look) -> Said:
        """Of the pods that were on the node, those that Kubernetes has marked for deletion and not replaced."""
        ours = self._seen.uids.items()
        return frozenset(pod.name for pod in look.inventory.pods if pod.deleting and (pod.name, pod.uid) in ours)

    def held(self, look: Look) -> Said:
        """The set's pods whose disks the lost machine holds, as Azure says; a Deployment's share theirs with others."""
        if isinstance(look.inventory.machines, Unknown):
            return look.inventory.machines
        chains = [each for each in look.inventory.chains if each.pod and _of_set(each.pod.owner)]
        return frozenset(c.pod.name for c in chains if c.pod and getattr(c.machine, "node", "") == self.node)

    def lost_nodes(self) -> Said:
        """The nodes that Kubernetes counts as lost."""
        return frozenset(node.name for node in self._inventory().nodes if not node.ready)

    def stopped_machines(self) -> Said:
        """The nodes whose machines have stopped, as Azure says."""
        machines = self._machines()
        if isinstance(machines, Unknown):
            return machines
        return frozenset(machine.node for machine in machines if machine.stopped)

    def power(self) -> Table:
        """What Kubernetes says of each node, and Azure of its machine."""
        machines = {machine.node: machine for machine in known(self._machines())}
        rows = [
            (node.name, "Ready" if node.ready else "NotReady", m.name if m else "-", m.power if m else "-")
            for node in self._inventory().nodes
            for m in [machines.get(node.name)]
        ]
        return Table("Kubernetes' nodes and the power of Azure's machines", ("node", "state", "machine", "power"), rows)

    def give_up(self) -> Card:
        """Mark the node as out of service and wait until its pods run elsewhere.

        Raises InputError for a machine that Azure does not say has stopped: it may still write to its disks.
        """
        machine = self._chosen()
        if machine is None:
            return _nothing()
        stopped = self._machines()
        if isinstance(stopped, Unknown) or not any(each.id == machine.id and each.stopped for each in stopped):
            found = str(stopped) if isinstance(stopped, Unknown) else "one that may still write to its disks"
            raise InputError(
                object=f"machine {machine.name}", expected="one that Azure says has stopped", found=found, hint=ABOVE
            )
        self._session().disruption.take_out_of_service(self._seen.node)
        self._wait("the lost pods to run elsewhere", lambda now: now.back)
        return Card("The lost pods run again, elsewhere", typed=f"kubectl taint nodes {self._seen.node} {_TAINT}")

    def timeline(self) -> Timeline:
        """When each of the lost pods passed each step, from the power cut to running again."""
        moments = self._seen.timeline(self._session().time_scale) if self._watcher else []
        return Timeline("From the power cut to running pods", moments, LOSS_STAGES)

    def start(self) -> Stack:
        """Start the machine, wait for its node, and take the taint away."""
        machine, statement = self._chosen(), "The machine runs again, and its node takes pods"
        if machine is None:
            return Stack([_nothing(), CheckView(check(statement, self.given, "none was lost"))])
        node, disruption = self._seen.node, self._session().disruption
        if self._is_lost():
            disruption.start_machine(node, machine.id)
            disruption.take_into_service(node)
        self.close()
        now = next((each for each in self._inventory().nodes if each.name == node), None)
        free = now is not None and now.ready and all(taint.key != OUT_OF_SERVICE["key"] for taint in now.taints)
        lines = [("and then", f"kubectl taint nodes {node} {OUT_OF_SERVICE['key']}-")]
        card = Card(f"Machine {machine.name} runs again", lines, typed=_az(machine, "start"))
        return Stack([card, CheckView(check(statement, free, f"node {'Ready' if free else 'not ready, or tainted'}"))])

    def close(self) -> None:
        """Stop watching; what is broken stays so."""
        self._held.close()

    def _chosen(self) -> Machine | None:
        """The machine to lose; None where none may be. Raises InputError before one is chosen."""
        if self.given is True and self._machine is None:
            raise InputError(object="the machine to lose", expected="one", found="none", hint=ABOVE)
        return self._machine if self.given is True else None

    def _is_lost(self) -> bool:
        return any(each.what == "power" for each in self._session().disruption.broken())

    def _machines(self) -> tuple[Machine, ...] | Unknown:
        return self._session().azure.machines(in_question=[node.name for node in self._inventory().nodes])

    def _choose(self, now: Inventory) -> tuple[NodeLoss, Machine | None]:
        """The node to lose with what is on it, and its machine."""
        machines = {machine.node: machine for machine in known(now.machines)}
        for node in _in_order(now, self._session().parameters.stateful_replicas):
            if node.name in machines and self._session().disruption.may_lose(node):
                pods = [pod for pod in now.pods if pod.node == node.name and _of_set(pod.owner)]
                chains = [chain for chain in now.chains if chain.pod in pods and chain.volume]
                volumes = {chain.volume.name: chain.pod.name for chain in chains if chain.pod and chain.volume}
                uids = {pod.name: pod.uid for pod in pods}
                return NodeLoss(node.name, OUT_OF_SERVICE["key"], uids, volumes), machines[node.name]
        return self._seen, None

    def _wait(self, awaited: str, holds: Callable[[NodeLoss], bool]) -> None:
        if self._watcher is None:
            raise InputError(object="the machine", expected="one that was stopped", found="one that runs", hint=ABOVE)
        self._session().lease.renew()
        states = self._seen.follow(self._watcher)
        self._session().wait(awaited, states, holds, describe=lambda now: now.describe())


def _of_set(owner: str) -> bool:
    return owner == f"StatefulSet/{manifests.STATEFUL_SET}"


def _in_order(now: Inventory, replicas: int) -> Iterator[Node]:
    """The nodes with a pod of the StatefulSet, that of number 2 first."""
    first = manifests.stateful_pod(min(2, replicas - 1))
    pods = sorted((pod for pod in now.pods if _of_set(pod.owner)), key=lambda pod: (pod.name != first, pod.name))
    nodes = {node.name: node for node in now.nodes}
    for name in dict.fromkeys(pod.node for pod in pods):
        if name in nodes:
            yield nodes[name]


def _az(machine: Machine, verb: str) -> str:
    """The command of the Azure CLI that stops or starts a machine."""
    hard = " --skip-shutdown" if verb == "stop" else ""
    if found := _INSTANCE.search(machine.id):
        group, name, number = map(quote, found.groups())
        return f"az vmss {verb} --resource-group {group} --name {name} --instance-ids {number}{hard}"
    return f"az vm {verb} --ids {quote(machine.id)}{hard}"


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the check above: no machine may be lost")])
