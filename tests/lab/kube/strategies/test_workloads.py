"""What Deployments, ReplicaSets and StatefulSets may not say, and every line that upstream answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.kube.strategies.refusals import of_new

LABELS = {"a": "b"}
POD = {"containers": [{"name": "c", "image": "i:1"}]}


def workload(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    return {"metadata": {"name": "w"}, "spec": {"selector": {"matchLabels": LABELS}, "template": template, **spec}}


MISMATCH = 'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'
BUILT = {"metadata": {"labels": LABELS}, "spec": {**POD, "ephemeralContainers": [
    {"name": "e", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "obj", "problems"),
    [
        ("deployments", workload(selector=None), ["spec.selector: Required value", MISMATCH]),
        ("replicasets", workload(selector=None), ["spec.selector: Required value", MISMATCH]),
        ("statefulsets", workload(selector=None), ["spec.selector: Required value", MISMATCH]),
        ("deployments", workload(selector={"matchExpressions": [{"key": "a", "operator": "Near"}]}),
         ['spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
          'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Near"}]}: invalid label '
          'selector']),
        ("deployments", workload(template=BUILT),
         ["spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"]),
        ("deployments", workload(template={"metadata": {"labels": LABELS}, "spec": {**POD, "restartPolicy": "Never",
         "activeDeadlineSeconds": 5}}),
         ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
          "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"]),
        ("deployments", workload(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
         ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]),
        ("deployments", workload(progressDeadlineSeconds=5, minReadySeconds=5),
         ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"]),
        ("statefulsets", workload(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
         ['spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for '
          "updateStrategy 'RollingUpdate'"]),
        ("statefulsets", workload(podManagementPolicy="Any"),
         ["spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'"]),
        ("statefulsets", workload(serviceName="a.b"),
         ['spec.serviceName: Invalid value: "a.b": a lowercase RFC 1123 label must consist of lower case alphanumeric '
          "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
          "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]),
        ("statefulsets", workload(ordinals={"start": -1}),
         ["spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_new_workloads(resource: str, obj: dict[str, Any], problems: list[str]) -> None:
    assert of_new(resource, obj) == problems
