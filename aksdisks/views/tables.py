"""Tables and chains of the model's values, in the columns that kubectl and the portal show; nothing here fetches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aksdisks.diagnosis import Finding
from aksdisks.model import Chain, Disk, Inventory, KubeEvent, Machine, Pod, Unknown, known
from aksdisks.quantities import show_gib
from aksdisks.views.base import Card, Chains, Link, Stack, Table, View

_VERDICTS = {"expected": "As it should be", "wait": "Wait", "problem": "A problem"}
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def nodes(inventory: Inventory) -> Table:
    """Kubernetes' nodes beside Azure's machines of the same name."""
    machines = {machine.node: machine for machine in known(inventory.machines)}
    rows = []
    for node in inventory.nodes:
        machine = machines.get(node.name)
        state = ("Ready" if node.ready else "NotReady") + ("" if node.schedulable else ", cordoned")
        held = len(machine.data_disks) if machine else None
        rows.append((node.name, state, machine.name if machine else None, node.size, node.zone, node.disk_slots, held))
    columns = ("node", "state", "Azure machine", "size", "zone", "disk slots", "disks held")
    return Table("Nodes (Kubernetes) and their machines (Azure)", columns, rows, _remark(inventory.machines))


def classes(inventory: Inventory, wanted: str) -> Table:
    """The storage classes; the one that the claims use is marked."""
    rows = [
        (
            each.name + (" (used here)" if each.name == wanted else ""),
            "disk" if each.makes_disks else "file" if "file" in each.provisioner else "other",
            each.provisioner,
            each.sku,
            each.reclaim_policy,
            each.binding_mode,
            each.is_default,
        )
        for each in inventory.classes
    ]
    columns = ("class", "makes a", "provisioner", "sku", "reclaim", "binding", "default")
    return Table("kubectl get storageclasses", columns, rows)


def pods(inventory: Inventory) -> Table:
    """`kubectl get pods -o wide`, without the ages: they differ each time."""
    rows = [
        (pod.name, f"{pod.containers_ready}/{pod.containers}", pod.status, pod.restarts, pod.node)
        for pod in by_place(inventory.pods)
    ]
    return Table("kubectl get pods -o wide", ("NAME", "READY", "STATUS", "RESTARTS", "NODE"), rows, empty="no pods")


def claims(inventory: Inventory) -> Table:
    """`kubectl get pvc`."""
    rows = [
        (c.name, "Terminating" if c.deleting else c.phase, c.volume, c.capacity, modes(c.access_modes), c.storage_class)
        for c in inventory.claims
    ]
    columns = ("NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "STORAGECLASS")
    return Table("kubectl get pvc", columns, rows, empty="no claims")


def volumes(inventory: Inventory) -> Table:
    """`kubectl get pv`, the columns of the article."""
    rows = [
        (v.name, v.capacity, modes(v.access_modes), v.reclaim_policy, v.phase, v.claim, v.storage_class)
        for v in sorted(inventory.volumes, key=lambda volume: volume.claim)
    ]
    columns = ("NAME", "CAPACITY", "ACCESS MODES", "RECLAIM POLICY", "STATUS", "CLAIM", "STORAGECLASS")
    return Table("kubectl get pv", columns, rows, empty="no volumes of this namespace")


def attachments(inventory: Inventory) -> Table:
    """`kubectl get volumeattachments`, for the volumes of this namespace."""
    rows = [
        (a.volume, a.node, "yes" if a.attached else "no", a.lun)
        for a in sorted(inventory.attachments, key=lambda attachment: (attachment.node, attachment.volume))
    ]
    return Table("kubectl get volumeattachments", ("VOLUME", "NODE", "ATTACHED", "LUN"), rows)


def difference(before: Inventory, after: Inventory) -> Table:
    """The node resource group's disks of this namespace, and every disk that came or went between two moments."""
    title = f"Disks in the node resource group {resource_group(after)}"
    columns = ("", "disk", "size", "state", "attached to", "made for claim")
    if isinstance(before.disks, Unknown) or isinstance(after.disks, Unknown):
        return Table(title, columns, (), empty=_remark(after.disks) or _remark(before.disks))
    old = {disk.id.lower(): disk for disk in before.disks}
    new = {disk.id.lower(): disk for disk in after.disks}
    rows, others = [], 0
    for key, disk in sorted((old | new).items(), key=lambda item: (item[1].claim, item[1].name)):
        change = "gone" if key not in new else "new" if key not in old else "same"
        if change == "same" and not disk.claim.startswith(f"{after.namespace}/"):
            others += 1
        else:
            rows.append((change, *_disk_cells(disk, gone=change == "gone")))
    counted = f"{len(old)} before, {len(new)} now"
    note = counted + (f"; {others} of others not shown" if others else "")
    return Table(title, columns, rows, note, empty="none of this namespace")


