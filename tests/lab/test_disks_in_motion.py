"""Controllers, agents and driver together, through kubectl: lost nodes, disruptions, updates, growth, what is kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, broken_lab, claim, pod, pod_spec, workload
from tests.programs import needs

pytestmark = needs("kubectl")

SPEED = 400.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
GONE = "Volume is already exclusively attached to one node and can't be attached to another"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("motion"), SPEED) as lab:
        yield lab


@pytest.fixture
def lab(whole: Broken, request: pytest.FixtureRequest) -> Iterator[Broken]:
    """The module's lab in a namespace of the test's own."""
    name = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_").lower())[:60].strip("-")
    whole.kubectl("create", "namespace", name)
    yield replace(whole, namespace=name)
    whole.kubectl("delete", "namespace", name, "--wait=false")


def cluster_seconds(since: float) -> float:
    return (time.monotonic() - since) * SPEED


def nodes_of(lab: Broken, app: str) -> list[str]:
    return lab.get("{.items[*].spec.nodeName}", "pods", "-l", f"app={app}").split()


def ready(lab: Broken, node: str) -> None:
    lab.kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=20s")


def test_a_lost_node_lets_its_disk_go_after_everybodys_patience(lab: Broken) -> None:
    """A Deployment's pod is replaced after 50 + 300 s; the disk follows only when the old pod no longer counts."""
    lab.apply(claim("data"), workload("Deployment", "web", 1, pod_spec("data")))
    lab.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    (node,) = nodes_of(lab, "web")
    old = lab.get("{.items[0].metadata.name}", "pods")
    with lab.fault("node-silent", f"node/{node}"):
        began = time.monotonic()
        lab.told(f"NodeNotReady Node {node} status is now: NodeNotReady", f"node/{node}", "default")
        assert lab.get("{.spec.taints[*].key}", "node", node).split()[0] == "node.kubernetes.io/unreachable"
        lab.told(f"TaintManagerEviction Marking for deletion Pod {lab.namespace}/{old}", f"pod/{old}")
        # At this speed a node is lost after 3 real seconds rather than 50 cluster seconds.
        assert cluster_seconds(began) > 340
        new = lab.shown("pods", "{{.metadata.name}}", rf"web-\S+(?<!{old})\n").strip()
        lab.told(
            rf'FailedAttachVolume Multi-Attach error for volume "pvc-.*" Volume is already used by pod\(s\) {old}', new
        )
        assert lab.get("{.metadata.deletionTimestamp}", "pod", old)
        assert lab.get("{.status.phase}", "pod", old) == "Running"

        lab.kubectl("delete", "pod", old, "--force", "--grace-period=0")
        forced = time.monotonic()
        lab.running(new)
        assert cluster_seconds(forced) > 360
    ready(lab, node)


def test_a_set_makes_no_second_pod_of_a_name_and_out_of_service_shortens_it(lab: Broken) -> None:
    lab.apply(workload("StatefulSet", "db", 1, pod_spec(), claim("data")))
    lab.shown("statefulset db", "{{.status.readyReplicas}}", "1")
    node, uid = lab.get("{.spec.nodeName} {.metadata.uid}", "pod", "db-0").split()
    with lab.fault("node-silent", f"node/{node}"):
        lab.told(f"TaintManagerEviction Marking for deletion Pod {lab.namespace}/db-0", "pod/db-0")
        time.sleep(900 / SPEED)
        assert lab.get("{.metadata.uid}", "pod", "db-0") == uid
        lab.kubectl("taint", "node", node, OUT_OF_SERVICE)
        began = time.monotonic()
        lab.shown("pods", "{{.metadata.uid}} {{.status.phase}}", rf"(?<!{uid}) Running")
        assert cluster_seconds(began) < 360
        assert lab.get("{.spec.nodeName}", "pod", "db-0") != node
        # The volume is on its way from the moment that the old pod is gone: nobody else holds it.
        assert "Multi-Attach" not in lab.get("{.items[*].message}", "events")
    lab.kubectl("taint", "node", node, OUT_OF_SERVICE + "-")
    ready(lab, node)


