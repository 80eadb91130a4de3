"""What each rule finds and what it leaves alone: near misses and the ways in which manifests are really written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from aksdisks.inspection.lint.engine import lint
from aksdisks.inspection.lint.reading import Manifest, Reading, read_files
from tests.inspection.lint.twins import as_live, found, lint_text

pytestmark = pytest.mark.quick

HOST = "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/MC_a/providers/Microsoft.Compute/disks"


def obj(kind: str, name: str, spec: Any = None, **more: Any) -> dict[str, Any]:
    version = {"CronJob": "batch/v1", "Job": "batch/v1", "StorageClass": "storage.k8s.io/v1"}.get(kind, "v1")
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **({"spec": spec} if spec else {}), **more}


def claim(name: str = "data", modes: str = "ReadWriteOnce", **spec: Any) -> dict[str, Any]:
    return obj("PersistentVolumeClaim", name, {"accessModes": modes.split(), **spec})


def template(*claims: str, labels: str = "web", **spec: Any) -> dict[str, Any]:
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    return {"metadata": {"labels": {"app": labels}}, "spec": {"volumes": volumes, "containers": []} | spec}


def deployment(name: str = "web", *claims: str, pod: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    strategy = {"strategy": {"type": "Recreate"}}
    made = template(*(claims or ("data",)), labels=name, **(pod or {}))
    return obj("Deployment", name, strategy | {"template": made} | spec)


def workload(kind: str, name: str = "web", *, pod: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    made = template("data", labels=name, **(pod or {}))
    inner = (
        {"jobTemplate": {"spec": {"template": made} | spec.pop("job", {})}} if kind == "CronJob" else {"template": made}
    )
    return obj(kind, name, inner | spec)


def storage_class(name: str = "fast", provisioner: str = "disk.csi.azure.com", **more: Any) -> dict[str, Any]:
    usual = {"volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}
    return obj("StorageClass", name, None, provisioner=provisioner, **usual | more)


def text(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects)


def rules(*objects: dict[str, Any]) -> list[tuple[str, str]]:
    """Level and rule of what is found in objects of one file."""
    return [(each.level, each.rule) for each in lint_text(text(*objects)).findings]


def on_host(name: str = "aks-0") -> dict[str, Any]:
    rule = {"key": HOST, "operator": "In", "values": [name]}
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}}}


def beside(app: str, **term: Any) -> dict[str, Any]:
    near = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": HOST} | term
    return {"affinity": {"podAffinity": {REQUIRED: [near]}}}


FOUR = {"replicas": 4}
REPLICAS, UNSURE = [("error", "rwo-replicas")], [("warning", "rwo-replicas")]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([claim(), deployment(**FOUR)], REPLICAS),
        ([claim(), deployment()], []),
        ([claim(), deployment(replicas=None)], []),
        # Written as text, which the API server refuses: what is meant is clear.
        ([claim(), deployment(replicas="4")], REPLICAS),
        ([claim(), deployment(replicas="four")], []),
        ([claim(), deployment(replicas="9" * 5000)], []),
        ([claim(), deployment(replicas=True)], []),
        ([claim(modes="ReadWriteMany"), deployment(**FOUR)], []),
        ([claim(modes="ReadWriteOnce ReadOnlyMany"), deployment(**FOUR)], []),
        ([claim(modes="ReadOnlyMany"), deployment(**FOUR)], []),
        ([claim(modes="ReadWriteOncePod"), deployment(**FOUR, pod=on_host())], REPLICAS),
        ([claim(), deployment(**FOUR, pod=on_host())], []),
        ([claim(), deployment(**FOUR, pod={"nodeName": "aks-0"})], []),
        ([claim(), deployment(**FOUR, pod={"nodeSelector": {HOST: "aks-0"}})], []),
        ([claim(), deployment(**FOUR, pod={"nodeSelector": {"agentpool": "one"}})], REPLICAS),
        ([claim(), deployment(**FOUR, pod=beside("web"))], []),
        ([claim(), deployment(**FOUR, pod=beside("other"))], REPLICAS),
        ([claim(), deployment(**FOUR, pod=beside("web", topologyKey="topology.kubernetes.io/zone"))], REPLICAS),
        # The claim is in none of the files: nothing is certain of it.
        ([deployment(**FOUR)], []),
        # A class that nobody knows, and one that is known.
        ([claim(storageClassName="gold"), deployment(**FOUR)], UNSURE),
        ([claim(storageClassName="managed-premium"), deployment(**FOUR)], REPLICAS),
        ([claim(storageClassName="azurefile-csi"), deployment(**FOUR)], []),
        ([storage_class(), claim(storageClassName="fast"), deployment(**FOUR)], REPLICAS),
        ([storage_class(provisioner="nfs.csi.k8s.io"), claim(storageClassName="fast"), deployment(**FOUR)], []),
        # A volume made by hand, named by the claim, or fitting it by the name of a class that there is not.
        ([claim(storageClassName="", volumeName="v"), deployment(**FOUR),
          obj("PersistentVolume", "v", {"nfs": {"server": "s"}})], []),
        ([claim(storageClassName="manual"), deployment(**FOUR),
          obj("PersistentVolume", "v", {"storageClassName": "manual", "hostPath": {"path": "/x"}})], []),
        ([claim(storageClassName="manual"), deployment(**FOUR),
          obj("PersistentVolume", "v", {"storageClassName": "manual", "azureDisk": {"diskURI": GROUP}})], REPLICAS),
        ([claim(), workload("DaemonSet")], REPLICAS),
        ([claim(), workload("StatefulSet", replicas=2)], REPLICAS),
        ([claim(), workload("ReplicaSet", replicas=2)], REPLICAS),
        ([claim(), workload("ReplicationController", replicas=2)], REPLICAS),
        ([claim(), workload("Job", parallelism=3)], REPLICAS),
        ([claim(), workload("Job", parallelism=3, completions=1)], []),
        ([claim(), workload("Job", completions=3)], []),
        ([claim(), workload("Job", parallelism="3", completions="1")], []),
        ([claim(), workload("Job", parallelism="3", completions="2")], REPLICAS),
        ([claim(), workload("CronJob", job={"parallelism": 2})], REPLICAS),
        ([claim(), workload("CronJob")], UNSURE),
        ([claim(), workload("CronJob", concurrencyPolicy="Forbid")], []),
        ([claim(), workload("CronJob", concurrencyPolicy="Replace")], []),
        # A disk for each pod.
        ([workload("DaemonSet", pod={"volumes": [{"name": "x", "ephemeral": {"volumeClaimTemplate": {}}}]})], []),
        ([claim(), workload("StatefulSet", replicas=3, volumeClaimTemplates=[claim()])], []),
        ([claim(), deployment(**FOUR, pod={"volumes": [{"name": "data", "hostPath": {"path": "/x"}}]})], []),
    ],
)  # fmt: skip
def test_rwo_replicas(objects: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert [
        each for each in rules(*objects) if each[1] not in ("no-anti-affinity", "in-tree", "shared-disk")
    ] == expected


def test_the_old_annotation_names_the_class() -> None:
    annotated = {"annotations": {"volume.beta.kubernetes.io/storage-class": "azurefile"}}
    shared = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", **annotated},
              "spec": {"accessModes": ["ReadWriteOnce"]}}  # fmt: skip
    assert rules(shared, deployment(**FOUR)) == []


@pytest.mark.parametrize(
    ("replicas", "most", "kind", "expected"),
    [
        (1, 10, "Deployment", True),
        (None, 2, "Deployment", True),
        (1, 1, "Deployment", False),
        (1, 5, "ReplicaSet", False),
    ],
)
def test_an_autoscaler_makes_several(replicas: int | None, most: int, kind: str, expected: bool) -> None:
    target = {"scaleTargetRef": {"kind": kind, "name": "web"}, "maxReplicas": most}
    scaler = obj("HorizontalPodAutoscaler", "web", target)
    report = lint_text(text(claim(), deployment(replicas=replicas), scaler))
    wanted = [("rwo-replicas", "HorizontalPodAutoscaler default/web")] if expected else []
    assert found(report) == wanted


@pytest.mark.parametrize(
    ("strategy", "replicas", "surges"),
    [
        (None, 1, True),
        ({}, 1, True),
        ({"type": "RollingUpdate"}, None, True),
        ({"type": "Recreate"}, 1, False),
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, 1, False),
        ({"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 1}}, 1, False),
        ({"rollingUpdate": {"maxSurge": "0", "maxUnavailable": 1}}, 1, False),
        ({"rollingUpdate": {"maxSurge": "1%"}}, 1, True),
        ({"rollingUpdate": {"maxSurge": 1}}, 1, True),
        ({"rollingUpdate": {"maxSurge": "9" * 5000 + "%"}}, 1, True),
        ({"rollingUpdate": {"maxSurge": "999999999%"}}, 10**400, True),
        ({"rollingUpdate": {"maxSurge": "²%"}}, 1, True),
        ({"rollingUpdate": None}, 1, True),
        (None, 0, False),
    ],
)
def test_rwo_rolling_update(strategy: Any, replicas: int | None, surges: bool) -> None:
    expected = [("error", "rwo-rolling-update")] if surges else []
    assert rules(claim(), deployment(strategy=strategy, replicas=replicas)) == expected
    assert rules(claim(), deployment(strategy=strategy, replicas=replicas, pod=on_host())) == []


def test_keda_makes_several() -> None:
    for most, expected in (({}, ["rwo-replicas"]), ({"maxReplicaCount": 1}, [])):
        scaler = obj("ScaledObject", "web", {"scaleTargetRef": {"name": "web"}} | most)
        assert [rule for rule, _ in found(lint_text(text(claim(), deployment(), scaler)))] == expected


SHARED, PASSING = [("error", "rwo-shared")], [("warning", "rwo-shared")]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([claim(), deployment("a"), deployment("b")], SHARED),
        ([claim(), deployment("a"), deployment("b", replicas=0)], []),
        ([claim(), deployment("a", replicas=0), deployment("b")], []),
        ([claim(), deployment("a"), deployment("b", pod=beside("a"))], []),
        ([claim(), deployment("a", pod=beside("b")), deployment("b")], []),
        ([claim(modes="ReadWriteOncePod"), deployment("a"), deployment("b", pod=beside("a"))], SHARED),
        ([claim(), deployment("a", pod=on_host()), deployment("b", pod=on_host())], []),
        ([claim(), deployment("a", pod=on_host("one")), deployment("b", pod=on_host("two"))], SHARED),
        ([claim(modes="ReadWriteMany"), deployment("a"), deployment("b")], []),
        ([claim(storageClassName="gold"), deployment("a"), deployment("b")], PASSING),
        ([claim(), deployment("a"), workload("Job", "b")], PASSING),
        ([claim(), deployment("a"), workload("CronJob", "b", concurrencyPolicy="Forbid")], PASSING),
        ([claim(), deployment("a"), workload("Job", "b") | {"metadata": {"name": "b", "annotations":
          {"helm.sh/hook": "pre-install"}}}], []),
        ([deployment("a"), deployment("b")], []),
        # The claim of a set's pod, and one that only looks like it.
        ([workload("StatefulSet", "db", volumeClaimTemplates=[claim()]), deployment("b", "data-db-0")], SHARED),
        ([workload("StatefulSet", "db", volumeClaimTemplates=[claim()]), deployment("b", "data-db-x")], []),
        ([workload("StatefulSet", "db", volumeClaimTemplates=[claim()]), deployment("b", "other-db-0")], []),
    ],
)  # fmt: skip
def test_rwo_shared(objects: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert [each for each in rules(*objects) if each[1] != "shared-disk"] == expected


def test_the_items_of_a_list_as_the_api_gives_it_need_not_say_their_kind() -> None:
    spec = {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": "/subscriptions/s/resourceGroups/g/disks/d"}}
    items = [{"metadata": {"name": name}, "spec": spec} for name in ("a", "b")]
    assert rules({"apiVersion": "v1", "kind": "PersistentVolumeList", "items": items}) == [("error", "static-shared")]
    assert rules({"apiVersion": "v1", "kind": "List", "items": items}) == []


def test_of_a_claim_for_one_pod_it_is_said_that_no_node_helps() -> None:
    (found,) = lint_text(text(claim(modes="ReadWriteOncePod"), deployment("a"), deployment("b"))).findings
    assert found.because.endswith("of Deployment default/a: one pod alone may use it")


BLOCKS = {"volumeMode": "Block", "storageClassName": "fast"}


@pytest.mark.parametrize(
    ("objects", "level"),
    [
        ([claim(modes="ReadWriteMany", storageClassName="managed-csi")], "error"),
        ([claim(modes="ReadWriteOnce ReadOnlyMany", storageClassName="managed-csi")], "error"),
        ([claim(modes="ReadOnlyMany", storageClassName="managed-csi")], "error"),
        ([claim(modes="ReadWriteMany")], "warning"),
        ([claim(modes="ReadWriteOncePod", storageClassName="managed-csi")], ""),
        ([claim(modes="ReadWriteMany", storageClassName="gold")], ""),
        ([claim(modes="ReadWriteMany", storageClassName="")], ""),
        ([claim(modes="ReadWriteMany", storageClassName="managed-csi", volumeName="by-hand")], ""),
        ([claim(modes="ReadWriteMany", storageClassName="managed-csi") | {"status": {"phase": "Bound"}}], ""),
        ([storage_class(parameters={"MaxShares": "2"}), claim(modes="ReadWriteMany", **BLOCKS)], ""),
        ([storage_class(parameters={"MaxShares": "2"}),
          claim(modes="ReadWriteMany", storageClassName="fast")], "error"),
        ([storage_class(), claim(modes="ReadWriteMany", **BLOCKS)], "error"),
        ([storage_class(provisioner="nfs.csi.k8s.io"), claim(modes="ReadWriteMany", storageClassName="fast")], ""),
        ([workload("StatefulSet", volumeClaimTemplates=[claim(modes="ReadWriteMany", storageClassName="managed")])],
         "error"),
    ],
)  # fmt: skip
def test_shared_disk(objects: list[dict[str, Any]], level: str) -> None:
    found = [each for each in rules(*objects) if each[1] == "shared-disk"]
    assert found == ([(level, "shared-disk")] if level else [])


def test_variants_of_one_workload_and_examples_that_use_the_same_names_share_nothing(tmp_path: Any) -> None:
    for folder, name in (("dev", "web"), ("prod", "web"), ("example", "other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "claim.yaml").write_text(text(claim()))
        (tmp_path / folder / "deploy.yaml").write_text(text(deployment(name)))
    assert found(lint(read_files([str(tmp_path)], bytes))) == []
    # What is in each of them is judged nevertheless, against the claim beside it.
    (tmp_path / "dev" / "claim.yaml").write_text(text(claim(modes="ReadWriteMany", storageClassName="azurefile")))
    for folder in ("dev", "prod"):
        (tmp_path / folder / "deploy.yaml").write_text(text(deployment(**FOUR)))
    report = lint(read_files([str(tmp_path)], bytes))
    assert [each.file.removeprefix(f"{tmp_path}/") for each in report.findings] == ["prod/deploy.yaml"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"volumeBindingMode": "Immediate"}, True),
        ({"volumeBindingMode": "Immediate", "parameters": {"SkuName": "StandardSSD_ZRS"}}, False),
        ({"volumeBindingMode": "Immediate", "parameters": {"storageAccountType": "Premium_LRS"}}, True),
        ({"volumeBindingMode": "Immediate", "provisioner": "file.csi.azure.com"}, False),
        ({"volumeBindingMode": "Immediate", "provisioner": "kubernetes.io/gce-pd"}, False),
    ],
)
def test_immediate_zonal(changes: dict[str, Any], expected: bool) -> None:
    assert rules(storage_class(**changes)) == ([("warning", "immediate-zonal")] if expected else [])


def test_no_zones_no_zonal_disks() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-0"}}
    report = lint_text(text(storage_class(volumeBindingMode="Immediate")), live=text(node))
    assert "immediate-zonal" not in [rule for rule, _ in found(report)]


@pytest.mark.parametrize(
    ("zones", "level"),
    [((), "note"), (("westeurope-1", "westeurope-2"), None), (("westeurope-1", ""), "warning"), (("", ""), "note")],
    ids=["no-cluster", "all-zonal", "one-regional", "no-zones"],
)
def test_premium_v2_on_the_nodes_that_there_are(zones: tuple[str, ...], level: str | None) -> None:
    made = storage_class(parameters={"skuName": "PremiumV2_LRS"})
    objects = text(made, claim(storageClassName="fast"), deployment())
    nodes = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"aks-{number}", "labels": {
            "topology.disk.csi.azure.com/zone": zone}}} for number, zone in enumerate(zones)
    ]  # fmt: skip
    report = lint_text(objects, live=text(*nodes) if nodes else None)
    assert [each.level for each in report.findings if each.rule == "premium-v2-regional"] == ([level] if level else [])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres", True), ("docker.io/bitnami/postgresql:17@sha256:00", True), ("a.io/mssql/server:2022", True),
        ("localhost:5000/mysql", True), ("prometheuscommunity/postgres-exporter", False), ("minio/mc:latest", False),
        ("nginx", False), ("", False),
    ],
)  # fmt: skip
def test_delete_precious_knows_databases(image: str, expected: bool) -> None:
    pod = {"containers": [{"name": "c", "image": image}]}
    assert rules(claim(), deployment(pod=pod)) == ([("warning", "delete-precious")] if expected else [])


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([claim(storageClassName="azurefile")], False),
        ([claim(storageClassName="gold")], False),
        ([claim()], True),
    ],
)  # fmt: skip
def test_delete_precious_wants_to_know_the_class(objects: list[dict[str, Any]], expected: bool) -> None:
    pod = {"containers": [{"name": "c", "image": "postgres"}]}
    assert rules(*objects, deployment(pod=pod)) == ([("warning", "delete-precious")] if expected else [])


def test_delete_precious_of_a_cluster_goes_by_the_volume() -> None:
    pod = {"containers": [{"name": "c", "image": "postgres"}]}
    csi = {"driver": "disk.csi.azure.com", "volumeHandle": f"{GROUP}/a"}
    for policy, expected in (("Delete", ["delete-precious"]), ("Retain", [])):
        volume = obj("PersistentVolume", "v", {"csi": csi, "persistentVolumeReclaimPolicy": policy})
        bound = claim(storageClassName="fast", volumeName="v")
        live = as_live(text(storage_class(), volume, bound, deployment(pod=pod)))
        names = [each.rule for each in lint(None, live).findings if each.rule != "class-without-driver"]
        assert names == expected


def test_static_shared_takes_placeholders_for_no_disks() -> None:
    def volume(name: str, handle: str) -> dict[str, Any]:
        return obj("PersistentVolume", name, {"csi": {"driver": "disk.csi.azure.com", "volumeHandle": handle}})

    filled = f"{GROUP}/a"
    assert rules(volume("a", filled), volume("b", filled.upper())) == [("error", "static-shared")]
    assert rules(volume("a", "/subscriptions/{id}/a"), volume("b", "/subscriptions/{id}/a")) == []
    assert rules(volume("a", "/subscriptions/<id>/a"), volume("b", "/subscriptions/<id>/a")) == []


def the_set(size: str = "25Gi", name: str = "data", **spec: Any) -> dict[str, Any]:
    made = claim(name, resources={"requests": {"storage": size}}, storageClassName="fast", **spec)
    return workload("StatefulSet", "web", volumeClaimTemplates=[made])


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        (the_set(), None),
        (the_set("25600Mi"), None),
        (the_set(volumeMode="Filesystem"), None),
        (the_set("50Gi"), "the file gives claims data storage 50Gi, the set in the cluster has 25Gi: it is refused"),
        (the_set(volumeMode="Block"), "claims data volumeMode Block, the set in the cluster has Filesystem"),
        (the_set(name="files"), "the file has the claim templates files, the set in the cluster data"),
        (the_set(size="lots"), "claims data storage lots"),
    ],
)
def test_template_storage_change(wanted: dict[str, Any], because: str | None) -> None:
    report = lint_text(text(wanted), live=text(the_set()))
    said = [each.because for each in report.findings if each.rule == "template-storage-change"]
    assert len(said) == (because is not None) and all(str(because) in each for each in said), said


def test_template_storage_change_gives_the_commands_that_grow_each_claim() -> None:
    live = [
        the_set(),
        *(claim(f"data-web-{number}") for number in (0, 10, 2)),
        claim("data-web-x"),
        claim("data-webs-0"),
    ]
    report = lint_text(text(the_set("50Gi")), live=text(*live))
    (finding,) = (each for each in report.findings if each.rule == "template-storage-change")
    patch = """-n default -p '{"spec":{"resources":{"requests":{"storage":"50Gi"}}}}'"""
    assert finding.fix.splitlines() == [
        f"kubectl patch pvc data-web-0 {patch}",
        f"kubectl patch pvc data-web-2 {patch}",
        f"kubectl patch pvc data-web-10 {patch}",
        "kubectl delete statefulset web -n default --cascade=orphan",
        "kubectl apply -n default -f -",
    ]


def test_what_a_workload_made_is_not_judged_again_in_a_cluster() -> None:
    made = deployment(**FOUR)
    replica_set = workload("ReplicaSet", "web-1", replicas=4)
    replica_set["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "web", "controller": True}]
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "disk.csi.azure.com"}}
    live = as_live(text(storage_class(), claim(storageClassName="fast"), made, replica_set, driver))
    assert found(lint(None, live)) == [("rwo-replicas", "Deployment default/web")]


def test_a_claim_that_a_set_made_is_shared_in_a_cluster_too() -> None:
    made = workload("StatefulSet", "db", volumeClaimTemplates=[claim(storageClassName="fast")])
    others = [storage_class(), claim("data-db-0", storageClassName="fast"), made, deployment("b", "data-db-0")]
    assert ("rwo-shared", "Deployment default/b") in found(lint(None, as_live(text(*others))))


def test_what_is_found_on_an_object_of_the_cluster_is_told_of_the_file_s() -> None:
    pod = {"containers": [{"name": "c", "image": "postgres"}]}
    live = text(storage_class(), claim(storageClassName="fast"))
    report = lint_text(text(deployment(pod=pod)), live=live)
    assert [(each.file, str(each.object), each.line) for each in report.findings] == [
        ("-", "Deployment default/web", 1)
    ]
    scaler = obj(
        "HorizontalPodAutoscaler", "web", {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3}
    )
    (finding,) = lint_text(text(deployment()), live=live + "---\n" + text(scaler)).findings
    assert (finding.rule, finding.file, str(finding.object)) == ("rwo-replicas", "-", "Deployment default/web")


def test_the_workload_may_say_why_its_claim_is_as_it_is() -> None:
    pod = {"containers": [{"name": "c", "image": "postgres"}]}
    made = deployment(pod=pod)
    made["metadata"]["annotations"] = {"aksdisks/lint-ignore": "delete-precious: a copy"}
    report = lint_text(text(claim(), made))
    assert (found(report), [each.suppressed for each in report.suppressed]) == ([], ["a copy"])


ROLLING: dict[str, Any] = {**FOUR, "strategy": {"type": "RollingUpdate"}}
STATIC = {"csi": {"driver": "file.csi.azure.com", "volumeHandle": "g#account#share"}, "storageClassName": "manual"}


@pytest.mark.parametrize("modes", ["ReadWriteMany", "ReadWriteOnce"])
@pytest.mark.parametrize(
    "of_files",
    [
        *([claim(storageClassName=name)] for name in ("azurefile", "azurefile-premium", "azurefile-csi")),
        [claim(storageClassName="azurefile-csi-premium")],
        [storage_class("mine", "file.csi.azure.com", volumeBindingMode="Immediate"), claim(storageClassName="mine")],
        [storage_class("nfs", "file.csi.azure.com", parameters={"protocol": "nfs", "skuName": "Premium_LRS"}),
         claim(storageClassName="nfs")],
        [storage_class("old", "kubernetes.io/azure-file"), claim(storageClassName="old")],
        [obj("PersistentVolume", "v", STATIC), claim(storageClassName="manual")],
        [obj("PersistentVolume", "v", STATIC), claim(storageClassName="", volumeName="v")],
        [obj("PersistentVolume", "v", {"azureFile": {"secretName": "s", "shareName": "docs"}}),
         claim(storageClassName="", volumeName="v")],
    ],
)  # fmt: skip
def test_what_pods_share_on_azure_files_is_found_by_no_rule(of_files: list[dict[str, Any]], modes: str) -> None:
    """Two Deployments that roll four pods over one share, whoever says that it is one: the files or the cluster."""
    *classes, made = of_files
    asked = {**made, "spec": made["spec"] | {"accessModes": [modes]}}
    sharing = [deployment("one", **ROLLING), deployment("two", **ROLLING)]
    assert rules(*classes, asked, *sharing) == []
    there = [storage_class(asked["spec"]["storageClassName"] or "any", "file.csi.azure.com"), *classes, asked]
    assert found(lint_text(text(*sharing), live=text(*there))) == []


def postgres(path: str, image: str = "postgres", env: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A StatefulSet of PostgreSQL with this mount and, below it, one of a disk's."""
    container = {"name": "db", "image": image, "volumeMounts": [{"name": "data", "mountPath": path}], "env": env or []}
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}}
    return obj("StatefulSet", "db", {"template": template, "volumeClaimTemplates": [claim(storageClassName="mine")]})


