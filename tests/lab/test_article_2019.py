"""The article's own listings, as its cluster of January 2019 shows them again; shapes only, names and ages differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.breaking import Broken, broken_lab
from tests.programs import needs

ARTICLE = Path(__file__).parent / "article"
UID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
POD, NODE = r"disk-deploy-\w+-\w+", r"aks-agentpool-22115152-\d"

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """Scaled to four, as where the article is puzzled, and long enough for the kubelet to say it eight times."""
    with broken_lab(tmp_path_factory.mktemp("2019"), scenario="article-2019") as lab:
        lab.apply(*yaml_objects("dynamic-with-deploy.yaml"))
        lab.wait("condition=Available", "deployment/disk-deploy")
        lab.kubectl("patch", "deploy", "disk-deploy", "-p", '{"spec":{"replicas":4}}')
        stuck = lab.shown("pods", "{{.metadata.name}} {{.status.phase}} {{.spec.nodeName}}", rf"{POD} Pending aks")
        told = "{{.involvedObject.name}} {{.reason}} {{.count}}"
        lab.shown("events", told, f"{stuck.split()[0]} FailedMount 8\n")
        yield lab


def yaml_objects(name: str) -> list[dict[str, object]]:
    import yaml

    return list(yaml.safe_load_all((ARTICLE / name).read_text()))


def lines(shown: str) -> list[str]:
    return [" ".join(line.split()) for line in shown.splitlines()]


def test_the_volume(lab: Broken) -> None:
    head, row = lines(lab.kubectl("get", "pv"))
    assert head == "NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS REASON AGE"
    assert re.fullmatch(rf"pvc-{UID} 25Gi RWO Delete Bound default/azure-managed-disk managed-premium \d+s", row)


def test_the_pods(lab: Broken) -> None:
    head, *rows = lines(lab.kubectl("get", "pods", "-o", "wide"))
    assert head == "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE"
    running = [row for row in rows if re.fullmatch(rf"{POD} 1/1 Running 0 \d+s 10\.244\.\d\.\d+ {NODE} <none>", row)]
    waiting = [row for row in rows if re.fullmatch(rf"{POD} 0/1 ContainerCreating 0 \d+s <none> {NODE} <none>", row)]
    assert running and waiting and len(running) + len(waiting) == 4
    # Only pods on the node of the first one could start.
    assert len({row.split()[-2] for row in running}) == 1
    assert not {row.split()[-2] for row in running} & {row.split()[-2] for row in waiting}


def test_what_is_told_about_a_pod_that_waits(lab: Broken) -> None:
    waiting = [row for row in lines(lab.kubectl("get", "pods")) if "ContainerCreating" in row]
    shown = lines(lab.kubectl("describe", "pod", waiting[0].split()[0]))
    events = shown[shown.index("Events:") + 3 :]
    patterns = [
        rf"Normal Scheduled \d+s default-scheduler Successfully assigned default/{POD} to {NODE}",
        rf'Warning FailedAttachVolume \d+s attachdetach-controller Multi-Attach error for volume "pvc-{UID}" '
        rf"Volume is already used by pod\(s\) {POD}(, {POD})*",
        rf"Warning FailedMount \d+s \(x\d+ over \d+s\) kubelet Unable to mount volumes for pod "
        rf'"{POD}_default\({UID}\)": timeout expired waiting for volumes to attach or mount for pod '
        rf'"default"/"{POD}"\. list of unmounted volumes=\[volume\]\. '
        r"list of unattached volumes=\[volume default-token-\w{5}\]",
    ]
    for pattern, event in zip(patterns, sorted(events, key=lambda event: "FailedMount" in event), strict=True):
        assert re.fullmatch(pattern, event), event


def test_the_disk_in_azure(lab: Broken) -> None:
    volume = json.loads(lab.kubectl("get", "pv", "-o", "json"))["items"][0]
    uid = volume["spec"]["claimRef"]["uid"]
    assert volume["metadata"]["annotations"] == {
        "pv.kubernetes.io/bound-by-controller": "yes",
        "pv.kubernetes.io/provisioned-by": "kubernetes.io/azure-disk",
        "volumehelper.VolumeDynamicallyCreatedByKey": "azure-disk-dynamic-provisioner",
    }
    disk = lab.azure.disks.get(lab.state.node_resource_group, f"kubernetes-dynamic-pvc-{uid}")
    assert volume["spec"]["azureDisk"]["diskURI"] == disk.id
    assert disk.tags["created-by"] == "kubernetes-azure-dd"
    assert re.search(r"/virtualMachines/aks-agentpool-22115152-\d$", disk.managed_by)
    node = disk.managed_by.rpartition("/")[2]
    attached = json.loads(lab.kubectl("get", "node", node, "-o", "json"))["status"]
    assert [entry["name"] for entry in attached["volumesAttached"]] == [f"kubernetes.io/azure-disk/{disk.id}"]
    assert attached["allocatable"]["attachable-volumes-azure-disk"] == "8"
    assert "No resources found" in lab.kubectl("get", "volumeattachments,csinodes")


def test_classes_and_versions(lab: Broken) -> None:
    shown = lines(lab.kubectl("get", "sc"))
    assert [row.split()[0] for row in shown[1:]] == ["azurefile", "default", "managed-premium"]
    assert all(" Delete Immediate false " in row for row in shown[1:])
    assert '"gitVersion": "v1.11.5"' in lab.kubectl("get", "--raw", "/version")


def test_the_stateful_set_comes_up_one_after_another(lab: Broken) -> None:
    lab.apply(*yaml_objects("dynamic-with-stateful.yaml"))
    lab.kubectl("rollout", "status", "statefulset/disk-stateful-set", "--timeout=30s")
    lab.told(
        "SuccessfulCreate .*create Pod disk-stateful-set-4 in StatefulSet disk-stateful-set successful",
        "disk-stateful-set",
    )
    lab.told(
        "ProvisioningSucceeded Successfully provisioned volume pvc-.* using kubernetes.io/azure-disk",
        "azure-managed-disk",
    )
    lab.kubectl("delete", "statefulset", "disk-stateful-set")
    lab.kubectl("delete", "pvc", "--all", "--wait=false")
    lab.kubectl("delete", "deployment", "disk-deploy")
    lab.wait("delete", "pv", "--all")
    assert [disk.name for disk in lab.azure.disks.list() if disk.name.startswith("kubernetes-dynamic")] == []
