"""A disk's life on the lab, with kubectl: claim, snapshot, restore, clone, growth, as real components recorded it.

In the recording all that is compared is upstream's: control plane, snapshot-controller, and the disk driver with its
provisioner, attacher, resizer and snapshotter. Nodes and the kubelet's events were left out of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from tests.contract.recording import NAMESPACE, Recorder, Recording
from tests.contract.test_walk import Kubectl
from tests.programs import needs

pytestmark = needs("kubectl")

GOLDEN = Path(__file__).parent.parent / "golden" / "life.jsonl"
GROUP = "snapshot.storage.k8s.io"
CLASS = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "VolumeSnapshotClass",
    "metadata": {"name": "csi-azuredisk-vsc"},
    "driver": "disk.csi.azure.com",
    "deletionPolicy": "Delete",
}
VOLATILE = {"resourceVersion", "managedFields", "uid", "storage.kubernetes.io/csiProvisionerIdentity"}
WORDS = [
    (re.compile(r'"creationTime": \d{19}'), '"creationTime": "NANOSECONDS"'),
    (re.compile(r"disk\.csi\.azure\.com_[a-z0-9-]+_UID"), "PROVISIONER"),
    (re.compile(r'topology\.kubernetes\.io/zone": "\d"'), 'topology.kubernetes.io/zone": "DOMAIN"'),
]


def golden() -> tuple[Recording, dict[str, list[dict[str, Any]]]]:
    """Upstream's recording, and the objects at the end of each of its parts."""
    lines = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    marks = {line["name"]: line["objects"] for line in lines if line["type"] == "MARK"}
    return Recording(line for line in lines if line["type"] != "MARK"), marks


def plain(text: str, names: Mapping[str, str]) -> str:
    """`text` without what differs from walk to walk."""
    for uid, name in names.items():
        text = text.replace(uid, f"uid({name})")
    text = Recording([]).plain(text)
    for pattern, word in WORDS:
        text = pattern.sub(word, text)
    return text


def events(recording: Recording, names: Mapping[str, str]) -> Counter[tuple[str, ...]]:
    """All but the kubelet's: component, type, reason, object, message; and how many objects tell of each."""
    made: dict[str, tuple[str, ...]] = {}
    for change in recording.changes:
        event = change["object"]
        component = event.get("source", {}).get("component") or event.get("reportingComponent", "")
        if change["kind"] != "Event" or component == "kubelet":
            continue
        about = event["involvedObject"]
        words = (component, event["type"], event["reason"], f"{about['kind']}/{about['name']}", event["message"])
        made.setdefault(event["metadata"]["name"], tuple(plain(word, names) for word in words))
    return Counter(made.values())


