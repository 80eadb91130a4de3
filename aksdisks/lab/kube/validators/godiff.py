"""The difference of two specs as upstream prints it: unified, of the Go structs as indented JSON."""

from __future__ import annotations

import difflib
import json
from typing import Any

from aksdisks.lab.client.interface import Object

_CLAIM_FIELDS = (
    ("AccessModes", "accessModes", None),
    ("Selector", "selector", None),
    ("Resources", "resources", None),
    ("VolumeName", "volumeName", ""),
    ("StorageClassName", "storageClassName", None),
    ("VolumeMode", "volumeMode", None),
    ("DataSource", "dataSource", None),
    ("DataSourceRef", "dataSourceRef", None),
    ("VolumeAttributesClassName", "volumeAttributesClassName", None),
)


def claim_spec(spec: Object) -> dict[str, Any]:
    """A claim's spec with the names, order and empty values of core.PersistentVolumeClaimSpec."""
    shown = {name: spec.get(key, empty) for name, key, empty in _CLAIM_FIELDS}
    resources = spec.get("resources", {})
    shown["Resources"] = {"Limits": resources.get("limits"), "Requests": resources.get("requests")}
    return shown


def volume_source(spec: Object) -> dict[str, Any]:
    """A volume's source with the names, order and empty values of core.PersistentVolumeSource."""
    return {name: _struct(spec.get(key), _VOLUME_FIELDS.get(key)) for name, key in _VOLUME_SOURCES}


def pod_spec(spec: Object) -> dict[str, Any]:
    """A pod's spec with the names, order and empty values of core.PodSpec and core.Container; deeper as it is set."""
    shown = _named(spec, _POD)
    for name, key in (("InitContainers", "initContainers"), ("Containers", "containers")):
        if key in spec:
            shown[name] = [_named(container, _CONTAINER) for container in spec[key]]
    return shown


def _named(value: Object, fields: str) -> dict[str, Any]:
    shown = {}
    for entry in fields.split():
        name, _, empty = entry.partition("=")
        key = _KEYS.get(name) or name[:1].lower() + name[1:]
        shown[name] = (value[key] if key in _PLAIN else _struct(value[key], None)) if key in value else _EMPTY[empty]
    return shown


_EMPTY: dict[str, Any] = {"": None, "text": "", "no": False}
_KEYS = {"DNSPolicy": "dnsPolicy", "DNSConfig": "dnsConfig", "SetHostnameAsFQDN": "setHostnameAsFQDN", "OS": "os"}
_KEYS |= {"TTY": "tty"}
_POD = """
Volumes InitContainers Containers EphemeralContainers RestartPolicy=text TerminationGracePeriodSeconds
ActiveDeadlineSeconds DNSPolicy=text NodeSelector ServiceAccountName=text AutomountServiceAccountToken NodeName=text
SecurityContext ImagePullSecrets Hostname=text Subdomain=text SetHostnameAsFQDN Affinity SchedulerName=text Tolerations
HostAliases PriorityClassName=text Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead
EnableServiceLinks TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources HostnameOverride
"""
_CONTAINER = """
Name=text Image=text Command Args WorkingDir=text Ports EnvFrom Env Resources ResizePolicy RestartPolicy
RestartPolicyRules VolumeMounts VolumeDevices LivenessProbe ReadinessProbe StartupProbe Lifecycle
TerminationMessagePath=text TerminationMessagePolicy=text ImagePullPolicy=text SecurityContext Stdin=no StdinOnce=no
TTY=no
"""


def _struct(value: Any, fields: tuple[tuple[str, str, Any], ...] | None) -> Any:
    if isinstance(value, dict) and fields is not None:
        return {name: value.get(key, empty) for name, key, empty in fields}
    if isinstance(value, dict):
        return {_exported(key): inner if key in _PLAIN else _struct(inner, None) for key, inner in value.items()}
    return [_struct(inner, None) for inner in value] if isinstance(value, list) else value


# Maps, whose keys are data, and types of meta/v1, which have names in JSON of their own.
_PLAIN = frozenset(
    (
        "annotations", "labelSelector", "labels", "limits", "namespaceSelector", "nodeSelector", "options", "overhead",
        "requests", "volumeAttributes",
    )
)  # fmt: skip


def _exported(key: str) -> str:
    return key[:1].upper() + key[1:]


_VOLUME_SOURCES = (
    ("GCEPersistentDisk", "gcePersistentDisk"), ("AWSElasticBlockStore", "awsElasticBlockStore"),
    ("HostPath", "hostPath"), ("Glusterfs", "glusterfs"), ("NFS", "nfs"), ("RBD", "rbd"), ("Quobyte", "quobyte"),
    ("ISCSI", "iscsi"), ("FlexVolume", "flexVolume"), ("Cinder", "cinder"), ("CephFS", "cephfs"), ("FC", "fc"),
    ("Flocker", "flocker"), ("AzureFile", "azureFile"), ("VsphereVolume", "vsphereVolume"),
    ("AzureDisk", "azureDisk"), ("PhotonPersistentDisk", "photonPersistentDisk"),
    ("PortworxVolume", "portworxVolume"), ("ScaleIO", "scaleIO"), ("Local", "local"), ("StorageOS", "storageos"),
    ("CSI", "csi"),
)  # fmt: skip
_VOLUME_FIELDS: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "hostPath": (("Path", "path", ""), ("Type", "type", None)),
    "nfs": (("Server", "server", ""), ("Path", "path", ""), ("ReadOnly", "readOnly", False)),
    "local": (("Path", "path", ""), ("FSType", "fsType", None)),
    "azureDisk": (
        ("DiskName", "diskName", ""), ("DataDiskURI", "diskURI", ""), ("CachingMode", "cachingMode", None),
        ("FSType", "fsType", None), ("ReadOnly", "readOnly", None), ("Kind", "kind", None),
    ),
    "csi": (
        ("Driver", "driver", ""), ("VolumeHandle", "volumeHandle", ""), ("ReadOnly", "readOnly", False),
        ("FSType", "fsType", ""), ("VolumeAttributes", "volumeAttributes", None),
        ("ControllerPublishSecretRef", "controllerPublishSecretRef", None),
        ("NodeStageSecretRef", "nodeStageSecretRef", None), ("NodePublishSecretRef", "nodePublishSecretRef", None),
        ("ControllerExpandSecretRef", "controllerExpandSecretRef", None),
        ("NodeExpandSecretRef", "nodeExpandSecretRef", None),
    ),
}  # fmt: skip


def shown(value: Any) -> str:
    """A decoded JSON value as Go's %+v prints it: `map[spec:map[replicas:3]]`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(shown(inner) for inner in value)}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def between(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The changed lines with three lines around them."""
    before, after = (json.dumps(value, indent=1).split("\n") for value in (old, new))
    lines = difflib.unified_diff(before, after, n=3, lineterm="")
    return "".join(f"{line}\n" for line in lines if not line.startswith(("---", "+++")))
