"""Every fault, and each of the fifteen problems that users have with disks: made, seen in their words, and over again.

The rows are those of a survey of public issue threads; each names the thread that its words come from.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aksdisks.lab.errors import FaultError
from aksdisks.lab.fault_catalogue import KINDS
from aksdisks.lab.faults.registry import Faults
from tests.lab.breaking import Broken, broken_lab, claim, pod, pod_spec, workload
from tests.programs import needs

pytestmark = needs("kubectl")

SNAPSHOTS = "snapshot.storage.k8s.io/v1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("faults")) as lab:
        yield lab


@pytest.fixture
def lab(whole: Broken, request: pytest.FixtureRequest) -> Iterator[Broken]:
    """The module's lab in a namespace of the test's own."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:50].rstrip("-")
    whole.kubectl("create", "namespace", name)
    yield replace(whole, namespace=name)
    whole.kubectl("delete", "namespace", name, "--wait=false")


# The fifteen rows


def test_row_1_a_claim_shared_by_design(lab: Broken) -> None:
    """AKS#477"""
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    lab.apply(pod("two", "data", node=lab.node(1)))
    lab.told(
        r"FailedAttachVolume Multi-Attach error for volume \"pvc-.*\" Volume is already used by pod\(s\) one", "two"
    )
    lab.kubectl("delete", "pod", "one")
    lab.running("two")


def test_row_2_a_detach_that_is_pending(lab: Broken) -> None:
    """K#96142"""
    lab.apply(claim("data"), pod("old", "data", node=lab.node(0)))
    lab.running("old")
    with lab.fault("detach-stuck", f"disk/{lab.volume('data')}"):
        lab.kubectl("delete", "pod", "old")
        lab.apply(pod("new", "data", node=lab.node(1)))
        lab.told(
            r"Multi-Attach error .* already exclusively attached to one node and can't be attached to another", "new"
        )
        assert lab.machine(0).provisioning_state in ("Failed", "Updating")
    lab.running("new")


def test_a_detach_that_fails_is_healed_by_force(lab: Broken) -> None:
    """The driver's --force-detach-backoff"""
    lab.apply(claim("data"), pod("old", "data", node=lab.node(0)))
    lab.running("old")
    with lab.fault("detach-fails", f"disk/{lab.volume('data')}"):
        lab.kubectl("delete", "pod", "old")
        lab.apply(pod("new", "data", node=lab.node(1)))
        lab.running("new")
    assert lab.machine(0).provisioning_state == "Succeeded"


def test_row_3_a_lost_node(lab: Broken) -> None:
    """K#55713"""
    lab.apply(claim("data"), workload("Deployment", "web", 1, pod_spec("data")))
    lab.wait("condition=Available", "deployment/web")
    old, node = lab.get("{.items[0].metadata.name} {.items[0].spec.nodeName}", "pods").split()
    with lab.fault("node-silent", f"node/{node}"):
        lab.wait("condition=Ready=Unknown", f"node/{node}")
        lab.told("NodeNotReady Node .* status is now: NodeNotReady", node, "default")
        lab.shown("pods", "{{.metadata.name}} {{.metadata.deletionTimestamp}}", rf"{old} 2")
        assert "Terminating" in lab.kubectl("get", "pod", old)
        new = lab.shown("pods", "{{.metadata.name}} {{.spec.nodeName}}", rf"(?m)^(?!{old} )web-\S+ aks-").split()[0]
        lab.told(rf"Multi-Attach error .* Volume is already used by pod\(s\) {old}", new)
        # The machine is proven off: only then.
        lab.kubectl("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
        lab.running(new)
    lab.kubectl("taint", "node", node, "node.kubernetes.io/out-of-service-")
    lab.wait("condition=Ready", f"node/{node}")


def test_row_4_a_machine_that_is_stuck(lab: Broken) -> None:
    """AKS#615, AKS#1278"""
    lab.apply(claim("data"), claim("more"), pod("first", "data", node=lab.node(2)))
    lab.running("first")
    with lab.fault("machine-stuck", f"node/{lab.node(2)}"):
        lab.apply(pod("second", "more", node=lab.node(2)))
        lab.told(
            "AttachVolume.Attach failed .* timed out waiting for external-attacher of disk.csi.azure.com", "second"
        )
        assert lab.machine(2).provisioning_state == "Updating"
    lab.running("second")
    disk = lab.volume("data")
    with lab.fault("detach-stuck", f"disk/{disk}"):
        lab.kubectl("delete", "pod", "first")
        lab.shown("volumeattachments", "{{.status.detachError}}", "InternalExecutionError")
        lab.apply(claim("third"), pod("third", "third", node=lab.node(2)))
        lab.told(f"AttachDiskWhileBeingDetached[^§]*Cannot attach data disk '{disk}' to VM .*_2' because", "third")
    lab.running("third")


def test_row_5_a_disk_in_another_zone(tmp_path: Path) -> None:
    """K#97080, K#129887"""
    zonal = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "zonal"},
        "provisioner": "disk.csi.azure.com",
        "parameters": {"skuname": "Premium_LRS"},
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    with broken_lab(tmp_path, scenario="three-zones") as lab:
        lab.apply(zonal, claim("data", "zonal"), claim("anywhere"), pod("one", "data", node=lab.node(0)))
        lab.running("one")
        for label in ("topology\\.kubernetes\\.io/zone", "topology\\.disk\\.csi\\.azure\\.com/zone"):
            assert lab.get(f"{{.metadata.labels.{label}}}", "node", lab.node(0)) == "westeurope-1"
        disk = lab.azure.disks.get(lab.state.node_resource_group, lab.volume("data"))
        assert (disk.zones, disk.sku.name) == (["1"], "Premium_LRS")
        lab.kubectl("delete", "pod", "one")
        with lab.fault("zone-empty", "zone/1"):
            lab.wait("delete", f"node/{lab.node(0)}")
            lab.apply(pod("two", "data"), pod("redundant", "anywhere"))
            lab.told(
                r"FailedScheduling 0/2 nodes are available: 2 node\(s\) didn't match PersistentVolume's node affinity",
                "two",
            )
            lab.running("redundant")
        lab.running("two")


