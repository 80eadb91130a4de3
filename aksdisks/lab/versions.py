"""The versions of Kubernetes that a lab can be, and the words that its components changed between them: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

KNOWN = ("1.33", "1.34", "1.35", "1.36")
DEFAULT = "1.35"

Minor = tuple[int, int]


@dataclass(frozen=True)
class Words:
    """What components of one version say, as templates for `str.format`."""

    unfit: str
    """FailedScheduling when every node was looked at: {nodes}, {reasons}, {hope}."""
    hopeless: str
    """FailedScheduling when no node needed to be looked at: the same."""
    taint: str
    """Why a node does not do: {key}, {value} of the first taint that is not tolerated."""
    volume_elsewhere: str
    claim_in_use: str
    stateful_set: str
    """An event of a StatefulSet: {verb} or {lower} (the same in lower case), {what}."""
    image_present: str
    """{image}."""
    container_created: str
    """{name} of the container."""
    container_started: str


_FIRST = (1, 0)
_SINCE: Mapping[str, Mapping[Minor, str]] = {
    # K pkg/scheduler/framework/types.go FitError; plugins/dynamicresources/dynamicresources.go PostFilter, which comes
    # before preemption since the feature is on by default (pkg/features/kube_features.go, DynamicResourceAllocation).
    "unfit": {
        _FIRST: "{nodes} {reasons}. preemption: {nodes} {hope}.",
        (1, 34): "{nodes} {reasons}. no new claims to deallocate, preemption: {nodes} {hope}.",
    },
    # The same: where a plugin before it refused the pod, it finds no state of its own, and its error is all that is
    # said (pkg/scheduler/framework/cycle_state.go ErrNotFound).
    "hopeless": {
        _FIRST: "{nodes} {reasons}. preemption: {nodes} {hope}.",
        (1, 34): "{nodes} {reasons}. not found",
    },
    # K pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go
    "taint": {
        _FIRST: "node(s) had untolerated taint {{{key}: {value}}}",
        (1, 34): "node(s) had untolerated taint(s)",
    },
    # K pkg/scheduler/framework/plugins/volumebinding/binder.go; k/k#129887
    "volume_elsewhere": {
        _FIRST: "node(s) had volume node affinity conflict",
        (1, 33): "node(s) didn't match PersistentVolume's node affinity",
    },
    # K pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go
    "claim_in_use": {
        _FIRST: "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
        (1, 34): (
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by "
            "another pod"
        ),
    },
    # K pkg/controller/statefulset/stateful_pod_control.go
    "stateful_set": {_FIRST: "{lower} {what}", (1, 35): "{verb} {what}"},
    # K pkg/kubelet/images/image_manager.go; pkg/features/kube_features.go, KubeletEnsureSecretPulledImages
    "image_present": {
        _FIRST: 'Container image "{image}" already present on machine',
        (1, 35): 'Container image "{image}" already present on machine and can be accessed by the pod',
    },
    # K pkg/kubelet/kuberuntime/kuberuntime_container.go
    "container_created": {_FIRST: "Created container: {name}", (1, 35): "Container created"},
    "container_started": {_FIRST: "Started container {name}", (1, 35): "Container started"},
}
"""For each of `Words` what was said from which version on. Read in Kubernetes' sources of 1.32 to 1.36; what stands for
the first holds at least for 1.32."""


def _minor(version: str) -> Minor:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def words_of(version: str) -> Words:
    """The words of a version such as `1.35.0`."""
    found = {}
    for entry in fields(Words):
        said = _SINCE[entry.name]
        found[entry.name] = said[max(since for since in said if since <= _minor(version))]
    return Words(**found)


DEFAULT_WORDS = words_of(DEFAULT)


def labels_pods(version: str) -> bool:
    """Whether a pod gets the zone and region of its node as labels (K features PodTopologyLabelsAdmission)."""
    return _minor(version) >= (1, 35)


_SERVED_SINCE: Mapping[str, Minor] = {"volumeattributesclasses.storage.k8s.io": (1, 34)}
"""Kinds that came with one of the versions, by resource and group; before it they were beta, and off by default."""


def not_served(version: str) -> frozenset[str]:
    """What a version does not serve of the lab's kinds, as `resource.group`."""
    return frozenset(kind for kind, since in _SERVED_SINCE.items() if _minor(version) < since)


_FIELDS_SINCE: Mapping[str, Mapping[str, Minor]] = {
    kind: {"volumeAttributesClassName": (1, 34)} for kind in ("persistentvolumeclaims", "persistentvolumes")
}
"""Fields of the spec whose feature gate was off by default before (K pkg/features/kube_features.go), by resource."""


def disabled_fields(version: str) -> Mapping[str, tuple[str, ...]]:
    """What a version leaves out of the specs that clients write, by resource (K DropDisabledFields)."""
    minor = _minor(version)
    left_out = {kind: tuple(f for f, since in new.items() if minor < since) for kind, new in _FIELDS_SINCE.items()}
    return {kind: found for kind, found in left_out.items() if found}


def complete(version: str) -> str:
    """A version with its patch number: `1.36` is `1.36.0`."""
    return f"{version}.0" if version.count(".") == 1 else version
