"""A disk that was there before: a volume that names it, claims that come and go, and its bytes, which stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aksdisks import manifests
from aksdisks.azure.compute import same
from aksdisks.errors import InputError, NotAllowed
from aksdisks.inspection.comparison import Said
from aksdisks.inspection.preflight import why_not
from aksdisks.inspection.preflight_azure import DEFAULT_SKU
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import Manifest
from aksdisks.manifests.disks import IN_TREE, changed_claim, static_volume
from aksdisks.model import Disk, KubeEvent, Machine, Node, Pod, Unknown, Volume, known
from aksdisks.model.checks import Holds, Refusal, check
from aksdisks.quantities import gib, show_gib
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView, RefusalView
from aksdisks.views.markup import View
from aksdisks.walkthrough import proof, waits
from aksdisks.walkthrough.claims import ABOVE, kubectl
from aksdisks.walkthrough.permission import making_disks

_FIRST, _AGAIN, _TWIN = "static", "static-again", "static-twin"
_APPS = (_FIRST, _AGAIN, _TWIN)
_HOST = "kubernetes.io/hostname"


@dataclass(frozen=True)
class Sides:
    """The disk of runbook 09 at one moment: what Azure says of it, and what Kubernetes has that names it."""

    disk: Disk | Unknown | None  # None: Azure has none
    machines: tuple[Machine, ...] | Unknown
    volumes: tuple[Volume, ...]
    pods: tuple[Pod, ...]
    made: Said = frozenset()  # disks that are there now and were not before the first step

    def table(self) -> Table:
        """Azure's word on the disk, and below it a row for each volume that names it."""
        found = self.disk if isinstance(self.disk, Disk) else None
        size = f"{show_gib(found.size_gib)} {found.sku}" if found else "-"
        holder = found.managed_by.rpartition("/")[2] if found else ""
        state: object = "gone" if self.disk is None else self.disk
        if found:
            state = f"{found.state}{f' to {holder}' if holder else ''}"
        rows: list[tuple[object, ...]] = [("disk in Azure", state, size, found.name if found else "-")]
        for each in self.volumes:
            told = f"{each.phase}, {each.reclaim_policy}"
            rows.append(("volume that names it", told, f"claim {each.claim}" if each.claim else "", each.name))
        return Table("The disk, as both sides know it", ("", "state", "", "name"), rows)

    @property
    def bound(self) -> Said:
        """The disks of volumes that are bound, as Kubernetes says."""
        return frozenset(each.disk_name for each in self.volumes if each.phase == "Bound")

    @property
    def places(self) -> tuple[Said, Said]:
        """(disk, node): where a running pod uses it, as Kubernetes says; whose machine holds it, as Azure says."""
        names = {each.disk_name for each in self.volumes}
        kubernetes = frozenset((name, pod.node) for name in names for pod in self.pods if pod.ready)
        disk, machines = self.disk, self.machines
        if isinstance(disk, Unknown):
            return kubernetes, disk
        if isinstance(machines, Unknown):
            return kubernetes, machines
        holders = [each.node for each in machines for held in each.data_disks if disk and same(held.disk_id, disk.id)]
        return kubernetes, frozenset((disk.name, node) for node in holders if disk)

    @property
    def identity(self) -> Said:
        """(disk, Azure's id of it that no other disk has, however it is named)."""
        if isinstance(self.disk, Unknown):
            return self.disk
        return frozenset({(self.disk.name, self.disk.unique_id)} if self.disk else ())

    def bereft(self, before: Sides) -> Said:
        """The disks that a volume named before and none does now, as Kubernetes says."""
        then, now = ({each.disk_name for each in sides.volumes} for sides in (before, self))
        return frozenset(then - now)

    def let_go(self, before: Sides) -> Said:
        """The disks that a machine held before, that none does now, and that are the same still, as Azure says."""
        for said in (before.disk, self.disk):
            if isinstance(said, Unknown):
                return said
        held = [isinstance(each, Disk) and bool(each.managed_by) for each in (before.disk, self.disk)]
        stayed = held == [True, False] and self.identity == before.identity
        return frozenset({self.disk.name} if stayed and isinstance(self.disk, Disk) else ())

    @property
    def words(self) -> str:
        """How the disk stands, in a few words that are the same each time."""
        state = self.disk.state if isinstance(self.disk, Disk) else "gone" if self.disk is None else "unknown"
        return f"{state}; volumes that name it: {len(self.volumes)}"

    @property
    def free(self) -> Holds:
        """Whether the disk is there, no machine holds it, and no volume names it."""
        if isinstance(self.disk, Unknown):
            return self.disk
        return self.disk is not None and not self.disk.managed_by and not self.volumes