def test_row_6_waiting_for_a_first_consumer(lab: Broken) -> None:
    """AKS#2794"""
    lab.apply(claim("data"))
    lab.told("WaitForFirstConsumer waiting for first consumer to be created before binding", "data")
    lab.apply(pod("one", "data"))
    lab.running("one")


def test_row_7_a_claim_that_is_used_stays(lab: Broken) -> None:
    """AKS#1194"""
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    volume = lab.volume("data")
    lab.kubectl("delete", "pvc", "data", "--wait=false")
    assert "Terminating" in lab.kubectl("get", "pvc", "data")
    assert "kubernetes.io/pvc-protection" in lab.get("{.metadata.finalizers}", "pvc", "data")
    lab.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    lab.kubectl("delete", "pod", "one")
    lab.wait("jsonpath={.status.phase}=Released", f"pv/{volume}")
    assert lab.azure.disks.get(lab.state.node_resource_group, volume).disk_state in ("Attached", "Unattached")
    lab.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
    lab.wait("delete", f"pv/{volume}")


def test_row_8_dangling_attachments(lab: Broken) -> None:
    """CSI#1301, K#90986"""
    lab.apply(claim("data"), claim("other"), pod("one", "data", node=lab.node(2)), pod("two", "other"))
    lab.running("one", "two")
    volume, other = lab.volume("data"), lab.volume("other")
    attachment = lab.get(
        f"{{.items[?(@.spec.source.persistentVolumeName=='{volume}')].metadata.name}}", "volumeattachment"
    )
    lab.kubectl("annotate", "volumeattachment", attachment, "csi.alpha.kubernetes.io/node-id-")
    with lab.fault("node-gone", f"node/{lab.node(2)}"):
        lab.told(
            "DeletingNode Deleting node .* because it does not exist in the cloud provider", lab.node(2), "default"
        )
        missing = f'csinode.storage.k8s.io "{lab.node(2)}" not found'
        lab.kubectl("delete", "pod", "one", "--force", "--ignore-not-found")
        lab.shown("volumeattachments", "{{.status.detachError}}", missing)
    lab.wait("delete", f"volumeattachment/{attachment}")
    lab.wait("condition=Ready", f"node/{lab.node(2)}")
    lab.kubectl("delete", "pod", "two")
    with lab.fault("disk-elsewhere", f"disk/{other}"):
        holder = lab.azure.disks.get(lab.state.node_resource_group, other).managed_by
        lab.kubectl("delete", "pvc", "other", "--wait=false")
        lab.told(rf"VolumeFailedDelete .* already attached to node\({holder}\), could not be deleted", other, "default")
    lab.wait("delete", f"pv/{other}")


