"""Shares of Azure Files on the lab: pods on several nodes with nothing to find, then what keeps a mount from coming."""

from __future__ import annotations

from typing import Any

from aksdisks.inspection.connection import Target
from aksdisks.inspection.diagnosis import diagnose
from aksdisks.model import FileShare, StorageAccount, Volume, known
from aksdisks.model.ownership import OwnedShare, Ownership
from aksdisks.views.look import Look
from tests.inspection.diagnosis.test_on_the_lab_provisioning import diagnosed
from tests.lab.breaking import Broken, claim, pod, pod_spec, workload
from tests.programs import needs

pytestmark = needs("kubectl")


def shared(name: str) -> dict[str, Any]:
    return claim(name, "azurefile-csi", "ReadWriteMany")


def static(name: str, handle: str, secret: str, namespace: str, **attributes: str) -> list[dict[str, Any]]:
    """A volume that names a share, its key in a Secret, and the claim that takes it."""
    csi = {
        "driver": "file.csi.azure.com",
        "volumeHandle": handle,
        "volumeAttributes": attributes,
        "nodeStageSecretRef": {"name": secret, "namespace": namespace},
    }
    spec = {"accessModes": ["ReadWriteMany"], "capacity": {"storage": "5Gi"}, "storageClassName": "", "csi": csi}
    spec["persistentVolumeReclaimPolicy"] = "Retain"
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{namespace}-{name}"}, "spec": spec}
    made = claim(name, "", "ReadWriteMany")
    made["spec"] |= {"volumeName": f"{namespace}-{name}", "resources": {"requests": {"storage": "5Gi"}}}
    return [volume, made]


def owned(target: Target, namespace: str | None = None) -> dict[str, OwnedShare]:
    """The rows of the ownership table by the share's name."""
    ownership = target.inventory(namespace).ownership
    assert isinstance(ownership, Ownership)
    return {each.name: each for each in known(ownership.shares)}


def sides(row: OwnedShare) -> tuple[StorageAccount, FileShare]:
    assert isinstance(row.account, StorageAccount) and isinstance(row.share, FileShare)
    return row.account, row.share


def test_a_share_that_all_nodes_mount(lab: Broken, target: Target) -> None:
    lab.apply(shared("files"), workload("Deployment", "web", 4, pod_spec("files")))
    lab.wait("jsonpath={.status.readyReplicas}=4", "deployment/web")
    inventory = target.inventory(lab.namespace)
    nodes = {each.node for each in inventory.pods}
    assert len(nodes) > 1 and inventory.attachments == () and diagnose(inventory) == ()
    (row,) = owned(target, lab.namespace).values()
    account, share = sides(row)
    assert (row.verdict, row.workload, share.protocol, share.quota_gib) == ("in-use", "Deployment/web", "SMB", 25)
    assert share.made_by_driver and account.resource_group.lower() == inventory.resource_group.lower()
    assert isinstance(inventory.ownership, Ownership) and inventory.ownership.without_disk == ()
    chains = Look(inventory, lambda _claim: True).chain()
    assert {tuple(link.kind for link in each) for each in chains.chains} == {
        ("pod", "claim", "volume", "share", "account")
    }
    assert all(link.name == share.name for each in chains.chains for link in each if link.kind == "share")

    # The share goes behind Kubernetes' back, which only a node that mounts it anew finds out.
    lab.kubectl("scale", "deployment/web", "--replicas=0")
    lab.wait("delete", "pod", "--selector=app=web")
    diagnosed(target, lab, "PersistentVolumeClaim files", "claim-kept", "expected")
    with lab.fault("share-gone", f"share/{share.name}"):
        alone = diagnosed(target, lab, "PersistentVolumeClaim files", "share-missing", "problem")
        assert f"Azure has no share {share.name}" in alone.because
        lab.apply(pod("late", "files", node=lab.node(2)))
        late = diagnosed(target, lab, "Pod late", "share-missing", "problem")
        assert late.confidence == "certain" and f"Azure has no share {share.name}" in late.because
        assert {row.source for row in late.evidence} == {"Kubernetes", "Azure"}
        ownership = target.inventory(lab.namespace).ownership
        assert isinstance(ownership, Ownership) and isinstance(row.volume, Volume)
        gone = f"account {account.name} has no share {share.name}"
        assert ownership.without_disk[0] == (f"PersistentVolume {row.volume.name}", gone)
    lab.running("late")
    # Who deletes it in Azure can have it back: the finding says how.
    lab.kubectl("delete", "pod", "late")
    assert target.azure.act("DELETE", share.id).accepted  # type: ignore[union-attr]
    lab.apply(pod("later", "files", node=lab.node(2)))
    later = diagnosed(target, lab, "Pod later", "share-missing", "problem")
    assert later.evidence[-1].says.startswith("it was deleted, and can be restored for ")
    assert "--deleted-version " in later.next[1].command and "VERSION" not in later.next[1].command


