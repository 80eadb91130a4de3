"""What a pod may not say: each row is a part of its spec and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_change, of_new

C: dict[str, Any] = {"name": "c", "image": "i:1"}
AT = "spec.containers[0]"
EMPTY, CLAIM = {"name": "e", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {"claimName": "b"}}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers) or [C], **spec}}


@pytest.mark.parametrize(
    "container",
    [
        {"env": [{"name": "A.b", "value": "1"}]},
        {"env": [{"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a.b/c']"}}}]},
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}]},
        {"envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]},
        {"volumeMounts": [{"name": "e", "mountPath": "/e", "subPathExpr": "$(A)/b", "recursiveReadOnly": "Disabled"}]},
        {"volumeDevices": [{"name": "b", "devicePath": "/dev/b"}]},
        {"resources": {"limits": {"example.com/gpu": "2", "hugepages-2Mi": "4Mi", "memory": "1Gi"}}},
        {"securityContext": {"runAsUser": 0, "seccompProfile": {"type": "Localhost", "localhostProfile": "p/x.json"}}},
        {"lifecycle": {"preStop": {"sleep": {"seconds": 30}}}, "resizePolicy": [
            {"resourceName": "cpu", "restartPolicy": "RestartContainer"}]},
        {"readinessProbe": {"httpGet": {"port": "web", "httpHeaders": [{"name": "X-A", "value": "1"}]},
                            "successThreshold": 3}},
    ],
)  # fmt: skip
def test_containers_that_are_taken(container: dict[str, Any]) -> None:
    assert of_new("pods", pod({**C, **container}, volumes=[EMPTY, CLAIM])) == []


@pytest.mark.parametrize(
    ("container", "problems"),
    [
        ({"volumeMounts": [{"name": "e", "mountPath": "/a", "subPath": "/x"}, {"name": "e", "mountPath": "/a"}]},
         [f'{AT}.volumeMounts.subPath: Invalid value: "/x": must be a relative path',
          f'{AT}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique']),
        ({"volumeMounts": [{"name": "e", "mountPath": "/a", "subPath": "x", "subPathExpr": "../y"}]},
         [f"{AT}.volumeMounts.subPathExpr: Invalid value: \"../y\": must not contain '..'"]),
        ({"volumeMounts": [{"name": "b", "mountPath": "/x"}], "volumeDevices": [{"name": "b", "devicePath": "/x"}]},
         [f'{AT}.volumeMounts[0].name: Invalid value: "b": must not already exist in volumeDevices',
          f'{AT}.volumeMounts[0].mountPath: Invalid value: "/x": must not already exist as a path in volumeDevices',
          f'{AT}.volumeDevices[0].name: Invalid value: "b": must not already exist in volumeMounts',
          f'{AT}.volumeDevices[0].devicePath: Invalid value: "/x": must not already exist as a path in volumeMounts']),
        ({"volumeDevices": [{"name": "e", "devicePath": "/dev/../x"}]},
         [f'{AT}.volumeDevices[0].name: Invalid value: "e": can only use volume source type of PersistentVolumeClaim '
          f'or '
          "Ephemeral for block mode",
          f"{AT}.volumeDevices[0].devicePath: Invalid value: \"/dev/../x\": can not contain backsteps ('..')"]),
        ({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
         [f'{AT}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']),
        ({"resources": {"limits": {"storage": "1Gi"}, "requests": {"storage": "1Gi"}}},
         [f'{AT}.resources.limits[storage]: Invalid value: "storage": must be a standard resource for containers',
          f'{AT}.resources.requests[storage]: Invalid value: "storage": must be a standard resource for containers']),
        ({"resources": {"limits": {"example.com/gpu": "1500m"}}},
         [f'{AT}.resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
          f'{AT}.resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer']),
        ({"resources": {"requests": {"example.com/gpu": "1"}}},
         [f"{AT}.resources.limits: Required value: Limit must be set for non overcommitable resources"]),
    ],
)  # fmt: skip
def test_containers(container: dict[str, Any], problems: list[str]) -> None:
    assert of_new("pods", pod({**C, **container}, volumes=[EMPTY, CLAIM])) == problems


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
         ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]),
        ({"volumes": [{"name": "v", "csi": {"driver": "a_b"}}]},
         ['spec.volumes[0].csi.driver: Invalid value: "a_b": a lowercase RFC 1123 subdomain must consist of lower case '
          "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
          "'example.com', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"]),
        ({"volumes": [{"name": "v", "configMap": {}}]}, ["spec.volumes[0].configMap.name: Required value"]),
        ({"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "x"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
            {"name": "w", "persistentVolumeClaim": {"claimName": "p-v"}}]},
         ["spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
          'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-v": must not reference a PVC that gets '
          "created for an ephemeral volume"]),
        ({"volumes": [{"name": "v", "azureDisk": {"diskName": "d", "diskURI": "x", "kind": "Managed"}}]},
         ['spec.volumes[0].azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/'
          'resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"']),
        ({"securityContext": {"fsGroupChangePolicy": "Never"}},
         ['spec.securityContext.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", '
          '"OnRootMismatch"']),
        ({"schedulingGates": [{"name": "g"}], "nodeName": "n"},
         ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]),
        ({"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"}]},
         ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"]),
        ({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "a", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}}},
         ["spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector."
          "matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"]),
    ],
)  # fmt: skip
def test_specs(spec: dict[str, Any], problems: list[str]) -> None:
    assert of_new("pods", pod(**spec)) == problems


_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
GATED = pod(schedulingGates=[{"name": "g"}], nodeSelector={"a": "1"})


@pytest.mark.parametrize(
    ("base", "change", "problems"),
    [
        (pod(activeDeadlineSeconds=5), {"activeDeadlineSeconds": 3}, []),
        (pod(activeDeadlineSeconds=5), {"activeDeadlineSeconds": 6},
         ["spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value"]),
        (pod(activeDeadlineSeconds=5), {"activeDeadlineSeconds": None},
         ['spec.activeDeadlineSeconds: Invalid value: "null": must not update from a positive integer to nil value']),
        (pod(automountServiceAccountToken=False), {"containers": [{**C, "image": " i:1"}]},
         ['spec.containers[0].image: Invalid value: " i:1": must not have leading or trailing whitespace'] * 2),
        (GATED, {"schedulingGates": None}, []),
        (GATED, {"schedulingGates": [{"name": "h"}]},
         ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'"]),
        (GATED, {"nodeSelector": {"b": "2"}}, []),
        (pod(schedulingGates=[{"name": "g"}]), {"nodeSelector": {"b": "2"}, "schedulingGates": None}, []),
        (GATED, {"nodeSelector": {"a": "2", "b": "2"}},
         ['spec.nodeSelector: Invalid value: {"a":"2","b":"2"}: only additions to spec.nodeSelector are allowed (no '
          "mutations or deletions)"]),
        (pod(nodeSelector={"a": "1"}), {"nodeSelector": {"b": "2"}}, [f"spec: Forbidden: {_MUTABLE}"]),
    ],
)  # fmt: skip
def test_changes(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("pods", base, {"spec": change}) == problems


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        ({"qosClass": "Guaranteed"}, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']),
        ({"nominatedNodeName": "a_b"}, ['status.nominatedNodeName: Invalid value: "a_b": a lowercase RFC 1123 '
         'subdomain '
         "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
         "character (e.g. 'example.com', regex used for validation is "
         "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"]),
    ],
)  # fmt: skip
def test_statuses(status: dict[str, Any], problems: list[str]) -> None:
    assert of_change("pods", pod(restartPolicy="Never"), {"status": status}, subresource="status") == problems


def test_a_pod_that_is_replaced_keeps_what_admission_gave_it() -> None:
    given = {"tolerations": None, "priority": None, "preemptionPolicy": None}
    assert of_change("pods", pod(), {"spec": given}) == []