def test_drain_waits_for_the_budget(lab: Broken) -> None:
    lab.apply(workload("Deployment", "web", 1, pod_spec(node=lab.node(2))))
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guard"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    lab.apply(budget)
    lab.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    lab.shown("pdb guard", "{{.status.currentHealthy}}", "1")
    try:
        drain = ("drain", lab.node(2), "--pod-selector=app=web", "--ignore-daemonsets")
        refused = lab.kubectl(*drain, "--timeout=1s", code=1)
        assert "Cannot evict pod as it would violate the pod's disruption budget." in refused
        lab.kubectl("patch", "pdb", "guard", "-p", '{"spec":{"minAvailable":0}}')
        lab.shown("pdb guard", "{{.status.disruptionsAllowed}}", "1")
        assert "drained" in lab.kubectl(*drain, "--timeout=20s")
    finally:
        lab.kubectl("uncordon", lab.node(2))


@pytest.mark.parametrize("strategy", ["Recreate", "RollingUpdate"])
def test_an_update_of_one_replica_with_a_disk(lab: Broken, strategy: str) -> None:
    """RollingUpdate starts the new pod first: on another node it waits for ever. Recreate ends the old one first."""
    anti = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [anti]}}
    made = workload("Deployment", "web", 1, pod_spec("data", affinity=apart))
    made["spec"]["strategy"] = {"type": strategy}
    lab.apply(claim("data"), made)
    lab.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    (old,) = lab.get("{.items[*].metadata.name}", "pods").split()
    lab.kubectl("set", "image", "deployment/web", "busy=busybox:2")
    if strategy == "Recreate":
        lab.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
        assert old not in lab.get("{.items[*].metadata.name}", "pods").split()
        return
    new = lab.shown("pods", "{{.metadata.name}}", rf"web-\S+(?<!{old})\n").strip()
    lab.told(
        rf'FailedAttachVolume Multi-Attach error for volume "pvc-.*" Volume is already used by pod\(s\) {old}', new
    )
    stuck = lab.kubectl("rollout", "status", "deployment/web", "--timeout=1s", code=1)
    assert "1 old replicas are pending termination" in stuck


def test_a_claim_grows_with_its_disk(lab: Broken) -> None:
    lab.apply(claim("data"), pod("p", "data"))
    lab.running("p")
    lab.kubectl("patch", "pvc", "data", "-p", '{"spec":{"resources":{"requests":{"storage":"40Gi"}}}}')
    lab.shown("pvc data", "{{.status.capacity.storage}}", "40Gi")
    volume = lab.volume("data")
    assert lab.get("{.spec.capacity.storage}", "pv", volume) == "40Gi"
    assert lab.azure.disks.get(lab.state.node_resource_group, volume).disk_size_gb == 40
    told = lab.kubectl("events", "--for", "pvc/data")
    for reason in ("ExternalExpanding", "Resizing", "FileSystemResizeRequired", "FileSystemResizeSuccessful"):
        assert reason in told


def test_a_retained_volume_is_bound_again_by_hand(lab: Broken) -> None:
    lab.apply(claim("data"), pod("p", "data"))
    lab.running("p")
    volume = lab.volume("data")
    lab.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    lab.kubectl("delete", "pod/p", "pvc/data")
    lab.wait("jsonpath={.status.phase}=Released", f"pv/{volume}")
    assert lab.azure.disks.get(lab.state.node_resource_group, volume).disk_state in ("Attached", "Unattached")

    again = claim("again")
    again["spec"]["volumeName"] = volume
    lab.apply(again, pod("q", "again"))
    assert lab.get("{.status.phase}", "pvc", "again") == "Pending"
    lab.kubectl("patch", "pv", volume, "--type=json", "-p", '[{"op":"remove","path":"/spec/claimRef"}]')
    lab.running("q")

    lab.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
    lab.kubectl("delete", "pod/q", "pvc/again")
    lab.kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=20s")
    left = [disk.name for disk in lab.azure.disks.list_by_resource_group(lab.state.node_resource_group)]
    assert volume not in left


def test_a_disk_made_outside_is_bound_by_its_name(lab: Broken) -> None:
    group = lab.state.node_resource_group
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 25}
    body = {"location": "westeurope", "sku": {"name": "Premium_LRS"}, "properties": properties}
    disk = lab.azure.disks.begin_create_or_update(group, "by-hand", body).result()
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "by-hand"},
        "spec": {
            "capacity": {"storage": "25Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": disk.id},
        },
    }
    wanted = claim("data", "")
    wanted["spec"]["volumeName"] = "by-hand"
    lab.apply(volume, wanted, pod("p", "data"))
    lab.running("p")
    assert lab.azure.disks.get(group, "by-hand").disk_state == "Attached"
    lab.kubectl("delete", "pod/p", "pvc/data")
    lab.wait("jsonpath={.status.phase}=Released", "pv/by-hand")
    lab.kubectl("delete", "pv/by-hand")
    assert lab.azure.disks.get(group, "by-hand").disk_size_gb == 25


