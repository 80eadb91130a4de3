"""An inventory's views: one content as text, HTML and frame; an order of rows that random names do not change."""

from dataclasses import replace
from decimal import Decimal

import pandas
import pytest

from aksdisks.model import AzureFiles, FileShare, ShareSource, StorageAccount, Unknown
from aksdisks.model.frames import COLUMNS, records
from aksdisks.model.records import Records
from aksdisks.views.base import Table
from aksdisks.views.look import Look
from aksdisks.views.tables import LAYOUTS
from tests.views.page import Page
from tests.world import claim, disk, multi_attach, node, pod, volume, world

ALWAYS = ("nodes", "pods", "claims", "volumes", "attachments", "disks", "costs", "tags", "chain", "why")


def look(**parts) -> Look:
    return Look(world(**parts), lambda _claim: True)


@pytest.mark.parametrize("name", ALWAYS)
def test_each_view_says_the_same_in_text_and_in_html(name):
    view = getattr(look(), name)()
    page = Page(view.html())
    assert page.fetched == []
    words = " ".join(page.read).split()
    for word in view.text().replace("└─", " ").split():
        if not set(word) <= {"-"} and word not in ("the", "same") and not word.startswith("("):
            assert word.strip("(),") in " ".join(words), word
    for raw in ("{", "object at", "None", "Unknown("):
        assert raw not in view.text()


@pytest.mark.parametrize("name", ALWAYS)
def test_each_view_says_why_where_azure_is_unknown(name):
    off = Unknown("azure is off")
    text = getattr(look(disks=off, machines=off), name)().text()
    asks_azure = name in ("nodes", "disks", "costs", "tags", "chain")
    assert ("unknown, because azure is off" in text) == asks_azure


def test_the_difference_marks_what_came_and_went():
    before = look(disks=(disk(), disk("old")))
    after = look(disks=(disk(), disk("young", on=None)))
    rows = {row[1]: (row[0], row[3], row[4]) for row in after.disks(since=before).rows}
    assert rows == {
        "pvc-azure-managed-disk": ("same", "Attached", "vm_0"),
        "pvc-old": ("gone", None, ""),
        "pvc-young": ("new", "Unattached", ""),
    }


def test_disks_of_others_are_counted_and_shown_only_when_they_change():
    foreign = disk("theirs", tags={})
    assert [row[1] for row in look(disks=(disk(), foreign)).disks().rows] == ["pvc-azure-managed-disk"]
    assert "1 of others not shown" in look(disks=(disk(), foreign)).disks().text()
    assert len(look(disks=(disk(), foreign)).disks(since=look()).rows) == 2


def test_random_names_do_not_change_the_order_of_rows():
    def states(names):
        pods = tuple(pod(name, on, ready=on == 0) for name, on in zip(names, (0, 1, 2), strict=True))
        found = look(pods=pods, events=tuple(multi_attach(p, names[0]) for p in pods[1:]))
        return [row[2:] for row in found.pods().rows], len(found.events("FailedAttachVolume").rows)

    assert states(("disk-deploy-1-a", "disk-deploy-1-b", "disk-deploy-1-c")) == states(
        ("disk-deploy-1-z", "disk-deploy-1-y", "disk-deploy-1-x")
    )


def test_pods_of_one_cause_share_a_card():
    pods = (pod("disk-deploy-1-a", 0), *(pod(f"disk-deploy-1-{n}", n, ready=False) for n in (1, 2)))
    refusals = tuple(multi_attach(p, "disk-deploy-1-a") for p in pods[1:])
    (card,) = look(pods=pods, events=refusals, nodes=tuple(map(node, range(3)))).why().parts
    first, second, *_ = card.text().splitlines()
    assert first.startswith("A problem: shared-claim (Several pods share one ReadWriteOnce claim")
    whom = "PersistentVolumeClaim azure-managed-disk, Pod disk-deploy-1-1, Pod disk-deploy-1-2"
    assert second.startswith(f"  {whom}: all pods share claim")


def test_kept_claims_stand_in_the_chain_without_a_pod():
    view = look(pods=(), events=(), claims=(replace(claim(), deleting=None),)).chain()
    assert view.text().splitlines()[1] == "pod - (none)"


def test_a_pod_that_waits_does_not_look_like_one_that_runs():
    pods = (pod("disk-deploy-1-a", 0), pod("disk-deploy-1-b", 1, ready=False))
    runs, waits = (chain[0] for chain in look(pods=pods).chain().chains)
    assert (runs.waits, waits.waits) == (False, True)
    boxes = [look(pods=(each,)).chain().html().partition("→")[0] for each in pods]
    assert [("3px solid" in box, "3px dashed" in box, "◌" in box) for box in boxes] == [
        (True, False, False),
        (False, True, True),
    ]


def test_the_sum_is_that_of_what_is_shown():
    costs = look(disks=tuple(disk(str(number)) for number in range(7))).costs()
    prices = [row[-1] for row in costs.rows]
    assert f"together about {sum(map(Decimal, prices))} USD" in costs.note
    unpriced = look(disks=(disk(), replace(disk("odd"), sku="Odd_LRS"))).costs()
    assert ", without 1 of unknown price" in unpriced.note


