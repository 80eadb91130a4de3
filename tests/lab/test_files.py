"""Azure Files in a whole lab, through kubectl: shares for claims, many pods on many nodes, and the driver's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.breaking import Broken, Json, broken_lab, claim, pod_spec, workload
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

    lab.kubectl("delete", "deployment/web", "pvc/shared")
    lab.wait("delete", f"pv/{volume}")
    assert lab.kubectl("get", "events", "--field-selector=type=Warning,reason!=FailedScheduling", "-o", "name") == ""
