"""Causes about attaching, nodes and machines on a lab whose faults make them: found, and over again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.diagnosis import Finding
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.parameters import validate
from tests.lab.breaking import Broken, broken_lab, claim, pod, pod_spec, workload
from tests.processes import running
from tests.programs import needs

pytestmark = needs("kubectl")
SPEED = 100.0
"""Five minutes are three seconds."""
PATIENCE = 30.0


@pytest.fixture
def faulty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[tuple[Broken, Target]]:
    """A lab of the test's own, at the speed and of the scenario that it asks for, and the target in it."""
    with broken_lab(tmp_path, *request.param) as lab:
        monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state.state_dir)
        with connect(validate({})) as reached:
            yield lab, reached


def diagnosed(target: Target, lab: Broken, name: str, cause: str, verdict: str = "") -> Finding:
    """The finding about a pod, once it is this cause; what was found until then is told if it never is."""
    seen, ends = [], time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        _, diagnosis = examine(target.cluster, target.azure, lab.namespace, SPEED)
        for each in diagnosis.findings:
            if each.object.kind == "Pod" and each.object.name == name:
                if each.cause == cause and each.verdict == (verdict or each.verdict):
                    return each
                seen.append((each.cause, each.verdict, each.because))
        time.sleep(0.1)
    raise AssertionError(f"{name} was never {cause} {verdict}, but {list(dict.fromkeys(seen))}")


def objects(finding: Finding) -> set[str]:
    return {f"{row.source}: {row.object.partition(' ')[0]}" for row in finding.evidence}


def test_shared_claim(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    lab.apply(pod("two", "data", node=lab.node(1)))
    finding = diagnosed(target, lab, "two", "shared-claim")
    assert finding.because == f"all pods share claim data, so one disk; it is on {lab.node(0)}, where one runs"
    assert {"Kubernetes: Pod", "Kubernetes: VolumeAttachment"} <= objects(finding)
    # The claim has the same cause.
    _, diagnosis = examine(target.cluster, target.azure, lab.namespace, SPEED)
    assert {each.cause for each in diagnosis.findings} == {"shared-claim"} and diagnosis.exit_code == 1


def test_rolling_update_surge(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), workload("Deployment", "web", 1, pod_spec("data")))
    lab.wait("condition=Available", "deployment/web")
    old, node = lab.get("{.items[0].metadata.name} {.items[0].spec.nodeName}", "pods").split()
    lab.kubectl("cordon", node)
    try:
        lab.kubectl("rollout", "restart", "deployment/web")
        new = lab.shown("pods", "{{.metadata.name}} {{.spec.nodeName}}", rf"(?m)^(?!{old} )web-\S+ aks-").split()[0]
        finding = diagnosed(target, lab, new, "rolling-update-surge")
        assert f"before it ends {old} on {node}" in finding.because and finding.also == ("shared-claim",)
    finally:
        lab.kubectl("uncordon", node)


def test_detach_pending_then_machine_stuck(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("old", "data", node=lab.node(0)))
    lab.running("old")
    with lab.fault("machine-stuck", f"node/{lab.node(0)}"):
        lab.kubectl("delete", "pod", "old", "--wait=false")
        lab.apply(pod("new", "data", node=lab.node(1)))
        finding = diagnosed(target, lab, "new", "detach-pending", "wait")
        assert f"still on {lab.node(0)}" in finding.because
        finding = diagnosed(target, lab, "new", "machine-stuck")
        assert f"a change of the machine of {lab.node(0)} has not ended" in finding.because
        assert "Azure: machine" in objects(finding) and "az vmss get-instance-view" in finding.next[0].command
    lab.running("new")


def test_detach_failed_and_its_machine_for_others(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), claim("more"), pod("old", "data", node=lab.node(0)))
    lab.running("old")
    disk = lab.volume("data")
    with lab.fault("detach-stuck", f"disk/{disk}"):
        lab.kubectl("delete", "pod", "old")
        lab.apply(pod("new", "data", node=lab.node(1)))
        finding = diagnosed(target, lab, "new", "detach-failed")
        assert f"could not be detached from {lab.node(0)}" in finding.because
        assert "Azure: machine" in objects(finding)
        # Azure names the disk that does not go, when another pod's shall come.
        lab.apply(pod("another", "more", node=lab.node(0)))
        finding = diagnosed(target, lab, "another", "machine-stuck")
        assert f"disk {disk} (volume {disk} of claim {lab.namespace}/data)" in finding.because
    lab.running("new", "another")


