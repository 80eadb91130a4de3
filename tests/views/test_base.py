"""The shapes of views: columns, escaped texts, what is shared, what reaches the runner."""

from aksdisks.model.checks import MIME_TYPE, check
from aksdisks.model.records import TEXT, WHOLE, Records
from aksdisks.views.base import Card, Chains, Link, Stack, Table
from aksdisks.views.checks import CheckView


def test_tables_stand_in_columns_and_say_when_they_are_empty():
    table = Table("Title", ("name", "ready"), [("a", True), ("long name", None)], "a note")
    assert table.text() == "Title\nname       ready\n---------  -----\na          yes\nlong name  -\na note"
    assert Table("Title", ("name",), [], empty="no pods").text() == "Title\n(no pods)"
    assert list(table.frame().columns) == ["name", "ready"]
    assert list(Table("Title", ("", "claim"), [(1, "It holds.")]).frame().columns) == ["column 1", "claim"]


def test_a_table_of_records_shows_them_in_its_layout_and_gives_them_as_their_frame():
    records = Records(
        {"name": TEXT, "size_gib": WHOLE}, [{"name": "a", "size_gib": 4}, {"name": "b", "size_gib": None}]
    )
    table = Table.of(
        "Disks", records, {"disk": "name", "size": lambda row: row["size_gib"] and f"{row['size_gib']} GiB"}
    )
    assert table.text() == "Disks\ndisk  size\n----  -----\na     4 GiB\nb     -"
    frame = table.frame()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == dict(records.columns)
    assert (list(frame["size_gib"].dropna()), frame.attrs) == ([4], {"title": "Disks"})


def test_what_people_type_is_escaped_in_html():
    card = Card("A <b> & c", [("why", "x < y")], content="a: <b>", typed="kubectl apply -f - <<EOF")
    assert "<b>" not in card.html().replace("<b>A", "")
    assert card.text() == "A <b> & c\n  why: x < y\n  a: <b>\n  $ kubectl apply -f - <<EOF"


def test_what_chains_share_stands_once():
    shared = [Link("claim", "c", "Bound"), Link("disk", "d", "Attached", azure=True)]
    chains = Chains("Chains", [[Link("pod", name, "Running"), *shared] for name in ("a", "b")])
    assert chains.text().splitlines()[-2:] == ["pod b (Running)", "└─ the same claim, disk"]
    assert chains.html().count("<b>c</b>") == 1 and chains.html().count('rowspan="2"') == 4


def test_a_stack_shows_all_parts_and_passes_its_check_on():
    bundle = Stack([Table("Pods", ("name",), [("a",)]), CheckView(check("It holds", True, "yes"))])._repr_mimebundle_()
    assert bundle[MIME_TYPE]["statement"] == "It holds"
    assert "Pods" in bundle["text/plain"] and "It holds" in bundle["text/html"]
