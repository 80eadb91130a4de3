"""Facts by hand for the rules: the world of `tests.world` with nothing in it but what a row names."""

from dataclasses import replace
from datetime import timedelta

from aksdisks.inspection.ownership.facts import Facts
from aksdisks.inspection.ownership.table import ownership
from aksdisks.model import Unknown, VolumeSnapshotContent, Workload
from aksdisks.model.ownership import Price
from tests.world import CLAIM, GROUP, SPACE, START, disk, machine, node, world

SCOPE = GROUP.partition("/providers")[0]
OF_ACCOUNT = f"{SCOPE}/providers/Microsoft.Storage/storageAccounts"
DAY = 86400.0
ID = disk().id
VOLUME = f"pvc-{CLAIM}"


class FlatRate:
    """A price for everything."""

    def disk(self, disk):
        return Price(a_month=float(disk.size_gib), currency="EUR", source="a flat rate")

    def share(self, share, account):
        return Unknown(f"no price for {share.name} of {account.name}") if share else share

    def snapshot(self, snapshot):
        return Unknown("no price for snapshots") if snapshot.size_gib is None else self.disk(snapshot)


def left(of=CLAIM, *, days=2.0, **changes):
    """A disk that nothing has, made and detached so many days ago."""
    at = START - timedelta(days=days)
    return disk(of, on=None, **{"created": at, "owner_changed": at, **changes})


def facts(*, unread=(), **parts):
    """Facts of which everything is empty but these; `unread` are kinds that could not be read."""
    empty = {"namespace": None, "pods": (), "claims": (), "volumes": (), "attachments": (), "events": (), "disks": (),
             "machines": (machine(0), machine(1)), "nodes": (node(0), node(1)), "workloads": (),
             "volume_snapshots": ()}  # fmt: skip
    own = {name: parts.pop(name) for name in ("elsewhere", "contents", "azure_snapshots", "cluster", "grace", "scope",
                                             "snapshots_elsewhere")
           if name in parts}  # fmt: skip
    found = world(**empty | parts)
    found = replace(found, unreadable={kind: f"{kind.lower()} is forbidden" for kind in unread})
    own["snapshots"] = own.pop("azure_snapshots", ())
    return Facts(
        inventory=found,
        volumes=found.volumes,
        attachments=found.attachments,
        **{"scope": SCOPE, "contents": (), "cluster": "article", **own},
    )


def table(**parts):
    return ownership(facts(**parts), FlatRate())


def verdicts(**parts):
    """Of each disk its name, verdict and reason."""
    found = table(**parts).disks
    return [(each.name, each.verdict, each.because) for each in found]


def stateful_set(name="web", replicas=0, templates=("www",), **changes):
    return Workload(
        name=name, namespace=SPACE, kind="StatefulSet", replicas=replicas, claim_templates=templates, **changes
    )


def content(**changes):
    plain = {"name": "snapcontent-1", "driver": "disk.csi.azure.com", "snapshot_id": f"{GROUP}/snapshots/snapshot-1",
             "snapshot": "monday", "snapshot_namespace": SPACE, "snapshot_uid": "uid-monday"}  # fmt: skip
    return VolumeSnapshotContent(**plain | changes)
