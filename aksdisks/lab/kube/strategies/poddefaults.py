"""The defaults of pods, as in templates (pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.objects import fill
from aksdisks.lab.kube.strategies import volumesources

_MODE_0644 = 420
_WITH_MODE = ("secret", "configMap", "downwardAPI", "projected")


def pod_spec(spec: Object) -> None:
    """The defaults of a pod's spec."""
    fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    if spec.get("serviceAccountName") and not spec.get("serviceAccount"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount") and not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, ()):
            _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Object) -> None:
    fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=_pull_policy(container.get("image", "")),
    )
    for port in container.get("ports", ()):
        fill(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            fill(container[name], timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _action(container[name])
    for name in ("postStart", "preStop"):
        _action(container.get("lifecycle", {}).get(name, {}))
    for variable in container.get("env", ()):
        _field_reference(variable.get("valueFrom", {}))
        if "resourceFieldRef" in variable.get("valueFrom", {}):
            variable["valueFrom"]["resourceFieldRef"].setdefault("divisor", "0")


def _action(handler: Object) -> None:
    if "httpGet" in handler:
        fill(handler["httpGet"], path="/", scheme="HTTP")
    if "grpc" in handler:
        handler["grpc"].setdefault("service", "")


def _field_reference(holder: Object) -> None:
    if "fieldRef" in holder:
        fill(holder["fieldRef"], apiVersion="v1")


def _pull_policy(image: str) -> str:
    """Always, where the tag may move."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if "@" not in image and tag in ("", "latest") else "IfNotPresent"


def _volume(volume: Object) -> None:
    for name in _WITH_MODE:
        if name in volume:
            fill(volume[name], defaultMode=_MODE_0644)
    for item in volume.get("downwardAPI", {}).get("items", ()):
        _file(item)
    for source in volume.get("projected", {}).get("sources", ()):
        if "serviceAccountToken" in source:
            fill(source["serviceAccountToken"], expirationSeconds=3600)
        for item in source.get("downwardAPI", {}).get("items", ()):
            _file(item)
    template = volume.get("ephemeral", {}).get("volumeClaimTemplate")
    if template is not None:
        fill(template.setdefault("spec", {}), volumeMode="Filesystem")
    if "image" in volume:
        fill(volume["image"], pullPolicy=_pull_policy(volume["image"].get("reference", "")))
    volumesources.defaults(volume)
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}


def _file(item: Object) -> None:
    _field_reference(item)
    if "resourceFieldRef" in item:
        item["resourceFieldRef"].setdefault("divisor", "0")