def on_smb(*options: str, **parameters: str) -> dict[str, Any]:
    return storage_class("mine", "file.csi.azure.com", mountOptions=list(options), parameters=parameters)


REFERENCE = {"name": "PGDATA", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
OWNED = ("uid=999", "dir_mode=0700")


@pytest.mark.parametrize(
    ("made", "of", "expected"),
    [
        (postgres("/var/lib/postgresql/data"), on_smb(), True),
        (postgres("/var/lib/postgresql"), on_smb("mfsymlinks", "actimeo=30"), True),
        (postgres("/data", env=[{"name": "PGDATA", "value": "/data/pg"}]), on_smb(), True),
        (postgres("/var/lib/postgresql/data"), on_smb("uid=0", "dir_mode=0700"), True),
        (postgres("/var/lib/postgresql/data"), on_smb("uid=999"), True),
        (postgres("/var/lib/postgresql/data"), on_smb(*OWNED), False),
        (postgres("/var/lib/postgresql/data"), on_smb(",".join(OWNED)), False),
        (postgres("/var/lib/postgresql/data"), on_smb(protocol="NFS"), False),
        (postgres("/var/lib/postgresql/data"), on_smb(fsType="nfs"), False),
        (postgres("/var/lib/postgresql/data"), storage_class("mine"), False),
        (postgres("/var/lib/postgresql/database"), on_smb(), False),
        (postgres("/backup"), on_smb(), False),
        (postgres("/var/lib/postgresql/data", env=[{"name": "PGDATA", "value": "/elsewhere"}]), on_smb(), False),
        (postgres("/var/lib/postgresql/data", env=[REFERENCE]), on_smb(), False),
        (postgres("/var/lib/postgresql/data", image="postgres-exporter"), on_smb(), False),
        (postgres("/var/lib/postgresql/data"), storage_class("other", "file.csi.azure.com"), False),
    ],
)
def test_postgres_on_smb(made: dict[str, Any], of: dict[str, Any], expected: bool) -> None:
    found = [each for each in rules(of, made) if each[1] == "postgres-on-smb"]
    assert found == ([("error", "postgres-on-smb")] if expected else [])


def test_a_disk_that_is_mounted_within_a_share_is_the_one_that_counts() -> None:
    made = postgres("/var/lib/postgresql")
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["volumeMounts"] += [{"name": "disk", "mountPath": "/var/lib/postgresql/data"}]
    made["spec"]["volumeClaimTemplates"] += [claim("disk", storageClassName="managed-csi")]
    container["env"] = [{"name": "PGDATA", "value": "/var/lib/postgresql/data"}]
    assert "postgres-on-smb" not in {rule for _, rule in rules(on_smb(), made)}


def test_the_volume_counts_more_than_the_class() -> None:
    files = obj("PersistentVolume", "v", {"csi": {"driver": "file.csi.azure.com", "volumeHandle": "a#b#c"}})
    assert rules(files, claim(storageClassName="managed-csi", volumeName="v"), deployment(**FOUR)) == []


def test_what_a_file_shares_with_the_cluster() -> None:
    driver, disk = {"driver": "disk.csi.azure.com"}, {"volumeHandle": f"{GROUP}/a"}
    there = [
        storage_class(),
        claim(storageClassName="fast"),
        deployment("a"),
        obj("PersistentVolume", "v", {"csi": driver | disk}),
    ]
    report = lint_text(text(deployment("b"), obj("PersistentVolume", "w", {"csi": driver | disk})), live=text(*there))
    assert sorted(found(report)) == [("rwo-shared", "Deployment default/b"), ("static-shared", "PersistentVolume w")]


ODD: list[Any] = [None, "x", 3, True, [], {}, [None], ["x"], [[]], [{}], {"x": None}, {"name": 3, "spec": []}]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "CronJob", "StorageClass", "PersistentVolume"])
def test_no_rule_stumbles_over_what_stands_in_a_field(kind: str) -> None:
    whole = {
        "Deployment": deployment(**FOUR),
        "StatefulSet": the_set(),
        "CronJob": workload("CronJob"),
        "StorageClass": storage_class(parameters={"skuName": "Premium_LRS"}, allowedTopologies=[{}]),
        "PersistentVolume": obj("PersistentVolume", "v", {"csi": {"driver": "d", "volumeHandle": "h"}, "claimRef": {}}),
    }[kind]  # fmt: skip
    beside, live = (claim(), storage_class()), as_live(text(the_set(), claim()))
    for changed in _changed(whole):
        objects = {whole["metadata"]["name"]: changed, **{each["metadata"]["name"]: each for each in beside}}
        there = [Manifest(each["kind"], "default", name, live=each) for name, each in objects.items()]
        lint(Reading(tuple(there), (), ()), live)
        lint(None, there)


def _changed(value: Any) -> Any:
    """An object in which one field after the other is something odd."""
    if isinstance(value, dict):
        for key in value:
            if key in ("apiVersion", "kind"):
                continue
            for odd in ODD:
                yield value | {key: odd}
            for each in _changed(value[key]):
                yield value | {key: each}
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            for each in [*ODD, *_changed(inner)]:
                yield [*value[:number], each, *value[number + 1 :]]
