"""What an inventory shows: a table for each kind of thing, chains and causes; nothing here fetches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aksdisks.inspection.comparison import Scope
from aksdisks.inspection.diagnosis import diagnose
from aksdisks.model import Chain, Inventory, Pod, Unknown
from aksdisks.model.frames import records, records_of
from aksdisks.model.records import NUMBER, TEXT, TRUTH, WHOLE, Records, Row
from aksdisks.prices import cost_per_day
from aksdisks.quantities import show_gib
from aksdisks.views.base import Chains, Layout, Link, Stack, Table
from aksdisks.views.diagnosis import causes
from aksdisks.views.markup import View

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(row: Row) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in (row["access_modes"] or "").split(","))


def _size(row: Row) -> str:
    return f"{show_gib(row['size_gib'])} {row['sku'] or ''}"


def _claim_name(row: Row) -> str:
    return str(row["claim"] or "").rpartition("/")[2]


LAYOUTS: Mapping[str, Layout] = {
    "nodes": {
        "node": "name",
        "state": lambda node: (
            ("Ready" if node["ready"] else "NotReady") + ("" if node["schedulable"] else ", cordoned")
        ),
        "disk slots": "disk_slots",
        "Azure machine": "machine",
        "size": "machine_size",
        "disks held": "machine_disks",
    },
    "classes": {
        "": lambda each: "→" if each["used"] else " ",
        "NAME": "name",
        "PROVISIONER": "provisioner",
        "SKU": "sku",
        "RECLAIMPOLICY": "reclaim_policy",
        "VOLUMEBINDINGMODE": "binding_mode",
    },
    "pods": {
        "NAME": "name",
        "READY": lambda pod: f"{pod['containers_ready']}/{pod['containers']}",
        "STATUS": "status",
        "RESTARTS": "restarts",
        "NODE": "node",
    },
    "claims": {
        "NAME": "name",
        "STATUS": lambda claim: "Terminating" if claim["deleting"] else claim["phase"],
        "VOLUME": "volume",
        "CAPACITY": "capacity",
        "MODES": _modes,
        "STORAGECLASS": "storage_class",
    },
    "volumes": {
        "NAME": "name",
        "CAPACITY": "capacity",
        "MODES": _modes,
        "RECLAIM": "reclaim_policy",
        "STATUS": "phase",
        "CLAIM": "claim",
        "STORAGECLASS": "storage_class",
    },
    "attachments": {"VOLUME": "volume", "NODE": "node", "ATTACHED": "attached", "LUN": "lun"},
    "disks": {
        "": "change",
        "disk": "name",
        "size": _size,
        "state": "state",
        "attached to": lambda disk: (disk["managed_by"] or "").rpartition("/")[2],
        "made for claim": _claim_name,
    },
    "costs": {
        "made for claim": _claim_name,
        "size": _size,
        "billed as": "tier",
        "state": "state",
        "USD a day, about": lambda disk: None if disk["usd_a_day"] is None else f"{disk['usd_a_day']:.2f}",
    },
    "tags": {"tag": "tag", "value": "value"},
    "events": {
        "about": lambda event: f"{(event['kind'] or '').lower()} {event['object'] or ''}",
        "from": "component",
        "message": "message",
    },
}
"""Of each table its columns, made of those of the DataFrame of the same rows."""


@dataclass(frozen=True)
class Tables:
    """An inventory, seen through the claims in scope. Rows are in an order that does not depend on random names."""

    inventory: Inventory
    scope: Scope

    def nodes(self) -> Table:
        """Kubernetes' nodes beside Azure's machines of the same name."""
        machines = records(self.inventory, "machines")
        by_node = {machine["node"]: machine for machine in machines.rows}
        columns = {"machine": TEXT, "machine_size": TEXT, "machine_disks": WHOLE}

        def of_azure(node: Row) -> Row:
            machine = by_node.get(node["name"], {})
            return dict(zip(columns, map(machine.get, ("name", "size", "data_disks")), strict=True))

        found = records(self.inventory, "nodes").extended(columns, of_azure, unknown=machines.unknown)
        return _table("nodes", "Nodes (Kubernetes) and their machines (Azure)", found, note=_remark(found))

    def classes(self, used: str) -> Table:
        """`kubectl get storageclasses`; the one that the claims use is marked."""
        found = records(self.inventory, "classes").extended({"used": TRUTH}, lambda row: {"used": row["name"] == used})
        return _table("classes", "kubectl get storageclasses", found)

    def pods(self) -> Table:
        """`kubectl get pods -o wide`, without the ages: they differ each time."""
        return _table("pods", "kubectl get pods -o wide", records(self.inventory, "pods").sorted(_place))

    def claims(self) -> Table:
        """`kubectl get pvc`."""
        return _table("claims", "kubectl get pvc", records(self.inventory, "claims"))

    def volumes(self) -> Table:
        """`kubectl get pv`, the columns of the article."""
        return _table("volumes", "kubectl get pv", records(self.inventory, "volumes"))

    def attachments(self) -> Table:
        """`kubectl get volumeattachments`, for the volumes of this namespace."""
        found = records(self.inventory, "attachments").sorted(lambda row: (row["node"] or "", row["volume"] or ""))
        return _table("attachments", "kubectl get volumeattachments", found)

    def disks(self, since: Tables | None = None) -> Table:
        """The node resource group's disks of this namespace, and every disk that came or went since an earlier look."""
        title = f"Disks in the node resource group {self.inventory.resource_group}"
        before, after = (records(each.inventory, "disks") for each in (since or self, self))
        columns = {"change": TEXT, **after.columns}
        if reason := before.unknown or after.unknown:
            unknown = Records(columns, (), reason)
            return _table("disks", title, unknown, empty=_remark(unknown))
        old, new = ({row["id"].lower(): row for row in found.rows} for found in (before, after))
        rows, others = [], 0
        for key, row in sorted((old | new).items(), key=lambda item: (item[1]["claim"] or "", item[1]["name"])):
            change = "gone" if key not in new else "new" if key not in old else "same"
            if change == "same" and not self._in_namespace(row):
                others += 1
                continue
            gone = {"state": None, "managed_by": None} if change == "gone" else {}
            rows.append({"change": change, **row, **gone})
        note = f"{len(old)} before, {len(new)} now; {others} of others not shown"
        return _table("disks", title, Records(columns, rows), note=note, empty="none of this namespace")

    def costs(self) -> Table:
        """What the disks in scope cost a day, whether or not a machine holds them."""

        def price(disk: Row) -> Row:
            known = cost_per_day(disk["sku"] or "", disk["size_gib"] or 0)
            return {"usd_a_day": None if known is None else round(known, 2)}

        found = self._disks("disks").extended({"usd_a_day": NUMBER}, price)
        prices = [row["usd_a_day"] for row in found.rows]
        # Of what is shown, so that who adds it up finds the same.
        total = sum((Decimal(f"{each:.2f}") for each in prices if each is not None), Decimal(0))
        but = f", without {prices.count(None)} of unknown price" if None in prices else ""
        note = _remark(found) or f"together about {total:.2f} USD a day (list price, approximate){but}"
        return _table("costs", "What the disks cost", found, note=note)

    def tags(self) -> View:
        """The tags of the disks in scope."""
        found = self._disks("tags")
        if found.unknown:
            return Stack([_table("tags", "Tags", found, note=_remark(found))])

        def of(disk: str) -> Table:
            return _table("tags", f"Tags of disk {disk}", found.where(lambda row: row["disk"] == disk))

        return Stack([of(row["name"]) for row in self._disks("disks").rows] or [_table("tags", "Tags", found)])

    def chain(self) -> Chains:
        """From the pods in scope, and the claims without one, to the machines."""
        found = [chain for chain in self.inventory.chains if chain.claim and self.scope(chain.claim.name)]
        found.sort(key=lambda c: (*(_place(_pod_row(c.pod)) if c.pod else ("",)), c.claim.name if c.claim else ""))
        return Chains("From the pod to the machine", [links(chain) for chain in found])

    def describe(self, pod: Pod) -> Table:
        """What belongs to one pod."""
        found = records_of(self.inventory, "pods", [pod])
        rows = (("node", pod.node), ("claim", ", ".join(pod.claims)), ("made by", pod.owner))
        return Table(f"kubectl describe pod {pod.name}", ("", ""), rows, records=found)

    def events(self, *reasons: str) -> Table:
        """The events of these reasons, in the order of their pods; times are left out, they differ each time."""
        order = {row["name"]: number for number, row in enumerate(records(self.inventory, "pods").sorted(_place).rows)}
        found = records(self.inventory, "events").where(lambda row: row["reason"] in reasons)
        found = found.sorted(lambda row: (order.get(row["object"], -1), row["reason"], row["object"] or ""))
        return _table("events", f"kubectl get events, reason {', '.join(reasons)}", found)

    def why(self) -> View:
        """Why something is stuck, or waits: a card for each cause that is found (`aksdisks.diagnose`)."""
        return causes(diagnose(self.inventory), self.inventory.namespace)

    def _disks(self, name: str) -> Records:
        """Of the frame `disks` or `tags` what belongs to the claims in scope, in the order of their names."""
        found = records(self.inventory, name)
        return found.where(lambda row: self._in_namespace(row) and self.scope(_claim_name(row))).sorted(_claim_name)

    def _in_namespace(self, row: Row) -> bool:
        return self.inventory.namespace in (None, str(row["claim"] or "").partition("/")[0])