def test_holder_lost_and_node_lost(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), workload("Deployment", "web", 1, pod_spec("data")))
    lab.wait("condition=Available", "deployment/web")
    old, node = lab.get("{.items[0].metadata.name} {.items[0].spec.nodeName}", "pods").split()
    with lab.fault("node-silent", f"node/{node}"):
        finding = diagnosed(target, lab, old, "node-lost")
        assert finding.because.startswith(f"its node {node} is NotReady: Kubelet stopped posting node status")
        new = lab.shown("pods", "{{.metadata.name}} {{.spec.nodeName}}", rf"(?m)^(?!{old} )web-\S+ aks-").split()[0]
        finding = diagnosed(target, lab, new, "holder-lost")
        assert f"{old} still holds the disk: it is Terminating on {node}, which is NotReady" in finding.because
        assert finding.because.endswith("its machine is running in Azure, so it may still write")
        assert [step.risk for step in finding.next] == ["none", "data"]
        assert {"Kubernetes: Node", "Kubernetes: Pod", "Azure: machine", "Azure: disk"} <= objects(finding)
    lab.wait("condition=Ready", f"node/{node}")
    lab.running(new)


def test_a_machine_that_has_stopped_is_proven(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("old", "data", node=lab.node(2)))
    lab.running("old")
    machines, group = lab.azure.virtual_machine_scale_set_vms, lab.state.node_resource_group
    machines.begin_deallocate(group, "aks-agentpool-22115152-vmss", "2").result()
    try:
        lab.wait("condition=Ready=Unknown", f"node/{lab.node(2)}")
        lab.kubectl("delete", "pod", "old", "--wait=false")
        lab.apply(pod("new", "data", node=lab.node(1)))
        finding = diagnosed(target, lab, "new", "holder-lost")
        assert finding.because.endswith("which is NotReady; its machine is deallocated in Azure")
    finally:
        machines.begin_start(group, "aks-agentpool-22115152-vmss", "2").result()
    lab.wait("condition=Ready", f"node/{lab.node(2)}")
    lab.running("new")