def test_row_9_no_driver_and_no_device(lab: Broken) -> None:
    """CSI#2777, CSI#2357"""
    node = lab.node(1)
    with lab.fault("driver-down", f"node/{node}"):
        lab.apply(claim("data"), pod("one", "data", node=node))
        lab.told(f"AttachVolume.Attach failed .* : CSINode {node} does not contain driver disk.csi.azure.com", "one")
        of_node = (
            "get",
            "pods",
            "-n",
            "kube-system",
            f"--field-selector=spec.nodeName={node}",
            "-l",
            "app=csi-azuredisk-node",
        )
        template = "{{.metadata.name}} {{.spec.nodeName}} {{range .status.containerStatuses}}{{.state}}{{end}}"
        crashes = rf"\S+ {node} .*CrashLoopBackOff"
        lab.shown("pods", template, crashes, "kube-system")
        assert re.search(r"csi-azuredisk-node-\w{5} +2/3 +CrashLoopBackOff +1 ", lab.kubectl(*of_node))
        before = lab.kubectl(*of_node, "-o", "name").strip()
        lab.kubectl("delete", "-n", "kube-system", before)
        shown = lab.shown("pods", template, crashes, "kube-system")
        assert f"pod/{shown.split()[0]}" != before
        counted = "{{.status.numberReady}} of {{.status.desiredNumberScheduled}}"
        lab.shown("daemonsets", counted, "2 of 3", "kube-system")
    lab.running("one")
    lab.shown("daemonsets", counted, "3 of 3", "kube-system")
    assert re.search(r"csi-azuredisk-node-\w{5} +3/3 +Running +1 ", lab.kubectl(*of_node))
    with lab.fault("device-missing", f"node/{node}"):
        lab.apply(claim("more"), pod("two", "more", node=node))
        lab.told("SuccessfulAttachVolume AttachVolume.Attach succeeded for volume", "two")
        lab.told("FailedMount MountVolume.MountDevice failed .* failed to find disk on lun 1", "two")
    lab.running("two")


def test_rows_10_and_12_limits_of_machines_and_of_the_subscription(tmp_path: Path) -> None:
    """CSI#767, CSI#879"""
    with broken_lab(tmp_path, scenario="small-quota") as lab:
        node, group = lab.node(0), lab.state.node_resource_group
        lab.apply(*map(claim, "abc"), pod("one", "a", "b", "c", node=node))
        lab.told(r"FailedScheduling .*1 node\(s\) exceed max volume count", "one")
        lab.kubectl("delete", "pod", "one")
        lab.apply(pod("two", "a", "b", node=node))
        lab.running("two")
        # A disk of someone else's takes a place that Kubernetes does not know of.
        properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
        foreign = lab.azure.disks.begin_create_or_update(
            group, "foreign", {"location": "westeurope", "properties": properties}
        ).result()
        attach = {"dataDisksToAttach": [{"diskId": foreign.id}]}
        machines = lab.azure.virtual_machine_scale_set_vms
        machines.begin_attach_detach_data_disks(group, "aks-agentpool-22115152-vmss", "1", attach).result()
        lab.kubectl("delete", "pod", "two")
        lab.apply(pod("three", "a", "b", node=lab.node(1)))
        lab.told("The maximum number of data disks allowed to be attached to a VM of this size is 2", "three")
        lab.apply(claim("d"), pod("four", "d", node=lab.node(2)))
        lab.told("ProvisioningFailed [^§]*exceeding approved PremiumDiskCount quota[^§]*Current Limit: 3", "d")
        detach = {"dataDisksToDetach": [{"diskId": foreign.id}]}
        machines.begin_attach_detach_data_disks(group, "aks-agentpool-22115152-vmss", "1", detach).result()
        lab.azure.disks.begin_delete(group, "foreign").result()
        lab.running("three", "four")


