"""Eight ways in which a pod gets stuck, made in a lab one after the other: symptoms, diagnosis, remedy, recovery."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from aksdisks.errors import InputError
from aksdisks.inspection.diagnosis.findings import Finding
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.manifests import Manifest
from aksdisks.model import Inventory, KubeEvent, Pod
from aksdisks.model.checks import Holds
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.markup import View
from aksdisks.walkthrough.claims import ABOVE, kubectl

# Azure's answers within messages are long; their beginnings say what there is to say.
_MOST = 400
_NOT_HERE = "faults are made in a lab alone"


@dataclass(frozen=True)
class Trouble:
    """A fault of the lab, and what is told of it.

    `aim`: what the fault is aimed at, KIND/NAME with {node} and {disk} to be filled in. `shows`: the event that tells
    of it, as `REASON MESSAGE`; `after`: cluster seconds for which it is watched. `moves`: the pod ran on another node
    before, and has to leave it. `pod`: more of the pod's spec. `remedy`: what a person does; `mended`: with which
    spec the pod is made anew, where that is the remedy; `lasts`: nothing is done, it passes.
    """

    fault: str
    cause: str
    shows: str
    remedy: str
    aim: str = ""
    after: float = 0.0
    moves: bool = False
    pod: Mapping[str, Any] = field(default_factory=dict)
    mended: Mapping[str, Any] = field(default_factory=dict)
    lasts: bool = False


_ACTION = "action/Microsoft.Compute/disks/write"
_GROUP = {"fsGroup": 10001}
TROUBLES = (
    Trouble("disk-quota", "disk-quota", "ProvisioningFailed .*DiskCount", "disks that nobody needs are deleted, or the "
            "quota is raised"),
    Trouble("role-missing", "not-authorized", "ProvisioningFailed .*AuthorizationFailed", "the cluster's identity gets "
            "its role back", aim=_ACTION),
    Trouble("attach-slow", "attach-slow", "FailedAttachVolume .*timed out waiting for external-attacher", "none: it is "
            "waited for", aim="node/{node}", lasts=True),
    Trouble("machine-stuck", "machine-stuck", "FailedAttachVolume .*timed out waiting for external-attacher", "Azure "
            "brings the machine to its wanted state: az vmss update-instances", aim="node/{node}", after=360.0),
    Trouble("driver-down", "driver-missing", ".*(does not contain driver|not found in the list of registered)", "the "
            "driver's pod on that node is brought back", aim="node/{node}"),
    Trouble("device-missing", "device-missing", "FailedMount .*failed to find disk on lun", "the machine is restarted, "
            "or gets a newer node image", aim="node/{node}"),
    Trouble("fsgroup-slow", "fsgroup-slow", "VolumePermissionChangeInProgress", "the pod is made anew with "
            "fsGroupChangePolicy: OnRootMismatch", aim="node/{node}", pod={"securityContext": _GROUP},
            mended={"securityContext": {**_GROUP, "fsGroupChangePolicy": "OnRootMismatch"}}),
    Trouble("detach-stuck", "detach-failed", "FailedAttachVolume Multi-Attach", "Azure brings the old machine to its "
            "wanted state, and the disk leaves it", aim="disk/{disk}", after=60.0, moves=True),
)  # fmt: skip


@dataclass(frozen=True)
class Solved:
    """How one of them ended: whether the cause was named and the pod runs, what was seen, and all that is shown."""

    holds: Holds
    seen: str
    shown: View


class Stuck:
    """Makes each of the eight, by number, and mends it; elsewhere than in a lab nothing is done."""

    def __init__(self, session: Callable[[], Session], inventory: Callable[[], Inventory]) -> None:
        """`session` gives the open session, or raises; `inventory` what is there now."""
        self._session = session
        self._inventory = inventory
        self._aims: dict[int, str] = {}

    def symptoms(self, number: int) -> View:
        """Make it, wait until it shows, and show what kubectl shows of it."""
        session, trouble = self._session(), _trouble(number)
        if not session.disruption.in_a_lab:
            return Card("Nothing is made here", [("why", _NOT_HERE)])
        if number not in self._aims:
            self._make(number, trouble)
        typed = kubectl(session.namespace, f"apply -f {_name(number)}.yaml")
        card = Card(f"Deployment {_name(number)}, a pod with a claim of the same name", typed=typed)
        return Stack([card, *self._kubectl(number)])

    def causes(self, name: str) -> tuple[str, ...]:
        """The ids of the causes that are found for objects whose names begin so."""
        return tuple(sorted({each.cause for each in self._found(name)}))

    def solve(self, number: int) -> Solved:
        """Diagnose it, apply the remedy, wait until the pod runs, and remove it; what all that came to."""
        session, trouble = self._session(), _trouble(number)
        if not session.disruption.in_a_lab:
            return Solved(None, _NOT_HERE, Card("Nothing is solved here", [("why", _NOT_HERE)]))
        if number not in self._aims:
            raise InputError(object=f"trouble {number}", expected="its symptoms", found="none", hint=ABOVE)
        found = self._found(_name(number))
        said = {each.cause for each in found}
        self._mend(number, trouble)
        done = "nothing was done" if trouble.lasts else f"here: aksdisks lab fault off {trouble.fault}"
        if trouble.mended:
            done = "here: the Deployment was applied with that policy"
        remedy = Card("The remedy", [("on a cluster", trouble.remedy), ("in the lab", done.removeprefix("here: "))])
        pods = self._kubectl(number)[0]
        self._remove(number)
        seen = f"{', '.join(sorted(said)) or 'no cause'}; then the pod runs"
        return Solved(said == {trouble.cause}, seen, Stack([_shown(found), remedy, pods]))

    def _found(self, name: str) -> list[Finding]:
        session = self._session()
        _, diagnosis = examine(session.cluster, session.azure, session.namespace, session.time_scale)
        return [each for each in diagnosis.findings if each.object.name.startswith(name)]

    def _make(self, number: int, trouble: Trouble) -> None:
        """Apply the Deployment with its claim while the fault is on, and wait until an event tells of it."""
        session, name = self._session(), _name(number)
        here, other = self._nodes(number)
        if trouble.moves:
            session.apply(self._claim(name), self._deployment(name, other))
            self._running(number)
        claim = next((each for each in session.claims() if each.name == name), None)
        aim = trouble.aim.format(node=here, disk=claim.volume if claim else "")
        self._aims[number] = aim
        session.disruption.begin_fault(trouble.fault, aim)
        began = time.monotonic()
        session.apply(self._claim(name), self._deployment(name, here, **trouble.pod))
        session.wait_for(
            "Event",
            lambda events: any(
                re.match(trouble.shows, f"{each.reason} {each.message}", re.DOTALL) for each in self._of(number, events)
            ),
            f"an event that tells of {name}",
            labelled=False,
        )
        ends = began + trouble.after / session.time_scale
        if time.monotonic() < ends:
            session.wait(f"{trouble.after:.0f} s in which nothing else happens", _ticks(), lambda now: now >= ends)

    def _mend(self, number: int, trouble: Trouble) -> None:
        session, name = self._session(), _name(number)
        if trouble.mended:
            session.apply(self._deployment(name, self._nodes(number)[0], **trouble.mended))
        elif not trouble.lasts:
            session.disruption.end_fault(trouble.fault, self._aims[number])
        self._running(number)
        session.disruption.end_fault(trouble.fault, self._aims[number])

    def _running(self, number: int) -> None:
        def runs(pods: tuple[Pod, ...]) -> bool:
            return len(pods) == 1 and pods[0].ready and not pods[0].deleting

        name = _name(number)
        self._session().wait_for("Pod", runs, f"the pod of {name} to run", app=name)

    def _remove(self, number: int) -> None:
        """Take it away; nobody waits for it but the clean-up."""
        self._session().delete("Deployment", _name(number))
        self._session().delete("PersistentVolumeClaim", _name(number))

    def _nodes(self, number: int) -> tuple[str, str]:
        """The node that the pod is to run on, and another."""
        nodes = [node.name for node in self._inventory().nodes if node.ready and node.schedulable]
        if not nodes:
            raise InputError(object="nodes that take pods", expected="one", found="none")
        return nodes[number % len(nodes)], nodes[(number + 1) % len(nodes)]

    def _claim(self, name: str) -> Manifest:
        made = deepcopy(self._session().objects.claim)
        made["metadata"]["name"] = name
        return made

    def _deployment(self, name: str, node: str, **more: Any) -> Manifest:
        """The article's Deployment under this name, with a claim of the same name, for one node; Recreate."""
        made = deepcopy(self._session().objects.deployment)
        made["metadata"] |= {"name": name}
        spec, template = made["spec"], made["spec"]["template"]
        spec |= {"strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"app": name}}}
        template["metadata"]["labels"]["app"] = name
        template["spec"] |= {"nodeSelector": {"kubernetes.io/hostname": node}, **more}
        template["spec"]["volumes"] = [{"name": "volume", "persistentVolumeClaim": {"claimName": name}}]
        return made

    def _of(self, number: int, events: tuple[KubeEvent, ...]) -> list[KubeEvent]:
        return [each for each in events if each.object.startswith(_name(number))]

    def _kubectl(self, number: int) -> tuple[Table, Table, Table]:
        """`kubectl get pods`, `get pvc` and `events`, of this one alone."""
        session, name = self._session(), _name(number)
        pods = [
            (each.name, f"{each.containers_ready}/{each.containers}", each.status, each.node)
            for each in session.pods(name)
            if not (each.deleting and each.ready)
        ]
        claims = [(each.name, each.phase, each.volume) for each in session.claims() if each.name == name]
        shown = {*(row[0] for row in pods), *(row[0] for row in claims)}
        events = [each for each in session.cluster.events(session.namespace) if each.object in shown]
        told = [
            (each.type, each.reason, each.component.partition("_")[0], " ".join(each.message.split())[:_MOST])
            for each in events
            if each.kind in ("Pod", "PersistentVolumeClaim")
        ]
        return (
            Table("kubectl get pods -o wide", ("NAME", "READY", "STATUS", "NODE"), pods),
            Table("kubectl get pvc", ("NAME", "STATUS", "VOLUME"), claims),
            Table("kubectl describe pod, pvc: their events", ("TYPE", "REASON", "FROM", "MESSAGE"), told),
        )


def _shown(found: Any) -> View:
    return Stack(
        [
            Card(
                f"{e.verdict}: {e.cause} {e.object}",
                [
                    ("why", e.because),
                    *((r.source, f"{r.object}: {r.says}") for r in e.evidence),
                    *(("next", s.command) for s in e.next),
                ],
            )
            for e in found
        ]
        or [Card("Nothing to explain")]
    )


def _trouble(number: int) -> Trouble:
    if not 1 <= number <= len(TROUBLES):
        raise InputError(object="trouble", expected=f"a number from 1 to {len(TROUBLES)}", found=repr(number))
    return TROUBLES[number - 1]


def _name(number: int) -> str:
    return f"stuck-{number}"


def _ticks() -> Iterator[float]:
    """The time, about five times a second."""
    while True:
        yield time.monotonic()
        time.sleep(0.05)