def _disk_cells(disk: Disk, *, gone: bool) -> tuple[object, ...]:
    place = None if gone else machine_name(disk)
    state = None if gone else disk.state
    return (disk.name, f"{show_gib(disk.size_gib)} {disk.sku}", state, place, disk.claim.rpartition("/")[2])


def tags(disk: Disk) -> Table:
    """A disk's tags."""
    return Table(f"Tags of disk {disk.name}", ("tag", "value"), sorted(disk.tags.items()))


def chains(inventory: Inventory, found: Iterable[Chain] | None = None) -> Chains:
    """Pod, claim, volume, disk and machine, a row for each pod and claim."""
    chosen = list(inventory.chains if found is None else found)
    order = {pod.name: index for index, pod in enumerate(by_place(inventory.pods))}
    chosen = sorted(chosen, key=lambda c: (order.get(c.pod.name, -1) if c.pod else -1, c.claim.name if c.claim else ""))
    return Chains("From the pod to the machine", [_links(chain) for chain in chosen])


def _links(chain: Chain) -> list[Link]:
    pod, claim, volume = chain.pod, chain.claim, chain.volume
    links = [
        Link("pod", pod.name, f"{pod.status}, {pod.node or 'no node yet'}") if pod else _missing("pod"),
        Link("claim", claim.name, claim.phase) if claim else _missing("claim"),
        Link("volume", volume.name, f"{volume.phase}, {volume.capacity}") if volume else _missing("volume"),
    ]
    disk, machine = chain.disk, chain.machine
    if isinstance(disk, Disk):
        links.append(Link("disk", disk.name, f"{disk.state}, {show_gib(disk.size_gib)} {disk.sku}"))
    else:
        links.append(_missing("disk", disk))
    if isinstance(machine, Machine):
        links.append(Link("machine", machine.name, f"LUN {chain.lun}, {machine.size}"))
    else:
        links.append(_missing("machine", machine))
    return links


def _missing(kind: str, value: object = None) -> Link:
    return Link(kind, "-", str(value) if isinstance(value, Unknown) else "none yet")


def events(title: str, found: Iterable[KubeEvent], inventory: Inventory) -> Table:
    """Events, in the order of their objects; times are left out, they differ each time."""
    order = {pod.name: index for index, pod in enumerate(by_place(inventory.pods))}
    rows = sorted(
        ((order.get(e.object, -1), f"{e.kind.lower()} {e.object}", e.reason, e.component, e.message) for e in found),
        key=lambda row: (row[0], row[2], row[1]),
    )
    columns = ("about", "reason", "from", "message")
    return Table(title, columns, [row[1:] for row in rows], empty="no such events")


def findings(found: Sequence[Finding]) -> View:
    """Findings, those of one cause on one card: the cause, what it rests on, and a next step that does no harm."""
    if not found:
        return Card("Nothing to explain", [])
    causes: dict[tuple[str, str], list[Finding]] = {}
    for each in found:
        causes.setdefault((each.rule, each.cause), []).append(each)
    return Stack([_card(alike) for alike in causes.values()])


def _card(alike: Sequence[Finding]) -> Card:
    first = alike[0]
    rows = [(f"{row.source} says", f"{row.object}: {row.says}") for row in first.evidence]
    title = f"{_VERDICTS[first.verdict]}: {', '.join(each.object for each in alike)}"
    return Card(title, [("why", first.cause), *rows, ("next", first.next)])


def by_place(found: Iterable[Pod]) -> list[Pod]:
    """Pods by workload; a StatefulSet's by name, a Deployment's, whose names are random, the running first, by node."""
    return sorted(
        found,
        key=lambda pod: (
            pod.owner,
            () if pod.owner.startswith("StatefulSet/") else (not pod.ready, pod.node),
            pod.name,
        ),
    )


def resource_group(inventory: Inventory) -> str:
    """The node resource group as Azure writes it; nodes know it in small letters only."""
    return next((disk.resource_group for disk in known(inventory.disks)), inventory.resource_group)


def machine_name(disk: Disk) -> str:
    """The machine that holds a disk, by Azure's name for it; empty when none does."""
    return disk.managed_by.rpartition("/")[2]


def modes(access_modes: Iterable[str]) -> str:
    """Access modes in kubectl's short form."""
    return ",".join(_MODES.get(mode, mode) for mode in access_modes)


def _remark(value: object) -> str:
    return f"Azure: {value}" if isinstance(value, Unknown) else ""