def test_row_11_a_resize_that_does_not_end(lab: Broken) -> None:
    """AKS#1477, K#69041"""
    lab.apply(workload("StatefulSet", "web", 1, pod_spec(), claim("data")))
    lab.running("web-0")
    grow = '{"spec":{"resources":{"requests":{"storage":"30Gi"}}}}'
    refused = lab.kubectl(
        "patch",
        "sts",
        "web",
        "--type=json",
        "-p",
        '[{"op":"replace","path":"/spec/volumeClaimTemplates/0/spec/resources/requests/storage","value":"30Gi"}]',
        code=1,
    )
    assert "updates to statefulset spec for fields other than" in refused
    with lab.fault("role-missing", "action/Microsoft.Compute/disks/write"):
        lab.kubectl("patch", "pvc", "data-web-0", "-p", grow)
        lab.told("VolumeResizeFailed [^§]*AuthorizationFailed", "data-web-0")
    lab.wait("jsonpath={.status.capacity.storage}=30Gi", "pvc/data-web-0")


def test_row_12_what_cannot_be_made(lab: Broken) -> None:
    """CSI#2122, CSI#1556"""
    lab.apply(claim("shared", mode="ReadWriteMany"), pod("one", "shared"))
    lab.told("ProvisioningFailed .*mountVolume is not supported for access mode: MULTI_NODE_MULTI_WRITER", "shared")
    with lab.fault("sku-unavailable", "sku/Premium_LRS"):
        lab.apply(claim("data"), pod("two", "data"))
        lab.told(
            "ProvisioningFailed [^§]*SKU Premium_LRS is not supported for resource type Disk in this region", "data"
        )
    lab.running("two")
    with lab.fault("disk-quota"):
        lab.apply(claim("more"), pod("three", "more"))
        lab.told("ProvisioningFailed [^§]*exceeding approved PremiumDiskCount quota", "more")
    lab.running("three")


def test_row_13_not_allowed(lab: Broken) -> None:
    """CSI#403"""
    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    action = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write"
    with lab.fault("role-missing", f"action/{action}"):
        lab.apply(claim("more"), pod("two", "more"))
        lab.told(
            f"AttachVolume.Attach failed [^§]* not have authorization to perform action '{action}' over scope", "two"
        )
    lab.running("two")
    with lab.fault("token-expired"):
        lab.apply(claim("third"), pod("three", "third"))
        lab.told("ProvisioningFailed [^§]*ExpiredAuthenticationToken[^§]*is earlier than current UTC time", "third")
        from azure.core.exceptions import ClientAuthenticationError

        with pytest.raises(ClientAuthenticationError, match="ExpiredAuthenticationToken"):
            lab.azure.disks.get(lab.state.node_resource_group, "any")
    lab.running("three")


def test_row_14_very_many_files(lab: Broken) -> None:
    """AKS#3865"""
    with lab.fault("fsgroup-slow"):
        lab.apply(claim("data"), pod("one", "data", securityContext={"fsGroup": 2000}))
        lab.told("SuccessfulAttachVolume", "one")
        lab.told(
            r"VolumePermissionChangeInProgress .*/mount is taking longer than expected, consider using OnRootMismatch",
            "one",
        )
        lab.told("VolumePermissionChangeInProgress .*/mount, processed [0-9]+ files", "one")
        assert "ContainerCreating" in lab.kubectl("get", "pod", "one")
        changed = {"fsGroup": 2000, "fsGroupChangePolicy": "OnRootMismatch"}
        lab.apply(claim("more"), pod("two", "more", securityContext=changed))
        lab.running("two")
    lab.running("one")


def test_row_15_throttled(lab: Broken) -> None:
    """AKS#1187"""
    from azure.core.exceptions import HttpResponseError

    with lab.fault("throttled"):
        lab.apply(claim("data"), pod("one", "data"))
        lab.told("ProvisioningFailed rpc error: code = DeadlineExceeded desc = context deadline exceeded", "data")
        with pytest.raises(HttpResponseError) as refused:
            next(iter(lab.azure.disks.list()))
        assert refused.value.response is not None
        assert (refused.value.status_code, int(refused.value.response.headers["Retry-After"]) > 0) == (429, True)
    lab.running("one")


# The faults that no row needs


def test_attach_slow(lab: Broken) -> None:
    with lab.fault("attach-slow"):
        lab.apply(claim("data"), pod("one", "data"))
        lab.told(
            "FailedAttachVolume .* timed out waiting for external-attacher of disk.csi.azure.com CSI driver", "one"
        )
        lab.running("one")


