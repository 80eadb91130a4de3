"""Causes about claims, volumes, scheduling and Azure's refusals on a lab that makes them: found, and over again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.diagnosis import Finding
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.parameters import validate
from tests.lab.breaking import Broken, broken_lab, claim, pod
from tests.lab.test_attributes_class import attributes
from tests.programs import needs

pytestmark = needs("kubectl")
SPEED = 100.0
"""Five minutes are three seconds."""
PATIENCE = 30.0
OwnLab = Callable[..., AbstractContextManager[tuple[Broken, Target]]]
WRITE = "Microsoft.Compute/disks/write"


@pytest.fixture
def own_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnLab:
    """Starts a lab of the test's own, and connects to it."""

    @contextmanager
    def start(scenario: str = "regional", speed: float = SPEED) -> Iterator[tuple[Broken, Target]]:
        with broken_lab(tmp_path, speed, scenario) as lab:
            monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state.state_dir)
            with connect(validate({})) as target:
                yield lab, target

    return start


def diagnosed(target: Target, lab: Broken, about: str, cause: str, verdict: str) -> Finding:
    """The finding about `Kind name`, once it is this one; what was found until then is told if it never is."""
    seen, ends = [], time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        for each in found(target, lab):
            if f"{each.object.kind} {each.object.name}" == about:
                if (each.cause, each.verdict) == (cause, verdict):
                    return each
                seen.append((each.cause, each.verdict, each.because))
        time.sleep(0.05)
    raise AssertionError(f"{about} was never {cause} {verdict}, but {list(dict.fromkeys(seen))}")


def found(target: Target, lab: Broken) -> tuple[Finding, ...]:
    return examine(target.cluster, target.azure, lab.namespace, lab.state.speed)[1].findings


def objects(finding: Finding) -> set[str]:
    return {f"{row.source}: {row.object.partition(' ')[0]}" for row in finding.evidence}


def patch(lab: Broken, resource: str, name: str, body: str, *options: str) -> None:
    lab.kubectl("patch", resource, name, "--type=merge", f"--patch={body}", *options)


def grow(lab: Broken, name: str, size: str) -> None:
    patch(lab, "pvc", name, f'{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}')


