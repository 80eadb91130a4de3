"""Causes about shares of Azure Files, each on a handmade world; and causes of disks that must not misjudge them."""

import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import Finding, diagnose
from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.model import (
    AzureFiles,
    Condition,
    FileShare,
    Inventory,
    NotAsked,
    NotPermitted,
    ShareSource,
    StorageAccount,
    StorageClass,
)
from tests.world import CLAIM, SPACE, START, claim, event, node, pod, volume, world

PV = f"pvc-{CLAIM}"
SECRET = "azure-storage-account-f1-secret"
SOURCE = ShareSource(account="f1", share=PV, resource_group="MC_g", secret=f"{SPACE}/{SECRET}")
DRIVER = "file.csi.azure.com"
CLASS = StorageClass(name="azurefile-csi", provisioner=DRIVER, binding_mode="Immediate")
ACCOUNT = StorageAccount(
    id="/accounts/f1", name="f1", kind="StorageV2", provisioning_state="Succeeded", encrypted_only=False
)
SHARE = FileShare(id="/accounts/f1/share", name=PV, account="f1", quota_gib=5, protocol="SMB")
THERE = AzureFiles(listed=(ACCOUNT,), shares={"f1": (SHARE,)})
NO_SHARE = AzureFiles(listed=(ACCOUNT,), shares={"f1": ()})
NO_ACCOUNT = AzureFiles(elsewhere={"f1": None})
DENIED = NotPermitted("Azure answers AuthorizationFailed: no right to read storage accounts")
UNREAD = AzureFiles(listed=DENIED, elsewhere={"f1": DENIED})
UNASKED = NotAsked("nothing needed Azure")

POD = pod("web-1", 0, ready=False, conditions=(Condition(type="PodScheduled", status="True", since=START),))
# What azurefile-csi-driver pkg/azurefile/nodeserver.go makes of mount.cifs' and mount.nfs' words.
MOUNT = (
    'MountVolume.MountDevice failed for volume "{volume}" : rpc error: code = Internal desc = volume(g#f1#{volume}##) '
    "mount //f1.file.core.windows.net/{volume} on /var/lib/kubelet/plugins/kubernetes.io/csi/file.csi.azure.com/x/"
    "globalmount failed with mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t cifs -o "
    "actimeo=30,<masked> //f1.file.core.windows.net/{volume} /globalmount\nOutput: {output}\nRefer to the "
    "mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)\n\nPlease refer to "
    "http://aka.ms/filemounterror for possible causes and solutions for mount errors."
)
INVALID = 'MountVolume.MountDevice failed for volume "{volume}" : rpc error: code = InvalidArgument desc = {output}'
NOT_FOUND, DENIED_KEY = "mount error(2): No such file or directory", "mount error(13): Permission denied"
UNRESOLVED = "mount error: could not resolve address for f1.file.core.windows.net: Unknown error"
NO_SECRET = (
    f"fetching NodeStageSecretRef {SPACE}/key failed: kubernetes.io/csi: failed to find the secret key in the "
    f'namespace {SPACE} with error: secrets "key" not found'
)
NO_KEY = (
    "GetAccountInfo({volume}) failed with error: could not find accountkey or azurestorageaccountkey field in secrets"
)


def stuck(output: str, form: str = MOUNT, **changes: Any) -> dict[str, Any]:
    """A pod whose share is not mounted, in these words."""
    message = form.format(volume=PV, output=output.format(volume=PV))
    said = (event(POD, "FailedMount", message),) if output else ()
    return bound(**{"pods": (POD,), "events": said, "files": UNASKED} | changes)


def bound(**changes: Any) -> dict[str, Any]:
    mounted = volume(driver=DRIVER, disk_id="", share=SOURCE, storage_class=CLASS.name, access_modes=("ReadWriteMany",))
    made = claim(storage_class=CLASS.name, access_modes=("ReadWriteMany",), provisioner=DRIVER)
    plain = {"volumes": (mounted,), "claims": (made,), "classes": (CLASS,), "attachments": (), "disks": UNASKED}
    return {**plain, "machines": UNASKED} | changes


def naming(**changes: Any) -> dict[str, Any]:
    """The volume names its share otherwise."""
    (mounted,) = bound()["volumes"]
    return {"volumes": (replace(mounted, share=replace(SOURCE, **changes)),)}


