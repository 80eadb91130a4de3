"""The article, walked on the lab with clients that nobody here wrote, is what an upstream control plane recorded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from tests.contract.recording import NAMESPACE, Recorder, golden
from tests.programs import needs

ARTICLE = Path(__file__).parent.parent / "lab" / "article"
DEPLOY, STATEFUL = ARTICLE / "dynamic-with-deploy.yaml", ARTICLE / "dynamic-with-stateful.yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Kubectl:
    """The walk as the article types it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)

    def __call__(self, *arguments: str) -> str:
        command = ["kubectl", "-n", NAMESPACE, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def apply(self, manifest: Path) -> None:
        self("apply", "-f", str(manifest))

    def patch_deployment(self, replicas: int) -> None:
        self("patch", "deploy", "disk-deploy", "-p", json.dumps({"spec": {"replicas": replicas}}))

    def delete_pod(self, name: str) -> None:
        self("delete", "pod", name, "--wait=false")

    def scale_stateful_set(self, replicas: int) -> None:
        self("scale", "statefulset", "disk-stateful-set", f"--replicas={replicas}")

    def delete_workloads(self) -> None:
        self("delete", "statefulset", "disk-stateful-set", "--wait=false")
        self("delete", "deployment", "disk-deploy", "--wait=false")

    def delete_claims(self) -> None:
        self("delete", "pvc", "--all", "--wait=false")


class Python:
    """The same walk through the Kubernetes client for Python."""

    def __init__(self, _environment: Mapping[str, str]) -> None:
        self.core, self.apps = client.CoreV1Api(), client.AppsV1Api()

    def apply(self, manifest: Path) -> None:
        create = {
            "PersistentVolumeClaim": self.core.create_namespaced_persistent_volume_claim,
            "Deployment": self.apps.create_namespaced_deployment,
            "StatefulSet": self.apps.create_namespaced_stateful_set,
        }
        for document in yaml.safe_load_all(manifest.read_text()):
            create[document["kind"]](NAMESPACE, document)

    def patch_deployment(self, replicas: int) -> None:
        self.apps.patch_namespaced_deployment("disk-deploy", NAMESPACE, {"spec": {"replicas": replicas}})

    def delete_pod(self, name: str) -> None:
        self.core.delete_namespaced_pod(name, NAMESPACE)

    def scale_stateful_set(self, replicas: int) -> None:
        body = {"spec": {"replicas": replicas}}
        self.apps.patch_namespaced_stateful_set_scale("disk-stateful-set", NAMESPACE, body)

    def delete_workloads(self) -> None:
        self.apps.delete_namespaced_stateful_set("disk-stateful-set", NAMESPACE)
        self.apps.delete_namespaced_deployment("disk-deploy", NAMESPACE)

    def delete_claims(self) -> None:
        self.core.delete_collection_namespaced_persistent_volume_claim(NAMESPACE)


@pytest.fixture(
    scope="module", params=[pytest.param(Kubectl, marks=needs("kubectl")), Python], ids=["kubectl", "python"]
)
def walked(request: pytest.FixtureRequest, lab_environment: Mapping[str, str]) -> Iterator[Walk]:
    """A finished walk, and the objects at each mark."""
    config.load_kube_config(lab_environment["KUBECONFIG"])
    core = client.CoreV1Api()
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    recorder = Recorder()
    walk = Walk(recorder)
    try:
        walk.run(request.param(lab_environment))
        yield walk
    finally:
        recorder.stop()
        core.delete_namespace(NAMESPACE)
        Kubectl(lab_environment)("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=30s")


class Walk:
    """Drives the article's steps, and takes the objects once each step has come to rest."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.marks: dict[str, list[dict[str, Any]]] = {}

    def run(self, by: Any) -> None:
        by.apply(DEPLOY)
        self.mark("running", lambda: self.ready("disk-deploy") == 1)
        by.patch_deployment(4)
        self.mark("scaled", lambda: self.ready("disk-deploy") == 2 and self.multi_attach() == 2)
        by.apply(STATEFUL)
        self.mark("stateful", lambda: self.ready("disk-stateful-set") == 5)
        self.finish(by)

    def finish(self, by: Any) -> None:
        """From the five replicas to the end."""
        before = self.pod_uid("disk-stateful-set-2")
        by.delete_pod("disk-stateful-set-2")
        replaced = lambda: self.pod_uid("disk-stateful-set-2") not in (before, None)  # noqa: E731
        self.mark("replaced", lambda: replaced() and self.ready("disk-stateful-set") == 5)
        by.scale_stateful_set(2)
        self.mark("scaled-down", lambda: self.count("VolumeAttachment") == 3 and self.count("Pod") == 6)
        by.delete_workloads()
        self.mark("workloads-deleted", lambda: self.count("VolumeAttachment") == 0 and self.count("Pod") == 0)
        by.delete_claims()
        self.mark("gone", lambda: not self.recorder.objects())

    def mark(self, name: str, reached: Callable[[], bool]) -> None:
        self.recorder.wait_until(lambda: reached() and self.at_rest(), name)
        self.marks[name] = self.recorder.objects()

    def at_rest(self) -> bool:
        """No workload's status lags behind its spec or its pods."""
        objects = self.recorder.objects()
        for item in objects:
            if item["kind"] not in ("Deployment", "ReplicaSet", "StatefulSet"):
                continue
            labels = item["spec"]["selector"]["matchLabels"]
            pods = [
                pod for pod in objects if pod["kind"] == "Pod" and labels.items() <= pod["metadata"]["labels"].items()
            ]
            status = item["status"]
            if status.get("observedGeneration") != item["metadata"]["generation"] or (
                len(pods) != item["spec"]["replicas"]
                or status.get("replicas", 0) != len(pods)
                or status.get("readyReplicas", 0) != sum(_is_ready(pod) for pod in pods)
                or status.get("currentReplicas", len(pods)) != len(pods)
            ):
                return False
        return True

    def ready(self, name: str) -> int:
        found = [item for item in self.recorder.objects() if item["metadata"]["name"] == name]
        return int(found[0]["status"].get("readyReplicas", 0)) if found else 0

    def count(self, kind: str) -> int:
        return sum(item["kind"] == kind for item in self.recorder.objects())

    def pod_uid(self, name: str) -> str | None:
        found = [i for i in self.recorder.objects() if i["kind"] == "Pod" and i["metadata"]["name"] == name]
        return found[0]["metadata"]["uid"] if found else None

    def multi_attach(self) -> int:
        events = (change["object"] for change in self.recorder.recording.changes if change["kind"] == "Event")
        return len({e["metadata"]["name"] for e in events if e["message"].startswith("Multi-Attach error")})


def test_the_control_plane_writes_the_recorded_events_and_none_extra(walked: Walk) -> None:
    upstream, _ = golden()
    assert walked.recorder.recording.events() == upstream.events()


def test_pods_go_through_the_recorded_phases(walked: Walk) -> None:
    upstream, _ = golden()
    assert walked.recorder.recording.phases() == upstream.phases()


@pytest.mark.parametrize("mark", list(golden()[1]))
def test_objects_at_each_mark_are_the_recorded_ones(walked: Walk, mark: str) -> None:
    upstream, marks = golden()
    ours = unapplied(walked.recorder.recording.comparable(walked.marks[mark]))
    theirs = unapplied(upstream.comparable(marks[mark]))
    assert ours == theirs


def unapplied(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Objects without kubectl's own note, which other clients do not leave, in an order that walks share."""
    for item in objects:
        item["metadata"].get("annotations", {}).pop(LAST_APPLIED, None)
        if not item["metadata"].get("annotations"):
            item["metadata"].pop("annotations", None)
    return sorted(objects, key=lambda item: json.dumps(item, sort_keys=True))


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