def test_a_claim_without_a_pod_then_kept_then_deleted(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"))
    waits = diagnosed(target, lab, "PersistentVolumeClaim data", "no-consumer", "expected")
    assert "Kubernetes: StorageClass" in objects(waits)
    lab.apply(pod("one", "data"))
    lab.running("one")
    assert found(target, lab) == ()
    lab.kubectl("delete", "pvc", "data", "--wait=false")
    protected = diagnosed(target, lab, "PersistentVolumeClaim data", "claim-protected", "wait")
    assert "pod one still uses it" in protected.because
    volume = lab.volume("data")
    patch(lab, "pv", volume, '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    lab.kubectl("delete", "pod", "one")
    released = diagnosed(target, lab, f"PersistentVolume {volume}", "volume-released", "expected")
    assert "policy Retain keeps the volume" in released.because
    patch(lab, "pv", volume, '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
    lab.wait("delete", f"pv/{volume}")
    assert found(target, lab) == ()


def test_a_claim_whose_pod_is_gone_grows_at_its_next_one(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    lab.kubectl("delete", "pod", "one")
    kept = diagnosed(target, lab, "PersistentVolumeClaim data", "claim-kept", "expected")
    assert "deleting it deletes its disk" in kept.because
    grow(lab, "data", "30Gi")
    pending = diagnosed(target, lab, "PersistentVolumeClaim data", "resize-pending", "wait")
    while "when a pod mounts it" not in pending.because:
        pending = diagnosed(target, lab, "PersistentVolumeClaim data", "resize-pending", "wait")
    lab.apply(pod("two", "data"))
    lab.running("two")
    lab.wait("jsonpath={.status.capacity.storage}=30Gi", "pvc/data")
    assert found(target, lab) == ()


def test_a_lost_claim(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    volume = lab.volume("data")
    lab.kubectl("delete", "pod", "one")
    lab.kubectl("delete", "pv", volume, "--wait=false")
    patch(lab, "pv", volume, '{"metadata":{"finalizers":null}}')
    lost = diagnosed(target, lab, "PersistentVolumeClaim data", "claim-lost", "problem")
    assert f"volume {volume} is not there, and its disk still exists in Azure" in lost.because
    lab.apply(pod("two", "data"))
    assert diagnosed(target, lab, "Pod two", "claim-lost", "problem").evidence


def test_a_disk_that_another_machine_holds_is_not_deleted(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    volume = lab.volume("data")
    lab.kubectl("delete", "pod", "one")
    with lab.fault("disk-elsewhere", f"disk/{volume}"):
        holder = lab.azure.disks.get(lab.state.node_resource_group, volume).managed_by.rpartition("/")[2]
        lab.kubectl("delete", "pvc", "data", "--wait=false")
        failed = diagnosed(target, lab, f"PersistentVolume {volume}", "delete-failed", "problem")
        assert f"machine {holder}" in failed.because
        assert {"Azure: disk", "Kubernetes: PersistentVolume"} <= objects(failed)
    lab.wait("delete", f"pv/{volume}")


def class_of(name: str, sku: str) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "disk.csi.azure.com",
        "parameters": {"skuname": sku},
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def test_zones(own_lab: OwnLab) -> None:
    with own_lab("three-zones") as (lab, target):
        lab.apply(class_of("zonal", "Premium_LRS"), claim("data", "zonal"), pod("one", "data", node=lab.node(0)))
        lab.running("one")
        lab.kubectl("delete", "pod", "one")
        with lab.fault("zone-empty", "zone/1"):
            lab.wait("delete", f"node/{lab.node(0)}")
            lab.apply(pod("two", "data"))
            finding = diagnosed(target, lab, "Pod two", "zone-mismatch", "problem")
            zones = "is in zone westeurope-1, and all nodes are in zone westeurope-2, zone westeurope-3"
            assert zones in finding.because and finding.confidence == "certain"
            assert {"Kubernetes: Pod", "Kubernetes: PersistentVolume", "Kubernetes: Node"} <= objects(finding)
        lab.running("two")


def test_a_zone_that_is_spelled_otherwise(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    lab.kubectl("delete", "pod", "one")
    lab.kubectl("label", "nodes", "--all", "--overwrite", "topology.disk.csi.azure.com/zone=0")
    lab.apply(pod("two", "data"))
    finding = diagnosed(target, lab, "Pod two", "zone-label-mismatch", "problem")
    assert finding.also == ("zone-mismatch",) and "the volume spells it ''" in finding.because
    lab.kubectl("label", "nodes", "--all", "--overwrite", "topology.disk.csi.azure.com/zone=")
    lab.running("two")


def test_expansion_and_change_that_are_refused(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    with lab.fault("role-missing", f"action/{WRITE}"):
        grow(lab, "data", "30Gi")
        refused = diagnosed(target, lab, "PersistentVolumeClaim data", "not-authorized", "problem")
        assert "resize-failed" in refused.also and "expand claim data" in refused.because
        assert f"lacks {WRITE} over /subscriptions/" in refused.because
        assert all(each.object.kind != "Pod" for each in found(target, lab))
    lab.wait("jsonpath={.status.capacity.storage}=30Gi", "pvc/data")
    grow(lab, "data", "40000Gi")
    failed = diagnosed(target, lab, "PersistentVolumeClaim data", "resize-failed", "problem")
    assert "cannot grow from 30Gi to 40000Gi: The value '40000' of parameter 'disk.diskSizeGB'" in failed.because


def test_what_cannot_be_made(lab: Broken, target: Target) -> None:
    lab.apply(claim("shared", mode="ReadWriteMany"), pod("one", "shared"))
    shared = diagnosed(target, lab, "Pod one", "impossible-request", "problem")
    assert "asks for ReadWriteMany" in shared.because
    with lab.fault("sku-unavailable", "sku/Premium_LRS"):
        lab.apply(claim("data"), pod("two", "data"))
        sku = diagnosed(target, lab, "Pod two", "sku-unavailable", "problem")
        assert "does not offer SKU Premium_LRS of class managed-premium" in sku.because
        assert diagnosed(target, lab, "PersistentVolumeClaim data", "sku-unavailable", "problem").because == sku.because
    lab.running("two")
    with lab.fault("disk-quota"):
        lab.apply(claim("more"), pod("three", "more"))
        assert "PremiumDiskCount" in diagnosed(target, lab, "Pod three", "disk-quota", "problem").because
    lab.running("three")


@pytest.mark.parametrize(
    ("fault", "aim", "cause", "words"),
    [
        ("role-missing", f"action/{WRITE}", "not-authorized", f"lacks {WRITE} over /subscriptions/"),
        (
            "role-missing",
            "action/Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write",
            "not-authorized",
            "Azure does not attach",
        ),
        ("token-expired", "", "signed-out", "(ExpiredAuthenticationToken)"),
        ("throttled", "", "throttled", "too many requests"),
        ("server-errors", "server/azure", "azure-failing", ""),
    ],
)
def test_azure_refuses(whole: Broken, target: Target, fault: str, aim: str, cause: str, words: str) -> None:
    name = f"{cause}-{aim.count('/')}"
    whole.kubectl("create", "namespace", name)
    lab = replace(whole, namespace=name)
    with lab.fault(fault, aim):
        lab.apply(claim("data"), pod("one", "data"))
        finding = diagnosed(target, lab, "Pod one", cause, "problem")
        assert words in finding.because and finding.evidence[0].source == "Kubernetes"
    lab.running("one")
    lab.kubectl("delete", "namespace", name, "--wait=false")


def test_names_that_are_not_there(lab: Broken, target: Target) -> None:
    lab.apply(pod("one", "nothing"))
    missing = diagnosed(target, lab, "Pod one", "no-claim", "problem")
    assert "mounts claim nothing, which there is not in names-that-are-not-there" in missing.because
    lab.apply(claim("data", "managed-premum"), pod("two", "data"))
    assert "did you mean 'managed-premium'?" in diagnosed(target, lab, "Pod two", "no-class", "problem").because
    lab.apply(claim("static", ""), pod("five", "static"))
    assert "asks for no class" in diagnosed(target, lab, "Pod five", "no-class", "problem").because
    copy = claim("copy")
    copy["spec"]["dataSource"] = {"kind": "PersistentVolumeClaim", "name": "first"}
    lab.apply(copy, pod("three", "copy"))
    source = diagnosed(target, lab, "Pod three", "source-missing", "problem")
    assert "PersistentVolumeClaim first, which there is not" in source.because
    restored = claim("restored")
    kind = {"kind": "VolumeSnapshot", "name": "backup", "apiGroup": "snapshot.storage.k8s.io"}
    restored["spec"]["dataSource"] = kind
    lab.apply(restored, pod("four", "restored"))
    assert "VolumeSnapshot backup" in diagnosed(target, lab, "Pod four", "source-missing", "problem").because


def test_what_is_not_about_disks(lab: Broken, target: Target) -> None:
    lab.apply(pod("nowhere", nodeSelector={"disk": "none"}))
    nowhere = diagnosed(target, lab, "Pod nowhere", "no-node", "problem")
    assert "3 node(s) didn't match Pod's node affinity/selector" in nowhere.because
    never = [{"name": "busy", "image": "example.org/none:1", "imagePullPolicy": "Never"}]
    lab.apply(pod("unpulled", containers=never))
    assert "ErrImageNeverPull" in diagnosed(target, lab, "Pod unpulled", "image", "problem").because


def test_a_disk_that_is_being_made(own_lab: OwnLab) -> None:
    with own_lab(speed=2.0) as (lab, target):  # slow enough to be looked at
        lab.apply(claim("data"), pod("one", "data"))
        making = diagnosed(target, lab, "Pod one", "provisioning", "wait")
        assert "the disk of claim data is being made" in making.because
        assert diagnosed(target, lab, "Pod one", "attach-slow", "wait").evidence


def test_a_change_of_class_that_is_refused(lab: Broken, target: Target) -> None:
    """A class that is not there, one with values that no disk can have, one that Azure refuses while a pod runs."""
    about = "PersistentVolumeClaim data"
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    patch(lab, "pvc", "data", '{"spec":{"volumeAttributesClassName":"nothing"}}')
    absent = diagnosed(target, lab, about, "modify-failed", "problem")
    assert "VolumeAttributesClass nothing: there is no such class" in absent.because and absent.confidence == "certain"
    lab.apply(attributes("odd", skuName="Odd_LRS"), attributes("plain", skuName="StandardSSD_LRS"))
    patch(lab, "pvc", "data", '{"spec":{"volumeAttributesClassName":"odd"}}')
    lab.told("VolumeModifyFailed .*Odd_LRS", "data")
    refused = diagnosed(target, lab, about, "modify-failed", "problem")
    assert "Odd_LRS" in refused.because and refused.evidence[0].says.startswith("modifyVolumeStatus Infeasible")
    patch(lab, "pvc", "data", '{"spec":{"volumeAttributesClassName":"plain"}}')
    lab.told("Cannot change the storage account type", "data")
    attached = diagnosed(target, lab, about, "modify-failed", "problem")
    assert "class plain: Cannot change the storage account type of disk" in attached.because.replace("Class", "class")
    lab.kubectl("delete", "pod", "one", "--wait=false")
    lab.wait("jsonpath={.status.currentVolumeAttributesClassName}=plain", "pvc/data")
    assert diagnosed(target, lab, about, "claim-kept", "expected").also == ()


def test_a_pod_that_starts_and_never_becomes_ready(lab: Broken, target: Target) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 5, "initialDelaySeconds": 1}
    lab.apply(
        claim("data"), pod("one", "data", containers=[{"name": "busy", "image": "busybox", "readinessProbe": probe}])
    )
    assert "Running" in lab.shown("pod one", "{{.status.phase}}", "Running")
    starting = diagnosed(target, lab, "Pod one", "starting", "wait")
    assert "worry after 10 min" in starting.because
    stuck = diagnosed(target, lab, "Pod one", "crash", "problem")
    assert "container busy runs and does not become ready" in stuck.because and stuck.confidence == "likely"


def test_in_the_words_of_2019(own_lab: OwnLab) -> None:
    """The in-tree driver quotes Azure as go-autorest does, and its claims are bound before their pods are placed."""
    with own_lab("article-2019") as (lab, target):
        with lab.fault("role-missing", f"action/{WRITE}"):
            lab.apply(claim("data"), pod("one", "data"))
            refused = diagnosed(target, lab, "Pod one", "not-authorized", "problem")
        assert f"lacks {WRITE} over /subscriptions/" in refused.because
        assert "Original Error: autorest/azure" in refused.evidence[0].says
        lab.running("one")
        with lab.fault("disk-quota"):
            lab.apply(claim("more"), pod("two", "more"))
            assert diagnosed(target, lab, "Pod two", "disk-quota", "problem").also == ("provisioning",)
        lab.running("two")