def found(inventory: Inventory, about: str = "Pod web-1") -> Finding | None:
    kind, _, name = about.partition(" ")
    findings = [each for each in diagnose(inventory) if (each.object.kind, each.object.name) == (kind, name)]
    assert len(findings) <= 1, findings
    return findings[0] if findings else None


NFS = {"f1": (replace(SHARE, protocol="NFS"),)}
DENIED_NFS = "mount.nfs: access denied by server while mounting f1:/f1/x"
ENCRYPTED = replace(ACCOUNT, encrypted_only=True)
CLOSED = replace(ACCOUNT, networks="Deny")
KEYLESS = replace(ACCOUNT, shared_keys=False)


@pytest.mark.parametrize(
    ("made", "cause", "confidence", "because"),
    [
        (stuck(NOT_FOUND), "share-missing", "likely", f"its node finds no share {PV} of storage account f1"),
        (
            stuck(NOT_FOUND, files=NO_SHARE),
            "share-missing",
            "certain",
            f"Azure has no share {PV} of storage account f1",
        ),
        (stuck("", files=NO_SHARE), "share-missing", "certain", f"Azure has no share {PV}"),
        (stuck(NOT_FOUND, files=UNREAD), "share-missing", "likely", f"its node finds no share {PV}"),
        (stuck(UNRESOLVED, files=NO_ACCOUNT), "share-missing", "certain", "Azure has no storage account f1, of which"),
        (stuck(DENIED_KEY, files=NO_ACCOUNT), "share-missing", "certain", "Azure has no storage account f1, of which"),
        (
            stuck("failed to get account name from nonsense", INVALID, **naming(account="")),
            "share-missing",
            "certain",
            f"volume {PV} does not tell its storage account",
        ),
        (
            stuck("failed to get file share name from nonsense", INVALID, **naming(account="", share="")),
            "share-missing",
            "certain",
            f"volume {PV} does not tell its share",
        ),
        (stuck(DENIED_KEY), "mount-refused", "likely", f"share {PV} of storage account f1 refuses the key with"),
        (
            stuck(DENIED_KEY, files=THERE),
            "mount-refused",
            "certain",
            "is there, and refuses the key with which node aks-0",
        ),
        (
            stuck(DENIED_KEY, files=UNREAD),
            "mount-refused",
            "likely",
            f"Secret {SPACE}/{SECRET}, or one that the driver has kept",
        ),
        (
            stuck(DENIED_KEY, files=replace(THERE, listed=(KEYLESS,))),
            "mount-refused",
            "certain",
            "storage account f1 accepts no keys",
        ),
        (
            stuck(DENIED_KEY, files=replace(THERE, listed=(CLOSED,))),
            "mount-refused",
            "likely",
            "storage account f1 does not admit node aks-0: its network rules",
        ),
        (
            stuck(DENIED_NFS, files=replace(THERE, shares=NFS), **naming(protocol="nfs")),
            "mount-refused",
            "likely",
            "storage account f1 does not admit node aks-0: NFS asks nothing but the network",
        ),
        (
            stuck(DENIED_NFS, files=replace(THERE, listed=(ENCRYPTED,), shares=NFS), **naming(protocol="nfs")),
            "mount-refused",
            "certain",
            "storage account f1 wants encrypted transfer, and NFS is mounted without",
        ),
        (
            stuck(NOT_FOUND, files=replace(THERE, shares=NFS)),
            "mount-refused",
            "certain",
            f"share {PV} of storage account f1 speaks NFS, and volume {PV} mounts it by SMB",
        ),
        (stuck(NO_SECRET, "{output}"), "mount-refused", "certain", f"Secret {SPACE}/key, from which the mount takes"),
        (stuck(NO_KEY, INVALID), "mount-refused", "certain", f"Secret {SPACE}/{SECRET} lacks the name or the key"),
        (
            stuck(UNRESOLVED),
            "share-unreachable",
            "likely",
            "node aks-0 does not reach f1.file.core.windows.net, port 445",
        ),
        (
            stuck("mount error(115): Operation now in progress", files=THERE),
            "share-unreachable",
            "certain",
            "node aks-0 does not reach f1.file.core.windows.net, port 445",
        ),
        (stuck(NOT_FOUND, files=THERE), "share-unreachable", "likely", "is there, and node aks-0 does not find it"),
        (
            stuck(NOT_FOUND, files=THERE, **naming(folder="a/b")),
            "share-unreachable",
            "likely",
            "is there, and its folder a/b is not found",
        ),
    ],
)
def test_each_cause_is_found_first_by_words_and_both_sides(
    made: dict[str, Any], cause: str, confidence: str, because: str
) -> None:
    finding = found(world(**made))
    assert finding is not None
    assert (finding.cause, finding.confidence, finding.verdict) == (cause, confidence, "problem")
    assert because in finding.because
    assert finding.needs == catalogue()[cause].needs == ("files",)
    of_claim = found(world(**made), f"PersistentVolumeClaim {CLAIM}")
    assert of_claim is not None and of_claim.cause == cause


