"""kubectl, as a person types it, against the lab; each row is a command and what it prints."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.processes import running
from tests.programs import needs

ARTICLE = Path(__file__).parent / "article"
NAMESPACE = "typed"

Kubectl = Callable[..., str]

pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def kubectl(lab_environment: Mapping[str, str]) -> Kubectl:
    def run(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
        command = ["kubectl", "--namespace", NAMESPACE, *arguments]
        done = subprocess.run(
            command, env=dict(lab_environment), input=stdin, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module", autouse=True)
def article(kubectl: Kubectl) -> Iterator[None]:
    """The article's two manifests, started."""
    kubectl("create", "namespace", NAMESPACE)
    kubectl("apply", "-f", str(ARTICLE))
    kubectl("rollout", "status", "deployment/disk-deploy", "--timeout=20s")
    kubectl("rollout", "status", "statefulset/disk-stateful-set", "--timeout=20s")
    yield
    kubectl("delete", "namespace", NAMESPACE, "--timeout=20s")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("get nodes", ["NAME STATUS ROLES AGE VERSION", "aks-agentpool-22115152-vmss000000 Ready <none>"]),
        ("get nodes -o wide", ["OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME", "10.224.0.4 <none> Ubuntu"]),
        ("get sc", ["NAME PROVISIONER RECLAIMPOLICY", "default (default) disk.csi.azure.com Delete"]),
        ("get pods -A -o wide", ["NAMESPACE NAME READY STATUS", "typed disk-stateful-set-4 1/1 Running 0"]),
        ("get ds,ing,hpa,quota,limits,netpol", ["No resources found in typed namespace."]),
        ("api-resources -o name", ["daemonsets.apps", "ingresses.networking.k8s.io", "horizontalpodautoscalers."]),
        ("get sts,deploy", ["statefulset.apps/disk-stateful-set 5/5", "deployment.apps/disk-deploy 1/1 1 1"]),
        ("get pvc", ["azure-managed-disk Bound pvc-", "25Gi RWO managed-premium <unset>"]),
        ("get pv", ["Delete Bound typed/azure-managed-disk managed-premium"]),
        ("get volumeattachments", ["NAME ATTACHER PV NODE ATTACHED AGE", "disk.csi.azure.com pvc-"]),
        ("get csinodes", ["aks-agentpool-22115152-vmss000002 2"]),
        ("get all", ["pod/disk-stateful-set-0 1/1", "replicaset.apps/disk-deploy-"]),
        ("get pods -l app=stateful-disk-pod -o name", ["pod/disk-stateful-set-0", "pod/disk-stateful-set-4"]),
        ("get pods --field-selector status.phase=Pending", ["No resources found in typed namespace."]),
        ("get pods --sort-by=.metadata.name -o jsonpath={.items[1].metadata.name}", ["disk-stateful-set-0"]),
        ("describe pvc azure-managed-disk", ["StorageClass: managed-premium", "Normal ProvisioningSucceeded"]),
        ("describe statefulset disk-stateful-set", ["Replicas: 5 desired | 5 total", "Volume Claims:"]),
        ("describe node aks-agentpool-22115152-vmss000000", ["ProviderID: azure:///subscriptions/", "Lease:"]),
        ("describe sc managed-premium", ["Parameters: skuname=Premium_LRS"]),
        ("events --for deployment/disk-deploy", ["Normal ScalingReplicaSet Deployment/disk-deploy Scaled up"]),
        ("get events.events.k8s.io", ["LAST SEEN TYPE REASON OBJECT MESSAGE", "Scheduled pod/disk-stateful-set-0"]),
        ("auth can-i create pvc", ["yes"]),
        ("auth can-i --list", ["Resources Non-Resource URLs Resource Names Verbs", "*.* [] [] [*]"]),
        ("auth whoami", ["Username aksdisks-admin"]),
        ("api-resources", ["statefulsets sts apps/v1 true StatefulSet", "persistentvolumeclaims pvc v1 true"]),
        ("api-versions", ["apps/v1", "storage.k8s.io/v1", "v1"]),
        ("explain pvc.spec.resources", ["FIELD: resources <VolumeResourceRequirements>", "requests <map["]),
        ("explain statefulset.spec.volumeClaimTemplates", ["VERSION: v1", "spec <PersistentVolumeClaimSpec>"]),
        ("version", ["Server Version: v1.35.0"]),
        ("cluster-info", ["Kubernetes control plane is running at https://127.0.0.1:"]),
        ("get --raw /readyz", ["ok"]),
        ("rollout history deployment/disk-deploy", ["REVISION CHANGE-CAUSE", "1 <none>"]),
        ("wait --for=condition=Available deployment/disk-deploy", ["deployment.apps/disk-deploy condition met"]),
        ("wait --for=jsonpath={.status.phase}=Bound pvc --all", ["/azure-managed-disk condition met"]),
        ("top nodes", ["Metrics API not available"]),
    ],
)  # fmt: skip
def test_reading(kubectl: Kubectl, command: str, lines: list[str]) -> None:
    shown = [
        " ".join(line.split()) for line in kubectl(*command.split(), code=int(command == "top nodes")).splitlines()
    ]
    for line in lines:
        assert any(line in found for found in shown), f"{line!r} is not in:\n" + "\n".join(shown)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("get pods nope", 'Error from server (NotFound): pods "nope" not found'),
        ("get gadgets", 'error: the server doesn\'t have a resource type "gadgets"'),
        ("create namespace typed", 'Error from server (AlreadyExists): namespaces "typed" already exists'),
        ("get pods -l a===b", "unable to parse requirement"),
        ("create quota q --hard=pods=1", "the lab has nothing that would act on ResourceQuota"),
    ],
)
def test_refusals(kubectl: Kubectl, command: str, message: str) -> None:
    assert message in kubectl(*command.split(), code=1)


