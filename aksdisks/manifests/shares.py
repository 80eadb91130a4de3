"""Pure builders of what shares files: a claim for many writers, a Deployment of many pods, a volume for a share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aksdisks.manifests import Manifest, Objects, another_claim, another_deployment
from aksdisks.model import ShareSource

DRIVER = "file.csi.azure.com"


def shared_claim(objects: Objects, name: str, storage_class: str, volume: str = "") -> Manifest:
    """The article's claim under another name and of another class, for many writers; for a volume, if one is named."""
    made = another_claim(objects, name)
    made["spec"] |= {"accessModes": ["ReadWriteMany"], "storageClassName": storage_class}
    if volume:
        made["spec"]["volumeName"] = volume
    return made


def deployment_of(objects: Objects, name: str, replicas: int) -> Manifest:
    """The article's Deployment, scaled out, under another name, which is that of its claim and its pods' app, too."""
    made = another_deployment(objects, name)
    made["spec"]["replicas"] = replicas
    del made["spec"]["strategy"]
    return made


def static_share(
    name: str, like: Mapping[str, Any], share: ShareSource, claim: tuple[str, str], labels: Mapping[str, str]
) -> Manifest:
    """A volume that names the share of another volume, reserved for a claim (namespace, name), and retained.

    `like` is that volume as the API gives it, `share` what it names, with its resource group: size, class and mount
    options are its own. Its handle has to differ from every other volume's; mounts by SMB take the account's key from a
    Secret, those by NFS need none. Source: azure-aks-docs create-volume-azure-files.md.
    """
    spec, nfs = like["spec"], share.protocol == "nfs"
    csi: dict[str, Any] = {
        "driver": DRIVER,
        "volumeHandle": f"{share.resource_group}#{share.account}#{share.share}",
        "volumeAttributes": {"shareName": share.share, **({"protocol": "nfs"} if nfs else {})},
    }
    if share.secret:
        namespace, _, secret = share.secret.partition("/")
        csi["nodeStageSecretRef"] = {"name": secret, "namespace": namespace}
    annotations = {"pv.kubernetes.io/provisioned-by": DRIVER}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": dict(labels), "annotations": annotations},
        "spec": {
            "capacity": dict(spec["capacity"]),
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec["storageClassName"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim[0], "name": claim[1]},
            **({"mountOptions": list(spec["mountOptions"])} if spec.get("mountOptions") else {}),
            "csi": csi,
        },
    }
