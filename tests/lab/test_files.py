"""Azure Files in a whole lab, through kubectl: shares for claims, many pods on many nodes, and the driver's words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.server import process
from tests.lab.breaking import Broken, Json, broken_lab, claim, pod, pod_spec, workload
from tests.programs import needs

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with broken_lab(tmp_path_factory.mktemp("files"), 400.0) as lab:
        yield lab


def files(name: str, storage_class: str = "azurefile-csi", **spec: Any) -> Json:
    made = claim(name, storage_class, "ReadWriteMany")
    made["spec"] |= spec
    return made


def mounting(name: str, replicas: int, of: str) -> Json:
    spec = pod_spec(of)
    spec["containers"][0]["volumeMounts"] = [{"name": of, "mountPath": "/data"}]
    return workload("Deployment", name, replicas, spec)


def test_four_pods_on_three_nodes_see_one_directory_and_nothing_is_attached(lab: Broken) -> None:
    lab.apply(files("shared"), mounting("web", 4, "shared"))
    lab.wait("condition=Available", "deployment/web")
    pods = json.loads(lab.kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 3
    names = [pod["metadata"]["name"] for pod in pods]
    for name in names:
        lab.kubectl("exec", name, "--", "sh", "-c", f"echo {name} >> /data/who")
    assert lab.kubectl("exec", names[0], "--", "cat", "/data/who").split() == names
    assert lab.kubectl("get", "volumeattachments", "-o", "name") == ""
    assert not any(
        node["status"].get("volumesInUse") for node in json.loads(lab.kubectl("get", "nodes", "-o", "json"))["items"]
    )

    volume = lab.volume("shared")
    handle = lab.get("{.spec.csi.volumeHandle}", "pv", volume)
    group, account, share, *more = handle.split("#")
    assert (group, share, more) == (lab.state.node_resource_group, volume, ["", "", lab.namespace])
    assert lab.get("{.spec.mountOptions}", "pv", volume) == '["mfsymlinks","actimeo=30","nosharesock"]'
    df = lab.kubectl("exec", names[1], "--", "df", "-T", "-BG", "/data").splitlines()[1].split()
    assert (df[0], df[1], df[2]) == (f"//{account}.file.core.windows.net/{share}", "cifs", "25G")
    secret = json.loads(lab.kubectl("get", "secret", f"azure-storage-account-{account}-secret", "-o", "json"))
    assert set(secret["data"]) == {"azurestorageaccountname", "azurestorageaccountkey"}

    more_space = {"spec": {"resources": {"requests": {"storage": "40Gi"}}}}
    lab.kubectl("patch", "pvc", "shared", "-p", json.dumps(more_space))
    lab.told("VolumeResizeSuccessful Resize volume succeeded", "shared")
    lab.wait("jsonpath={.status.capacity.storage}=40Gi", "pvc/shared")
    assert lab.kubectl("exec", names[1], "--", "df", "--output=size", "-BG", "/data").split()[1] == "40G"

    assert lab.kubectl("get", "events", "--field-selector=type=Warning,reason!=FailedScheduling", "-o", "name") == ""


def static(name: str, handle: str, **attributes: str) -> Json:
    csi: Json = {"driver": "file.csi.azure.com", "volumeHandle": handle, "volumeAttributes": attributes}
    csi["nodeStageSecretRef"] = {"name": f"key-of-{name}", "namespace": "default"}
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "csi": csi,
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "by-hand",
        },
    }  # fmt: skip


def secret(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"key-of-{name}"}, "data": data}


def bound_by_hand(name: str) -> Json:
    made = files(name, "by-hand", volumeName=name)
    made["spec"]["resources"]["requests"]["storage"] = "1Gi"
    return made


def test_two_volumes_made_by_hand_may_name_one_share_and_bytes_outlive_a_restart(lab: Broken) -> None:
    volume = lab.volume("shared")
    group, account, share, *_ = lab.get("{.spec.csi.volumeHandle}", "pv", volume).split("#")
    known = json.loads(lab.kubectl("get", "secret", f"azure-storage-account-{account}-secret", "-o", "json"))["data"]
    lab.apply(static("one", f"{group}#{account}#{share}"), static("two", "second-of-it", shareName=share))
    for name in ("one", "two"):
        lab.apply(bound_by_hand(name), mounting(name, 1, name))
    lab.wait("jsonpath={.status.phase}=Bound", "pvc/one", "pvc/two")
    pod_of = {name: lab.get("{.items[0].metadata.name}", "pods", "-l", f"app={name}") for name in ("one", "two")}
    lab.told(
        'FailedMount .* "one" : fetching NodeStageSecretRef default/key-of-one failed: .* not found', pod_of["one"]
    )
    lab.apply(secret("one", azurestorageaccountname=known["azurestorageaccountname"]), secret("two", **known))
    lab.told("FailedMount .* could not find accountkey or azurestorageaccountkey field in secrets", pod_of["one"])
    lab.apply(secret("one", **known))
    lab.wait("condition=Available", "deployment/one", "deployment/two")

    process.stop(lab.state.state_dir)
    process.start(Path(lab.state.state_dir), parent=os.getpid())
    written = lab.kubectl("exec", "deploy/web", "--", "cat", "/data/who")
    assert len(written.split()) == 4
    assert [lab.kubectl("exec", f"deploy/{name}", "--", "cat", "/data/who") for name in ("one", "two")] == [written] * 2
    # The driver mounts a volume that nobody may write to so, and the writers of the share see nothing of that.
    read = static("read", "third-of-it", shareName=share)
    reader = bound_by_hand("read")
    read["spec"]["accessModes"] = reader["spec"]["accessModes"] = ["ReadOnlyMany"]
    lab.apply(read, secret("read", **known), reader, mounting("read", 1, "read"))
    lab.wait("condition=Available", "deployment/read")
    write = ("exec", "deploy/read", "--", "sh", "-c", "cat /data/who; echo more >> /data/who")
    assert lab.kubectl(*write, code=2).startswith(written.split()[0])
    assert lab.kubectl("exec", "deploy/one", "--", "cat", "/data/who") == written
    # A share is as large as its quota, whatever a volume made by hand says.
    assert lab.kubectl("exec", "deploy/two", "--", "df", "--output=size", "-BG", "/data").split()[1] == "40G"

    lab.kubectl("delete", "deployment/web", "pvc/shared")
    lab.wait("delete", f"pv/{volume}")
    assert "expected a disk or a share of Azure's" in lab.kubectl("exec", "deploy/one", "--", "ls", "/data", code=1)


def test_a_disk_class_refuses_readwritemany_as_the_disk_driver_does(lab: Broken) -> None:
    lab.apply(files("disk", "managed-csi"), pod("user", "disk"))
    lab.told("ProvisioningFailed Volume provisioning failed with infeasible error.* mountVolume is not supported for "
             "access mode: MULTI_NODE_MULTI_WRITER", "disk")  # fmt: skip
    assert lab.get("{.status.phase}", "pvc", "disk") == "Pending"