def comparable(objects: list[dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = [json.loads(plain(json.dumps(stable(item)), names)) for item in objects]
    return sorted(found, key=lambda item: (item["kind"], item["metadata"]["name"]))


def stable(value: Any) -> Any:
    """Without what is volatile; the recorded control plane puts a certificate of its own beside the account's."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        kept = (item for item in value if "openshift" not in json.dumps(item) or "projected" in json.dumps(item))
        return [stable(item) for item in kept]
    return value


def names_of(objects: list[dict[str, Any]]) -> dict[str, str]:
    """What is named by its uid, by name: claims and snapshots."""
    kinds = ("PersistentVolumeClaim", "VolumeSnapshot")
    return {one["metadata"]["uid"]: one["metadata"]["name"] for one in objects if one["kind"] in kinds}


def as_recorded(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    return comparable(ours, names_of(ours)) == comparable(theirs, names_of(theirs))


class LifeRecorder(Recorder):
    """Records snapshots and their contents, too."""

    KINDS = {
        kind: function
        for kind, function in Recorder.KINDS.items()
        if kind not in ("Deployment", "ReplicaSet", "StatefulSet")
    } | {
        "VolumeSnapshot": lambda: partial(
            client.CustomObjectsApi().list_cluster_custom_object, GROUP, "v1", "volumesnapshots"
        ),
        "VolumeSnapshotContent": lambda: partial(
            client.CustomObjectsApi().list_cluster_custom_object, GROUP, "v1", "volumesnapshotcontents"
        ),
    }
    CLUSTER = (*Recorder.CLUSTER, "VolumeSnapshot", "VolumeSnapshotContent")

    def objects(self) -> list[dict[str, Any]]:
        """The objects of the namespace that exist now, but for events."""
        latest: dict[str, dict[str, Any]] = {}
        for change in list(self.recording.changes):
            latest.pop(change["object"]["metadata"]["uid"], None)
            if change["type"] != "DELETED" and change["kind"] != "Event":
                latest[change["object"]["metadata"]["uid"]] = change["object"]
        return list(latest.values())


def claim(name: str, source: Mapping[str, str] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "managed-csi-premium",
        "resources": {"requests": {"storage": "8Gi"}},
    }
    if source:
        spec["dataSource"] = dict(source)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def pod(name: str, of: str) -> dict[str, Any]:
    container = {"name": "c", "image": "busybox", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    spec = {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": of}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


SNAPSHOT = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "VolumeSnapshot",
    "metadata": {"name": "first"},
    "spec": {"source": {"persistentVolumeClaimName": "data"}, "volumeSnapshotClassName": "csi-azuredisk-vsc"},
}


class Life:
    """Does what was recorded, and takes the objects once each part has come to rest."""

    def __init__(self, kubectl: Kubectl, recorder: LifeRecorder, manifests: Path) -> None:
        self.kubectl, self.recorder, self.manifests = kubectl, recorder, manifests
        self.marks: dict[str, list[dict[str, Any]]] = {}
        self.recorded = golden()[1]

    def run(self) -> None:
        self.apply(claim("data"), pod("writer", "data"))
        self.mark("claim", lambda: self.status("writer").get("phase") == "Running")
        self.apply(SNAPSHOT)
        self.mark("snapshot", lambda: bool(self.status("first").get("readyToUse")) and not self.held("data"))
        self.apply(
            claim("restored", {"apiGroup": GROUP, "kind": "VolumeSnapshot", "name": "first"}), pod("reader", "restored")
        )
        self.mark("restore", lambda: self.status("reader").get("phase") == "Running")
        self.apply(claim("cloned", {"kind": "PersistentVolumeClaim", "name": "data"}), pod("copy", "cloned"))
        self.mark("clone", lambda: self.status("copy").get("phase") == "Running")
        self.patch("16Gi")
        self.mark("expand", self.grown)

    def apply(self, *objects: dict[str, Any]) -> None:
        manifest = self.manifests / f"{objects[0]['metadata']['name']}.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), encoding="utf-8")
        self.kubectl.apply(manifest)

    def patch(self, size: str) -> None:
        body = {"spec": {"resources": {"requests": {"storage": size}}}}
        self.kubectl("patch", "pvc", "data", "-p", json.dumps(body))

    def mark(self, name: str, reached: Callable[[], bool]) -> None:
        """The objects once all is told of them: each kind's watch is a little before or behind the others."""
        self.recorder.wait_until(reached, name)
        theirs = self.recorded[name]
        with suppress(AssertionError):
            self.recorder.wait_until(lambda: as_recorded(self.recorder.objects(), theirs), name, 10)
        self.marks[name] = self.recorder.objects()

    def grown(self) -> bool:
        """The claim has its size, and the resizer has taken its note of the size before from the volume."""
        volume = self.found(f"pvc-{self.found('data')['metadata']['uid']}")
        noted = any("pre-resize" in name for name in volume["metadata"]["annotations"])
        return self.status("data").get("capacity") == {"storage": "16Gi"} and not noted

    def found(self, name: str) -> dict[str, Any]:
        found = [one for one in self.recorder.objects() if one["metadata"]["name"] == name]
        return found[0] if found else {}

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.found(name).get("status") or {})

    def held(self, name: str) -> bool:
        return len(self.found(name)["metadata"]["finalizers"]) > 1


@pytest.fixture(scope="module")
def lived(lab_environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A finished life, and the objects at each mark."""
    config.load_kube_config(lab_environment["KUBECONFIG"])
    core, custom, kubectl = client.CoreV1Api(), client.CustomObjectsApi(), Kubectl(lab_environment)
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    custom.create_cluster_custom_object(GROUP, "v1", "volumesnapshotclasses", CLASS)
    recorder = LifeRecorder()
    life = Life(kubectl, recorder, tmp_path_factory.mktemp("life"))
    try:
        life.run()
        yield life
    finally:
        recorder.stop()
        core.delete_namespace(NAMESPACE)
        kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=30s")
        custom.delete_cluster_custom_object(GROUP, "v1", "volumesnapshotclasses", CLASS["metadata"]["name"])


def test_everybody_writes_the_recorded_events_and_none_extra(lived: Life) -> None:
    upstream, marks = golden()
    ours = lived.recorder.recording
    assert events(ours, names_of(lived.marks["expand"])) == events(upstream, names_of(marks["expand"]))


@pytest.mark.parametrize("mark", list(golden()[1]))
def test_objects_at_each_mark_are_the_recorded_ones(lived: Life, mark: str) -> None:
    _, marks = golden()
    ours, theirs = lived.marks[mark], marks[mark]
    assert comparable(ours, names_of(ours)) == comparable(theirs, names_of(theirs))


def test_to_shrink_is_refused_as_recorded(lived: Life) -> None:
    with pytest.raises(AssertionError, match=r"field can not be less than status\.capacity"):
        lived.patch("8Gi")