def test_a_shared_disk_is_on_two_nodes_and_not_on_a_third(lab: Broken) -> None:
    parameters = {"skuName": "Premium_LRS", "maxShares": "2", "cachingMode": "None"}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "shared-by-two"}}
    of_class = {**kind, "provisioner": "disk.csi.azure.com", "parameters": parameters}
    wanted = claim("data", "shared-by-two", "ReadWriteMany")
    wanted["spec"]["volumeMode"] = "Block"
    device = {"name": "busy", "image": "busybox", "volumeDevices": [{"name": "data", "devicePath": "/dev/shared"}]}
    pods = [pod(f"p{number}", "data", node=lab.node(number), containers=[device]) for number in range(3)]
    lab.apply(of_class, wanted, pods[0])
    lab.running("p0")
    lab.apply(pods[1])
    lab.running("p1")
    disk = lab.azure.disks.get(lab.state.node_resource_group, lab.volume("data"))
    assert [machine.rpartition("_")[2] for machine in disk.managed_by_extended] == ["0", "1"]
    lab.apply(pods[2])
    lab.told("because it is already attached to 2 VMs", "p2")
    lab.kubectl("delete", "pod", "p0")
    lab.running("p2")
    lab.kubectl("delete", "storageclass", "shared-by-two")


def test_a_removed_node_takes_its_pods_along(lab: Broken) -> None:
    lab.apply(workload("Deployment", "web", 1, pod_spec("data")), claim("data"))
    lab.kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    (node,) = nodes_of(lab, "web")
    old = lab.get("{.items[0].metadata.name}", "pods")
    with lab.fault("node-gone", f"node/{node}"):
        lab.told(f"RemovingNode Node {node} event: Removing Node {node} from Controller", f"node/{node}", "default")
        lab.shown("pods", "{{.metadata.name}} {{.status.phase}}", rf"web-\S+(?<!{old}) Running")
        (new,) = nodes_of(lab, "web")
        assert new != node
        lab.shown("deployment web", "{{.status.availableReplicas}}", "1")
    ready(lab, node)
    attachments = json.loads(lab.kubectl("get", "volumeattachments", "-o", "json"))["items"]
    assert node not in [entry["spec"]["nodeName"] for entry in attachments if entry["status"].get("attached")]


FOREIGN = "/subscriptions/00000000-0000-0000-0000-0000000000ff/resourceGroups/g/providers/Microsoft.Compute/disks/d"


def test_a_static_volume_that_names_no_disk_of_the_clusters_is_told_of_at_its_pod(lab: Broken) -> None:
    """In the driver's words; the second one's disk is of a subscription that its identity does not see."""
    volumes = {"share": "group#account#share", "foreign": FOREIGN}
    for name, handle in volumes.items():
        wanted = claim(name)
        wanted["spec"]["volumeName"] = name
        lab.apply(static(name, handle, lab.namespace), wanted, pod(name, name))
    answers = {"share": "invalid URI: group#account#share", "foreign": f"GET https://management.azure.com{FOREIGN}"}
    for name, answer in answers.items():
        failed = f'AttachVolume.Attach failed for volume "{name}" : rpc error: code = NotFound desc = Volume not found'
        lab.told(re.escape(f"FailedAttachVolume {failed}, failed with error: {answer}"), name)
        assert lab.get("{.status.phase}", "pvc", name) == "Bound", "nobody compares the handle with anything"
    lab.kubectl("delete", "pod,pvc", *volumes, "--wait=false")
    lab.wait("jsonpath={.status.phase}=Released", *(f"pv/{name}" for name in volumes))


def static(name: str, handle: str, namespace: str) -> dict[str, object]:
    """A volume that is made by hand, for the claim of its name."""
    spec = {
        "capacity": {"storage": "25Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "managed-premium",
        "claimRef": {"namespace": namespace, "name": name},
        "csi": {"driver": "disk.csi.azure.com", "volumeHandle": handle},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