def snapshots_of(lab: Broken, claimed: str) -> str:
    """A class, and a pod that runs with the claim; its disk."""
    lab.apply(
        {"apiVersion": SNAPSHOTS, "kind": "VolumeSnapshotClass", "metadata": {"name": "faulty"},
         "driver": "disk.csi.azure.com", "deletionPolicy": "Delete"},
        claim(claimed), pod("writer", claimed),
    )  # fmt: skip
    lab.running("writer")
    return lab.volume(claimed)


def snapshot(name: str, of: str) -> dict[str, object]:
    spec = {"source": {"persistentVolumeClaimName": of}, "volumeSnapshotClassName": "faulty"}
    return {"apiVersion": SNAPSHOTS, "kind": "VolumeSnapshot", "metadata": {"name": name}, "spec": spec}


def test_snapshot_slow(lab: Broken) -> None:
    """AKS#4555"""
    disk = snapshots_of(lab, "data")
    with lab.fault("snapshot-slow", f"disk/{disk}"):
        lab.apply(snapshot("slow", "data"))
        lab.told(rf"SnapshotCreated Snapshot {lab.namespace}/slow was successfully created by the CSI driver", "slow")
        source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "slow"}
        restored = claim("restored")
        restored["spec"]["dataSource"] = source
        lab.apply(restored, pod("reader", "restored"))
        lab.told("ProvisioningFailed error getting handle for .* by Name slow: snapshot slow is not Ready", "restored")
        (made,) = lab.azure.snapshots.list()
        assert (made.provisioning_state, made.completion_percent) == ("Succeeded", 0.0)
    lab.told("SnapshotReady", "slow")
    lab.running("reader")


def test_snapshot_failed(lab: Broken) -> None:
    disk = snapshots_of(lab, "data")
    with lab.fault("snapshot-failed", f"disk/{disk}"):
        lab.apply(snapshot("failing", "data"))
        lab.told("CreatingSnapshot", "failing")
        content = f"snapcontent-{lab.get('{.metadata.uid}', 'vs', 'failing')}"
        lab.told(
            "SnapshotCreationFailed Failed to create snapshot: failed to take snapshot of .*Internal",
            content,
            "default",
        )
        assert "ERROR CODE: InternalExecutionError" in lab.get("{.status.error.message}", "vs", "failing")
        assert disk not in {
            one.creation_data.source_resource_id.rpartition("/")[2] for one in lab.azure.snapshots.list()
        }
    lab.told("SnapshotReady", "failing")
    assert lab.get("{.status.error}", "vs", "failing") == ""


def test_disk_gone(lab: Broken) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    lab.apply(claim("data"), pod("one", "data"))
    lab.running("one")
    disk = lab.volume("data")
    lab.kubectl("delete", "pod", "one")
    with lab.fault("disk-gone", f"disk/{disk}"):
        with pytest.raises(ResourceNotFoundError, match="was not found"):
            lab.azure.disks.get(lab.state.node_resource_group, disk)
        lab.apply(pod("two", "data"))
        lab.told(f"AttachVolume.Attach failed [^§]*code = NotFound desc = Volume not found[^§]*disks/{disk}\n", "two")
    lab.running("two")


def test_a_disk_that_is_elsewhere_is_taken_back(lab: Broken) -> None:
    lab.apply(claim("data"), pod("one", "data", node=lab.node(0)))
    lab.running("one")
    disk = lab.volume("data")
    of_disk = f"{{.items[?(@.spec.source.persistentVolumeName=='{disk}')].metadata.name}}"
    attachment = lab.get(of_disk, "volumeattachments")
    lab.kubectl("delete", "pod", "one")
    lab.wait("delete", f"volumeattachment/{attachment}")
    with lab.fault("disk-elsewhere", f"disk/{disk}"):
        lab.apply(pod("two", "data", node=lab.node(0)))
        lab.told(
            rf"FailedAttachVolume .*Attach volume {disk} to instance {lab.node(0)} failed with disk\(/.*/{disk}\) "
            rf"already attached to node\(/.*_2\), could not be attached to node\({lab.node(0)}\)",
            "two",
        )
        lab.running("two")


def test_driver_down(lab: Broken) -> None:
    with lab.fault("driver-down"):
        lab.apply(claim("data"), pod("one", "data"))
        lab.told("ExternalProvisioning Waiting for a volume to be created .* 'disk.csi.azure.com'", "data")
    lab.running("one")


