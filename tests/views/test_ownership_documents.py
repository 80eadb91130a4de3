"""The ownership table for programs: JSON that keeps to its schema, CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aksdisks.model import AzureFiles, Unknown
from aksdisks.model.ownership_rows import DISKS, SHARES, SNAPSHOTS
from aksdisks.views.ownership import OwnershipTable
from aksdisks.views.ownership_documents import as_csv, document, unseen
from tests.owned import SHARES as SHARED
from tests.owned import owned, ownership
from tests.world import START, world

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "inventory.schema.json").read_text())


def made(**parts: Any) -> dict[str, Any]:
    """The document as it is read again."""
    found = ownership(**parts)
    made = json.loads(json.dumps(document(world(ownership=found), found, "https://api:443")))
    jsonschema.validate(made, SCHEMA, jsonschema.Draft202012Validator)
    return dict(made)


def test_the_document_keeps_to_its_schema_and_has_the_columns_of_the_frames() -> None:
    found = made(shares=SHARED)
    assert (found["schema"], found["target"], found["at"]) == (
        "aksdisks/inventory/v1", "https://api:443", f"{START:%Y-%m-%dT%H:%M:%SZ}"
    )  # fmt: skip
    for name, columns in (("disks", DISKS), ("snapshots", SNAPSHOTS), ("shares", SHARES)):
        assert {tuple(row) for row in found[name]} == {tuple(columns)}
        assert set(SCHEMA["$defs"][name[:-1]]["required"]) == set(columns)
    assert found["disks"][0]["verdict"] == "orphan"
    assert found["without_disk"] == [
        {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "waits", "because": "it is Pending"},
        {"kind": "PersistentVolume", "namespace": "", "name": "pvc-gone", "because": "Azure has no such disk"},
    ]
    assert found["slots"][1] == {"node": "aks-1", "limit": 8, "by_kubernetes": 7, "by_azure": None}
    assert found["unseen"] == []


def test_the_schema_takes_nothing_else() -> None:
    wrong = made() | {"disks": [made()["disks"][0] | {"verdict": "garbage"}]}
    with pytest.raises(jsonschema.ValidationError, match="'garbage' is not one of"):
        jsonschema.validate(wrong, SCHEMA, jsonschema.Draft202012Validator)


def test_what_was_not_seen_is_listed() -> None:
    off = Unknown("azure is off")
    unreadable = {"Pod": "no right to list pods", "Event": "nothing needed them"}
    inventory = world(disks=off, machines=off, unreadable=unreadable, ownership=ownership(snapshots=off))
    assert unseen(inventory) == {
        "Pod": "no right to list pods", "Azure's machines": "azure is off", "Azure's disks": "azure is off",
        "Azure's snapshots": "azure is off",
    }  # fmt: skip
    assert unseen(world(ownership=ownership())) == {}
    assert unseen(world(files=off, ownership=ownership())) == {"Azure's storage accounts": "azure is off"}
    one = AzureFiles(shares={"f1": off})
    assert unseen(world(files=one, ownership=ownership())) == {"the shares of storage account f1": "azure is off"}
    assert made(disks=off)["disks"] == []


def rows(**parts: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(OwnershipTable(ownership(**parts))), newline="")))


def test_csv_has_a_row_for_each_thing_with_the_columns_of_all() -> None:
    found = rows(shares=SHARED)
    assert [row["kind"] for row in found] == ["disk"] * 8 + ["snapshot"] * 2 + ["share"] * 2
    assert list(found[0]) == list(dict.fromkeys(["kind", *DISKS, *SNAPSHOTS, *SHARES]))
    assert (found[-1]["name"], found[-1]["account"], found[-1]["protocol"]) == ("docs", "f1", "SMB")
    used = next(row for row in found if row["name"] == "pvc-data")
    assert (used["size_gib"], used["lun"], used["price_a_month"], used["incremental"]) == ("25", "0", "5.28", "")
    assert next(row for row in found if row["name"] == "pvc-elsewhere")["size_gib"] == ""
    lines = as_csv(OwnershipTable(ownership(snapshots=()))).split("\r\n")
    assert (len(lines), lines[-1]) == (1 + 8 + 1, "")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", '=HYPERLINK("http://x","a,b")']
)
def test_no_text_is_a_formula(text: str) -> None:
    (row,) = rows(disks=(owned("x", "foreign", text, space=text),), snapshots=())
    assert (row["because"], row["namespace"], row["claim"]) == (f"'{text}", f"'{text}", f"'{text}/x")


@pytest.mark.parametrize("text", ["it's", "a=b", 'so "quoted", and\nbroken', "ünïcode", "1e3"])
def test_any_other_text_comes_through_as_it_is(text: str) -> None:
    (row,) = rows(disks=(owned("x", "foreign", text),), snapshots=())
    assert row["because"] == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("gpj\u202e.exe", "gpj\ufffd.exe"), ("\u2066a\u2069", "\ufffda\ufffd"), ("=\u202e1", "'=\ufffd1")],
)
def test_what_turns_a_text_around_is_marked(text: str, shown: str) -> None:
    (row,) = rows(disks=(owned("x", "foreign", text),), snapshots=())
    assert row["because"] == shown


def test_a_number_is_no_formula() -> None:
    cheap = owned("x", "orphan", "left")
    cheap = replace(cheap, price=replace(cheap.price, a_month=-1.5))  # type: ignore[type-var]
    (row,) = rows(disks=(cheap,), snapshots=())
    assert row["price_a_month"] == "-1.5"
