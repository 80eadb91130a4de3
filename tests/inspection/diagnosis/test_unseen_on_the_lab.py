"""Each right that is missing, on a lab: said as unseen, never an error; it ends in 3 where it could hide a problem."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aksdisks import parameters
from aksdisks.inspection.connection import Target, connect
from aksdisks.inspection.diagnosis import Diagnosis
from aksdisks.inspection.diagnosis.reading import examine
from aksdisks.inspection.diagnosis.unseen import VOLUME_EVENTS
from tests.lab.breaking import Broken, broken_lab, claim, pod
from tests.lab.kube import accounts
from tests.programs import needs

pytestmark = needs("kubectl")
SPEED = 100.0
SPACE = "shop"
CORE, STORAGE = "", "storage.k8s.io"
RIGHTS = {
    "Pod": (CORE, "pods"),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims"),
    "PersistentVolume": (CORE, "persistentvolumes"),
    "Event": (CORE, "events"),
    "Node": (CORE, "nodes"),
    "VolumeAttachment": (STORAGE, "volumeattachments"),
    "CSINode": (STORAGE, "csinodes"),
    "StorageClass": (STORAGE, "storageclasses"),
    "VolumeSnapshot": ("snapshot.storage.k8s.io", "volumesnapshots"),
}
SECRET = "not-a-secret-of-anybody"
NOBODY = str(uuid.uuid5(uuid.NAMESPACE_URL, "a client without roles"))


def role(missing: str = "") -> dict[str, Any]:
    rights = [right for kind, right in RIGHTS.items() if kind != missing]
    rules = [{"apiGroups": [group], "resources": [plural], "verbs": ["list"]} for group, plural in rights]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": rules,
    }


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """A lab with an account that may read all, a client of Azure without a role, and a pod that runs."""
    folder = tmp_path_factory.mktemp("unseen")
    scenario = folder / "nobody.yaml"
    nobody = {"client_id": NOBODY, "client_secret": SECRET, "roles": []}
    scenario.write_text(yaml.safe_dump({"base": "regional", "principals": [nobody]}))
    with broken_lab(folder, SPEED, str(scenario)) as whole:
        for namespace in (SPACE, "empty"):
            whole.kubectl("create", "namespace", namespace)
        whole.kubectl("create", "serviceaccount", "reader")
        whole.kubectl("apply", "-f", "-", stdin=role())
        whole.kubectl(
            "create", "clusterrolebinding", "reader", "--clusterrole=reader", "--serviceaccount=default:reader"
        )
        used = Broken(whole.state, whole.environment, SPACE)
        used.apply(claim("data"), pod("one", "data"))
        used.running("one")
        yield used


@pytest.fixture
def target(lab: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """That cluster as the account sees it, and Azure as the client without a role does."""
    variables = {"AZURE_TENANT_ID": lab.state.tenant_id, "AZURE_CLIENT_ID": NOBODY, "AZURE_CLIENT_SECRET": SECRET}
    for name, value in (variables | {"NO_PROXY": "127.0.0.1"}).items():
        monkeypatch.setenv(name, value)
    token = lab.kubectl("create", "token", "reader", "--namespace=default").strip()
    values = {
        "target": "aks",
        "kubeconfig": str(accounts.kubeconfig(lab.state, token, tmp_path / "kubeconfig")),
        "context": "lab",
        "arm_endpoint": lab.state.arm_url,
        "authority": lab.state.authority,
        "ca_bundle": lab.state.ca_bundle,
    }
    with connect(parameters.validate(values)) as reached:
        yield reached


def seen(target: Target, namespace: str | None = SPACE) -> Diagnosis:
    return examine(target.cluster, target.azure, namespace, SPEED)[1]


def test_with_all_rights_nothing_is_unseen_and_azure_is_not_asked(target: Target) -> None:
    diagnosis = seen(target)
    assert (diagnosis.findings, diagnosis.unseen, diagnosis.exit_code) == ((), (), 0)


@pytest.mark.parametrize("kind", RIGHTS)
def test_a_kind_that_may_not_be_read(lab: Broken, target: Target, kind: str) -> None:
    lab.kubectl("apply", "-f", "-", stdin=role(missing=kind))
    try:
        diagnosis = seen(target)
        everywhere = seen(target, None)
    finally:
        lab.kubectl("apply", "-f", "-", stdin=role())
    (row,) = diagnosis.unseen
    assert row.what == kind and f'cannot list resource "{RIGHTS[kind][1]}"' in row.because and row.limits
    assert all(each.verdict != "problem" for each in (*diagnosis.findings, *everywhere.findings))
    # Where all is well, classes, CSINodes, events and snapshots hide nothing.
    assert diagnosis.exit_code == (0 if kind in ("CSINode", "StorageClass", "Event", "VolumeSnapshot") else 3)


def test_events_of_volumes(lab: Broken, target: Target) -> None:
    """Their events stand in the namespace default, which an account of one namespace may not read."""
    other = Broken(lab.state, lab.environment, "empty")
    other.apply(claim("kept"), pod("two", "kept"))
    other.running("two")
    volume = other.volume("kept")
    retain = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
    other.kubectl("patch", "pv", volume, f"--patch={retain}")
    other.kubectl("delete", "pod", "two")
    other.kubectl("delete", "pvc", "kept")
    other.wait("jsonpath={.status.phase}=Released", f"pv/{volume}")
    name = ["--serviceaccount=default:reader", "--namespace=empty"]
    try:
        other.kubectl("apply", "-f", "-", stdin=role(missing="Event"))
        other.kubectl("create", "role", "events", "--verb=list", "--resource=events", "--namespace=empty")
        other.kubectl("create", "rolebinding", "events", "--role=events", *name)
        diagnosis = seen(target, "empty")
    finally:
        other.kubectl("apply", "-f", "-", stdin=role())
    assert [row.what for row in diagnosis.unseen] == [VOLUME_EVENTS]
    assert [each.cause for each in diagnosis.findings] == ["volume-released"]
    other.kubectl("delete", "pv", volume)


def test_azure_that_may_not_be_read_where_it_is_needed(lab: Broken, target: Target) -> None:
    node = lab.node(1)
    with lab.fault("machine-stuck", f"node/{node}"):
        lab.apply(claim("more"), pod("waits", "more", node=node))
        ends = time.monotonic() + 30
        while not (diagnosis := seen(target)).unseen and time.monotonic() < ends:
            time.sleep(0.1)
    assert {row.what for row in diagnosis.unseen} == {"Azure's disks", "Azure's machines"}
    assert all("AuthorizationFailed" in row.because for row in diagnosis.unseen)
    assert {each.cause for each in diagnosis.findings} == {"attach-slow"}
    assert (diagnosis.exit_code, {each.verdict for each in diagnosis.findings}) == (3, {"wait"})
    lab.running("waits")
    lab.kubectl("delete", "pod", "waits")
    lab.kubectl("delete", "pvc", "more")
