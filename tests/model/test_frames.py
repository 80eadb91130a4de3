"""Frames: the same columns and types whatever was found, what is missing is NA, and what is unknown says why."""

import pandas
import pytest

from aksdisks.errors import InputError
from aksdisks.model import (
    NotServed,
    Unknown,
    VolumeAttributesClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
)
from aksdisks.model.frames import COLUMNS
from tests.world import CLAIM, GROUP, START, claim, disk, node, pod, volume, world

OPTIONAL = {
    "volume_snapshots": (
        VolumeSnapshot(name="first", namespace="walk", ready=True, claim=CLAIM, restore_size="8Gi", content="c"),
    ),
    "volume_snapshot_contents": (
        VolumeSnapshotContent(name="c", snapshot="first", snapshot_namespace="walk", restore_size=8 * 2**30),
        VolumeSnapshotContent(name="by-hand"),
    ),
    "volume_snapshot_classes": (VolumeSnapshotClass(name="plain", parameters={"b": "2", "a": "1"}),),
    "volume_attributes_classes": (VolumeAttributesClass(name="gold", parameters={"skuName": "Premium_LRS"}),),
}
OF_OWNERSHIP = {"snapshots", "shares"}
NOTHING = dict.fromkeys((*COLUMNS.keys() - {"tags", "chains", *OF_OWNERSHIP},), ())


def found(frame, *columns):
    """The rows of these columns, with None where a value is missing."""
    rows = frame[list(columns)].astype(object)
    return [tuple(None if pandas.isna(each) else each for each in row) for row in rows.itertuples(index=False)]


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in OF_OWNERSHIP])
@pytest.mark.parametrize("parts", [{}, NOTHING], ids=["something", "nothing"])
def test_columns_and_types_are_the_same_whatever_was_found(name, parts):
    inventory = world(**OPTIONAL | parts)
    frame = inventory.frame(name)
    assert {column: str(kind) for column, kind in frame.dtypes.items()} == dict(COLUMNS[name])
    found = [tag for disk in inventory.disks for tag in disk.tags] if name == "tags" else getattr(inventory, name)
    assert (len(frame), bool(parts), frame.attrs) == (len(found), not found, {})


@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        ("nodes", ("name", "ready", "disk_slots", "attached"), [("aks-0", True, 8, 0), ("aks-1", True, None, 2)]),
        (
            "pods",
            ("namespace", "name", "status", "node", "claims"),
            [("walk", "a", "Running", "aks-0", CLAIM), ("walk", "b", "ContainerCreating", None, None)],
        ),
        (
            "claims",
            ("name", "phase", "capacity", "capacity_gib", "source", "modify_status"),
            [(CLAIM, "Pending", None, None, "VolumeSnapshot/first", None)],
        ),
        ("volumes", ("claim", "capacity", "capacity_gib", "deleting"), [(f"walk/{CLAIM}", "512Mi", 0.5, None)]),
        ("attachments", ("node", "volume", "attached", "lun"), [("aks-0", f"pvc-{CLAIM}", True, 0)]),
        (
            "disks",
            ("name", "size_gib", "managed_by", "claim", "created"),
            [(f"pvc-{CLAIM}", 25, f"{GROUP}/virtualMachines/vm_0", f"walk/{CLAIM}", pandas.Timestamp(START))],
        ),
        ("machines", ("node", "data_disks"), [("aks-0", 1), ("aks-1", 0)]),
        (
            "tags",
            ("disk", "claim", "tag", "value"),
            [
                (f"pvc-{CLAIM}", f"walk/{CLAIM}", f"kubernetes.io-created-for-{key}", value)
                for key, value in (("pv-name", f"pvc-{CLAIM}"), ("pvc-name", CLAIM), ("pvc-namespace", "walk"))
            ],
        ),
        ("classes", ("name", "sku", "binding_mode"), [("managed-premium", "Premium_LRS", "WaitForFirstConsumer")]),
        ("volume_attributes_classes", ("name", "sku", "parameters"), [("gold", "Premium_LRS", "skuName=Premium_LRS")]),
        (
            "volume_snapshots",
            ("name", "ready", "claim", "restore_size_gib", "error"),
            [("first", True, CLAIM, 8, None)],
        ),
        (
            "volume_snapshot_contents",
            ("name", "volume_snapshot", "restore_size_gib"),
            [("c", "walk/first", 8), ("by-hand", None, None)],
        ),
        ("volume_snapshot_classes", ("name", "is_default", "parameters"), [("plain", False, "a=1,b=2")]),
        ("events", ("kind", "object", "reason", "count"), [("Pod", "disk-deploy-1-b", "FailedAttachVolume", 1)]),
        (
            "chains",
            ("namespace", "pod", "claim", "volume", "attached", "disk", "machine", "lun", "unknown"),
            [("walk", "a", CLAIM, None, None, None, None, None, None)],
        ),
    ],
)
def test_rows(name, columns, rows):
    inventory = world(
        nodes=(node(0), node(1, disk_slots=None)),
        attached={"aks-1": 2},
        pods=(pod("a", 0), pod("b", 0, ready=False, node="", claims=())),
        claims=(claim(phase="Pending", capacity="", volume="", source_kind="VolumeSnapshot", source_name="first"),),
        volumes=(volume(capacity="512Mi"),),
        **OPTIONAL,
    )
    assert found(inventory.frame(name), *columns) == rows


def test_what_is_unknown_is_a_frame_without_rows_that_says_why():
    off = Unknown("azure is off")
    inventory = world(disks=off, machines=off)
    for name in ("disks", "machines"):
        frame = inventory.frame(name)
        assert (len(frame), frame.attrs) == (0, {"unknown": "azure is off"})
    assert found(inventory.frame("chains"), "volume", "disk", "lun", "unknown")[0] == (
        f"pvc-{CLAIM}", None, None, "azure is off",
    )  # fmt: skip


def test_kinds_that_a_cluster_does_not_serve_are_frames_without_rows_that_say_so():
    frame = world(volume_snapshots=NotServed("not served")).frame("volume_snapshots")
    assert (len(frame), frame.attrs) == (0, {"unknown": "not served"})


def test_snapshots_are_unknown_where_nothing_asked_whose_they_are():
    frame = world().frame("snapshots")
    assert (len(frame), frame.attrs) == (0, {"unknown": "nothing asked whose the disks are"})
    assert {column: str(kind) for column, kind in frame.dtypes.items()} == dict(COLUMNS["snapshots"])


def test_a_kind_that_could_not_be_read_is_a_frame_without_rows_that_says_why():
    inventory = world(pods=(), unreadable={"Pod": "pods is forbidden"})
    assert (len(inventory.frame("pods")), inventory.frame("pods").attrs) == (0, {"unknown": "pods is forbidden"})
    assert inventory.frame("claims").attrs == {}


def test_a_frame_goes_on_in_pandas():
    inventory = world(disks=(disk(), disk("other", on=None, size_gib=100)))
    frame = inventory.frame("disks")
    assert frame.groupby("state")["size_gib"].sum().to_dict() == {"Attached": 25, "Unattached": 100}


def test_an_unknown_frame_is_named():
    with pytest.raises(InputError, match=r"frame: expected one of nodes, pods.*found 'disk'.*did you mean 'disks'"):
        world().frame("disk")
