"""Objects about shared files: what differs from the article's, and a volume for a share that is there."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from aksdisks import manifests
from aksdisks.manifests.shares import deployment_of, shared_claim, static_share
from aksdisks.model import Volume
from aksdisks.parameters import Parameters

pytestmark = pytest.mark.quick

OBJECTS = manifests.objects_for(Parameters(), {"l": "v"})
SECRET = "azure-storage-account-f1-secret"


def dynamic(**attributes: str) -> dict[str, Any]:
    """A volume as the driver makes it for a claim."""
    return {
        "metadata": {"name": "pvc-1"},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "storageClassName": "azurefile-csi",
            "mountOptions": ["actimeo=30"],
            "csi": {
                "driver": "file.csi.azure.com",
                "volumeHandle": "MC_g#f1#pvc-1###shop",
                "volumeAttributes": {"csi.storage.k8s.io/pvc/name": "files", **attributes},
            },
        },
    }


def test_a_shared_claim_differs_in_class_and_access_mode() -> None:
    made, article = shared_claim(OBJECTS, "files", "azurefile-csi", "pv"), deepcopy(OBJECTS.claim)
    assert (made["spec"].pop("accessModes"), article["spec"].pop("accessModes")) == (
        ["ReadWriteMany"],
        ["ReadWriteOnce"],
    )
    assert (made["spec"].pop("storageClassName"), made["spec"].pop("volumeName")) == ("azurefile-csi", "pv")
    del article["spec"]["storageClassName"], article["metadata"]["name"]
    assert (made["metadata"].pop("name"), made) == ("files", article)
    assert "volumeName" not in shared_claim(OBJECTS, "files", "azurefile-csi")["spec"]


def test_a_deployment_of_many_pods_is_the_articles_but_for_its_names() -> None:
    made = deployment_of(OBJECTS, "files", 4)
    assert (made["spec"]["replicas"], "strategy" in made["spec"]) == (4, False)
    assert (
        made["spec"]["template"]["spec"]["containers"] == OBJECTS.deployment["spec"]["template"]["spec"]["containers"]
    )
    volumes = made["spec"]["template"]["spec"]["volumes"]
    assert volumes == [{"name": "volume", "persistentVolumeClaim": {"claimName": "files"}}]


@pytest.mark.parametrize(
    ("attributes", "stage", "more"),
    [
        ({}, {"nodeStageSecretRef": {"name": SECRET, "namespace": "shop"}}, {}),
        ({"protocol": "nfs"}, {}, {"protocol": "nfs"}),
    ],
    ids=["SMB", "NFS"],
)
def test_a_volume_by_hand_names_the_share_and_where_its_key_is(
    attributes: dict[str, str], stage: dict[str, Any], more: dict[str, str]
) -> None:
    like = dynamic(**attributes)
    share = Volume.of(like).share
    assert share is not None
    made = static_share("v", like, share, ("shop", "again"), {"l": "v"})
    assert made["spec"] == {
        "capacity": {"storage": "100Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "azurefile-csi",
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "shop", "name": "again"},
        "mountOptions": ["actimeo=30"],
        "csi": {
            "driver": "file.csi.azure.com",
            "volumeHandle": "MC_g#f1#pvc-1",
            "volumeAttributes": {"shareName": "pvc-1", **more},
            **stage,
        },
    }
    assert made["metadata"]["labels"] == {"l": "v"}
    again = Volume.of(made).share
    assert again is not None
    assert (again.key, again.protocol, again.secret) == (share.key, share.protocol, share.secret)
