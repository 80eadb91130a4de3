"""What is warned of in objects that are taken: each row is an object and every warning that upstream sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi

C: dict[str, Any] = {"name": "c", "image": "i:1"}
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def pod(*containers: dict[str, Any], name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": list(containers) or [C], **spec}}


def workload(*containers: dict[str, Any], name: str = "w", **spec: Any) -> dict[str, Any]:
    template = {**pod(*containers), "metadata": {"labels": {"a": "b"}}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}}


def claim(size: str) -> dict[str, Any]:
    requests = {"requests": {"storage": size}}
    return {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": requests}}


def volume(**spec: Any) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, **spec}
    return {"metadata": {"name": "v", "annotations": {BETA: "x"}}, "spec": spec}


BETA = "volume.beta.kubernetes.io/storage-class"
PIECES = {**C, "resources": {"requests": {"memory": "100m"}}}
ZONE = "failure-domain.beta.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("resource", "obj", "warnings"),
    [
        ("pods", pod(), []),
        ("pods", pod(name="a.b"), ["metadata.name: this is used in the Pod's hostname, which can result in surprising "
                                   f"behavior; a DNS label is recommended: [{LABEL}]"]),
        ("pods", pod(nodeSelector={"beta.kubernetes.io/os": "linux"}),
         ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead']),
        ("pods", pod(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": ZONE,
                                                 "whenUnsatisfiable": "DoNotSchedule"}]),
         [f'spec.topologySpreadConstraints[0].topologyKey: {ZONE} is deprecated since v1.17; use '
          '"topology.kubernetes.io/zone" instead',
          "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"]),
        ("deployments", workload(name="a.b"),
         ["metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS "
          "label "
          f"is recommended: [{LABEL}]"]),
        ("statefulsets", workload(PIECES, serviceName="s",
                                  volumeClaimTemplates=[claim("1500m")]),
         ['spec.template.spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must '
          'be '
          "an integer",
          'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be '
          "an integer"]),
        ("persistentvolumeclaims", claim("0.5"),
         ['spec.resources.requests[storage]: fractional byte value "500m" is invalid, must be an integer']),
        ("persistentvolumes", volume(hostPath={"path": "/a"}, persistentVolumeReclaimPolicy="Recycle"),
         [f'metadata.annotations[{BETA}]: deprecated since v1.8; use "storageClassName" attribute instead',
          "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
          "approach is to use dynamic provisioning."]),
        ("storageclasses", {"metadata": {"name": "s"}, "provisioner": "p", "allowedTopologies": [
            {"matchLabelExpressions": [{"key": ZONE, "values": ["1"]}]}]},
         ['allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use '
          '"topology.kubernetes.io/zone" '
          "instead"]),
    ],
)  # fmt: skip
def test_new_objects(resource: str, obj: dict[str, Any], warnings: list[str]) -> None:
    async def test() -> None:
        api = KubeApi(Store(), Clock(), Ids(1))
        await api.create("namespaces", {"metadata": {"name": "default"}})
        await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
        told: list[str] = []
        await api.create(resource, obj, warnings=told)
        assert told == warnings

    asyncio.run(test())


def test_a_workload_is_looked_at_again_when_its_spec_changes() -> None:
    async def test() -> None:
        api = KubeApi(Store(), Clock(), Ids(1))
        await api.create("namespaces", {"metadata": {"name": "default"}})
        await api.create("deployments", workload(PIECES))
        told: list[str] = []
        await api.patch("deployments", "w", {"metadata": {"labels": {"c": "d"}}}, warnings=told)
        assert told == []
        await api.patch("deployments", "w", {"spec": {"replicas": 2}}, warnings=told)
        assert [warning.partition(":")[0] for warning in told] == [
            "spec.template.spec.containers[0].resources.requests[memory]"
        ]

    asyncio.run(test())