def test_apply_again_changes_nothing(kubectl: Kubectl) -> None:
    shown = kubectl("apply", "-f", str(ARTICLE / "dynamic-with-deploy.yaml")).splitlines()
    assert [line.split()[-1] for line in shown] == ["unchanged"] * 2
    # kubectl compares volumeClaimTemplates as a whole with what the defaults made of it, so here it always patches.
    version = ("get", "statefulset", "disk-stateful-set", "-o", "jsonpath={.metadata.resourceVersion}")
    before = kubectl(*version)
    assert "configured" in kubectl("apply", "-f", str(ARTICLE / "dynamic-with-stateful.yaml"))
    assert kubectl(*version) == before


def test_apply_refuses_a_field_that_does_not_exist(kubectl: Kubectl) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "x"}, "spec": {"colour": "red"}}
    shown = kubectl("apply", "-f", "-", stdin=json.dumps(claim), code=1)
    assert 'strict decoding error: unknown field "spec.colour"' in shown


def test_diff_and_server_side_dry_run(kubectl: Kubectl) -> None:
    manifest = (ARTICLE / "dynamic-with-deploy.yaml").read_text().replace("replicas: 1", "replicas: 2")
    assert "+  replicas: 2" in kubectl("diff", "-f", "-", stdin=manifest, code=1)
    shown = kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", stdin=manifest)
    assert "deployment.apps/disk-deploy serverside-applied (server dry run)" in shown
    assert kubectl("get", "deploy", "disk-deploy", "-o", "jsonpath={.spec.replicas}") == "1"


def test_watching_goes_on_until_told_otherwise(kubectl: Kubectl, lab_environment: Mapping[str, str]) -> None:
    command = [
        "kubectl",
        "-n",
        NAMESPACE,
        "get",
        "configmaps",
        "-w",
        "--output-watch-events",
        "--field-selector=metadata.name=w",
    ]
    with running(command, env=dict(lab_environment), stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        kubectl("create", "configmap", "w", "--from-literal=a=b")
        assert watch.stdout.readline().split() == ["EVENT", "NAME", "DATA", "AGE"]
        assert watch.stdout.readline().split()[:3] == ["ADDED", "w", "1"]
        kubectl("delete", "configmap", "w")
        assert watch.stdout.readline().split()[:3] == ["DELETED", "w", "1"]


def test_scale_patch_and_delete_wait_for_what_they_say(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--port=80")
    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("patch", "deployment", "web", "-p", '{"spec":{"replicas":2}}')
    kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas} {..image}") == "2 nginx"
    kubectl("delete", "deployment", "web", "--cascade=foreground", "--timeout=20s")
    assert "No resources found" in kubectl("get", "pods", "-l", "app=web")


def test_typed_commands_send_protobuf_and_store_what_json_would(kubectl: Kubectl) -> None:
    """The same object, once as kubectl's typed client sends it and once as JSON, reads back the same."""
    made = ("create", "deployment", "same", "--image=nginx", "--replicas=0", "--port=80")
    printed = yaml.safe_load(kubectl(*made, "--dry-run=client", "-o", "yaml"))
    kubectl(*made)
    typed = json.loads(kubectl("get", "deployment", "same", "-o", "json"))
    kubectl("delete", "deployment", "same")
    kubectl("create", "-f", "-", stdin=json.dumps(printed))
    untyped = json.loads(kubectl("get", "deployment", "same", "-o", "json"))
    kubectl("delete", "deployment", "same")
    assert typed["spec"] == untyped["spec"]
    assert typed["metadata"]["labels"] == untyped["metadata"]["labels"]


def test_secrets_keep_their_bytes(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "hidden", "--from-literal=key=väl\x7fue")
    stored = json.loads(kubectl("get", "secret", "hidden", "-o", "json"))
    assert (stored["data"], stored["type"]) == ({"key": "dsOkbH91ZQ=="}, "Opaque")


def test_drain_moves_pods_to_other_nodes(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "moved", "--image=nginx")
    kubectl("rollout", "status", "deployment/moved", "--timeout=20s")
    where = ("get", "pods", "-l", "app=moved", "-o", "jsonpath={.items[*].spec.nodeName}")
    node = kubectl(*where)
    try:
        shown = kubectl("drain", node, "--ignore-daemonsets", "--pod-selector=app=moved", "--timeout=20s")
        assert f"node/{node} drained" in shown
        kubectl("rollout", "status", "deployment/moved", "--timeout=20s")
        assert kubectl(*where) != node
    finally:
        kubectl("uncordon", node)
        kubectl("delete", "deployment", "moved")
