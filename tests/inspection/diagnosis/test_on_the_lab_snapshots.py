"""Snapshots that fail, wait or go, shown by the lab: what is found about them and about what is filled from them."""

from __future__ import annotations

from typing import Any

from aksdisks.inspection.connection import Target
from aksdisks.inspection.diagnosis.asking import Asked, Question
from aksdisks.inspection.diagnosis.findings import ObjectRef
from aksdisks.inspection.diagnosis.following import Change, follow
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.lab.faults import client
from aksdisks.model import known
from tests.inspection.diagnosis.test_on_the_lab_provisioning import diagnosed
from tests.lab.breaking import Broken, claim, pod
from tests.lab.test_snapshots import API, from_snapshot
from tests.programs import needs

pytestmark = needs("kubectl")

WRITE = "Microsoft.Compute/snapshots/write"


def snapshot(name: str, of: str, **spec: Any) -> dict[str, Any]:
    spec = {"source": {"persistentVolumeClaimName": of}, **spec}
    return {"apiVersion": API, "kind": "VolumeSnapshot", "metadata": {"name": name}, "spec": spec}


def snapshot_class(name: str, policy: str = "Delete") -> dict[str, Any]:
    made = {"apiVersion": API, "kind": "VolumeSnapshotClass", "metadata": {"name": name}}
    return {**made, "driver": "disk.csi.azure.com", "deletionPolicy": policy}


def test_a_snapshot_from_refusal_to_deletion(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    lab.apply(snapshot("of-nothing", "nothing"), snapshot("unclassed", "data"), snapshot("odd", "data",
              volumeSnapshotClassName="od"))  # fmt: skip
    nothing = diagnosed(target, lab, "VolumeSnapshot of-nothing", "source-missing", "problem")
    assert "is to be made of PersistentVolumeClaim nothing, which there is not" in nothing.because
    unclassed = diagnosed(target, lab, "VolumeSnapshot unclassed", "snapshot-failed", "problem")
    assert "it names no class, and no VolumeSnapshotClass is the default" in unclassed.because
    odd = diagnosed(target, lab, "VolumeSnapshot odd", "snapshot-failed", "problem")
    assert "there is no VolumeSnapshotClass od" in odd.because
    lab.kubectl("delete", "volumesnapshot", "--all")

    lab.apply(snapshot_class("plain"), claim("idle"), snapshot("early", "idle", volumeSnapshotClassName="plain"))
    early = diagnosed(target, lab, "VolumeSnapshot early", "source-missing", "wait")
    assert "PersistentVolumeClaim idle, which is not bound itself" in early.because

    volume = lab.volume("data")
    with lab.fault("role-missing", f"action/{WRITE}"):
        lab.apply(snapshot("forbidden", "data", volumeSnapshotClassName="plain"))
        forbidden = diagnosed(target, lab, "VolumeSnapshot forbidden", "not-authorized", "problem")
        assert "Azure does not take snapshot forbidden" in forbidden.because and f"lacks {WRITE}" in forbidden.because
    with lab.fault("snapshot-failed", f"disk/{volume}"):
        lab.apply(snapshot("failed", "data", volumeSnapshotClassName="plain"))
        failed = diagnosed(target, lab, "VolumeSnapshot failed", "snapshot-failed", "problem")
        assert failed.evidence[0].says.startswith("status.error: Failed to ") and failed.confidence == "certain"
        lab.kubectl("delete", "volumesnapshot", "failed", "--wait=false")

    with lab.fault("snapshot-slow", f"disk/{volume}"):
        lab.apply(snapshot("slow", "data", volumeSnapshotClassName="plain"))
        slow = diagnosed(target, lab, "VolumeSnapshot slow", "snapshot-pending", "wait")
        assert "snapshot slow of claim data is not ready after" in slow.because
        lab.apply(from_snapshot("slow", "restored"), pod("two", "restored"))
        for about in ("Pod two", "PersistentVolumeClaim restored"):
            waits = diagnosed(target, lab, about, "snapshot-pending", "wait")
            assert "claim restored waits for snapshot slow, which is not ready after" in waits.because
        lab.kubectl("delete", "volumesnapshot", "slow", "--wait=false")
        kept = diagnosed(target, lab, "VolumeSnapshot slow", "snapshot-protected", "problem")
        assert "claim restored is to be filled from it, which nothing does any more" in kept.because
        _, alone = examine(
            target.cluster, target.azure, lab.namespace, about=ObjectRef("VolumeSnapshot", lab.namespace, "slow")
        )
        assert [each.cause for each in alone.findings] == ["snapshot-protected"]


def test_a_snapshot_that_is_ready_at_last_and_its_restore_are_followed_until_all_is_well(
    lab: Broken, target: Target
) -> None:
    lab.apply(claim("data"), pod("one", "data"), snapshot_class("other"))
    lab.running("one")
    told: list[tuple[str, str]] = []

    def tell(change: Change) -> None:
        told.extend((ref.kind, now.cause if now else "well") for ref, _, now in change.rows)
        if ("VolumeSnapshot", "snapshot-pending") in told and ("Pod", "snapshot-pending") in told:
            client.switch_off(lab.state, "snapshot-slow", fault)

    fault = f"disk/{lab.volume('data')}"
    with lab.fault("snapshot-slow", fault):
        lab.apply(snapshot("good", "data", volumeSnapshotClassName="other"))
        lab.apply(from_snapshot("good", "restored"), pod("two", "restored"))
        asked = Asked(target.cluster, target.azure, lab.state.speed)
        assert follow(asked, Question(lab.namespace), 3000.0, tell) == 0, told
    assert told.index(("VolumeSnapshot", "snapshot-pending")) < told.index(("VolumeSnapshot", "well"))
    inventory, diagnosis = examine(target.cluster, target.azure, lab.namespace)
    assert (diagnosis.findings, diagnosis.unseen) == ((), ())
    (good,) = known(inventory.volume_snapshots)
    assert (good.name, good.claim, good.restore_size, good.error) == ("good", "data", "25Gi", "")
