"""What earlier runs left on a target: found by label, told apart from runs in progress, removed on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from aksdisks.errors import NotAllowed
from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.run_objects import cluster_objects, run_objects
from aksdisks.manifests import NAMESPACE_LABEL, RUN_LABEL
from aksdisks.model import Unknown, known
from aksdisks.model.checks import Check, check
from aksdisks.parameters import Parameters
from aksdisks.session.azure_objects import NAMESPACE_TAG, RUN_TAG, may_make
from aksdisks.session.cleanup import Removal
from aksdisks.session.definitions import uses
from aksdisks.session.namespaced_run import NamespacedRun
from aksdisks.waiting import Progress, silent

_DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one run left in one namespace; `busy` says why it may still be in progress, empty when it is not."""

    run: str
    namespace: str
    objects: tuple[str, ...]
    busy: str


def clean(parameters: Parameters, *, dry_run: bool = False, progress: Progress = silent) -> tuple[Check, ...]:
    """Remove what earlier runs left on the parameters' target: one check for each run, and one for each orphan.

    What goes is listed line by line: objects, the volumes and disks that follow their claims, and what carries a run's
    tag in Azure. `dry_run` gives the same lines and removes nothing.

    A run in progress is inconclusive and left alone, orphaned volumes and disks are reported as not applicable. Raises
    as `connect` does.
    """
    connection = connect(parameters, progress)
    try:
        checks = [_clean(connection, leftover, dry_run) for leftover in find_leftovers(connection)]
        try:
            lost = [("Kept, and costing, until somebody removes it", line) for line in orphans(connection)]
        except NotAllowed as error:
            # Who has rights in one namespace only has cleaned that; the rest is for somebody with more.
            lost = [("Volumes and disks of namespaces that are gone were not looked for", error.message)]
        if unlisted := _unlisted(connection):
            kinds = f"{', '.join(unlisted)}: {next(iter(unlisted.values()))}"
            lost.append(("Not looked for, since these kinds may not be listed", kinds))
        checks += [check(statement, None, seen) for statement, seen in lost]
        return tuple(checks) or (check("Nothing is left of earlier runs", True, connection.cluster.server),)
    finally:
        connection.close()


def find_leftovers(connection: Target) -> tuple[Leftover, ...]:
    """The runs that left something, by run id: in namespaces that runs made, or in the prepared one."""
    cluster, prepared = connection.cluster, connection.parameters.namespace
    if prepared == "create":
        spaces = cluster.list("Namespace", selector=RUN_LABEL)
        # Another namespace of a run goes with its first one, also where that is gone.
        places = [(each.labels[RUN_LABEL], each.labels.get(NAMESPACE_LABEL) or each.name) for each in spaces]
    else:
        objects = run_objects(cluster, prepared, RUN_LABEL).objects
        places = list({(found.labels[RUN_LABEL], prepared) for _, found in objects})
    places += _in_cluster(connection)
    places += _in_azure(connection)
    return tuple(_leftover(connection, run, namespace) for run, namespace in sorted(set(places)))


def _in_cluster(connection: Target) -> list[tuple[str, str]]:
    """The runs that left something outside namespaces, and their namespaces, which may be gone; by its labels."""
    labels = [found.labels for _, found in cluster_objects(connection.cluster).objects]
    places = [(each[RUN_LABEL], each.get(NAMESPACE_LABEL, "")) for each in labels]
    return _worked_here(connection, places + [place for each in labels for place in uses(each)])


def _unlisted(connection: Target) -> dict[str, str]:
    """Why kinds that runs make cannot be listed."""
    prepared = connection.parameters.namespace
    here = {} if prepared == "create" else run_objects(connection.cluster, prepared, RUN_LABEL).unlisted
    return here | cluster_objects(connection.cluster).unlisted


def _worked_here(connection: Target, places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The runs, with their namespaces, of those that worked where the parameters let one work."""
    prepared = connection.parameters.namespace
    return [(run, where) for run, where in places if where == (f"aksdisks-{run}" if prepared == "create" else prepared)]


def _in_azure(connection: Target) -> list[tuple[str, str]]:
    """The runs that left something of their own in Azure, and their namespaces, which may be gone; by its tags."""
    if not may_make(connection):
        return []
    tags = [each.tags for each in known(connection.azure.disks())]
    tags += [each.tags for each in known(connection.azure.snapshots())]
    return _worked_here(connection, [(t[RUN_TAG], t.get(NAMESPACE_TAG, "")) for t in tags if RUN_TAG in t])


def orphans(connection: Target) -> tuple[str, ...]:
    """Volumes, disks and snapshots of runs' namespaces that are gone: reported with what to look at, never deleted."""
    spaces = {space.name for space in connection.cluster.list("Namespace")}
    lost = [
        f"volume {volume.name} of {volume.claim} ({volume.phase}, reclaim policy {volume.reclaim_policy})"
        for volume in connection.cluster.volumes()
        if volume.claim_namespace.startswith("aksdisks-") and volume.claim_namespace not in spaces
    ]
    for disk in known(connection.azure.disks()):
        if disk.claim_namespace.startswith("aksdisks-") and disk.claim_namespace not in spaces:
            lost.append(f"disk {disk.name} of {disk.claim} ({disk.state}, {disk.size_gib} GiB {disk.sku})")
    for content in known(connection.cluster.volume_snapshot_contents()):
        if content.snapshot_namespace.startswith("aksdisks-") and content.snapshot_namespace not in spaces:
            kept = f"deletion policy {content.deletion_policy}, {content.snapshot_id.rpartition('/')[2]} in Azure"
            lost.append(f"content {content.name} of {content.snapshot_key} ({kept})")
    return tuple(lost)


def _clean(connection: Target, leftover: Leftover, dry_run: bool) -> Check:
    what = f"What run {leftover.run} left in namespace {leftover.namespace}"
    if leftover.busy:
        return check(what, Unknown(leftover.busy), "left alone")
    seconds = max(_DEADLINE, connection.parameters.wait_timeout / connection.settings.time_scale)
    removal = Removal(NamespacedRun(connection, leftover.run, leftover.namespace), time.monotonic() + seconds)
    result = removal.plan() if dry_run else removal.carry_out()
    # Every line: who asks what would go wants to compare it with what went.
    seen = result.problems or (*result.removed, *(f"kept: {line}" for line in result.kept))
    return check(f"{what} {'would be' if dry_run else 'is'} removed", result.complete, ", ".join(seen) or "nothing")


def _leftover(connection: Target, run: str, namespace: str) -> Leftover:
    left = NamespacedRun(connection, run, namespace)
    found = run_objects(connection.cluster, namespace, left.selector).objects + left.cluster_objects.found().objects
    objects = [f"{kind} {each.name}" for kind, each in found]
    who, until = left.lease.holder()
    busy = who == run and until > datetime.now(UTC)
    why = f"in progress, or killed elsewhere; until {until:%H:%M} UTC" if busy else ""
    return Leftover(run, namespace, tuple(objects), why)
