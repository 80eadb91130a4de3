"""What a run breaks on purpose, noted before it is broken, so that whoever cleans up can mend it: faults, machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aksdisks.errors import AksdisksError, Conflict, NotAllowed, NotFound, Refused
from aksdisks.inspection.connection import Target
from aksdisks.kube.http import path
from aksdisks.manifests import FIELD_MANAGER
from aksdisks.model import Machine, Node, Unknown
from aksdisks.session.journal import Journal
from aksdisks.waiting import wait

OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
"""The taint that tells Kubernetes that a node is off for good: its pods are deleted, their volumes detached at once."""
# Somebody else may change a node between our look and our write.
_TRIES = 5
# For Azure to stop or start a machine, and for its node to come back; cluster seconds.
_POWER = 900.0
# The lab's speed does not shorten this machine's own work; real seconds.
_SHORTEST = 30.0


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is broken: a `fault` by name and object, the `power` or a `taint` of a node (its machine's id)."""

    what: str
    name: str
    object: str = ""

    def __str__(self) -> str:
        if self.what == "fault":
            return f"fault {self.name}" + (f" of {self.object}" if self.object else "")
        return f"taint out-of-service of node {self.name}" if self.what == "taint" else f"power-off of node {self.name}"


class Disruption:
    """Breaks and mends for one run; each break is in the run's journal before it happens, each mend after it."""

    def __init__(self, connection: Target, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal

    def may_lose(self, node: Node) -> bool:
        """Whether a run may stop this node's machine: in a lab each, elsewhere those of the parameter `node_pool`."""
        pool = self._connection.parameters.node_pool
        ours = pool and pool in (node.labels.get("kubernetes.azure.com/agentpool"), node.labels.get("agentpool"))
        return self.in_a_lab or bool(ours)

    @property
    def in_a_lab(self) -> bool:
        """Whether faults can be switched here."""
        return self._connection.settings.faults is not None

    def begin_fault(self, name: str, object: str = "") -> None:
        """Switch a fault of the lab on; raises Refused on a cluster that is no lab."""
        self._begin(Break("fault", name, object))

    def end_fault(self, name: str, object: str = "") -> None:
        """Switch it off; one that is off stays so."""
        self._end(Break("fault", name, object))

    def stop_machine(self, node: Node, machine: str) -> None:
        """Cut the power of a node's machine, by its id, and wait until Azure says that it has stopped.

        Raises Refused for a node that the run may not lose, and what the wait raises.
        """
        if not self.may_lose(node):
            hint = "node_pool names a pool that may lose one"
            raise Refused(object=f"node {node.name}", expected="one that may be lost", found="another", hint=hint)
        self._begin(Break("power", node.name, machine))
        self._follow(machine, f"machine of {node.name} to stop", lambda found: found.stopped is True)

    def start_machine(self, node: str, machine: str) -> None:
        """Start it again and wait until Azure says that it runs, and Kubernetes that its node is Ready."""
        self._end(Break("power", node, machine))

    def take_out_of_service(self, node: str) -> None:
        """Set the taint `node.kubernetes.io/out-of-service`; whoever calls has seen that the machine has stopped."""
        self._begin(Break("taint", node))

    def take_into_service(self, node: str) -> None:
        """Take that taint away; a node without it, and one that is gone, stays as it is."""
        self._end(Break("taint", node))

    def broken(self) -> tuple[Break, ...]:
        """What the run broke and did not mend, by its journal: faults first, then machines, then taints.

        A taint goes last: until its machine runs again it keeps pods away.
        """
        found: dict[Break, None] = {}
        for entry in self._journal.entries():
            if entry["act"] in ("break", "mend"):
                each = Break(entry["what"], entry["name"], entry["object"])
                found.pop(each, None)
                if entry["act"] == "break":
                    found[each] = None
        return tuple(sorted(found, key=lambda each: ("fault", "power", "taint").index(each.what)))

    def mend(self) -> Iterator[str | AksdisksError]:
        """Mend all that is broken: a line for each that was, and the error of each that could not be."""
        for each in self.broken():
            self._connection.progress(f"mending: {each}")
            try:
                self._end(each)
            except AksdisksError as error:
                yield error
            else:
                yield str(each)

    def _begin(self, each: Break) -> None:
        """Note a break, then make it."""
        if each.what == "fault" and not self.in_a_lab:
            raise Refused(object=f"fault {each.name}", expected="a lab", found=self._connection.cluster.server)
        self._journal.write("break", what=each.what, name=each.name, object=each.object)
        if each.what == "fault" and (faults := self._connection.settings.faults):
            faults.begin(each.name, each.object)
        elif each.what == "power":
            self._accepted(self._connection.azure.stop(each.object))
        elif each.what == "taint":
            self._set_taints(each.name, lambda taints: [*_without(taints), OUT_OF_SERVICE])

    def _end(self, each: Break) -> None:
        """Mend a break, then note that."""
        if each.what == "fault" and (faults := self._connection.settings.faults):
            faults.end(each.name, each.object)
        elif each.what == "power":
            self._accepted(self._connection.azure.start(each.object))
            self._follow(each.object, f"machine of {each.name} to run", lambda found: found.power == "running")
            self._ready(each.name)
        elif each.what == "taint":
            self._set_taints(each.name, _without)
        self._journal.write("mend", what=each.what, name=each.name, object=each.object)

    def _set_taints(self, node: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Write a node's taints; only if the node is still as it was read, since their list is written as a whole."""
        cluster = self._connection.cluster
        for left in reversed(range(_TRIES)):
            try:
                raw = cluster.get("Node", node)
                version = {"resourceVersion": raw["metadata"]["resourceVersion"]}
                body = {"metadata": version, "spec": {"taints": change(raw["spec"].get("taints") or []) or None}}
                where = path("Node", "", node)
                cluster.request("PATCH", where, {"fieldManager": FIELD_MANAGER}, body, "merge-patch+json")
            except NotFound:
                return  # a node that is gone has taken its taints along
            except Conflict:
                if not left:
                    raise
            else:
                return

    def _accepted(self, answer: Unknown | None) -> None:
        if isinstance(answer, Unknown):
            raise NotAllowed(f"Azure did not change the machine's power: {answer.because}")

    def _follow(self, machine: str, awaited: str, holds: Callable[[Machine], bool]) -> None:
        found: Any = self._connection.azure.follow_machine(machine)
        self._wait(awaited, found, holds, lambda machine: machine.power or "no power state")

    def _ready(self, node: str) -> None:
        def described(nodes: tuple[Node, ...]) -> str:
            return ", ".join("Ready" if each.ready else each.ready_reason for each in nodes if each.name == node)

        def back(nodes: tuple[Node, ...]) -> bool:
            return all(each.ready for each in nodes if each.name == node)

        self._wait(f"node {node} to be Ready", self._connection.cluster.follow("Node"), back, described)

    def _wait(self, awaited: str, states: Any, holds: Callable[[Any], bool], describe: Callable[[Any], str]) -> None:
        scale = self._connection.settings.time_scale
        seconds, progress = max(_SHORTEST, _POWER / scale), self._connection.progress
        wait(awaited, states, holds, seconds=seconds, describe=describe, progress=progress, scale=scale)


def _without(taints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [taint for taint in taints if taint.get("key") != OUT_OF_SERVICE["key"]]