def test_a_mount_that_is_refused(lab: Broken, target: Target) -> None:
    lab.apply(shared("files"), pod("one", "files", node=lab.node(0)))
    lab.running("one")
    (row,) = owned(target, lab.namespace).values()
    account, share = sides(row)
    handle = f"{account.resource_group}#{account.name}#{share.name}"
    where = {"resourceGroup": account.resource_group, "storageAccount": account.name, "shareName": share.name}
    secret = f"azure-storage-account-{account.name}-secret"
    lab.kubectl("create", "secret", "generic", "empty", "--from-literal=azurestorageaccountname=x")
    lab.apply(
        *static("unkeyed", f"{handle}#1", "empty", lab.namespace, **where),
        *static("unnamed", f"{handle}#2", "nosuch", lab.namespace, **where),
        *static("nowhere", f"{account.resource_group}#nosuchaccount1#docs", "empty", lab.namespace),
        *static("odd", f"{handle}#3", secret, lab.namespace, **where, protocol="ftp"),
        *(pod(name, name, node=lab.node(1)) for name in ("unkeyed", "unnamed", "nowhere", "odd")),
    )
    odd = diagnosed(target, lab, "Pod odd", "impossible-request", "problem")
    assert "protocol(ftp) is not supported" in odd.because
    unnamed = diagnosed(target, lab, "Pod unnamed", "mount-refused", "problem")
    assert f"Secret {lab.namespace}/nosuch, from which the mount takes the key" in unnamed.because
    unkeyed = diagnosed(target, lab, "Pod unkeyed", "mount-refused", "problem")
    assert f"Secret {lab.namespace}/empty lacks the name or the key" in unkeyed.because
    nowhere = diagnosed(target, lab, "Pod nowhere", "share-missing", "problem")
    assert "Azure has no storage account nosuchaccount1" in nowhere.because and nowhere.confidence == "certain"
    # Four volumes name one share, which is allowed and said.
    assert "also of this share: volume" in owned(target)[share.name].because

    # The key is renewed, and the Secret that the driver made has the old one.
    with lab.fault("account-key-changed", f"account/{account.name}"):
        lab.apply(pod("late", "files", node=lab.node(2)))
        late = diagnosed(target, lab, "Pod late", "mount-refused", "problem")
        assert f"the one in Secret {lab.namespace}/{secret}, or one" in late.because and late.confidence == "certain"
        assert "is there, and refuses the key with which node" in late.because
        assert diagnosed(target, lab, "PersistentVolumeClaim files", "mount-refused", "problem").because == late.because
    lab.running("late")

    # What a person makes is another's, and what nothing names any more is young at first.
    made = target.azure.act("PUT", f"{share.id.rpartition('/')[0]}/by-hand", {"properties": {"shareQuota": 5}})
    assert made.accepted  # type: ignore[union-attr]
    found = owned(target)
    assert (found["by-hand"].verdict, found[share.name].verdict) == ("foreign", "in-use")
