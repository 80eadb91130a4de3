"""A lab without its own disk driver, so that the real one can stand beside. Scope: what then runs, what it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, watch

from aksdisks.lab.server.process import LabError, LabState
from tests.processes import running

StartLab = Callable[..., LabState]
AKSDISKS = str(Path(sys.executable).with_name("aksdisks"))
DRIVER = "disk.csi.azure.com"
PATIENCE = 20


def until(listing: Callable[..., Any], seen: Callable[[Any], bool], *names: str) -> Any:
    """The first object of a watch that satisfies `seen`."""
    watching = watch.Watch()
    for event in watching.stream(listing, *names, timeout_seconds=PATIENCE):
        if seen(event["object"]):
            watching.stop()
            return event["object"]
    raise AssertionError(f"expected it within {PATIENCE} s, found no such object")


def objects(handle: str) -> list[dict[str, Any]]:
    """A volume made by hand, its claim and a pod."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    container = {"name": "c", "image": "nginx", "volumeMounts": [{"name": "v", "mountPath": "/d"}]}
    mounted = {"name": "v", "persistentVolumeClaim": {"claimName": "by-hand"}}
    return [
        {"metadata": {"name": "pv"}, "spec": spec | {"capacity": {"storage": "4Gi"},
         "csi": {"driver": DRIVER, "volumeHandle": handle}}},
        {"metadata": {"name": "by-hand"}, "spec": spec | {"volumeName": "pv",
         "resources": {"requests": {"storage": "4Gi"}}}},
        {"metadata": {"name": "p"}, "spec": {"containers": [container], "volumes": [mounted]}},
    ]  # fmt: skip


def test_nodes_without_the_driver_mount_what_somebody_else_attached(start_lab: StartLab) -> None:
    state = start_lab(driver=False)
    config.load_kube_config(state.kubeconfig)
    core, storage = client.CoreV1Api(), client.StorageV1Api()
    assert {DRIVER in [driver.name for driver in node.spec.drivers] for node in storage.list_csi_node().items} == {True}
    volume, claim, pod = objects("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d")
    core.create_persistent_volume(volume)
    core.create_namespaced_persistent_volume_claim("default", claim)
    dynamic = {"metadata": {"name": "dynamic"}, "spec": claim["spec"] | {"storageClassName": "managed-csi"}}
    del dynamic["spec"]["volumeName"]
    core.create_namespaced_persistent_volume_claim("default", dynamic)
    share = {"metadata": {"name": "share"}, "spec": dynamic["spec"] | {"storageClassName": "azurefile-csi"}}
    core.create_namespaced_persistent_volume_claim("default", share)
    core.create_namespaced_pod("default", pod)
    consumer = {"name": "v", "persistentVolumeClaim": {"claimName": "dynamic"}}
    second = {"metadata": {"name": "q"}, "spec": pod["spec"] | {"volumes": [consumer]}}
    core.create_namespaced_pod("default", second)
    attachment = until(storage.list_volume_attachment, lambda found: found.spec.source.persistent_volume_name == "pv")
    assert (attachment.metadata.finalizers, attachment.status.attached) == (None, False), "no attacher has seen it"
    attached = {"status": {"attached": True, "attachmentMetadata": {"LUN": "0"}}}
    storage.patch_volume_attachment_status(attachment.metadata.name, attached)
    until(
        core.list_namespaced_pod,
        lambda found: found.metadata.name == "p" and found.status.phase == "Running",
        "default",
    )
    # The lab's own provisioners would have taken them on long before the other pod ran.
    for name, driver in (("dynamic", DRIVER), ("share", "file.csi.azure.com")):
        waiting = core.read_namespaced_persistent_volume_claim(name, "default")
        assert waiting.status.phase == "Pending"
        assert waiting.metadata.annotations["volume.kubernetes.io/storage-provisioner"] == driver
    reasons = {event.reason for event in core.list_namespaced_event("default").items}
    assert "ExternalProvisioning" in reasons
    assert "Provisioning" not in reasons


def test_agents_apart_can_go_without_the_driver(start_lab: StartLab) -> None:
    state = start_lab(agents=False)
    command = [AKSDISKS, "lab", "agents", "--state-dir", state.state_dir, "--kubeconfig", state.kubeconfig]
    with running([*command, "--no-driver"], stdout=subprocess.PIPE, text=True) as agents:
        assert agents.stdout is not None
        said = agents.stdout.readline()
        agents.terminate()
        agents.wait(timeout=10)
    assert said == f"3 nodes, without the drivers, serve {state.kube_url}.\n"
    config.load_kube_config(state.kubeconfig)
    assert len(client.StorageV1Api().list_csi_node().items) == 3


def test_a_cluster_of_2019_has_no_driver_to_leave_out(start_lab: StartLab) -> None:
    with pytest.raises(LabError, match=r"article-2019: expected one of today's for --no-driver, found one of 2019"):
        start_lab(scenario="article-2019", driver=False)


@pytest.mark.parametrize(("scenario", "kind"), [("regional", "vmss"), ("availability-set", "standard")])
def test_the_real_drivers_cloud_config_stands_alone_on_stdout(start_lab: StartLab, scenario: str, kind: str) -> None:
    state = start_lab(scenario=scenario, driver=False)
    command = [AKSDISKS, "lab", "env", "--driver", "--state-dir", state.state_dir]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert told.stderr == ""
    assert json.loads(told.stdout) == {
        "cloud": "",
        "resourceManagerEndpoint": state.arm_url,
        "tenantId": state.tenant_id,
        "subscriptionId": state.subscription_id,
        "aadClientId": state.client_id,
        "aadClientSecret": state.client_secret,
        "resourceGroup": state.node_resource_group,
        "location": "westeurope",
        "vmType": kind,
        "useManagedIdentityExtension": False,
        "useInstanceMetadata": False,
    }
    both = subprocess.run([*command, "--az"], capture_output=True, text=True, timeout=60, check=False)
    assert (both.returncode, both.stdout) == (2, "")
    assert "lab env: expected --az or --driver, found both" in both.stderr
