"""The rows of the ownership table: what a disk hangs on, by both sides, and nothing made up where it is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aksdisks.model import Unknown
from aksdisks.model.ownership_rows import DISKS, SNAPSHOTS, disk_rows, snapshot_rows
from tests.owned import SOURCE, owned, ownership, snapshot, used
from tests.world import GROUP, START, claim, machine, volume


def row(made: Any) -> dict[str, Any]:
    (found,) = disk_rows((made,)).rows
    return dict(found)


def test_a_disk_in_use_has_all_that_it_hangs_on() -> None:
    found = row(used("data", 1))
    assert list(found.keys() - DISKS.keys()) == [] and found.keys() == DISKS.keys()
    changed = found.pop("owner_changed")
    created = found.pop("created")
    assert created < changed < START
    assert found == {
        "name": "pvc-data", "verdict": "in-use", "because": "pod shop/data-0 mounts claim shop/data",
        "price_a_month": 5.28, "currency": "USD", "price_source": SOURCE, "size_gib": 25, "sku": "Premium_LRS",
        "tier": "P4", "iops": 120, "mbps": 25, "zone": "1", "state": "Attached", "machine": "vm_1", "node": "aks-1",
        "lun": 0, "volume": "pvc-data", "namespace": "shop", "claim": "shop/data", "pod": "data-0",
        "workload": "StatefulSet/db", "managed_by": machine(1).id, "resource_group": "MC_disks_article_westeurope",
        "id": f"{GROUP}/disks/pvc-data", "unknown": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, ("tags", "tags/x", None)),
        ({"volume": volume("x", claim_namespace="volumes")}, ("volumes", "volumes/x", "pvc-x")),
        ({"volume": volume("x", claim_namespace="volumes"), "claim": claim("x", namespace="claims")},
         ("claims", "claims/x", "pvc-x")),
        ({"volume": volume("x", claim_namespace="", claim_name="")}, (None, None, "pvc-x")),
    ],
    ids=["tags", "volume", "claim", "a volume for no claim"],
)  # fmt: skip
def test_the_claim_is_the_one_that_is_there_before_the_volumes_before_the_tags(parts: Any, expected: Any) -> None:
    found = row(owned("x", "kept", "so it is", space="tags", **parts))
    assert (found["namespace"], found["claim"], found["volume"]) == expected


def test_a_namespace_in_a_tag_may_be_anything() -> None:
    assert row(owned("x", "foreign", "so it is", space="a/b"))["namespace"] == "a/b"


def test_what_could_not_be_read_is_missing_with_its_reason() -> None:
    made = replace(owned("x", "unknown", "so it is"), disk=Unknown("no right"), price=Unknown("no SKU"))
    found = row(made)
    assert (found["name"], found["id"], found["resource_group"]) == ("pvc-x", made.id, "MC_disks_article_westeurope")
    assert (found["unknown"], found["price_source"]) == ("no right", "unknown, because no SKU")
    assert {found[name] for name in ("size_gib", "sku", "state", "created", "price_a_month", "currency")} == {None}
    blind = row(replace(used("data", 1), machine=Unknown("throttled"), lun=Unknown("throttled")))
    assert (blind["machine"], blind["node"], blind["lun"], blind["unknown"]) == (None, "aks-1", None, "throttled")


def test_what_was_not_seen_is_no_row_but_a_reason() -> None:
    for found in (disk_rows(Unknown("azure is off")), snapshot_rows(Unknown("azure is off"))):
        assert (found.rows, found.unknown) == ([], "azure is off")


def test_snapshots_and_frames_have_the_stated_columns() -> None:
    (found,) = snapshot_rows((snapshot("s", "kept", "so it is", completion=0.0, incremental=False, sku=""),)).rows
    assert found.keys() == SNAPSHOTS.keys()
    assert (found["completion"], found["incremental"], found["sku"]) == (0.0, False, None)
    made = ownership()
    for records, columns in ((disk_rows(made.disks), DISKS), (snapshot_rows(made.snapshots), SNAPSHOTS)):
        frame = records.frame()
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == columns
        assert len(frame) == len(records.rows)