def test_server_errors_and_dropped_connections(lab: Broken) -> None:
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    with lab.fault("server-errors"):
        assert "etcdserver: request timed out" in lab.kubectl("get", "--raw", "/api/v1/nodes", code=1)
        with pytest.raises(HttpResponseError, match="InternalServerError"):
            next(iter(lab.azure.disks.list()))
    with lab.fault("dropped-connections"):
        assert "EOF" in lab.kubectl("get", "--raw", "/api/v1/nodes", code=1)
        with pytest.raises((ServiceRequestError, ServiceResponseError)):
            next(iter(lab.azure.disks.list()))
    with lab.fault("server-errors", "server/azure"):
        lab.kubectl("get", "nodes")
    assert len(list(lab.azure.disks.list())) >= 3


def test_watch_expiry(lab: Broken) -> None:
    import requests
    import yaml

    token = yaml.safe_load(Path(lab.state.kubeconfig).read_text())["users"][0]["user"]["token"]

    def watch() -> requests.Response:
        return requests.get(
            f"{lab.state.kube_url}/api/v1/namespaces/{lab.namespace}/configmaps",
            params={"watch": "1", "resourceVersion": "1"},
            headers={"Authorization": f"Bearer {token}"},
            verify=lab.state.ca_bundle,
            stream=True,
            timeout=20,
        )

    version = lab.get("{.metadata.resourceVersion}", "namespace", lab.namespace)
    with lab.fault("watch-expiry"):
        line = next(watch().iter_lines())
        assert b'"type":"ERROR"' in line and b"too old resource version: 1 (" in line
    assert lab.get("{.metadata.resourceVersion}", "namespace", lab.namespace) == version


# The switch itself


def test_everything_is_off_and_the_walk_works_again(lab: Broken) -> None:
    lab.apply(workload("StatefulSet", "web", 5, pod_spec(), claim("data")))
    lab.kubectl("rollout", "status", "statefulset/web", "--timeout=40s")


def command(lab: Broken, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "aksdisks.cli.main", "lab", "fault", *arguments, "--state-dir", lab.state.state_dir]
    return subprocess.run(line, capture_output=True, text=True, timeout=30)


def test_the_command(whole: Broken) -> None:
    on = command(whole, "on", "throttled", "--rate", "0.5")
    assert (on.returncode, on.stdout, on.stderr) == (0, "on: throttled (Azure Resource Manager answers 429)\n", "")
    listed = command(whole, "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(KINDS)
    assert [line for line in listed if " on: " in line] == ["throttled            on: everything (0.5)"]
    assert [command(whole, "off", "--all").stdout for _ in range(2)] == [
        "off: throttled\n",
        "off: nothing, nothing was on\n",
    ]
    assert '"faults": []' in command(whole, "list", "--json").stdout
    wrong = command(whole, "on", "throtled")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("aksdisks: fault: did you mean throttled? expected one of account-key-changed, ")
    assert command(whole, "off").returncode == 2


@pytest.mark.parametrize(
    ("name", "target", "rate", "refused"),
    [
        ("nothing", "", 1.0, "fault: expected one of account-key-changed, "),
        ("throttled", "node/a", 1.0, "object of throttled: expected none for this fault, found 'node/a'"),
        ("node-gone", "node", 1.0, "object of node-gone: expected node/NAME, found 'node'"),
        ("node-gone", "vm/b", 1.0, "object of node-gone: expected a node of a, found 'b'"),
        ("throttled", "", 0.0, "rate: expected a number above 0, at most 1, found 0"),
    ],
)
def test_what_cannot_be_switched(name: str, target: str, rate: float, refused: str) -> None:
    with pytest.raises(FaultError) as error:
        Faults(known={"node": ["a"]}).on(name, target, rate)
    assert str(error.value).startswith(refused)


def test_a_rate_is_kept_and_the_same_each_time() -> None:
    def drawn() -> list[bool]:
        faults = Faults(seed=1)
        faults.on("throttled", rate=0.25)
        return [faults.occurs("throttled") for _ in range(400)]

    assert drawn() == drawn()
    assert 70 < sum(drawn()) < 130


def test_an_object_is_hit_in_any_case_and_nothing_else() -> None:
    faults = Faults()
    faults.on("disk-gone", "pv/Data")
    assert faults.occurs("disk-gone", "disk/data") and not faults.occurs("disk-gone", "disk/other")
    assert [switch.object for switch in faults.off("disk-gone")] == ["disk/Data"]
    assert faults.list() == ()
