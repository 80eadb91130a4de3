"""One run in one namespace of a target: what belongs to it, its journal, what it broke, and its Lease."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aksdisks.azure.compute import Azure
from aksdisks.errors import Conflict, NotAllowed, NotFound
from aksdisks.inspection.connection import Target
from aksdisks.inspection.diagnosis.sentence import About, why_it_waits
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import path
from aksdisks.manifests import FIELD_MANAGER, NAMESPACE_LABEL, RUN_LABEL, made_by
from aksdisks.model import Named
from aksdisks.quantities import show_time
from aksdisks.session.azure_objects import AzureObjects
from aksdisks.session.cluster_objects import ClusterObjects
from aksdisks.session.disruption import Disruption
from aksdisks.session.journal import Journal
from aksdisks.session.lease import Lease


class NamespacedRun:
    """One run in one namespace of a target: the label that its objects carry, its journal, and the Lease it takes."""

    def __init__(self, connection: Target, run_id: str, namespace: str, home: str = "") -> None:
        """`home`: the run's first namespace, where this is another that it made; by it all that it makes is found."""
        self.connection = connection
        self.cluster: Cluster = connection.cluster
        self.azure: Azure = connection.azure
        self.time_scale = connection.settings.time_scale
        self.run_id = run_id
        self.namespace = namespace
        self.home = home or namespace
        self.selector = f"{RUN_LABEL}={run_id}"
        self.journal = Journal(connection.settings.state_dir, run_id)
        self.disruption = Disruption(connection, self.journal)
        self.azure_objects = AzureObjects(connection, run_id, self.home, self.journal)
        self.cluster_objects = ClusterObjects(connection, run_id, self.home)
        self.lease = Lease(connection, run_id, namespace)

    def other_namespaces(self) -> tuple[Named, ...]:
        """Those that the run made beside its first one, by their labels; none where namespaces may not be listed."""
        try:
            return self.cluster.list("Namespace", selector=f"{self.selector},{NAMESPACE_LABEL}={self.home}")
        except NotAllowed:
            return ()  # who may not list them has made none

    def made(self, raw: dict[str, Any] | None) -> bool:
        """Whether an object is there and was made by this run, by its label."""
        return raw is not None and made_by(raw) == self.run_id

    def cause(self, about: About | None = None) -> str:
        """Why something in the run's namespace is stuck or waits, in a sentence; empty where nothing is found.

        `about`: of these objects, if anything is found about them. Raises NotReachable where the cluster is silent.
        """
        return why_it_waits(self.cluster, self.azure, self.namespace, self.time_scale, about)

    def remove(self, kind: str, name: str, uid: str) -> bool:
        """Delete this very object; False where it is gone, also where another, which is not ours, has its name now."""
        try:
            return self.cluster.delete(kind, name, self.namespace, uid=uid)
        except Conflict:
            return False

    def look_again(self, snapshot: str) -> None:
        """Write on a VolumeSnapshot, so that its controller looks at it now, and not in its next round.

        One that waited with its deletion is not told what it waited for; a round takes 15 minutes by default, and newer
        controllers try again by themselves (kubernetes-csi/external-snapshotter pkg/common-controller).
        """
        body = {"metadata": {"annotations": {"aksdisks.dev/looked-at": show_time(datetime.now(UTC))}}}
        where, query = path("VolumeSnapshot", self.namespace, snapshot), {"fieldManager": FIELD_MANAGER}
        with suppress(NotFound, NotAllowed):  # it is gone, or its controller's next round has to do
            self.cluster.request("PATCH", where, query, body, "merge-patch+json")
