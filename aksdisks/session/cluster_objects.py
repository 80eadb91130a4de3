"""Objects outside namespaces that a run makes: nobody else's, and labelled with the run and its namespace."""

from __future__ import annotations

from typing import Any

from aksdisks.errors import AlreadyExists, Refused
from aksdisks.inspection.connection import Target
from aksdisks.inspection.run_objects import RunObjects, cluster_objects
from aksdisks.manifests import NAMESPACE_LABEL, RUN_LABEL, Manifest, made_by
from aksdisks.session.definitions import KIND, Definitions


class ClusterObjects:
    """The objects of one run outside namespaces, of the kinds of `inspection.run_objects.IN_CLUSTER`.

    Who makes one notes it in the run's journal before. Its labels tell whoever cleans up, also after a kill, whose it
    is, and in which namespace that run worked.
    """

    def __init__(self, connection: Target, run_id: str, namespace: str) -> None:
        self._cluster = connection.cluster
        self._allow_retain = connection.parameters.allow_retain
        self._run_id = run_id
        self._namespace = namespace
        self._labels = {RUN_LABEL: run_id, NAMESPACE_LABEL: namespace}
        self.definitions = Definitions(connection.cluster, run_id, namespace, connection.progress)

    def make(self, manifest: Manifest) -> None:
        """Make an object of the run, or apply it anew.

        Raises Refused where another has its name, but for a volume of the run's own claims, which is taken over, and
        for a definition of custom resources, which several runs may use.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == KIND:
            self.definitions.use(manifest)
            return
        self.check_retention(manifest)
        metadata = manifest["metadata"]
        wanted = {**manifest, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **self._labels}}}
        found = self._cluster.find(kind, name)
        if found is None:
            try:
                # Not by an apply, which would take over what another run makes at this moment.
                self._cluster.create(wanted)
            except AlreadyExists:
                found = self._cluster.get(kind, name)  # another's, or ours by a try whose answer was lost
        if found is not None:
            self._check_own(kind, found)
            self._cluster.apply(wanted)

    def check_retention(self, manifest: Manifest) -> None:
        """Raise Refused for a class of snapshots, and for a snapshot of such a class, that keeps them in Azure."""
        raw, kind = manifest, manifest["kind"]
        if kind == "VolumeSnapshot":
            name = manifest["spec"].get("volumeSnapshotClassName", "")
            raw, kind = (self._cluster.find("VolumeSnapshotClass", name) or {}) if name else {}, "VolumeSnapshotClass"
        if kind == "VolumeSnapshotClass" and raw.get("deletionPolicy") == "Retain" and not self._allow_retain:
            raise Refused(
                object=f"VolumeSnapshotClass {raw['metadata']['name']}",
                expected="deletion policy Delete",
                found="Retain",
                hint="snapshots would stay and cost; allow_retain: true accepts that",
            )

    def found(self) -> RunObjects:
        """Those of the run that are there, and the definitions that it uses."""
        found = cluster_objects(self._cluster, f"{RUN_LABEL}={self._run_id}")
        own = tuple(each for each in found.objects if each[0] != KIND)
        used = () if KIND in found.unlisted else tuple((KIND, each) for each in self.definitions.found())
        return RunObjects((*own, *used), found.unlisted)

    def _check_own(self, kind: str, raw: dict[str, Any]) -> None:
        of_claim = (raw.get("spec") or {}).get("claimRef") or {}
        if kind == "PersistentVolume" and not made_by(raw) and of_claim.get("namespace") == self._namespace:
            return
        if made_by(raw) != self._run_id:
            found = f"one that run {made_by(raw)} made" if made_by(raw) else "one that no run made"
            name = raw["metadata"]["name"]
            raise Refused(object=f"{kind} {name}", expected=f"none, or one of run {self._run_id}", found=found)
