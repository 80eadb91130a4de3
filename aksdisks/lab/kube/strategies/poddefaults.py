"""The defaults of pods, as in templates (pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.defaults import Defaults, default, within

_MODE_0644 = 420


def _pull_policy(image: str) -> str:
    """Always, where the tag may move."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if "@" not in image and tag in ("", "latest") else "IfNotPresent"


def _some_source(volume: Object) -> Object | None:
    return None if any(key != "name" for key in volume) else {}


_REFERENCES = (default("fieldRef", apiVersion="v1"), default("resourceFieldRef", divisor="0"))
_HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
_CONTAINER: Defaults = (
    default(
        "",
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=lambda container: _pull_policy(container.get("image", "")),
    ),
    default("ports[]", protocol="TCP"),
    *(
        default(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
        for probe in _HANDLERS[:3]
    ),
    *(default(f"{handler}.httpGet", path="/", scheme="HTTP") for handler in _HANDLERS),
    *(default(f"{handler}.grpc", service="") for handler in _HANDLERS),
    within("env[].valueFrom", _REFERENCES),
)
_VOLUME: Defaults = (
    *(default(source, defaultMode=_MODE_0644) for source in ("secret", "configMap", "downwardAPI", "projected")),
    default("projected.sources[].serviceAccountToken", expirationSeconds=3600),
    within("downwardAPI.items[]", _REFERENCES),
    within("projected.sources[].downwardAPI.items[]", _REFERENCES),
    default("ephemeral.volumeClaimTemplate", spec={}),
    default("ephemeral.volumeClaimTemplate.spec", volumeMode="Filesystem"),
    default("image", pullPolicy=lambda image: _pull_policy(image.get("reference", ""))),
    default("hostPath", type=""),
    default("", emptyDir=_some_source),
)
POD_SPEC: Defaults = (
    default(
        "",
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
        serviceAccount=lambda spec: spec.get("serviceAccountName"),
        serviceAccountName=lambda spec: spec.get("serviceAccount"),
    ),
    *(within(f"{kind}[]", _CONTAINER) for kind in ("initContainers", "containers", "ephemeralContainers")),
    within("volumes[]", _VOLUME),
)
"""The defaults of a pod's spec; those of volume sources are in the OpenAPI."""


def template(holder: str) -> Defaults:
    """The defaults of the pod template of what stands at a path."""
    path = f"{holder}.template" if holder else "template"
    return (default(holder, template={}), default(path, spec={}), within(f"{path}.spec", POD_SPEC))
