"""What runbook 13 compares, on values made by hand: a share beside a disk, four pods of each on three nodes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.errors import InputError
from aksdisks.model import AzureFiles, FileShare, Named, ShareSource, StorageAccount, Unknown
from aksdisks.model.checks import Holds
from aksdisks.parameters import Parameters
from aksdisks.views.base import Card, Table
from aksdisks.walkthrough.shared_files import SharedFiles
from aksdisks.walkthrough.shared_views import DISK, FILES, STATIC, Seen
from aksdisks.walkthrough.write_times import milliseconds, shown
from tests.world import SPACE, START, attachment, claim, disk, machine, multi_attach, pod, storage_class, volume

pytestmark = pytest.mark.quick

OFF = Unknown("azure is off")
ACCOUNT = StorageAccount(name="f1", kind="StorageV2", sku="Standard_LRS")
SHARE = FileShare(name=f"pvc-uid-{FILES}", account="f1", quota_gib=25, tier="TransactionOptimized")
SOURCE = ShareSource(account="f1", share=SHARE.name)
IN_AZURE = AzureFiles(listed=(ACCOUNT,), shares={"f1": (SHARE,)})
SHARED = volume(FILES, disk_id="", share=SOURCE, access_modes=("ReadWriteMany",))
BY_HAND = volume(STATIC, disk_id="", share=SOURCE, reclaim_policy="Retain")
PLACES = (0, 0, 1, 2)
WITH_SHARE = [pod(f"files-{n}", on, claim=FILES, labels={"app": FILES}) for n, on in enumerate(PLACES)]
WITH_DISK = [pod(f"disk-{n}", on, ready=on == 0, claim=DISK, labels={"app": DISK}) for n, on in enumerate(PLACES)]


def seen(**parts: Any) -> Seen:
    plain = {
        "namespace": SPACE,
        "claims": (claim(FILES, access_modes=("ReadWriteMany",), requested="25Gi"), claim(DISK)),
        "volumes": (SHARED, volume(DISK), volume("of-another", claim_namespace="shop"), volume()),
        "pods": (*WITH_SHARE, *WITH_DISK),
        "events": tuple(multi_attach(each) for each in WITH_DISK if not each.ready),
        "attachments": (attachment(DISK), attachment("of-another", 1), attachment()),
        "files": IN_AZURE,
        "disks": (disk(DISK), disk("of-another", 1, tags={}), disk()),
        "machines": (machine(0, disk(DISK), disk()), machine(1, disk("of-another", 1))),
    }
    return Seen(**plain | parts)


def test_a_claim_has_become_a_share_as_both_sides_say() -> None:
    key = SHARE.key
    assert seen().made() == ({(key, 25)}, {(key, 25)})
    grown = replace(SHARE, quota_gib=100)
    assert seen(files=AzureFiles(listed=(ACCOUNT,), shares={"f1": (grown,)})).made()[1] == {(key, 100)}
    another = replace(SHARE, name="pvc-of-another")
    assert seen(files=AzureFiles(listed=(ACCOUNT,), shares={"f1": (another,)})).made()[1] == frozenset()
    assert seen(volumes=()).made()[0] == frozenset()
    for blind in (AzureFiles(listed=OFF), AzureFiles(listed=(ACCOUNT,), shares={"f1": OFF})):
        assert seen(files=blind).made() == ({(key, 25)}, OFF)


def test_the_table_says_what_azure_has_of_the_claim() -> None:
    lines = seen().table().lines()
    assert [line[1] for line in lines] == [
        "Bound, ReadWriteMany", "Bound, Delete", "SMB, TransactionOptimized", "StorageV2, Standard_LRS",
    ]  # fmt: skip
    assert [line[2:] for line in lines[2:]] == [["25 GiB", SHARE.name], ["-", "f1"]]
    gone = seen(files=AzureFiles(listed=(), elsewhere={"f1": None})).table().lines()
    assert [line[1] for line in gone[2:]] == ["none", "none"]
    assert "azure is off" in seen(files=AzureFiles(listed=OFF, elsewhere={"f1": OFF})).table().text()


def with_share(*ready: bool, on: tuple[int, ...] = PLACES) -> tuple[Any, ...]:
    made = [
        pod(f"files-{n}", o, ready=r, labels={"app": FILES}) for n, (o, r) in enumerate(zip(on, ready, strict=True))
    ]
    return (*made, *WITH_DISK)


@pytest.mark.parametrize(
    ("pods", "holds"),
    [
        ((*WITH_SHARE, *WITH_DISK), True),
        (with_share(True, True, True, False), False),
        ((*WITH_SHARE, *(replace(each, ready=True) for each in WITH_DISK)), False),
        ((*WITH_SHARE, *(replace(each, ready=False) for each in WITH_DISK)), False),
        (with_share(True, True, True, True, on=(0, 0, 0, 0)), Unknown("all pods were placed on one node")),
        (
            (*WITH_SHARE, *(replace(each, node="aks-0", ready=True) for each in WITH_DISK)),
            Unknown("all pods were placed on one node"),
        ),
    ],
    ids=[
        "as it is",
        "a share's pod waits",
        "a disk's pods run on three nodes",
        "none with the disk",
        "one node",
        "disk",
    ],
)
def test_all_run_with_the_share_and_those_of_one_node_with_the_disk(pods: Any, holds: Holds) -> None:
    assert seen(pods=pods).together() == holds


def test_the_two_deployments_side_by_side() -> None:
    now = seen()
    assert now.words() == "with the share 4 of 4 run; with the disk some are kept out"
    assert seen(events=()).words().endswith("with the disk none are kept out")
    assert [line[1:] for line in now.compared().lines()] == [
        ["ReadWriteOnce", "2 of 4, on 1 node", "2: Multi-Attach", "aks-0"],
        ["ReadWriteMany", "4 of 4, on 3 nodes", "none", "no machine"],
    ]
    assert [line[0] for line in now.placed().lines()] == [f"{what}-{n}" for what in ("files", "disk") for n in range(4)]


def test_only_the_disk_is_attached() -> None:
    name = f"pvc-{DISK}"
    assert seen().attached() == ({(name, "aks-0")}, {(name, "aks-0")})
    both = (attachment(DISK), attachment(FILES, 1, driver="file.csi.azure.com"))
    assert seen(attachments=both).attached()[0] == {(name, "aks-0"), (SHARE.key, "aks-1")}
    assert seen(machines=(machine(1, disk(DISK)),)).attached()[1] == {(name, "aks-1")}
    assert seen(disks=OFF).attached()[1] is OFF and seen(machines=OFF).attached()[1] is OFF


@pytest.mark.parametrize(
    ("parts", "sides"),
    [
        ({}, (1, 1)),
        ({"volumes": (SHARED, BY_HAND)}, (0, 1)),
        ({"files": AzureFiles(listed=(ACCOUNT,), shares={"f1": ()})}, (1, 0)),
    ],
    ids=["it stayed", "its volume, too", "it went"],
)
def test_what_stayed_when_the_volume_by_hand_went(parts: Any, sides: tuple[int, int]) -> None:
    kubernetes, azure = seen(**parts).let_go(frozenset({SHARE.key}))
    assert not isinstance(kubernetes, Unknown) and not isinstance(azure, Unknown)
    assert (len(kubernetes), len(azure)) == sides
    assert seen(files=AzureFiles(listed=OFF)).let_go(frozenset({SHARE.key}))[1] == OFF


KEPT = "class azurefile-csi would keep the share, and its cost; allow_retain: true accepts that"


def files(
    provisioner: str = "file.csi.azure.com", drivers: tuple[str, ...] = ("file.csi.azure.com",), **more: Any
) -> Any:
    """What prepares on a cluster with a class of this provisioner, and these drivers."""
    cluster = SimpleNamespace(
        classes=lambda: (
            storage_class(name="azurefile-csi", provisioner=provisioner, reclaim_policy=more.get("policy", "Delete")),
        ),
        list=lambda _kind: [Named(name=each) for each in drivers],
        allowed=lambda *_right: more.get("allowed", True),
    )
    session: Any = SimpleNamespace(cluster=cluster, parameters=more.get("parameters", Parameters()), namespace=SPACE)
    return SharedFiles(lambda: session)


@pytest.mark.parametrize(
    ("made", "given", "by_hand", "seen"),
    [
        (files(), True, True, "azurefile-csi, of file.csi.azure.com"),
        (files(allowed=False), True, Unknown("this identity may not create persistentvolumes"), "azurefile-csi, of"),
        (files(policy="Retain"), None, None, KEPT),
        (files(policy="Retain", parameters=Parameters(allow_retain=True)), True, True, "azurefile-csi, of"),
        (files("kubernetes.io/azure-file"), None, None, "class azurefile-csi is not file.csi.azure.com's"),
        (files(drivers=("disk.csi.azure.com",)), None, None, "the cluster has no driver file.csi.azure.com"),
        (files(parameters=Parameters(file_class="mine")), None, None, "there is no class mine"),
    ],
    ids=["all", "no volumes", "kept", "kept on purpose", "2019", "no driver", "no class"],
)
def test_where_there_are_shared_files(made: SharedFiles, given: Holds, by_hand: Holds, seen: str) -> None:
    assert made.prepare().check.seen.startswith(seen)
    assert (made.given, made.by_hand) == (given, by_hand)


def test_where_there_are_none_nothing_is_done() -> None:
    made = files(drivers=())
    made.prepare()
    acts = (
        made.claim,
        made.run,
        made.write,
        made.volume,
        made.bind,
        made.delete_by_hand,
        made.mounted,
        made.write_times,
    )
    assert {act().title for act in acts} == {"Nothing is done here"}
    assert made.notes == (frozenset(), frozenset())
    assert (made.readable, made.by_hand_readable, made.scaled_out()) == (None, None, (False, False))


def test_a_cell_that_is_run_too_early_says_so() -> None:
    made = files()
    made.prepare()
    made._session().pods = lambda _app="": ()
    made._session().claims = lambda: ()
    for act in (made.write, made.volume, made.mounted):
        with pytest.raises(InputError, match="run the cells above first"):
            act()


@pytest.mark.parametrize(
    ("options", "attributes", "locks"),
    [
        (["mfsymlinks"], {}, "asked of the server; while one writes, it forbids others to read there, too"),
        (["mfsymlinks", "nobrl"], {}, "kept on each node (nobrl): two pods on two nodes both get one"),
        (["nconnect=4"], {"protocol": "nfs"}, "asked of the server, and heeded by those that ask"),
    ],
)
def test_what_mount_options_mean_for_locks(options: list[str], attributes: dict[str, str], locks: str) -> None:
    csi = {"driver": "file.csi.azure.com", "volumeHandle": "g#f1#s", "volumeAttributes": attributes}
    raw = {"metadata": {"name": "v"}, "spec": {"mountOptions": options, "csi": csi}}
    made = files()
    made.prepare()
    made._session().claims = lambda: (claim(FILES),)
    made._session().cluster.get = lambda *_: raw
    card = made.mounted()
    assert dict(card.lines) == {
        "protocol": "NFS" if attributes else "SMB",
        "options": ", ".join(options),
        "locks": locks,
    }


SILENT = Unknown("no command runs in pod p")


def test_what_a_small_write_takes_is_its_time_less_the_commands_own() -> None:
    assert milliseconds("1000.10 1001.30\n") == pytest.approx(12.0)
    assert (milliseconds(SILENT), milliseconds(None)) == (SILENT, None)
    wrong = milliseconds("sh: dd: not found")
    assert isinstance(wrong, Unknown) and "no two times" in wrong.because
    made = shown(2.0, [("a disk", 4.5), ("a share", 22.0), ("nothing", 1.0)])
    assert isinstance(made, Table)
    assert made.lines() == [["a disk", "2.5 ms"], ["a share", "20.0 ms"], ["nothing", "0.0 ms"]]
    for said, why in ((SILENT, SILENT.because), (None, "because the image has no shell")):
        card = shown(2.0, [("a disk", said)])
        assert isinstance(card, Card) and card.lines == [("why", why)]


def test_nothing_is_measured_in_a_lab() -> None:
    made = files()
    made.prepare()
    session: Any = made._session()
    session.disruption = SimpleNamespace(in_a_lab=True)
    session.pods = lambda _app="": WITH_SHARE
    card = made.write_times()
    assert isinstance(card, Card) and card.title == "How long a small write takes: not applicable"


@pytest.mark.parametrize(
    ("ready", "tried"), [((4, 4), (False, False)), ((6, 5), (True, False)), ((6, 6), (True, True))]
)
def test_whether_a_reader_has_scaled_out(ready: tuple[int, int], tried: tuple[bool, bool]) -> None:
    made, (count, run) = files(), ready
    made.prepare()
    leaving = pod("files-going", 0, deleting=START)
    made._session().pods = lambda _app="": [leaving, *(pod(f"files-{n}", 0, ready=n < run) for n in range(count))]
    assert made.scaled_out() == tried
