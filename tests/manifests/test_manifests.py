"""The built objects against the article's text and against what a cluster recorded of them."""

import json
import re

import yaml

from aksdisks import manifests
from aksdisks.parameters import validate

ARTICLE = [
    yaml.safe_load(text)
    for text in (
        """{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: azure-managed-disk}, spec: {accessModes:
        [ReadWriteOnce], storageClassName: managed-premium, resources: {requests: {storage: 25Gi}}}}""",
        """{apiVersion: apps/v1, kind: Deployment, metadata: {name: disk-deploy, labels: {app: busy-box-with-disk}},
        spec: {replicas: 1, selector: {matchLabels: {app: disk-pod}}, template: {metadata: {labels: {app: disk-pod}},
        spec: {containers: [{name: busy, image: 'vplauzon/get-started:part2-no-redis', ports: [{containerPort: 80}],
        volumeMounts: [{name: volume, mountPath: /buffer}]}],
        volumes: [{name: volume, persistentVolumeClaim: {claimName: azure-managed-disk}}]}}}}""",
        """{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: disk-stateful-set, labels: {app:
        busy-box-with-stateful-set-disk}}, spec: {replicas: 5, selector: {matchLabels: {app: stateful-disk-pod}},
        serviceName: stateful-disk-set, template: {metadata: {labels: {app: stateful-disk-pod}}, spec: {containers:
        [{name: busy, image: 'vplauzon/get-started:part2-no-redis', ports: [{containerPort: 80}], volumeMounts:
        [{name: azure-managed-disk-stateful, mountPath: /buffer}]}]}}, volumeClaimTemplates: [{metadata: {name:
        azure-managed-disk-stateful}, spec: {storageClassName: managed-premium, accessModes: [ReadWriteOnce],
        resources: {requests: {storage: 25Gi}}}}]}}""",
    )
]


def built(labels, **changes):
    objects = manifests.objects_for(validate(changes), labels)
    return [objects.claim, objects.deployment, objects.stateful_set]


def test_without_labels_the_objects_equal_the_article():
    assert built({}) == ARTICLE
    assert [yaml.safe_load(manifests.as_yaml(each)) for each in built({})] == ARTICLE


def test_the_runs_label_is_on_every_object_and_on_claims_and_pods_to_come():
    labels = {manifests.RUN_LABEL: "r"}
    claim, deployment, stateful = built(labels)
    template = stateful["spec"]["volumeClaimTemplates"][0]
    labelled = [claim, deployment, stateful, deployment["spec"]["template"], stateful["spec"]["template"], template]
    assert all(part["metadata"]["labels"][manifests.RUN_LABEL] == "r" for part in labelled)
    # The selectors stay the article's: they could not be changed later.
    assert deployment["spec"]["selector"] == {"matchLabels": {"app": "disk-pod"}}


def test_names_follow_the_stateful_sets_rule():
    assert manifests.stateful_claim(4) == "azure-managed-disk-stateful-disk-stateful-set-4"
    assert manifests.stateful_pod(0) == "disk-stateful-set-0"


def test_options_reach_the_pods():
    changes = {
        "image": "i", "node_selector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "cpu_request": "10m",
        "memory_request": "16Mi", "security": "restricted", "pull_secret": "pull",
        "command": ["sh", "-c", "wait"], "fs_group": 2000,
    }  # fmt: skip
    for workload in built({}, **changes)[1:]:
        spec = workload["spec"]["template"]["spec"]
        container = spec["containers"][0]
        assert (spec["nodeSelector"], spec["tolerations"]) == ({"a": "b"}, [{"operator": "Exists"}])
        assert spec["imagePullSecrets"] == [{"name": "pull"}] and container["image"] == "i"
        assert container["command"] == ["sh", "-c", "wait"]
        assert container["resources"] == {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_group_of_the_disks_files_is_the_chosen_one_or_that_of_restricted_pods():
    def groups(**changes):
        specs = [workload["spec"]["template"]["spec"] for workload in built({}, **changes)[1:]]
        return [spec.get("securityContext", {}).get("fsGroup") for spec in specs]

    assert groups() == [None, None]
    assert groups(security="restricted") == [10001, 10001]
    assert groups(fs_group=2000) == groups(fs_group=2000, security="restricted") == [2000, 2000]


def test_the_namespace_enforces_what_the_pods_must_pass():
    restricted = manifests.namespace("n", {}, validate({"security": "restricted"}))
    assert restricted["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert manifests.namespace("n", {}, validate({}))["metadata"] == {"name": "n", "labels": {}}


def test_yaml_has_no_aliases():
    for each in built({manifests.RUN_LABEL: "r"}):
        text = manifests.as_yaml(each)
        assert not re.search(r"[&*]id\d", text)
        assert json.dumps(yaml.safe_load(text)) == json.dumps(each)