def tables(look: Look) -> dict[str, Table]:
    """A table of each layout."""
    made = {name: getattr(look, name)() for name in LAYOUTS.keys() - {"classes", "tags", "events"}}
    made |= {"classes": look.classes("managed-premium"), "events": look.events("FailedAttachVolume")}
    return made | {"tags": look.tags().parts[0]}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
def test_all_that_a_table_shows_is_in_its_frame(name, odd):
    """The table is made again of the frame's rows alone; its types are stated, whatever was found."""
    changes = {
        "nodes": (node(0, ready=False), node(1, schedulable=False, disk_slots=None), node(2)),
        "claims": (claim(deleting=world().taken), claim("pending", phase="Pending", capacity="", volume="")),
        "disks": (disk(), replace(disk("odd", on=None), sku="Odd_LRS", size_gib=None, tier="")),
    }
    table = tables(look(**(changes if odd else {})))[name]
    frame = table.frame()
    rows = frame.astype(object).to_dict("records")
    rows = [{name: None if pandas.isna(value) else value for name, value in row.items()} for row in rows]
    again = Table.of(frame.attrs["title"], Records({}, rows), LAYOUTS[name], note=table.note, empty=table.empty)
    assert table.rows and again.text() == table.text()
    assert again.html() == table.html()
    assert {str(kind) for kind in frame.dtypes} <= {"string", "boolean", "Int64", "Float64", "datetime64[ns, UTC]"}


@pytest.mark.parametrize("name", sorted(LAYOUTS.keys() & COLUMNS.keys()))
def test_a_table_s_frame_is_the_inventory_s_with_what_the_view_adds(name):
    seen = look()
    if name == "tags":  # of the first disk of this namespace
        seen = look(disks=(disk(),))
    shown, whole = tables(seen)[name].frame(), seen.inventory.frame(name)
    columns = [column for column in whole.columns if column in shown.columns]
    assert set(whole.columns) <= set(shown.columns)
    key = columns[:2] if name == "tags" else "name" if "name" in columns else "message"
    pandas.testing.assert_frame_equal(
        shown[columns].sort_values(key).reset_index(drop=True), whole.sort_values(key).reset_index(drop=True)
    )


def test_what_azure_adds_to_nodes_is_missing_where_it_is_unknown():
    frame = look(machines=Unknown("azure is off")).nodes().frame()
    assert (len(frame), frame["machine_disks"].isna().all(), frame.attrs["unknown"]) == (2, True, "azure is off")


def test_chains_are_a_frame_of_names_and_states():
    frame = look().chain().frame()
    assert list(frame.columns[:4]) == ["pod", "pod state", "claim", "claim state"]
    assert frame["claim"][0] == "azure-managed-disk"
    assert {str(kind) for kind in frame.dtypes} == {"string"}


def test_a_share_s_chain_ends_at_its_account_and_stands_beside_a_disk_s():
    source = ShareSource(account="f1", share="docs", resource_group="g")
    named = volume("docs", disk_id="", driver="file.csi.azure.com", share=source)
    shared = FileShare(name="docs", account="f1", quota_gib=100, protocol="SMB", tier="Hot")
    parts = {
        "pods": (pod("a", 0), pod("b", 0, claim="docs"), pod("c", 1, claim="docs")),
        "claims": (claim(), claim("docs")),
        "volumes": (volume(), named),
        "events": (),
    }
    there = AzureFiles(listed=(StorageAccount(name="f1"),), shares={"f1": (shared,)})
    view = look(**parts, files=there).chain()
    last = [[(link.kind, link.name, link.state) for link in chain[3:]] for chain in view.chains]
    on_share = [("share", "docs", "100 GiB SMB"), ("account", "f1", "Hot")]
    assert last[1:] == [on_share, on_share] and last[0][0][0] == "disk"
    frame = view.frame()
    assert (list(frame["share"].isna()), list(frame["machine"].isna())) == ([True, False, False], [False, True, True])
    assert "account f1 (Hot)" in view.text() and "docs" in view.html()
    gone = look(**parts, files=replace(there, shares={"f1": ()})).chain()
    unread = look(**parts, files=Unknown("azure is off")).chain()
    assert [each.chains[1][3].state for each in (gone, unread)] == ["none", "unknown, because azure is off"]
    names = [(row["disk"], row["share"]) for row in records(look(**parts, files=there).inventory, "chains").rows]
    assert names == [("pvc-azure-managed-disk", None), (None, "docs"), (None, "docs")]


def test_prices_are_numbers_in_usd():
    frame = look(disks=(disk(), replace(disk("odd"), sku="Odd_LRS"))).costs().frame()
    assert (frame["usd_a_day"].dtype, list(frame["usd_a_day"].isna())) == ("Float64", [False, True])


def test_one_pod_is_a_row_of_the_frame_of_pods():
    table = look().describe(world().pods[0])
    assert (table.frame()["node"][0], list(table.frame().columns)) == ("aks-0", list(COLUMNS["pods"]))


def test_what_is_unknown_is_an_empty_frame_with_its_reason() -> None:
    unknown = look(disks=Unknown("azure is off"))
    for name, table in (("disks", unknown.disks()), ("costs", unknown.costs()), ("tags", unknown.tags().parts[0])):
        frame = table.frame()
        assert (len(frame), frame.attrs) == (0, {"title": table.title, "unknown": "azure is off"}), name
        assert list(frame.columns) == list(tables(look())[name].frame().columns)