def _table(name: str, title: str, found: Records, *, note: str = "", empty: str = "none") -> Table:
    """The records in the layout of this name."""
    return Table.of(title, found, LAYOUTS[name], note=note, empty=empty)


def _remark(found: Records) -> str:
    return f"Azure: {Unknown(found.unknown)}" if found.unknown else ""


def _pod_row(pod: Pod) -> Row:
    return {"owner": pod.owner, "ready": pod.ready, "node": pod.node, "name": pod.name}


def _place(pod: Row) -> tuple[object, ...]:
    """By workload; a StatefulSet's pods by name, a Deployment's, whose names are random, the running first, by node."""
    owner, node = pod["owner"] or "", pod["node"] or ""
    ordered = owner.startswith("StatefulSet/")
    return (owner, False if ordered else not pod["ready"], "" if ordered else node, pod["name"])


def links(chain: Chain) -> list[Link]:
    """The links from a pod to a machine or a share; what is missing, or could not be read, is a link that says so."""

    def link(kind: str, value: Any, word: str, more: Callable[[Any], str], absent: str = "none") -> Link:
        azure = kind in ("disk", "machine", "share")
        if value is None or isinstance(value, Unknown):
            return Link(kind, "-", absent if value is None else str(value), azure, waits=True)
        state = getattr(value, word) if word else ""
        waits = not value.ready if kind == "pod" else bool(word) and state not in ("Bound", "Attached")
        return Link(kind, value.name, ", ".join(filter(None, (state, more(value)))), azure, waits)

    first = [
        link("pod", chain.pod, "status", lambda pod: pod.node or "no node yet"),
        link("claim", chain.claim, "phase", lambda _: ""),
        link("volume", chain.volume, "phase", lambda volume: str(volume.capacity), "none yet"),
    ]
    named = chain.volume.share.account if chain.volume and chain.volume.share else ""
    if chain.share is not None or named:
        name = getattr(chain.share, "account", "") or named or "-"
        account = Link("account", name, getattr(chain.share, "tier", ""), azure=True)
        size = link("share", chain.share, "", lambda share: f"{show_gib(share.quota_gib)} {share.protocol}")
        return [*first, size, account]
    return [
        *first,
        link("disk", chain.disk, "state", lambda disk: f"{show_gib(disk.size_gib)} {disk.sku}", "none yet"),
        link(
            "machine",
            chain.machine,
            "",
            lambda machine: f"LUN {chain.lun}, {machine.size}" if chain.lun is not None else machine.size,
        ),
    ]