def test_attach_slow_and_machine_stuck(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"))
    with lab.fault("attach-slow"):
        lab.apply(pod("slow", "data", node=lab.node(1)))
        finding = diagnosed(target, lab, "slow", "attach-slow", "wait")
        assert f"being attached to {lab.node(1)}" in finding.because
        lab.running("slow")
    lab.apply(claim("more"))
    with lab.fault("machine-stuck", f"node/{lab.node(1)}"):
        lab.apply(pod("stuck", "more", node=lab.node(1)))
        finding = diagnosed(target, lab, "stuck", "machine-stuck")
        assert finding.also == ("attach-slow",) and "Azure: machine" in objects(finding)
    lab.running("stuck")


def test_disk_elsewhere(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    disk = lab.volume("data")
    lab.kubectl("delete", "pod", "one")
    of_disk = f"{{.items[?(@.spec.source.persistentVolumeName=='{disk}')].metadata.name}}"
    if attachment := lab.get(of_disk, "volumeattachments"):
        lab.kubectl("wait", "--for=delete", f"volumeattachment/{attachment}", "--timeout=20s", code=None)
    with lab.fault("disk-elsewhere", f"disk/{disk}"), lab.fault("machine-stuck", f"node/{lab.node(2)}"):
        lab.apply(pod("two", "data", node=lab.node(0)))
        finding = diagnosed(target, lab, "two", "disk-elsewhere")
        assert f"Azure has its disk on the machine of node {lab.node(2)}, not on {lab.node(0)}" in finding.because
        assert "Azure: disk" in objects(finding)
    lab.running("two")


def test_stale_attachment(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("old", "data", node=lab.node(2)))
    lab.running("old")
    volume = lab.volume("data")
    attachment = lab.get(
        f"{{.items[?(@.spec.source.persistentVolumeName=='{volume}')].metadata.name}}", "volumeattachment"
    )
    lab.kubectl("annotate", "volumeattachment", attachment, "csi.alpha.kubernetes.io/node-id-")
    with lab.fault("node-gone", f"node/{lab.node(2)}"):
        lab.wait("delete", f"node/{lab.node(2)}")
        lab.kubectl("delete", "pod", "old", "--force", "--ignore-not-found")
        lab.apply(pod("new", "data", node=lab.node(1)))
        finding = diagnosed(target, lab, "new", "stale-attachment")
        assert f"node {lab.node(2)}, which is gone, and Azure has no such machine any more" in finding.because
        assert finding.next[-1].command.startswith(f"kubectl delete volumeattachment {attachment}")
    lab.running("new")
    lab.wait("condition=Ready", f"node/{lab.node(2)}")


def test_disk_gone(lab: Broken, target: Target) -> None:
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    disk = lab.volume("data")
    lab.kubectl("delete", "pod", "one")
    with lab.fault("disk-gone", f"disk/{disk}"):
        lab.apply(pod("two", "data"))
        finding = diagnosed(target, lab, "two", "disk-gone")
        assert finding.because == f"Azure has no disk {disk}, which volume {disk} names"
        assert {"Kubernetes: PersistentVolume", "Azure: disk"} <= objects(finding)
    lab.running("two")


def test_driver_missing_and_device_missing(lab: Broken, target: Target) -> None:
    node = lab.node(1)
    with lab.fault("driver-down", f"node/{node}"):
        lab.apply(claim("data"), pod("one", "data", node=node))
        finding = diagnosed(target, lab, "one", "driver-missing")
        assert finding.because == f"the disk driver is not registered on node {node}; its pod there is CrashLoopBackOff"
        [shown] = [each for each in finding.evidence if each.object.startswith("Pod kube-system/csi-azuredisk-node-")]
        assert shown.says.startswith("CrashLoopBackOff, 2 of 3 containers ready, ")
        assert "logs csi-azuredisk-node-" in finding.next[1].command
        assert "Kubernetes: CSINode" in objects(finding)
    lab.running("one")
    with lab.fault("device-missing", f"node/{node}"):
        lab.apply(claim("more"), pod("two", "more", node=node))
        finding = diagnosed(target, lab, "two", "device-missing")
        assert f"its disk is attached to {node} on both sides" in finding.because
        assert {"Kubernetes: Pod", "Azure: machine"} <= objects(finding)
    lab.running("two")


def test_driver_down(lab: Broken, target: Target) -> None:
    with lab.fault("driver-down"):
        lab.apply(claim("data"), pod("one", "data"))
        finding = diagnosed(target, lab, "one", "driver-down")
        assert finding.because.endswith("claim data waits for a disk, and nothing else is told")
        assert {"Kubernetes: PersistentVolumeClaim", "Kubernetes: CSINodes"} <= objects(finding)
    lab.running("one")


def test_fsgroup_slow(lab: Broken, target: Target) -> None:
    with lab.fault("fsgroup-slow"):
        lab.apply(claim("data"), pod("one", "data", securityContext={"fsGroup": 2000}))
        finding = diagnosed(target, lab, "one", "fsgroup-slow")
        assert "to group 2000" in finding.because and finding.confidence == "certain"
    lab.running("one")


@pytest.mark.parametrize("faulty", [(10.0, "regional")], indirect=True)
def test_instance_not_found(faulty: tuple[Broken, Target]) -> None:
    """A machine that is gone, before Kubernetes gives up its node: slowly, so that there is time to attach."""
    lab, target = faulty
    node = lab.node(1)
    lab.apply(claim("data"), pod("first", "data"))
    lab.running("first")
    lab.kubectl("delete", "pod", "first", "--grace-period=1")
    with lab.fault("node-gone", f"node/{node}"):
        lab.apply(pod("two", "data", node=node))
        finding = diagnosed(target, lab, "two", "instance-not-found")
        assert f"does not find the machine of node {node} in Azure, and Azure does not list it" in finding.because
        assert "Azure: machine" in objects(finding)


def test_a_drain_is_no_problem(lab: Broken, target: Target) -> None:
    """Pods end, disks move, pods start: at each moment a wait, or nothing."""
    lab.apply(workload("StatefulSet", "web", 2, pod_spec(), claim("data")))
    lab.shown("statefulset web", "{{.status.readyReplicas}}", "2")
    node = lab.get("{.items[0].spec.nodeName}", "pods")
    command = ["kubectl", "--namespace", lab.namespace, "drain", node, "--ignore-daemonsets", "--pod-selector=app=web"]
    moved, seen = False, set()
    try:
        with running(command, env=dict(lab.environment), stdout=subprocess.DEVNULL) as drain:
            ends = time.monotonic() + PATIENCE
            while time.monotonic() < ends and not (moved and drain.poll() is not None):
                inventory, diagnosis = examine(target.cluster, target.azure, lab.namespace, SPEED)
                moved = len(inventory.pods) == 2 and all(p.ready and p.node != node for p in inventory.pods)
                seen |= {(each.cause, each.verdict, each.because) for each in diagnosis.findings}
    finally:
        lab.kubectl("uncordon", node)
    assert moved and drain.returncode == 0
    assert [each for each in seen if each[1] == "problem"] == []


@pytest.mark.parametrize("faulty", [(SPEED, "small-quota")], indirect=True)
def test_no_disk_slot_and_foreign_disks(faulty: tuple[Broken, Target]) -> None:
    lab, target = faulty
    node, group = lab.node(1), lab.state.node_resource_group
    lab.apply(*map(claim, "abc"), pod("one", "a", "b", "c", node=node))
    finding = diagnosed(target, lab, "one", "no-disk-slot")
    assert finding.because == "it mounts 3 claims, and no node takes more than 2 disks"
    lab.kubectl("delete", "pod", "one")
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    body = {"location": "westeurope", "properties": properties}
    foreign = lab.azure.disks.begin_create_or_update(group, "foreign", body).result()
    attach = {"dataDisksToAttach": [{"diskId": foreign.id}]}
    machines = lab.azure.virtual_machine_scale_set_vms
    machines.begin_attach_detach_data_disks(group, "aks-agentpool-22115152-vmss", "1", attach).result()
    lab.apply(pod("two", "a", "b", node=node))
    finding = diagnosed(target, lab, "two", "foreign-disks")
    assert finding.because.endswith("foreign is not Kubernetes' to count")
    assert "no-disk-slot" in finding.also and "Azure: machine" in objects(finding)