@pytest.mark.parametrize("files", [NO_SHARE, NO_ACCOUNT])
def test_a_share_that_is_gone_is_told_of_its_claim_while_pods_run_on_it(files: AzureFiles) -> None:
    running = bound(pods=(pod("web-1", 0),), events=(), files=files)
    assert found(world(**running)) is None
    finding = found(world(**running), f"PersistentVolumeClaim {CLAIM}")
    assert finding is not None and (finding.cause, finding.confidence) == ("share-missing", "certain")


@pytest.mark.parametrize("files", [THERE, UNREAD, UNASKED, AzureFiles(listed=(ACCOUNT,), shares={"f1": DENIED})])
def test_what_is_there_or_could_not_be_read_is_not_missing(files: AzureFiles) -> None:
    running = bound(pods=(pod("web-1", 0),), events=(), files=files)
    assert diagnose(world(**running)) == ()
    late = replace(world(**stuck("", files=files)), taken=START + timedelta(seconds=30))
    assert (finding := found(late)) is not None and finding.cause == "starting"


def test_a_claim_without_a_pod_is_kept_where_azure_has_its_share_or_does_not_tell() -> None:
    """Gone is what Azure was asked for and has not; what could not be read is neither there nor gone."""
    no_shares_read = AzureFiles(listed=(ACCOUNT,), shares={"f1": DENIED})
    unchecked = "it is kept until it is deleted; deleting it deletes its share; not checked: whether its share is there"
    rows = [
        (THERE, "claim-kept", "it is kept with its data until it is deleted; deleting it deletes its share"),
        (UNASKED, "claim-kept", unchecked),
        (UNREAD, "claim-kept", unchecked),
        (no_shares_read, "claim-kept", unchecked),
        (NO_SHARE, "share-missing", f"Azure has no share {PV} of storage account f1, which"),
        (NO_ACCOUNT, "share-missing", "Azure has no storage account f1, of which"),
    ]
    for files, cause, because in rows:
        finding = found(world(**bound(pods=(), events=(), files=files)), f"PersistentVolumeClaim {CLAIM}")
        assert finding is not None and (finding.cause, finding.also, finding.needs) == (cause, (), ("files",))
        assert because in finding.because and ("not checked" in finding.because) == (because is unchecked)


def test_a_volume_whose_protocol_the_driver_does_not_know_is_an_impossible_request() -> None:
    refused = "protocol(ftp) is not supported, supported protocol list: [smb nfs]"
    finding = found(world(**stuck(refused, INVALID, files=THERE, **naming(protocol="ftp"))))
    assert finding is not None and (finding.cause, finding.verdict) == ("impossible-request", "problem")
    assert finding.because.startswith(f"what it takes to mount {PV} cannot be: ") and refused in finding.because
    assert [step.command for step in finding.next][1:] == [f"kubectl get pv {PV} --output yaml"]


def test_a_mount_that_went_on_to_the_containers_is_not_refused_any_more() -> None:
    gone_on = {
        "events": (event(POD, "FailedMount", MOUNT.format(volume=PV, output=DENIED_KEY)), event(POD, "Pulled", "x"))
    }
    finding = found(world(**stuck(DENIED_KEY, files=THERE, **gone_on)))
    assert finding is not None and finding.cause == "starting"


@pytest.mark.parametrize("output", [NOT_FOUND, DENIED_KEY, UNRESOLVED, NO_KEY])
def test_no_step_shows_a_key_and_the_evidence_names_both_sides(output: str) -> None:
    finding = found(world(**stuck(output, files=THERE)))
    assert finding is not None
    commands = [step.command for step in finding.next]
    shown = [command for command in commands if "get secret" in command]
    assert all("{{$value" not in command and "jsonpath" not in command for command in shown)
    assert {row.source for row in finding.evidence} == {"Kubernetes", "Azure"}
    # What writes the Secret overwrites a key.
    writes = ["kubectl apply" in command for command in commands]
    assert [step.risk for step in finding.next] == ["data" if each else "none" for each in writes]
    assert any(writes) == (output in (DENIED_KEY, NO_KEY)) and not any(writes[:-1])


