"""Eight ways in which a pod gets stuck, made in a lab one after the other: symptoms, diagnosis, remedy, recovery."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from aksdisks import manifests
from aksdisks.errors import InputError
from aksdisks.inspection.diagnosis.findings import Finding
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.manifests import Manifest
from aksdisks.model import Inventory, KubeEvent, Pod
from aksdisks.model.checks import Holds
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.diagnosis import causes
from aksdisks.views.markup import View
from aksdisks.walkthrough.claims import ABOVE, kubectl

# Azure's answers within messages are long.
_MOST = 1000
_NOT_HERE = "faults are made in a lab alone"


@dataclass(frozen=True)
class Trouble:
    """A fault of the lab, and what is told of it: `claim`, without its name, before it is made.

    `aim`: what the fault is aimed at, KIND/NAME with {node} and {disk} to be filled in. `shows`: the event that tells
    of it, as `REASON MESSAGE`; `after`: cluster seconds for which it is watched. `moves`: the pod ran on another node
    before, and has to leave it. `security`: more of the pod's securityContext. `remedy`: what a person does; `mended`:
    with what in it the pod is made anew, where that is the remedy; `lasts`: nothing is done, it passes.
    """

    claim: str
    _: KW_ONLY
    fault: str
    cause: str
    shows: str
    remedy: str
    aim: str = ""
    after: float = 0.0
    moves: bool = False
    security: Mapping[str, Any] = field(default_factory=dict)
    mended: Mapping[str, Any] = field(default_factory=dict)
    lasts: bool = False


_NAMED = "the cause is named, and mended"
_ACTION = "action/Microsoft.Compute/disks/write"
_GROUP = {"fsGroup": 10001, "fsGroupChangePolicy": "Always"}
_TIMED_OUT = "FailedAttachVolume .*timed out waiting for external-attacher"
TROUBLES = (
    Trouble(
        f"A claim for which Azure makes no disk: {_NAMED}.",
        fault="disk-quota",
        cause="disk-quota",
        shows="ProvisioningFailed .*DiskCount",
        remedy="delete disks that nobody needs, or have the quota raised",
    ),
    Trouble(
        f"Another that looks the same: {_NAMED}.",
        fault="role-missing",
        aim=_ACTION,
        cause="not-authorized",
        shows="ProvisioningFailed .*AuthorizationFailed",
        remedy="give the cluster's identity the role that it lacks",
    ),
    Trouble(
        "A disk that is not attached yet: that is no fault, and it comes.",
        fault="attach-slow",
        aim="node/{node}",
        cause="attach-slow",
        shows=_TIMED_OUT,
        remedy="none; wait",
        lasts=True,
    ),
    Trouble(
        f"A disk that is never attached: {_NAMED}.",
        fault="machine-stuck",
        aim="node/{node}",
        cause="machine-stuck",
        shows=_TIMED_OUT,
        after=360.0,
        remedy="let Azure bring the machine to its wanted state (az vmss update-instances)",
    ),
    Trouble(
        f"A node on which no disk works: {_NAMED}.",
        fault="driver-down",
        aim="node/{node}",
        cause="driver-missing",
        shows=".*(does not contain driver|not found in the list of registered)",
        remedy="bring the driver's pod on that node back",
    ),
    Trouble(
        f"A disk that is attached and not mounted: {_NAMED}.",
        fault="device-missing",
        aim="node/{node}",
        cause="device-missing",
        shows="FailedMount .*failed to find disk on lun",
        remedy="restart the machine, or give it a newer node image",
    ),
    Trouble(
        f"A pod that does not start, with nothing wrong to see: {_NAMED}.",
        fault="fsgroup-slow",
        aim="node/{node}",
        cause="fsgroup-slow",
        shows="VolumePermissionChangeInProgress",
        security=_GROUP,
        remedy="make the pod anew with fsGroupChangePolicy: OnRootMismatch",
        mended={"fsGroupChangePolicy": "OnRootMismatch"},
    ),
    Trouble(
        f"A disk that its old node does not let go: {_NAMED}.",
        fault="detach-stuck",
        aim="disk/{disk}",
        cause="detach-failed",
        shows="FailedAttachVolume Multi-Attach",
        after=60.0,
        moves=True,
        remedy="let Azure bring the old machine to its wanted state: then the disk leaves it",
    ),
)


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

    @property
    def claims(self) -> tuple[str, ...]:
        """What is claimed of each of the eight, in their order."""
        return tuple(trouble.claim for trouble in TROUBLES)

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
        """Diagnose it, apply the remedy and wait until the pod runs; what all that came to."""
        session, trouble = self._session(), _trouble(number)
        if not session.disruption.in_a_lab:
            return Solved(None, _NOT_HERE, Card("Nothing is solved here", [("why", _NOT_HERE)]))
        if number not in self._aims:
            raise InputError(object=f"trouble {number}", expected="its symptoms", found="none", hint=ABOVE)
        found = self._found(_name(number))
        said = {each.cause for each in found}
        self._mend(number, trouble)
        done = "nothing was done" if trouble.lasts else f"aksdisks lab fault off {trouble.fault}"
        if trouble.mended:
            done = kubectl(session.namespace, f"apply -f {_name(number)}.yaml, with that policy")
        remedy = Card("The remedy", [("on a cluster", trouble.remedy), ("here", done)])
        pods = self._kubectl(number)[0]
        seen = f"{', '.join(sorted(said)) or 'no cause'}; then the pod runs"
        return Solved(said == {trouble.cause}, seen, Stack([causes(found, session.namespace), remedy, pods]))

    def _found(self, name: str) -> list[Finding]:
        session = self._session()
        _, diagnosis = examine(session.cluster, session.azure, session.namespace, session.time_scale)
        return [each for each in diagnosis.findings if each.object.name.startswith(name)]

    def _make(self, number: int, trouble: Trouble) -> None:
        """Apply the Deployment with its claim while the fault is on, and wait until an event tells of it."""
        session, name = self._session(), _name(number)
        here, other = self._nodes(number)
        if trouble.moves:
            session.apply(self._claim(name), self._deployment(name, other, trouble.security))
            self._running(number)
        claim = next((each for each in session.claims() if each.name == name), None)
        aim = trouble.aim.format(node=here, disk=claim.volume if claim else "")
        self._aims[number] = aim
        session.disruption.begin_fault(trouble.fault, aim)
        began = time.monotonic()
        session.apply(self._claim(name), self._deployment(name, here, trouble.security))
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
            session.apply(self._deployment(name, self._nodes(number)[0], {**trouble.security, **trouble.mended}))
        elif not trouble.lasts:
            session.disruption.end_fault(trouble.fault, self._aims[number])
        self._running(number)
        session.disruption.end_fault(trouble.fault, self._aims[number])

    def _running(self, number: int) -> None:
        def runs(pods: tuple[Pod, ...]) -> bool:
            return len(pods) == 1 and pods[0].ready and not pods[0].deleting

        name = _name(number)
        self._session().wait_for("Pod", runs, f"the pod of {name} to run", app=name)

    def _nodes(self, number: int) -> tuple[str, str]:
        """The node that the pod is to run on, and another."""
        nodes = [node.name for node in self._inventory().nodes if node.ready and node.schedulable]
        if not nodes:
            raise InputError(object="nodes that take pods", expected="one", found="none")
        return nodes[number % len(nodes)], nodes[(number + 1) % len(nodes)]

    def _claim(self, name: str) -> Manifest:
        return manifests.another_claim(self._session().objects, name)

    def _deployment(self, name: str, node: str, security: Mapping[str, Any]) -> Manifest:
        """The article's Deployment under this name, with a claim of the same name, for one node."""
        made = manifests.another_deployment(self._session().objects, name)
        pod = made["spec"]["template"]["spec"]
        context = {**pod.get("securityContext", {}), **security}
        pod |= {"nodeSelector": {"kubernetes.io/hostname": node}, "securityContext": context}
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
            (each.type, each.reason, _line(each.message))
            for each in events
            if each.kind in ("Pod", "PersistentVolumeClaim")
        ]
        return (
            Table("kubectl get pods -o wide", ("NAME", "READY", "STATUS", "NODE"), pods),
            Table("kubectl get pvc", ("NAME", "STATUS", "VOLUME"), claims),
            Table("kubectl describe pod, pvc: their events", ("TYPE", "REASON", "MESSAGE"), told),
        )


def _trouble(number: int) -> Trouble:
    if not 1 <= number <= len(TROUBLES):
        raise InputError(object="trouble", expected=f"a number from 1 to {len(TROUBLES)}", found=repr(number))
    return TROUBLES[number - 1]


def _name(number: int) -> str:
    return f"stuck-{number}"


def _line(message: str) -> str:
    """A message in one line, without the rules that Azure's SDK draws around an answer."""
    text = " ".join(re.sub(r"-{4,}", " ", message).split())
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _ticks() -> Iterator[float]:
    """The time, about five times a second."""
    while True:
        yield time.monotonic()
        time.sleep(0.05)
