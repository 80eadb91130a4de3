"""Each verdict made really, on one lab: with kubectl, and with Azure's own client behind Kubernetes' back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.ownership import read_ownership
from aksdisks.model import Inventory, Machine, Unknown
from aksdisks.model.ownership import OwnedDisk, Ownership
from aksdisks.parameters import validate
from tests.lab.breaking import Broken, Json, broken_lab, claim, pod, pod_spec, workload
from tests.programs import needs

pytestmark = needs("kubectl")
SPEED = 100.0
"""A day is nearly a quarter of an hour: what was made just now is young."""
CLAIMS = ("used", "kept", "retained", "left")
BY_HAND = {"location": "westeurope", "sku": {"name": "Premium_LRS"},
           "properties": {"diskSizeGB": 4, "creationData": {"createOption": "Empty"}}}  # fmt: skip
OTHERS = {"kubernetes.io-created-for-pvc-name": "data", "kubernetes.io-created-for-pvc-namespace": "default",
          "aks-managed-cluster-name": "another"}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """The lab in which everything was made, a target of it, and the volume of each claim."""

    lab: Broken
    target: Target
    volumes: dict[str, str]

    def inventory(self, namespace: str | None = None, grace: float = 86400.0) -> Inventory:
        return read_ownership(
            self.target.cluster, self.target.azure, namespace, time_scale=self.lab.state.speed, grace=grace
        )

    def ownership(self, namespace: str | None = None, grace: float = 86400.0) -> Ownership:
        found = self.inventory(namespace, grace).ownership
        assert isinstance(found, Ownership)
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with broken_lab(tmp_path_factory.mktemp("owners"), SPEED) as lab, pytest.MonkeyPatch.context() as patch:
        volumes = _make(lab)
        patch.setenv("AKSDISKS_STATE_DIR", lab.state.state_dir)
        with connect(validate({})) as target:
            yield Made(lab, target, volumes)


def _make(lab: Broken) -> dict[str, str]:
    claims = [claim(name) for name in CLAIMS]
    template = {"metadata": {"name": "www"}, "spec": claim("www")["spec"]}
    web = workload("StatefulSet", "web", 1, pod_spec(), template)
    lab.apply(*claims, *(pod(name, name) for name in CLAIMS), web)
    lab.running(*CLAIMS, "web-0")
    found = {name: lab.volume(name) for name in (*CLAIMS, "www-web-0")}
    lab.kubectl("scale", "statefulset", "web", "--replicas=0")
    for name in ("retained", "left"):
        keep = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
        lab.kubectl("patch", "pv", found[name], "--type=merge", f"--patch={keep}")
    lab.kubectl("delete", "pod", "kept", "retained", "left", "--now")
    lab.kubectl("delete", "pvc", "retained", "left")
    lab.kubectl("delete", "pv", found["left"])
    named = '{range .items[*]}{.spec.source.persistentVolumeName} volumeattachment/{.metadata.name}{"\\n"}{end}'
    held = dict(line.split() for line in lab.get(named, "volumeattachments").splitlines())
    if leaving := [held[volume] for name, volume in found.items() if name != "used" and volume in held]:
        lab.wait("delete", *leaving)
    _by_hand(lab)
    return found


def _by_hand(lab: Broken) -> None:
    """A person's disk, one of another cluster, and a static one in another group, which a volume names."""
    group, disks = lab.state.node_resource_group, lab.azure.disks
    disks.begin_create_or_update(group, "by-hand", BY_HAND).result()
    disks.begin_create_or_update(group, "theirs", {**BY_HAND, "tags": OTHERS}).result()
    static = disks.begin_create_or_update("disks", "static", BY_HAND).result()
    spec = {"capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": static.id}}  # fmt: skip
    lab.apply(_volume("static", spec), _volume("lost", _renamed(spec, static.id)))


def _volume(name: str, spec: Json) -> Json:
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _renamed(spec: Json, id_: str) -> Json:
    return {**spec, "csi": {**spec["csi"], "volumeHandle": f"{id_}-gone"}}


def rows(found: Ownership) -> dict[str, OwnedDisk]:
    assert not isinstance(found.disks, Unknown)
    return {each.name: each for each in found.disks}


def test_each_verdict_is_found_with_its_reason(made: Made) -> None:
    found, volumes = rows(made.ownership()), made.volumes
    told = {name: (row.verdict, row.because) for name, row in found.items()}
    machines = {name: told.pop(name) for name, row in found.items() if "OsDisk" in name or row.verdict == "foreign"}
    assert told.pop(volumes["used"]) == ("in-use", "pod default/used mounts claim default/used")
    assert told.pop(volumes["kept"]) == ("kept", "claim default/kept is there, and no pod mounts it")
    scaled = "StatefulSet web has 0 replicas, and takes it again when it grows"
    assert told.pop(volumes["www-web-0"]) == (
        "kept", f"claim default/www-web-0 is there, and no pod mounts it: {scaled}",
    )  # fmt: skip
    assert told.pop(volumes["retained"]) == (
        "released", f"claim default/retained is gone, and volume {volumes['retained']} stays (policy Retain)",
    )  # fmt: skip
    verdict, because = told.pop(volumes["left"])
    assert verdict == "young" and because.startswith("it was made for claim default/left, no volume names it")
    assert told.pop("theirs") == ("unknown", "its tag aks-managed-cluster-name names another cluster, another")
    verdict, because = told.pop("static")
    assert verdict == "unknown" and because.startswith("it is outside the node resource group")
    assert machines.pop("by-hand") == ("foreign", "no tag says that it was made for a claim")
    assert len(machines) == 3 and all(
        because.endswith("starts from it: it has the operating system") for _, because in machines.values()
    )
    assert told == {}


def test_what_is_older_than_the_grace_is_an_orphan_and_only_that(made: Made) -> None:
    orphans = [name for name, row in rows(made.ownership(grace=0.0)).items() if row.verdict == "orphan"]
    assert orphans == [made.volumes["left"]]


def test_a_row_has_both_sides_of_a_disk(made: Made) -> None:
    row = rows(made.ownership())[made.volumes["used"]]
    assert row.claim and row.volume and row.attachment and isinstance(row.machine, Machine)
    assert ([each.name for each in row.pods], row.workload) == (["used"], "Pod/used")
    assert (row.machine.node, row.lun) == (row.attachment.node, row.attachment.lun)


def test_a_namespace_has_its_own_disks_and_no_other(made: Made) -> None:
    inventory = made.inventory("default")
    assert isinstance(inventory.ownership, Ownership)
    assert set(rows(inventory.ownership)) == {*made.volumes.values(), "theirs"}
    assert rows(made.ownership("kube-system")) == {}


def test_beside_the_table_stand_what_has_no_disk_and_free_slots(made: Made) -> None:
    found = made.ownership()
    (lost,) = found.without_disk
    assert lost[0] == "PersistentVolume lost" and lost[1].endswith("/disks/static-gone")
    assert found.disagreements == ()
    assert {(each.limit, each.by_kubernetes == each.by_azure) for each in found.slots} == {(8, True)}
    assert sum(each.limit - each.by_azure for each in found.slots if each.limit and each.by_azure is not None) == 1


def test_connect_s_inventory_is_the_same_table(made: Made) -> None:
    found = made.target.inventory().ownership
    assert isinstance(found, Ownership)
    again = made.ownership()
    assert [(each.id, each.verdict) for each in rows(found).values()] == [
        (each.id, each.verdict) for each in rows(again).values()
    ]
    assert found.snapshots == again.snapshots == ()
