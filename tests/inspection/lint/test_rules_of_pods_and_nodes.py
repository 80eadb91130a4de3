"""What rules about a pod's settings, old drivers and a cluster's nodes find, and what they leave alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from aksdisks.inspection.lint.engine import lint
from aksdisks.inspection.lint.findings import LintReport
from tests.inspection.lint.twins import as_live, found, lint_text

pytestmark = pytest.mark.quick

ZONE = "topology.kubernetes.io/zone"
DISK_ZONE = "topology.disk.csi.azure.com/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def text(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects)


def stateful_set(replicas: int = 1, *, storage_class: str = "managed-csi", **pod: Any) -> dict[str, Any]:
    made = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class}
    return {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [], **pod}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": made}],
        },
    }  # fmt: skip


def rules(*objects: dict[str, Any], live: list[dict[str, Any]] | None = None) -> list[tuple[str, str]]:
    report = lint_text(text(*objects), None if live is None else text(*live))
    return [(each.level, each.rule) for each in report.findings]


def anti_affinity(key: str, app: str = "db") -> dict[str, Any]:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}
    return {"affinity": {"podAntiAffinity": {REQUIRED: [term]}}}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(30, []), (600, []), (601, [("note", "long-grace")]), (1800, [("note", "long-grace")]),
     (1801, [("warning", "long-grace")]), ("601", [("note", "long-grace")]), ("1h", []), (None, [])],
)  # fmt: skip
def test_long_grace(seconds: Any, expected: list[tuple[str, str]]) -> None:
    assert rules(stateful_set(terminationGracePeriodSeconds=seconds)) == expected


@pytest.mark.parametrize(
    ("storage_class", "expected"),
    [("managed-csi", True), ("azurefile-csi", False), ("somebody-elses", False)],
)
@pytest.mark.parametrize("pod", [{"terminationGracePeriodSeconds": 3600}, {"securityContext": {"fsGroup": 7}}])
def test_what_holds_for_disks_alone_is_said_of_disks_alone(
    pod: dict[str, Any], storage_class: str, expected: bool
) -> None:
    assert bool(rules(stateful_set(storage_class=storage_class, **pod))) == expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"fsGroup": 0}, True),
        ({"fsGroup": 1000, "fsGroupChangePolicy": "Always"}, True),
        ({"fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"}, False),
        ({"fsGroup": None}, False),
        ({"runAsGroup": 1000}, False),
        (None, False),
        ("x", False),
    ],
)
def test_fsgroup_recursive(context: Any, expected: bool) -> None:
    assert bool(rules(stateful_set(securityContext=context))) == expected


def test_a_fix_of_what_a_cluster_has_is_a_patch_where_the_api_server_takes_one() -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}}  # fmt: skip
    fast = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
            "provisioner": "disk.csi.azure.com", "allowVolumeExpansion": True,
            "volumeBindingMode": "WaitForFirstConsumer"}  # fmt: skip
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "disk.csi.azure.com"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"},
           "spec": {"securityContext": {"fsGroup": 7}, "containers": [],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}  # fmt: skip
    of_set = stateful_set(storage_class="fast", securityContext={"fsGroup": 7})
    report = lint(None, as_live(text(claim, fast, driver, pod, of_set)))
    fixes = {each.object.kind: each.fix for each in report.findings if each.rule == "fsgroup-recursive"}
    assert fixes["StatefulSet"].startswith("kubectl patch statefulset db -n default --type json -p ")
    assert fixes["Pod"].startswith("--- a/pod-one.yaml\n")  # which cannot be changed: it is made again


@pytest.mark.parametrize(
    ("replicas", "pod", "expected"),
    [
        (1, {}, False),
        (2, {}, True),
        (2, anti_affinity("kubernetes.io/hostname"), False),
        (2, anti_affinity(ZONE), False),
        (2, anti_affinity("kubernetes.io/hostname", "other"), True),
        (2, {"affinity": {"podAffinity": anti_affinity(ZONE)["affinity"]["podAntiAffinity"]}}, True),
        (2, {"topologySpreadConstraints": [{"topologyKey": ZONE, "labelSelector": {}}]}, False),
        (2, {"topologySpreadConstraints": [{"topologyKey": ZONE}]}, True),  # which selects no pod
        (2, {"nodeName": "aks-1"}, False),
    ],
)
def test_no_anti_affinity(replicas: int, pod: dict[str, Any], expected: bool) -> None:
    assert rules(stateful_set(replicas, **pod)) == ([("note", "no-anti-affinity")] if expected else [])


@pytest.mark.parametrize(
    ("parameters", "changed"),
    [
        ({"skuName": "Premium_LRS"}, ["+provisioner: disk.csi.azure.com", "-provisioner: kubernetes.io/azure-disk"]),
        (
            {"skuName": "Premium_LRS", "storageAccount": "x"},
            ["+provisioner: disk.csi.azure.com", "-  storageAccount: x", "-provisioner: kubernetes.io/azure-disk"],
        ),
        ({"skuName": "Premium_LRS", "zones": "1,2"}, []),
    ],
)
def test_an_old_class_is_mended_without_what_the_driver_refuses(parameters: dict[str, str], changed: list[str]) -> None:
    old = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "old"},
           "provisioner": "kubernetes.io/azure-disk", "parameters": parameters, "allowVolumeExpansion": True,
           "volumeBindingMode": "WaitForFirstConsumer"}  # fmt: skip
    (finding,) = lint_text(text(old)).findings
    lines = [line for line in finding.fix.splitlines()[2:] if line[0] in "+-"]
    assert (finding.rule, sorted(lines)) == ("in-tree", changed)


@pytest.mark.parametrize(("kind", "mended"), [("Managed", True), (None, True), ("Dedicated", False)])
def test_an_old_volume_is_mended_where_it_is_a_managed_disk(kind: str | None, mended: bool) -> None:
    disk = {"diskURI": "/subscriptions/0/disks/a", "diskName": "a", **({"kind": kind} if kind else {})}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"}, "spec": {"azureDisk": disk}}
    (finding,) = lint_text(text(volume)).findings
    assert (finding.rule, finding.level) == ("in-tree", "warning")
    (live,) = lint(None, as_live(text(volume))).findings
    assert (live.rule, live.level) == ("in-tree", "note")  # it works, by translation
    # A spec of one field cannot be left without it in a text: another one makes room.
    volume["spec"] = {"accessModes": ["ReadWriteOnce"], "azureDisk": disk}
    (finding,) = lint_text(text(volume)).findings
    assert ("volumeHandle: /subscriptions/0/disks/a" in finding.fix) == mended


def node(name: str, zone: str = "", *, ready: bool = True, **spec: Any) -> dict[str, Any]:
    labels = {ZONE: zone, DISK_ZONE: zone} if zone else {}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec,
            "status": {"conditions": conditions}}  # fmt: skip


def volume(name: str, *zones: str, driver: str = "disk.csi.azure.com") -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": DISK_ZONE, "operator": "In", "values": [zone]}]} for zone in zones]
    csi = {"driver": driver, "volumeHandle": f"/subscriptions/0/disks/{name}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"csi": csi, "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}}  # fmt: skip


def of_cluster(*objects: dict[str, Any], rule: str) -> list[str]:
    report: LintReport = lint(None, as_live(text(*objects)))
    return [f"{each.object.name}: {each.because}" for each in report.findings if each.rule == rule]


TAINT = {"taints": [{"key": "a", "effect": "NoSchedule"}]}
ALONE = "1 disk can be attached in zone eu-1 only, where it is the one node that takes pods"


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([node("a", "eu-1"), node("b", "eu-2"), volume("v", "eu-1")], [f"a: {ALONE}"]),
        ([node("a", "eu-1"), node("b", "eu-1"), volume("v", "eu-1")], []),
        ([node("a", "eu-1"), node("b", "eu-1", unschedulable=True), volume("v", "eu-1")], [f"a: {ALONE}"]),
        ([node("a", "eu-1"), node("b", "eu-1", ready=False), volume("v", "eu-1")], [f"a: {ALONE}"]),
        ([node("a", "eu-1"), node("b", "eu-1", **TAINT), volume("v", "eu-1")], [f"a: {ALONE}"]),
        ([node("a", "eu-1"), volume("v", "eu-1", "eu-2", "")], []),
        ([node("a", "0"), volume("v", "")], []),
        ([node("a", "eu-1"), volume("v", "eu-1", driver="file.csi.azure.com")], []),
        ([volume("v", "eu-1")], []),
    ],
    ids=["alone", "two", "cordoned", "not-ready", "tainted", "zrs", "regional", "files", "no-nodes"],
)
def test_the_one_node_of_a_zone_with_disks(objects: list[dict[str, Any]], expected: list[str]) -> None:
    assert of_cluster(*objects, rule="too-few-zones") == expected


@pytest.mark.parametrize(
    ("replicas", "zones", "pod", "expected"),
    [
        (3, ("eu-1", "eu-2"), anti_affinity(ZONE), "each of its 3 pods asks for a zone of its own"),
        (2, ("eu-1", "eu-2"), anti_affinity(ZONE), ""),
        (2, (), anti_affinity(ZONE), "the nodes stand in no zones"),
        (3, ("eu-1",), {"topologySpreadConstraints": [{"topologyKey": ZONE, "labelSelector": {}}]}, "2 or more"),
        (3, ("eu-1",), {"topologySpreadConstraints": [{"topologyKey": "pool", "labelSelector": {}}]}, ""),
        (1, ("eu-1",), {"topologySpreadConstraints": [{"topologyKey": ZONE, "labelSelector": {}}]}, ""),
    ],
)
def test_a_set_that_asks_for_more_zones_than_there_are(
    replicas: int, zones: tuple[str, ...], pod: dict[str, Any], expected: str
) -> None:
    fast = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "managed-csi"},
            "provisioner": "disk.csi.azure.com"}  # fmt: skip
    nodes = [node(f"aks-{zone}", zone) for zone in zones] or [node("aks-1")]
    said = of_cluster(fast, *nodes, stateful_set(replicas, **pod), rule="too-few-zones")
    assert len(said) == bool(expected) and all(expected in each for each in said), said


@pytest.mark.parametrize(
    ("limit", "attached", "expected"),
    [
        (8, 6, []),
        (8, 7, ["aks-1: it takes 1 more, of 8 disks"]),
        (8, 9, ["aks-1: it takes no more, of 8 disks"]),
        (64, 57, []),
        (64, 58, ["aks-1: it takes 6 more, of 64 disks"]),
        (None, 99, []),
    ],
)
def test_slots_nearly_full(limit: int | None, attached: int, expected: list[str]) -> None:
    driver = {"name": "disk.csi.azure.com", "nodeID": "x", "allocatable": {"count": limit} if limit else {}}
    csi_node = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "aks-1"},
                "spec": {"drivers": [driver]}}  # fmt: skip
    others = [
        {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": f"csi-{number}"},
         "spec": {"attacher": "disk.csi.azure.com", "nodeName": "aks-1",
                  "source": {"persistentVolumeName": f"v{number}"}}} for number in range(attached)
    ]  # fmt: skip
    assert of_cluster(node("aks-1"), csi_node, *others, rule="slots-nearly-full") == expected


def test_what_needs_a_cluster_is_not_said_of_files() -> None:
    assert found(lint_text(text(node("a", "eu-1"), volume("v", "eu-1")))) == []