def pending(reason: str, message: str, at: float, **changes: Any) -> Inventory:
    """A claim of a file class that is not bound, of which this was said so many seconds ago."""
    made = claim(storage_class=CLASS.name, phase="Pending", volume="", capacity="", provisioner=DRIVER, created=START)
    made = replace(made, access_modes=("ReadWriteMany",), **changes)
    said = (replace(event(made, reason, message, at=0.0), type="Warning" if "Failed" in reason else "Normal"),)
    inventory = world(**bound(claims=(made,), volumes=(), pods=(), events=said))
    return replace(inventory, taken=START + timedelta(seconds=at))


REFUSED = (
    "rpc error: code = Internal desc = PUT https://management.azure.com/subscriptions/S/x\n----\n"
    "RESPONSE 400: 400 Bad Request\nERROR CODE: {code}\n----\n"
    '{{\n  "error": {{\n    "code": "{code}",\n    "message": "No."\n  }}\n}}\n----\n'
)
WAITING = f"Waiting for a volume to be created either by the external provisioner '{DRIVER}' or manually by …"


@pytest.mark.parametrize(
    ("inventory", "cause", "because"),
    [
        (pending("ExternalProvisioning", WAITING, 20), "provisioning", f"the share of claim {CLAIM} is being made"),
        (pending("ExternalProvisioning", WAITING, 400), "driver-down", "the driver of Azure Files has not answered"),
        (
            pending(
                "ProvisioningFailed", "rpc error: code = InvalidArgument desc = invalid parameter x in storage class", 9
            ),
            "impossible-request",
            f"what it takes to make the share of claim {CLAIM} cannot be",
        ),
        *(
            (
                pending("ProvisioningFailed", REFUSED.format(code=code), 9),
                "impossible-request",
                f"what it takes to make the share of claim {CLAIM} cannot be: No.",
            )
            for code in (
                "InvalidResourceName",
                "OutOfRangeInput",
                "InvalidHeaderValue",
                "FeatureNotSupportedForAccount",
            )
        ),
        *(
            (
                pending("ProvisioningFailed", f"rpc error: code = InvalidArgument desc = {words}", 9),
                "impossible-request",
                f"what it takes to make the share of claim {CLAIM} cannot be: rpc error: code = InvalidArgument desc = "
                + words,
            )
            for words in (
                "CreateVolume Volume capabilities not valid: driver does not support block volumes",
                "nfs protocol only supports premium storage, current account type: Standard_LRS",
                "protocol(ftp) is not supported, supported protocol list: [smb nfs]",
                "shareAccessTier(Archive) is not supported, supported ShareAccessTier list: [Cool Hot]",
                "fsType(smb) is not supported with protocol(nfs)",
                "shareNamePrefix(-App) can only contain lowercase letters, numbers, hyphens, and length",
                "matchTags must set as false when storageAccount(mine) is provided",
                "resourceGroup must be provided in cross subscription(s)",
                "storeAccountKey is not supported for account with shared access key disabled",
                "Tags 'a=1,b' are invalid, the format should like: 'key1=value1,key2=value2'",
                "invalid mountPermissions 0799 in storage class",
                "invalid enablelargefileshares: yes in storage class",
            )
        ),
        (
            pending("ProvisioningFailed", REFUSED.format(code="ResourceGroupNotFound"), 400),
            "unknown",
            "its share could not be made, for a reason that the catalogue does not know",
        ),
    ],
)
def test_a_claim_of_a_file_class_is_told_as_one(inventory: Inventory, cause: str, because: str) -> None:
    finding = found(inventory, f"PersistentVolumeClaim {CLAIM}")
    assert finding is not None and finding.cause == cause and because in finding.because


def test_the_disk_driver_that_works_proves_nothing_of_the_file_driver() -> None:
    inventory = pending("ExternalProvisioning", WAITING, 400)
    attached = event(POD, "SuccessfulAttachVolume", 'AttachVolume.Attach succeeded for volume "x" ', at=300.0)
    made = replace(event(POD, "ProvisioningSucceeded", "ok", at=300.0), component=f"{DRIVER}_controller_1")
    causes = [
        found(replace(inventory, events=(*inventory.events, each)), f"PersistentVolumeClaim {CLAIM}")
        for each in (attached, made)
    ]
    assert [each.cause if each else "" for each in causes] == ["driver-down", "provisioning"]


