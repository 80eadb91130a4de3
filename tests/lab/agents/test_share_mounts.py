"""Shares on a node: mounted once for all pods, never attached, and what is told where one cannot be mounted."""

from __future__ import annotations

import ast
import base64
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aksdisks import lab
from aksdisks.lab.agents.csi import file_provisioner, resizer, share_mounts, share_parameters, share_volumes
from aksdisks.lab.agents.csi.share_mounts import ShareMounts, nfs_options, smb_options, staging_path
from aksdisks.lab.agents.kubelet.kubelet import NodeAgent
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.driver.files import CloudFiles
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.azure_files import FileFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.scenario import Delays, load
from tests.lab.controllers.helpers import World, played
from tests.lab.controllers.storage_objects import claim, node, pod

DRIVER = "file.csi.azure.com"
GROUP = "MC_disks_article_westeurope"
SECRET = {"name": "azure-secret", "namespace": "walk"}


class Node:
    """A node agent, and the lab's Azure with the accounts `mine` (SMB share `data`) and `fast` (NFS share `data`)."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.cloud: Any = None

    def agent(self, api: Any, clock: Any, ids: Any) -> NodeAgent:
        self.cloud = Cloud(load("regional"), clock, ids)
        self.file_faults = FileFaults(self.cloud, self.faults)
        files = CloudFiles(self.cloud, ids, RequestFaults(self.faults, clock))
        return NodeAgent(api, clock, ids, "node-0", Delays(), staging=ShareMounts(api, clock, files))

    async def prepare(self, world: World) -> None:
        """The cluster and its Azure."""
        lease = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-node-lease"}}
        await world.create("namespaces", lease)
        await world.create("nodes", node(0))
        driver = {"metadata": {"name": DRIVER}, "spec": {"attachRequired": False, "podInfoOnMount": True}}
        await world.api.create("csidrivers", driver)
        storage = self.cloud.storage
        for name, sku, kind in (("mine", "Standard_LRS", "StorageV2"), ("fast", "Premium_LRS", "FileStorage")):
            body = {"location": "westeurope", "sku": {"name": sku}, "kind": kind, "properties": NO_HTTPS}
            storage.accounts.put(GROUP, name, body)
        await world.settle()
        await world.clock.advance(20)
        storage.shares.put(GROUP, "mine", "data", {"properties": {"shareQuota": 5}})
        storage.shares.put(GROUP, "fast", "data", {"properties": {"shareQuota": 100, "enabledProtocols": "NFS"}})

    @property
    def key(self) -> str:
        return str(self.cloud.storage.accounts.find("mine").key1)


NO_HTTPS = {"supportsHttpsTrafficOnly": False}


def on_node(test: Callable[[World, Node], Any]) -> None:
    one = Node()

    async def scenario(world: World) -> None:
        await one.prepare(world)
        await test(world, one)

    played(scenario, one.agent)


async def keep(world: World, name: str = "azure-secret", **data: str) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    await world.api.create("secrets", {"metadata": {"name": name}, "data": encoded}, "walk")


def volume(name: str, handle: str, secret: bool = True, **more: Any) -> dict[str, Any]:
    csi = {"driver": DRIVER, "volumeHandle": handle, **({"nodeStageSecretRef": SECRET} if secret else {})}
    csi["volumeAttributes"] = more.pop("attributes", {})
    return {
        "kind": "PersistentVolume", "apiVersion": "v1", "metadata": {"name": name},
        "spec": {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany"], "csi": csi, **more},
    }  # fmt: skip


async def mounting(world: World, wanted: dict[str, Any], *pods: str, **spec: Any) -> None:
    """A claim of the volume, and pods that mount it."""
    name = wanted["metadata"]["name"]
    await world.create("persistentvolumes", wanted)
    await world.create("persistentvolumeclaims", claim(name, volumeName=name, accessModes=["ReadWriteMany"]))
    status = {"status": {"phase": "Bound"}}
    await world.api.patch("persistentvolumeclaims", name, status, "walk", subresource="status")
    for one in pods:
        await world.create("pods", pod(one, name, nodeName="node-0", **spec))
    await world.settle()
    await world.clock.advance(5)


async def phase(world: World, name: str) -> str:
    found = await world.get("pods", name)
    assert found is not None
    return str(found["status"]["phase"])


def test_pods_share_one_mount_of_a_share_and_the_node_reports_none_in_use() -> None:
    async def test(world: World, one: Node) -> None:
        await keep(world, azurestorageaccountname="mine", azurestorageaccountkey=one.key)
        await mounting(world, volume("static", "any-name", attributes={"shareName": "data"}), "a", "b")
        assert [await phase(world, name) for name in "ab"] == ["Running", "Running"]
        found = await world.get("nodes", "node-0", None)
        assert found is not None
        assert not found["status"].get("volumesInUse")
        assert not [event for event in world.events if "Warning" in event]
        # It is mounted: what becomes of the share's key is of no matter to the next pod on the node.
        one.faults.on("account-key-changed", "account/mine")
        await world.create("pods", pod("c", "static", nodeName="node-0"))
        await world.settle()
        await world.clock.advance(5)
        assert await phase(world, "c") == "Running"

    on_node(test)


def told(server: str, share: str, handle: str, says: str, status: int = 32) -> str:
    target = staging_path(handle)
    options = "file_mode=0777,dir_mode=0777,actimeo=30,mfsymlinks,nosharesock,<masked>"
    return (
        f"rpc error: code = Internal desc = volume({handle}) mount //{server}/{share} on {target} failed with mount "
        f"failed: exit status {status}\nMounting command: mount\nMounting arguments: -t cifs -o {options} "
        f"//{server}/{share} {target}\nOutput: {says}\n"
        "\nPlease refer to http://aka.ms/filemounterror for possible causes and solutions for mount errors."
    )


MANUAL = "\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)"
HOST = "mine.file.core.windows.net"
INFO = "rpc error: code = InvalidArgument desc = GetAccountInfo(rg#mine#data) failed with error: could not find"
CASES = [
    pytest.param("rg#mine#data", {"azurestorageaccountname": "mine", "azurestorageaccountkey": "d3Jvbmc="},
                 told(HOST, "data", "rg#mine#data", f"mount error(13): Permission denied{MANUAL}"), id="key"),
    pytest.param("rg#mine#none", {"azurestorageaccountname": "mine", "azurestorageaccountkey": "KEY"},
                 told(HOST, "none", "rg#mine#none", f"mount error(2): No such file or directory{MANUAL}"), id="share"),
    pytest.param("rg#gone#data", {"azurestorageaccountname": "gone", "azurestorageaccountkey": "KEY"},
                 told("gone.file.core.windows.net", "data", "rg#gone#data",
                      "mount error: could not resolve address for gone.file.core.windows.net: Unknown error", 1),
                 id="account"),
    pytest.param("rg#mine#data", None, "fetching NodeStageSecretRef walk/azure-secret failed: kubernetes.io/csi: "
                 'failed to find the secret azure-secret in the namespace walk with error: '
                 'secrets "azure-secret" not found',
                 id="secret"),
    pytest.param("rg#mine#data", {"azurestorageaccountname": "mine"},
                 f"{INFO} accountkey or azurestorageaccountkey field in secrets", id="secret without key"),
    pytest.param("rg#mine#data", {"azurestorageaccountkey": "KEY"},
                 f"{INFO} accountname or azurestorageaccountname field in secrets", id="secret without account"),
    pytest.param("one-name", {"azurestorageaccountname": "mine", "azurestorageaccountkey": "KEY"},
                 "rpc error: code = InvalidArgument desc = failed to get file share name from one-name", id="handle"),
]  # fmt: skip


@pytest.mark.parametrize(("handle", "data", "words"), CASES)
def test_what_keeps_a_share_from_being_mounted_is_told_until_it_is_mended(
    handle: str, data: dict[str, str] | None, words: str
) -> None:
    async def test(world: World, one: Node) -> None:
        given = None if data is None else {name: value.replace("KEY", one.key) for name, value in data.items()}
        if given is not None:
            await keep(world, **given)
        await mounting(world, volume("static", handle), "a")
        [first, *more] = [event for event in world.events if "FailedMount" in event]
        wanted = f'Warning FailedMount MountVolume.MountDevice failed for volume "static" : {words}'
        assert first == wanted[:1024] if len(wanted) <= 1024 else first[:900] == wanted[:900]
        assert more  # again after half a second, and after one more
        assert await phase(world, "a") == "Pending"
        if handle != "rg#mine#data":
            return
        if given is not None:
            await world.api.delete("secrets", "azure-secret", "walk")
        await keep(world, azurestorageaccountname="mine", azurestorageaccountkey=one.key)
        await world.clock.advance(20)
        assert await phase(world, "a") == "Running"

    on_node(test)


def test_faults_of_share_and_key_are_over_when_they_are_switched_off() -> None:
    async def test(world: World, one: Node) -> None:
        await keep(world, azurestorageaccountname="mine", azurestorageaccountkey=one.key)
        one.faults.on("share-gone", "share/data")
        one.faults.on("account-key-changed")
        await mounting(world, volume("static", "rg#mine#data"), "a")
        assert "mount error(13): Permission denied" in world.events[-1]
        one.faults.off("account-key-changed")
        await world.clock.advance(10)
        assert "mount error(2): No such file or directory" in world.events[-1]
        one.faults.off("share-gone")
        await world.clock.advance(20)
        assert await phase(world, "a") == "Running"

    on_node(test)


def test_a_key_that_somebody_made_anew_meanwhile_is_not_taken_back() -> None:
    async def test(_world: World, one: Node) -> None:
        accounts = one.cloud.storage.accounts
        account = accounts.find("mine")
        first, second = account.key1, account.key2
        one.faults.on("account-key-changed", "account/mine")
        assert {account.key1, account.key2}.isdisjoint({first, second})
        accounts.renew_key(account, "key1")
        kept = account.key1
        one.faults.off("account-key-changed")
        assert (account.key1, account.key2) == (kept, second)

    on_node(test)


def test_without_a_secret_the_key_is_asked_of_azure_unless_the_volume_says_otherwise() -> None:
    async def test(world: World, one: Node) -> None:
        one.faults.on("role-missing", "action/Microsoft.Storage/storageAccounts/listKeys/action")
        handle = f"{GROUP}#mine#data"
        await mounting(world, volume("dynamic", handle, secret=False), "a")
        words = f"rpc error: code = InvalidArgument desc = GetAccountInfo({handle}) failed with error: POST "
        assert f'volume "dynamic" : {words}' in world.events[-1]
        assert "AuthorizationFailed" in world.events[-1]
        secret = "azure-storage-account-mine-secret"
        asked = {"getAccountKeyFromSecret": "true", "secretNamespace": "walk"}
        await mounting(world, volume("strict", f"{handle}#", secret=False, attributes=asked), "b")
        told = [event for event in world.events if '"strict"' in event]
        assert told[0].endswith(f'could not get secret({secret}): secrets "{secret}" not found')
        one.faults.off("role-missing")
        await keep(world, secret, azurestorageaccountname="mine", azurestorageaccountkey="")
        await world.clock.advance(20)
        assert await phase(world, "a") == "Running"
        # The key that Azure gave is known for three minutes, to the other volume too.
        assert await phase(world, "b") == "Running"
        await mounting(world, volume("later", f"{handle}##", secret=False, attributes=asked))
        await world.clock.advance(200)
        await world.create("pods", pod("c", "later", nodeName="node-0"))
        await world.settle()
        assert world.events[-1].endswith("accountName(mine) or accountKey is empty")

    on_node(test)


def test_nfs_has_no_key_and_words_of_its_own() -> None:
    async def test(world: World, one: Node) -> None:
        nfs = {"protocol": "nfs"}
        await mounting(world, volume("good", f"{GROUP}#fast#data", secret=False, attributes=nfs), "a")
        assert await phase(world, "a") == "Running"
        options = ["nconnect=4"]
        gone = volume("gone", f"{GROUP}#fast#none", secret=False, attributes=nfs, mountOptions=options)
        await mounting(world, gone, "b")
        source = "fast.file.core.windows.net:/fast/none"
        assert (
            f"Mounting arguments: -t nfs -o nconnect=4,vers=4,minorversion=1,sec=sys,noresvport,actimeo=30 {source} /"
            in (world.events[-1])
        )
        assert f"Output: mount.nfs: mounting {source} failed, reason given by server: No such file" in world.events[-1]
        account = one.cloud.storage.accounts.find("fast")
        account.settings = {**account.settings, "supportsHttpsTrafficOnly": True}
        await world.api.delete("pods", "a", "walk", grace_period_seconds=0)
        await world.settle()
        await world.clock.advance(20)
        await world.create("pods", pod("c", "good", nodeName="node-0"))
        await world.settle()
        assert "Output: mount.nfs: access denied by server while mounting fast.file.core" in world.events[-1]

    on_node(test)


def test_a_share_that_a_pods_own_spec_names_is_an_empty_directory_and_that_is_said() -> None:
    async def test(world: World, _one: Node) -> None:
        made = pod("inline", nodeName="node-0")
        made["spec"]["volumes"] = [
            {"name": "old", "azureFile": {"secretName": "azure-secret", "shareName": "data"}},
            {"name": "new", "csi": {"driver": DRIVER, "volumeAttributes": {"shareName": "data"}}},
        ]
        await world.create("pods", made)
        await world.settle()
        await world.clock.advance(5)
        assert await phase(world, "inline") == "Running"
        assert [event for event in world.events if "VolumeSkipped" in event] == [
            f"Warning VolumeSkipped Volume {name} is an empty directory: the lab mounts shares of claims, no pod's own"
            for name in ("old", "new")
        ]

    on_node(test)


@pytest.mark.parametrize(
    ("given", "modes", "group", "smb", "nfs"),
    [
        ([], ["ReadWriteMany"], "", "file_mode=0777,dir_mode=0777,actimeo=30,mfsymlinks,nosharesock",
         "vers=4,minorversion=1,sec=sys,noresvport,actimeo=30"),
        (["dir_mode=0750", "uid=1000", "nobrl"], ["ReadWriteMany"], "2000",
         "dir_mode=0750,uid=1000,nobrl,gid=2000,file_mode=0777,actimeo=30,mfsymlinks,nosharesock",
         "dir_mode=0750,nobrl,uid=1000,vers=4,minorversion=1,sec=sys,noresvport,actimeo=30"),
        (["gid=5", "acregmax=1"], ["ReadOnlyMany"], "2000",
         "acregmax=1,gid=5,ro,file_mode=0777,dir_mode=0777,mfsymlinks,nosharesock",
         "acregmax=1,gid=5,ro,vers=4,minorversion=1,sec=sys,noresvport,actimeo=30"),
    ],
)  # fmt: skip
def test_the_driver_adds_options_where_nobody_has_said_otherwise(
    given: list[str], modes: list[str], group: str, smb: str, nfs: str
) -> None:
    made = volume("v", "a#b#c", mountOptions=given, accessModes=modes)
    made["spec"]["accessModes"] = modes
    assert (",".join(smb_options(made, group)), ",".join(nfs_options(made))) == (smb, nfs)


def _texts(module: ModuleType) -> str:
    """All texts of a module with what differs in them left open, as the README leaves it."""
    tree = ast.parse(inspect.getsource(module))
    return "\n".join(
        "".join(str(part.value) if isinstance(part, ast.Constant) else "<>" for part in node.values)
        if isinstance(node, ast.JoinedStr)
        else re.sub(r"\{\w+\}", "<>", str(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    )


def test_the_readme_lists_the_words_that_the_driver_says() -> None:
    readme = Path(lab.__file__).with_name("README.md").read_text()
    table = readme.partition("<!-- file driver's words: start -->")[2].partition("<!-- file driver's words: end -->")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    said = "\n".join(map(_texts, (share_mounts, share_parameters, share_volumes, file_provisioner, resizer)))
    assert len(rows) >= 20
    for when, words, _ in rows:
        # A text within another one, such as a reason, begins after a colon.
        for part in re.split(r"<[^>]*>|\[[^]]*\]|(?<=error: )|(?<=ensure storage account: )", words.strip("`")):
            assert part.strip(' "') in said, (when, part)
