"""What a pod may not say: each row is a part of its spec and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.validators.refusals import of_change, of_new

C: dict[str, Any] = {"name": "c", "image": "i:1"}
AT = "spec.containers[0]"
EMPTY, CLAIM = {"name": "e", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {"claimName": "b"}}
PATH = {"matchLabels": {"a": "b"}}


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
        ({"env": [{"name": "A=B"}]}, [f'{AT}.env[0].name: Invalid value: "A=B": a valid environment variable name must '
         "consist only of printable ASCII characters other than '=' (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or "
         "'MyEnvName1', regex used for validation is '^[ -<>-~]+$')"]),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.colour"}}}]},
         [f'{AT}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.colour": error converting fieldPath: field '
          "label not supported: spec.colour"]),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
         [f'{AT}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: '
          '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", '
          '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"']),
        ({"env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
         [f'{AT}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty']),
        ({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "3"}}}]},
         [f'{AT}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m '
          f'and 1 '
          "are supported with the cpu resource"]),
        ({"envFrom": [{}]}, [f'{AT}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`']),
        ({"volumeMounts": [{"name": "e", "mountPath": "/a", "subPath": "/x"}, {"name": "e", "mountPath": "/a"}]},
         [f'{AT}.volumeMounts.subPath: Invalid value: "/x": must be a relative path',
          f'{AT}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique']),
        ({"volumeMounts": [{"name": "e", "mountPath": "/a", "subPath": "x", "subPathExpr": "../y"}]},
         [f'{AT}.volumeMounts[0].subPathExpr: Invalid value: "../y": subPathExpr and subPath are mutually exclusive',
          f"{AT}.volumeMounts.subPathExpr: Invalid value: \"../y\": must not contain '..'"]),
        ({"volumeMounts": [{"name": "e", "mountPath": "/a", "mountPropagation": "Bidirectional",
                            "recursiveReadOnly": "Enabled"}]},
         [f"{AT}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to "
          "privileged containers",
          f"{AT}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
          f"{AT}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not "
          "specified"]),
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
        ({"resources": {"requests": {"hugepages-2Mi": "3Mi"}, "limits": {"hugepages-2Mi": "3Mi"}}},
         [f'{AT}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of '
          "hugepages-2Mi",
          f'{AT}.resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of '
          "hugepages-2Mi",
          f"{AT}.resources: Forbidden: HugePages require cpu or memory"]),
        ({"resources": {"claims": [{"name": "gpu"}]}},
         [f'{AT}.resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is '
          "empty"]),
        ({"securityContext": {"runAsUser": -1, "procMount": "Unmasked"}},
         [f"{AT}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
          f'{AT}.securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`']),
        ({"securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}},
         [f'{AT}.securityContext.seccompProfile.localhostProfile: Invalid value: {{"Type":"RuntimeDefault",'
          '"LocalhostProfile":"x"}: can only be set when seccomp type is Localhost']),
        ({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
         [f"{AT}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
          "terminationGracePeriodSeconds (30)"]),
        ({"livenessProbe": {"exec": {}, "tcpSocket": {"port": 80}, "successThreshold": 2}},
         [f"{AT}.livenessProbe.exec.command: Required value",
          f"{AT}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
          f"{AT}.livenessProbe.successThreshold: Invalid value: 2: must be 1"]),
        ({"readinessProbe": {"httpGet": {"port": "a--b", "scheme": "FTP", "httpHeaders": [{"name": "a b"}]}}},
         [f'{AT}.readinessProbe.httpGet.port: Invalid value: "a--b": must not contain consecutive hyphens',
          f'{AT}.readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
          f"{AT}.readinessProbe.httpGet.httpHeaders: Invalid value: \"a b\": a valid HTTP header must consist of "
          "alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"]),
        ({"resizePolicy": [{"resourceName": "disk", "restartPolicy": "NotRequired"}]},
         [f'{AT}.resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"']),
    ],
)  # fmt: skip
def test_containers(container: dict[str, Any], problems: list[str]) -> None:
    assert of_new("pods", pod({**C, **container}, volumes=[EMPTY, CLAIM])) == problems


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
         ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]),
        ({"volumes": [{"name": "v", "csi": {"driver": "a_b", "nodePublishSecretRef": {}}}]},
         ['spec.volumes[0].csi.driver: Invalid value: "a_b": a lowercase RFC 1123 subdomain must consist of lower case '
          "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
          "'example.com', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
          "spec.volumes[0].csi.nodePublishSecretRef.name: Required value"]),
        ({"volumes": [{"name": "v", "configMap": {"defaultMode": 512, "items": [{"key": "k", "path": "..a"}]}}]},
         ["spec.volumes[0].configMap.name: Required value",
          "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), "
          "both "
          "inclusive",
          "spec.volumes[0].configMap.items[0].path: Invalid value: \"..a\": must not start with '..'"]),
        ({"volumes": [{"name": "v", "downwardAPI": {"items": [{"path": "a"}]}}]},
         ["spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"]),
        ({"volumes": [{"name": "v", "projected": {"sources": [
            {"serviceAccountToken": {"path": "t", "expirationSeconds": 1}},
            {"secret": {"name": "s", "items": [{"key": "a", "path": "x"}, {"key": "b", "path": "x"}]}}]}}]},
         ["spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not "
          "specify "
          "a duration less than 10 minutes",
          'spec.volumes[0].projected: Invalid value: "s": conflicting duplicate paths']),
        ({"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "x"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
            {"name": "w", "persistentVolumeClaim": {"claimName": "p-v"}}]},
         ["spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
          'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-v": must not reference a PVC that gets '
          "created for an ephemeral volume"]),
        ({"volumes": [{"name": "v", "azureDisk": {"diskName": "d", "diskURI": "x", "kind": "Managed"}}]},
         ['spec.volumes[0].azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/'
          'resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"']),
        ({"initContainers": [{**C, "lifecycle": {}, "startupProbe": {"exec": {"command": ["x"]}}}]},
         ['spec.initContainers[0].name: Duplicate value: "c"',
          "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without "
          "restartPolicy=Always",
          "spec.initContainers[0].startupProbe: Forbidden: may not be set for init containers without "
          "restartPolicy=Always"]),
        ({"ephemeralContainers": [{"name": "e", "image": "i", "targetContainerName": "d", "ports": [
            {"containerPort": 80, "protocol": "TCP"}]}]},
         ['spec.ephemeralContainers[0].targetContainerName: Not found: "d"',
          "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
          "spec.ephemeralContainers: Forbidden: cannot be set on create"]),
        ({"hostNetwork": True, "containers": [{**C, "ports": [{"containerPort": 80, "hostPort": 81}]}]},
         ["spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is "
          "true"]),
        ({"securityContext": {"fsGroup": -1, "supplementalGroups": [-2], "fsGroupChangePolicy": "Never", "sysctls": [
            {"name": "A"}]}},
         ["spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
          "spec.securityContext.supplementalGroups[0]: Invalid value: -2: must be between 0 and 2147483647, inclusive",
          'spec.securityContext.sysctls[0].name: Invalid value: "A": must have at most 253 characters and match regex '
          r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
          'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", '
          '"OnRootMismatch"']),
        ({"dnsPolicy": "None"}, ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
        ({"dnsConfig": {"nameservers": ["a"], "options": [{}]}},
         ['spec.dnsConfig.nameservers[0]: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or '
          "2001:db8::ffff)", "spec.dnsConfig.options[0]: Required value: must not be empty"]),
        ({"schedulingGates": [{"name": "g"}, {"name": "g"}], "nodeName": "n"},
         ['spec.schedulingGates[1]: Duplicate value: "g"',
          "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]),
        ({"topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2},
            {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "matchLabelKeys": ["k"]}]},
         ['spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, ScheduleAnyway}"',
          "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if "
          "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
          "spec.topologySpreadConstraints[1].matchLabelKeys: Forbidden: must not be specified when labelSelector is "
          "not "
          "set"]),
        ({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "", "matchLabelKeys": ["a"]}]}}},
         [f"{'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]'}.matchLabelKeys: Forbidden: "
          "must not be specified when labelSelector is not set",
          "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: "
          "can "
          "not be empty",
          'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": '
          "name part must be non-empty",
          'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": '
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
          "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
          "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"]),
        ({"hostAliases": [{"ip": "x", "hostnames": ["a"]}]},
         ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        ({"hostUsers": False, "hostPID": True}, ["spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false"]),
        ({"os": {"name": "windows"}, "securityContext": {"fsGroup": 1}},
         ["spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod"]),
        ({"os": {"name": "beos"}}, ['spec.os: Unsupported value: "beos": supported values: "linux", "windows"']),
        ({"overhead": {"cpu": "-1"}}, ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal '
         'to '
                                       "0"]),
    ],
)  # fmt: skip
def test_specs(spec: dict[str, Any], problems: list[str]) -> None:
    assert of_new("pods", pod(**spec)) == problems


GATED = pod(schedulingGates=[{"name": "g"}], nodeSelector={"a": "1"})
ENDED = {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0}}}]}


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
        (GATED, {"nodeSelector": {"a": "2"}}, ['spec.nodeSelector: Invalid value: {"a":"2"}: only additions to '
                                               "spec.nodeSelector are allowed (no mutations or deletions)"]),
    ],
)  # fmt: skip
def test_changes(base: dict[str, Any], change: dict[str, Any], problems: list[str]) -> None:
    assert of_change("pods", base, {"spec": change}) == problems


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        ({"containerStatuses": [{"name": "c", "state": {"running": {}}}]},
         ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]),
        ({"qosClass": "Guaranteed"}, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']),
        ({"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
         ['status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more than one IP for '
          'each '
          "IP family"]),
        ({"hostIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.2"}]},
         ['status.hostIPs[0].ip: Invalid value: "10.0.0.2": must be equal to `hostIP`']),
        ({"nominatedNodeName": "a_b"}, ['status.nominatedNodeName: Invalid value: "a_b": a lowercase RFC 1123 '
         'subdomain '
         "must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
         "character (e.g. 'example.com', regex used for validation is "
         "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"]),
    ],
)  # fmt: skip
def test_statuses(status: dict[str, Any], problems: list[str]) -> None:
    assert of_change("pods", pod(restartPolicy="Never"), {"status": status}, ENDED, subresource="status") == problems


def test_a_pod_that_is_replaced_keeps_what_admission_gave_it() -> None:
    given = {"tolerations": None, "priority": None, "preemptionPolicy": None}
    assert of_change("pods", pod(), {"spec": given}) == []


def test_a_refused_change_shows_keys_of_maps_as_they_are() -> None:
    [problem] = of_change("pods", pod(), {"spec": {"nodeSelector": {"a": "b"}}})
    assert '+ "NodeSelector": {\n+  "a": "b"\n+ },' in problem