class StaticDisk(proof.OneNote):
    """Makes one disk in Azure, and volumes and claims for it; `given`: whether that may be done here."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        super().__init__()
        self._session = session
        self._other: Session | None = None
        self._disk: Disk | None = None
        self._before: frozenset[str] = frozenset()
        self._twin = False  # whether the second volume was made

    def prepare(self) -> CheckView:
        """Check that disks may be made, and deleted, here; note which there are."""
        session = self._session()
        self.given, seen = making_disks(session)
        if self.given is True and self._disk is None:
            self._before = frozenset(disk.id.lower() for disk in known(session.azure.disks()))
        return CheckView(check("Disks may be made, and deleted, here", self.given, seen))

    def make_disk(self) -> Card:
        """Ask Azure for a disk: as large as a claim, of the class's SKU, in a zone that has nodes for the pods."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        if self._disk is None:
            try:
                self._disk = session.azure_objects.make_disk(self._name(_FIRST), self._wanted())
            except NotAllowed as error:
                self.given = Unknown(error.message)
                return Card("Azure makes no disk for us", [("why", error.message)])
        disk = self._disk
        zone = f" --zone {disk.zones[0]}" if disk.zones else ""
        typed = f"az disk create -g {disk.resource_group} -n {disk.name} --size-gb {disk.size_gib} --sku {disk.sku}"
        return Card(f"Disk {disk.name} is made", [("id", disk.id)], typed=f"{typed}{zone} --query id")

    def look(self) -> Sides:
        """What each side says of the disk, now."""
        if self.given is not True:
            nothing = Unknown("nothing was made here")
            return Sides(nothing, nothing, (), (), nothing)
        session, disk = self._session(), self._chosen()
        volumes = tuple(each for each in session.cluster.volumes() if same(each.disk_id, disk.id))
        pods = [pod for each in self._sessions() for app in _APPS for pod in each.pods(app)]
        disks, machines = session.azure.disks(), session.azure.machines()
        if isinstance(disks, Unknown):
            return Sides(disks, machines, volumes, tuple(pods), disks)
        found = next((each for each in disks if same(each.id, disk.id)), None)
        ours = [each.claim_namespace in {one.namespace for one in self._sessions()} for each in disks]
        made = [each.name for each, own in zip(disks, ours, strict=True) if own or session.azure_objects.is_own(each)]
        new = frozenset(made) - {each.name for each in disks if each.id.lower() in self._before}
        return Sides(found, machines, volumes, tuple(pods), new)

    def volume(self) -> Card:
        """The volume that names the disk, as a file."""
        if self.given is not True:
            return _nothing()
        content = manifests.as_yaml(self._volume(_FIRST, self._session()))
        return Card("volume.yaml", content=content, typed="kubectl apply -f volume.yaml")

    def bind(self) -> Card:
        """Apply the volume, a claim that names it and a Deployment that mounts the claim; write a note on the disk."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        pod = self._run(_FIRST, session)
        if not self._written:
            self._write_note(session, pod)
        noted = "written" if isinstance(self._written, frozenset) else "not written"
        typed = kubectl(session.namespace, "apply -f volume.yaml -f claim.yaml -f deployment.yaml")
        return Card(f"Pod {pod} runs with the disk", [("a note on it", noted)], typed=typed)

    def delete_claim(self) -> Card:
        """Delete the Deployment and the claim; wait until the volume is released and the disk detached."""
        if self.given is not True:
            return _nothing()
        session, name = self._session(), self._name(_FIRST)
        session.delete("Deployment", _FIRST)
        session.delete("PersistentVolumeClaim", _FIRST)
        waits.ended(session, _FIRST)
        session.wait_for(
            "PersistentVolume",
            lambda found: all(each.phase == "Released" for each in found if each.name == name),
            f"volume {name} to be released",
            labelled=False,
        )
        waits.detached(session, self._chosen().name)
        typed = kubectl(session.namespace, f"delete deploy/{_FIRST} pvc/{_FIRST}")
        return Card(f"Claim {_FIRST} is gone", typed=typed)

    def delete_volume(self) -> Card:
        """Delete the volume, and wait until it is gone."""
        if self.given is not True:
            return _nothing()
        session, name = self._session(), self._name(_FIRST)
        session.delete("PersistentVolume", name)
        session.wait_for(
            "PersistentVolume",
            lambda found: name not in [each.name for each in found],
            f"volume {name} to go",
            labelled=False,
        )
        return Card(f"Volume {name} is gone", typed=f"kubectl delete pv {name}")

    def again(self) -> Stack:
        """A new volume, claim and pod for the same disk, in another namespace; what the pod finds there is read."""
        statement = "The new claim stands in another namespace"
        if self.given is not True:
            return Stack([_nothing(), CheckView(check(statement, self.given, "nothing was made here"))])
        session = self._session()
        self._other = self._other or session.another_namespace("other")
        there = self._other or session
        pod = self._run(_AGAIN, there)
        self._read_note(there, pod)
        where = True if self._other else None
        ending = there.namespace.removeprefix(session.namespace)
        seen = f"the first one's name with {ending}" if where else "the prepared one again: no other may be made"
        typed = kubectl(there.namespace, "apply -f volume.yaml -f claim.yaml -f deployment.yaml")
        made = CheckView(check(statement, where, seen))
        return Stack([Card(f"Pod {pod} runs with the same disk", typed=typed), made])

    def second_volume(self) -> View:
        """Ask for the disk once more, by a second volume, on another node; shown is what came of it."""
        statement = "A disk has one node at a time, however many volumes name it"
        if self.given is not True:
            return CheckView(check(statement, self.given, "nothing was made here"))
        session = self._session()
        holders = {pod.node for each in self._sessions() for app in (_FIRST, _AGAIN) for pod in each.pods(app)}
        if not [node for node in self._fit_nodes() if node.name not in holders]:
            return CheckView(check(statement, Unknown("no other node may take a pod with this disk"), "not tried"))
        self._twin = True
        with session.watch("Pod", "Event") as watcher:
            self._apply(_TWIN, session, away_from=sorted(holders))
            ran, told = session.wait(f"word of {_TWIN}", _word(watcher), lambda word: word != (False, None))
        request = f"a pod with volume {self._name(_TWIN)}, on another node than {', '.join(sorted(holders))}"
        if told is None:
            return RefusalView(Refusal(check(statement, not ran, "it was accepted"), request, "accepted"))
        return RefusalView(Refusal(check(statement, True, f"refused: {told.reason}"), request, told.message))

    def is_twin_gone(self) -> bool:
        """Whether a reader has deleted what the refusal left."""
        return self._twin and not any(each.name == _TWIN for each in self._session().claims())

    def _wanted(self) -> Disk:
        """A disk as it is to be, as far as Azure is asked for it."""
        session = self._session()
        classes = [each for each in session.cluster.classes() if each.name == session.parameters.storage_class]
        sku = (classes[0].sku if classes else "") or DEFAULT_SKU
        zone = "" if sku.endswith("_ZRS") else next((node.disk_zone for node in self._fit_nodes()), "")
        # Nodes tell the group's name in lower case; the handle of a volume is compared letter by letter.
        group = next(
            (each.id.partition("/providers/")[0] for each in known(session.azure.disks())), session.azure.group
        )
        location = session.azure.location()
        if isinstance(location, Unknown):
            raise NotAllowed(location.because)
        return Disk(
            id=f"{group}/providers/Microsoft.Compute/disks/any",
            location=location,
            zones=(zone.rpartition("-")[2],) if zone else (),
            sku=sku,
            size_gib=gib(session.parameters.size),
        )

    def _fit_nodes(self) -> list[Node]:
        """The nodes that take the pods with the disk; before there is one, those of the zone that has most of them."""
        session = self._session()
        nodes = [node for node in session.cluster.nodes() if not why_not(node, session.parameters)]
        most = Counter(node.disk_zone for node in nodes).most_common(1)
        zone = f"{self._disk.location}-{self._disk.zones[0]}" if self._disk and self._disk.zones else None
        wanted = zone if self._disk else most[0][0] if most else None
        return [node for node in nodes if wanted is None or node.disk_zone == wanted]

    def _run(self, app: str, session: Session) -> str:
        """Apply what an app needs to use the disk, and wait until its pod runs; the pod's name."""
        self._apply(app, session)
        return waits.running(session, app)

    def _apply(self, app: str, session: Session, away_from: list[str] | None = None) -> None:
        """Apply a volume for the disk, a claim for that and a Deployment with the claim, on none of these nodes."""
        volume = self._volume(app, session)
        claim = changed_claim(manifests.another_claim(session.objects, app), volume=volume["metadata"]["name"])
        deployment = manifests.another_deployment(session.objects, app)
        if away_from:
            rule = {"matchExpressions": [{"key": _HOST, "operator": "NotIn", "values": away_from}]}
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [rule]}}
            deployment["spec"]["template"]["spec"]["affinity"] = {"nodeAffinity": required}
        session.apply(volume, claim, deployment)

    def _volume(self, app: str, session: Session) -> Manifest:
        wanted = session.parameters.storage_class
        (provisioner,) = {each.provisioner for each in session.cluster.classes() if each.name == wanted}
        # Where the driver serves such classes it serves their volumes as well.
        in_tree = provisioner == IN_TREE and not session.cluster.list("CSIDriver")
        where = (session.namespace, app)
        return static_volume(self._name(app), self._chosen(), where, wanted, session.labels, in_tree=in_tree)

    def _sessions(self) -> tuple[Session, ...]:
        return (self._session(), *([self._other] if self._other else []))

    def _name(self, what: str) -> str:
        return f"aksdisks-{self._session().run_id}-{what}"

    def _chosen(self) -> Disk:
        if self._disk is None:
            raise InputError(object="the disk", expected="one", found="none", hint=ABOVE)
        return self._disk


def _word(watcher: Watcher) -> Iterator[tuple[bool, KubeEvent | None]]:
    """Again and again whether the second volume's pod runs, and the event that says why not."""
    ran, told = False, None
    for change in watcher:
        value: Any = change.value if change else None
        if isinstance(value, Pod) and value.name.startswith(f"{_TWIN}-"):
            ran = value.ready
        elif isinstance(value, KubeEvent) and value.object.startswith(f"{_TWIN}-"):
            told = value if value.reason == "FailedAttachVolume" else told
        yield ran, told


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the check above: no disks may be made, and deleted, here")])
