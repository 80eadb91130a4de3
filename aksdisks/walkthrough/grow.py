"""How a disk grows under its pod: a claim step by step, a set's claims one by one, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from aksdisks import manifests
from aksdisks.inspection.comparison import Said
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import Manifest
from aksdisks.manifests.disks import changed_claim
from aksdisks.model import Change, Claim, Inventory, KubeEvent, Unknown, Volume, known
from aksdisks.model.checks import Holds, check
from aksdisks.quantities import gib, show_gib
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough import proof, waits
from aksdisks.walkthrough.claims import kubectl
from aksdisks.walkthrough.sizes import Row, Sizes, read_size

NAME = "grow"
"""The Deployment of runbook 10, and its claim."""
_SET = "grow-set"
_REPLICAS = 2
_MORE = 5  # GiB: 25 and 30 GiB are billed alike
_TOLD_BY_EVENTS = ("ExternalExpanding", "Resizing", "FileSystemResizeRequired", "FileSystemResizeSuccessful")
_LAST_EVENT_WITHIN = 2.0  # real seconds after the claim: the kubelet tells after it has written
_VOLUME = re.compile(r'"?pvc-[0-9a-f]{8}-[0-9a-f-]{27}"?')
_DF = ["df", "-P", "-k", manifests.MOUNT_PATH]

Step = tuple[float, str, str]
"""Something that was seen while a claim grew: real seconds since the watch began, who told it, what."""


class Grow:
    """Grows claims of its own; `given`: whether claims of their class may grow."""

    def __init__(self, session: Callable[[], Session], inventory: Callable[[], Inventory]) -> None:
        """`session` gives the open session, or raises; `inventory` reads both sides."""
        self._session = session
        self._inventory = inventory
        self._steps: tuple[Step, ...] = ()
        self.given: Holds = None

    def prepare(self) -> Stack:
        """A Deployment and a StatefulSet with claims of their own, running; the check that their class lets them."""
        session, name = self._session(), self._session().parameters.storage_class
        allowed = bool((session.cluster.find("StorageClass", name) or {}).get("allowVolumeExpansion"))
        self.given = allowed or None
        made = CheckView(
            check(
                "Claims of this class may grow",
                self.given,
                f"allowVolumeExpansion of {name}: {'true' if allowed else 'false'}",
            )
        )
        if self.given is not True:
            return Stack([made])
        objects = session.objects
        if self._live() is None:
            deployment = manifests.another_deployment(objects, NAME)
            session.apply(manifests.another_claim(objects, NAME), deployment)
            session.apply(manifests.another_stateful_set(objects, _SET, _REPLICAS))
        waits.running(session, NAME)
        self._scaled(_REPLICAS)
        lines = [(NAME, "a Deployment with a claim"), (_SET, f"a StatefulSet of {_REPLICAS} pods, with a claim each")]
        return Stack([Card("Three pods run", lines), made])

    def look(self) -> Sizes:
        """The sizes of all claims of this runbook, now, on both sides; in the pod that of the Deployment's alone."""
        if self.given is not True:
            return Sizes(())
        rows = []
        for chain in self._inventory().chains:
            claim, pod = chain.claim, chain.pod
            if claim is None or not claim.name.startswith((NAME, f"{manifests.CLAIM_TEMPLATE}-{_SET}-")):
                continue
            asked = pod is not None and pod.ready and claim.name == NAME
            size = read_size(proof.command(self._session(), pod.name, _DF)) if pod and asked else None
            rows.append(Row(claim, chain.volume, chain.disk if chain.volume else None, pod, size))
        return Sizes(tuple(sorted(rows, key=lambda row: (row.claim.name != NAME, row.claim.name))))

    def df(self) -> Card:
        """What `df` prints in the Deployment's pod."""
        if self.given is not True:
            return self._nothing()
        session = self._session()
        pod = waits.running(session, NAME)
        printed = proof.command(session, pod, _DF)
        typed = kubectl(session.namespace, f"exec {pod} -- {' '.join(_DF)}")
        if isinstance(printed, str):
            return Card("df in the pod", content=printed, typed=typed)
        because = "the image has no df" if printed is None else printed.because
        return Card("df could not be run in the pod", [("because", because)], typed=typed)

    @property
    def more(self) -> str:
        """The size that claims are grown to, as a Kubernetes quantity."""
        return f"{gib(self._session().parameters.size) + _MORE}Gi"

    def grow(self) -> Stack:
        """Ask for more, and follow it until the pod has it: each step, who told it and after how many seconds."""
        if self.given is not True:
            return Stack([self._nothing()])
        session, size = self._session(), self.more
        if not self._steps:
            with session.watch("PersistentVolumeClaim", "PersistentVolume", "Event") as watcher:
                session.apply(self.claim(size=size))
                steps = session.wait(
                    f"claim {NAME} to have {size}",
                    self._followed(watcher, size),
                    lambda steps: _is_done(steps, watcher.elapsed),
                    describe=lambda steps: steps[-1][2] if steps else "nothing yet",
                )
            self._steps = tuple(steps)
        rows = [(f"{at * session.time_scale:.0f} s", who, what) for at, who, what in self._steps]
        note = "seconds of the cluster's time since the claim asked"
        asked = Card(f"Claim {NAME} asks for {size}", typed=kubectl(session.namespace, self._patch(NAME)))
        return Stack([asked, Table("Step by step", ("after", "who", "what"), rows, note)])

    def grow_set(self) -> Card:
        """Let the claims of the set grow, one after the other; the set itself is not touched."""
        if self.given is not True:
            return self._nothing()
        session, size = self._session(), self.more
        for ordinal in range(_REPLICAS):
            metadata = {"name": self.set_claim(ordinal), "labels": session.labels}
            spec = {"resources": {"requests": {"storage": size}}}
            session.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
            self._wait_for_size(self.set_claim(ordinal), size)
        title = f"{_REPLICAS} claims of {_SET} have {size}, one after the other"
        return Card(title, typed=kubectl(session.namespace, self._patch(self.set_claim(0))))

    def one_more_pod(self) -> Card:
        """Scale the set up by one, so that it makes a claim from its template."""
        if self.given is not True:
            return self._nothing()
        session, replicas = self._session(), _REPLICAS + 1
        session.scale("StatefulSet", _SET, replicas)
        self._scaled(replicas)
        typed = f"scale statefulset {_SET} --replicas={replicas}"
        return Card(f"StatefulSet {_SET} runs {replicas} pods", typed=kubectl(session.namespace, typed))

    def set_claim(self, ordinal: int) -> str:
        """The name of a claim of the set."""
        return manifests.stateful_claim(ordinal, _SET)

    def template_says(self) -> Said:
        """(claim, GiB) that the set's next claim gets, by the template that the API server has."""
        if self.given is not True:
            return Unknown("nothing was made here")
        (template,) = self._session().cluster.get("StatefulSet", _SET, self._session().namespace)["spec"][
            "volumeClaimTemplates"
        ]
        return frozenset({(self.set_claim(_REPLICAS), gib(template["spec"]["resources"]["requests"]["storage"]))})

    def change_template(self) -> None:
        """Ask for the new size in the set's claim template; a dry run. Raises ApiError where it is refused."""
        session = self._session()
        wanted = manifests.another_stateful_set(session.objects, _SET, _REPLICAS)
        wanted["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = self.more
        session.cluster.apply(wanted, session.namespace, dry_run=True)

    def shrink(self) -> None:
        """Ask for the size that the claim began with; a dry run. Raises ApiError where it is refused."""
        session = self._session()
        session.cluster.apply(self.claim(size=session.parameters.size), session.namespace, dry_run=True)

    def words_for_more(self) -> str:
        """The kubectl command's words that ask for twice as much again."""
        return self._patch(NAME, f"{2 * gib(self.more)}Gi")

    def asked_by_hand(self, now: Sizes) -> bool:
        """Whether the Deployment's claim has more than this runbook asked for: a reader did."""
        return any(gib(row.claim.capacity or "0") > gib(self.more) for row in now.rows)

    def claim(self, *, size: str = "", attributes_class: str = "") -> Manifest:
        """The Deployment's claim as it is to be applied: as it is now, but for what is given."""
        live = self._live()
        kept = (live.requested, live.attributes_class) if live else ("", "")
        base = manifests.another_claim(self._session().objects, NAME)
        return changed_claim(base, size=size or kept[0], attributes_class=attributes_class or kept[1])

    def _live(self) -> Claim | None:
        return next((claim for claim in self._session().claims() if claim.name == NAME), None)

    def _patch(self, name: str, size: str = "") -> str:
        request = {"spec": {"resources": {"requests": {"storage": size or self.more}}}}
        return f"patch pvc {name} -p '{json.dumps(request)}'"

    def _wait_for_size(self, name: str, size: str) -> None:
        self._session().wait_for(
            "PersistentVolumeClaim",
            lambda found: any(each.name == name and each.capacity == size for each in found),
            f"claim {name} to have {size}",
        )

    def _scaled(self, replicas: int) -> None:
        self._session().wait_for(
            "Pod",
            lambda pods: sum(pod.ready and not pod.deleting for pod in pods) >= replicas,
            f"{replicas} pods of {_SET} to run",
            app=_SET,
        )

    def _followed(self, watcher: Watcher, size: str) -> Iterator[list[Step]]:
        """The steps so far, again and again; Azure is asked when the volume says that its disk has grown."""
        steps: list[Step] = []
        for change in watcher:
            news = None if change is None else told(change, size)
            if change is not None and news is not None and news not in [step[1:] for step in steps]:
                if isinstance(change.value, Volume):
                    found = [
                        each for each in known(self._session().azure.disks()) if each.name == change.value.disk_name
                    ]
                    steps += [(change.at, "Azure", f"the disk has {show_gib(disk.size_gib)}") for disk in found]
                steps.append((change.at, *news))
            yield steps

    def _nothing(self) -> Card:
        return Card("Nothing is done here", [("why", "see the check above: claims of this class do not grow")])


def told(change: Change, size: str) -> tuple[str, str] | None:
    """Who tells what by a change, of the Deployment's claim that grows to a size; None for what is not about that."""
    value: Any = change.value
    match change.kind:
        case "Event" if isinstance(value, KubeEvent) and value.reason in _TOLD_BY_EVENTS:
            said = _VOLUME.sub("…", value.message)
            return (value.component.partition(" ")[0], f"{value.reason}: {said}") if _is_about(value) else None
        case "PersistentVolume" if value.claim_name == NAME and value.capacity == size:
            return "volume", f"its capacity is {size}"
        case "PersistentVolumeClaim" if value.name == NAME and value.capacity == size:
            return "claim", f"its status says {size}"
    return None


def _is_about(event: KubeEvent) -> bool:
    """Whether an event is about the claim or its pod: the kubelet tells both."""
    return event.object == NAME or event.object.startswith(f"{NAME}-")


def _is_done(steps: list[Step], elapsed: float) -> bool:
    """Whether the claim has its size, and the last event about that is there, or is waited for no more."""
    ended = next((at for at, who, _ in steps if who == "claim"), None)
    if ended is None:
        return False
    return any(what.startswith(_TOLD_BY_EVENTS[-1]) for *_, what in steps) or elapsed > ended + _LAST_EVENT_WITHIN