def test_a_node_without_the_file_driver_is_told_by_that_driver() -> None:
    lacking = node(0, drivers=("disk.csi.azure.com",)), node(1, drivers=("disk.csi.azure.com", DRIVER))
    for output in ("", "driver name file.csi.azure.com not found in the list of registered CSI drivers"):
        finding = found(
            world(**stuck(output, 'MountVolume.MountDevice failed for volume "x" : {output}', nodes=lacking))
        )
        assert finding is not None and finding.cause == "driver-missing"
        assert finding.because == "the driver of Azure Files is not registered on node aks-0"
        assert "csi-azurefile-node" in finding.next[0].command


def test_a_share_asks_nothing_of_attachments() -> None:
    """Pods on several nodes mount one share: nothing waits for an attachment, and nothing says that it is shared."""
    pods = tuple(pod(f"web-{number}", number) for number in range(2))
    assert diagnose(world(**bound(pods=pods, events=(), files=THERE, nodes=(node(0), node(1))))) == ()


def test_a_pod_of_a_claim_that_is_being_made_waits_for_its_share() -> None:
    inventory = pending("ExternalProvisioning", WAITING, 20)
    waiting = replace(POD, node="", conditions=())
    refusal = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    told = (*inventory.events, event(waiting, "FailedScheduling", refusal))
    finding = found(replace(inventory, pods=(waiting,), events=told))
    assert finding is not None and (finding.cause, finding.verdict) == ("provisioning", "wait")


@pytest.mark.parametrize(("driver", "cause"), [(DRIVER, "provisioning"), ("disk.csi.azure.com", "source-missing")])
def test_a_claim_of_a_file_class_is_copied_from_one_of_files_alone(driver: str, cause: str) -> None:
    inventory = pending("Provisioning", "x", 5, source_kind="PersistentVolumeClaim", source_name="other")
    source = claim("other", storage_class=CLASS.name)
    its = volume("other", driver=driver, disk_id="")
    inventory = replace(inventory, claims=(*inventory.claims, source), volumes=(its,), pods=())
    finding = found(inventory, f"PersistentVolumeClaim {CLAIM}")
    assert finding is not None and finding.cause == cause


def test_a_lost_claim_of_a_file_class_is_looked_for_among_accounts() -> None:
    lost = claim(storage_class=CLASS.name, provisioner=DRIVER, phase="Lost")
    finding = found(world(**bound(claims=(lost,), volumes=(), pods=(), events=())), f"PersistentVolumeClaim {CLAIM}")
    assert finding is not None and finding.cause == "claim-lost"
    assert finding.next[0].command.startswith("az storage account list ")


@pytest.mark.parametrize("output", [NOT_FOUND, DENIED_KEY, "mount error(115): Operation now in progress", NO_KEY])
def test_no_name_of_a_volume_becomes_a_command(output: str) -> None:
    hostile = "x;reboot;$(reboot)"
    secret = f"{SPACE}/{hostile}"
    changed = naming(account=hostile, share=hostile, resource_group=hostile, subscription=hostile, secret=secret)
    finding = found(world(**stuck(output, **changed)))
    assert finding is not None
    # What runs in the node's debugging pod is run here, too.
    stubs = "az() { :; }; nslookup() { :; }; nc() { :; }; reboot() { echo taken; }; kubectl() { for last; do :; done; "
    stubs += 'case "$1" in debug) eval "$last";; esac; }; '
    for step in finding.next:
        done = subprocess.run(
            ["sh", "-c", stubs + step.command], capture_output=True, text=True, timeout=20, check=False
        )
        assert (done.stdout, done.stderr) == ("", ""), step.command


def test_a_share_that_can_be_restored_says_until_when_and_how() -> None:
    deleted = replace(SHARE, deleted=START, days_left=6, version="01D64E")
    finding = found(world(**stuck(NOT_FOUND, files=replace(NO_SHARE, deleted=(deleted,)))))
    assert finding is not None and finding.cause == "share-missing"
    row = finding.evidence[-1]
    assert (row.says, row.at) == ("it was deleted, and can be restored for 6 days", START)
    assert finding.next[1].command.endswith(f"--name {PV} --deleted-version 01D64E")
