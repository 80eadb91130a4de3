"""Views: one content in both forms, nothing raw, nothing fetched, rows in an order that random names do not change."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from aksdisks.inspection.rollout import Moments
from aksdisks.model import Unknown
from aksdisks.model.checks import MIME_TYPE, check
from aksdisks.views.base import Card, Chains, Link, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.views.look import Look
from aksdisks.views.timeline import Timeline
from tests.world import claim, disk, machine, multi_attach, pod, world

VIEWS = ("nodes", "pods", "claims", "volumes", "attachments", "disks", "costs", "tags", "chain", "why")


class Text(HTMLParser):
    """Collects what a reader of HTML reads, and whatever it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for name, value in attributes if name in ("src", "href")]
        if tag in ("script", "link"):
            self.fetched.append(tag)

    def handle_data(self, data):
        self.read.append(data)


def look(**parts) -> Look:
    return Look(world(**parts), lambda _claim: True)


@pytest.mark.parametrize("name", VIEWS)
def test_each_view_says_the_same_in_text_and_in_html(name):
    view = getattr(look(), name)()
    page = Text(view.html())
    assert page.fetched == []
    words = " ".join(page.read).split()
    for word in view.text().replace("└─", " ").split():
        if not set(word) <= {"-"} and word not in ("the", "same") and not word.startswith("("):
            assert word.strip("(),") in " ".join(words), word
    for raw in ("{", "object at", "None", "Unknown("):
        assert raw not in view.text()


@pytest.mark.parametrize("name", VIEWS)
def test_each_view_says_why_where_azure_is_unknown(name):
    off = Unknown("azure is off")
    text = getattr(look(disks=off, machines=off), name)().text()
    asks_azure = name in ("nodes", "disks", "costs", "tags", "chain")
    assert ("unknown, because azure is off" in text) == asks_azure


def test_tables_stand_in_columns_and_say_when_they_are_empty():
    table = Table("Title", ("name", "ready"), [("a", True), ("long name", None)], "a note")
    assert table.text() == "Title\nname       ready\n---------  -----\na          yes\nlong name  -\na note"
    assert Table("Title", ("name",), [], empty="no pods").text() == "Title\n(no pods)"
    assert list(table.frame().columns) == ["name", "ready"]


def test_what_people_type_is_escaped_in_html():
    card = Card("A <b> & c", [("why", "x < y")], content="a: <b>", typed="kubectl apply -f - <<EOF")
    assert "<b>" not in card.html().replace("<b>A", "")
    assert card.text() == "A <b> & c\n  why: x < y\n  a: <b>\n  $ kubectl apply -f - <<EOF"


def test_what_chains_share_stands_once():
    shared = [Link("claim", "c", "Bound"), Link("disk", "d", "Attached", azure=True)]
    chains = Chains("Chains", [[Link("pod", name, "Running"), *shared] for name in ("a", "b")])
    assert chains.text().splitlines()[-2:] == ["pod b (Running)", "└─ the same claim, disk"]
    assert chains.html().count("<b>c</b>") == 1 and chains.html().count('rowspan="2"') == 4


def test_the_difference_marks_what_came_and_went():
    before = look(disks=(disk(), disk("old")))
    after = look(disks=(disk(), disk("young", on=None)))
    rows = {row[1]: (row[0], row[3], row[4]) for row in after.disks(since=before).rows}
    assert rows == {
        "pvc-azure-managed-disk": ("same", "Attached", "vm_0"),
        "pvc-old": ("gone", "", ""),
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
    view = look(pods=pods, events=tuple(multi_attach(p, "disk-deploy-1-a") for p in pods[1:])).why()
    assert view.text().startswith("A problem: pod disk-deploy-1-1, pod disk-deploy-1-2\n")
    assert view.text().count("why:") == 1


def test_the_class_says_what_is_given():
    assert look().given(binding_mode="WaitForFirstConsumer") is True
    assert look().given(binding_mode="Immediate") is None


def test_room_is_judged_by_what_azure_holds():
    full = machine(0, *(disk(str(n)) for n in range(8)))
    assert look().room() == (True, "free slots: 7, 8")
    assert look(machines=(full,), nodes=world().nodes[:1]).room() == (False, "free slots: 0")
    assert look(machines=Unknown("off")).room()[0] == Unknown("off")


def test_kept_claims_stand_in_the_chain_without_a_pod():
    view = look(pods=(), events=(), claims=(replace(claim(), deleting=None),)).chain()
    assert view.text().splitlines()[1] == "pod - (none)"


TIMELINE = Timeline("Pods", [Moments("a-0", 0.0, 3.0, 15.0, 18.5), Moments("a-1", 18.5, 19.0, None, 20.0)])


def test_a_timeline_is_bars_of_the_page_s_own_colours_with_its_data_as_text():
    assert sorted(TIMELINE._repr_mimebundle_()) == ["text/html", "text/plain"]
    assert TIMELINE.text().splitlines()[-1].split() == ["a-1", "18.5", "s", "19.0", "s", "kept", "20.0", "s"]
    said, grey, blue, amber = list(TIMELINE.bars()), "#7a8694", "#357fc0", "#b0781e"
    assert said == [
        ("a-0", "created 0.0 s, scheduled 3.0 s, attached 15.0 s, started 18.5 s",
         [(grey, 0.0, 15.0), (blue, 0.0, 60.0), (amber, 0.0, 17.5)]),
        ("a-1", "created 18.5 s, scheduled 19.0 s, attached kept, started 20.0 s",
         [(grey, 92.5, 2.5), (blue, 0.0, 0.0), (amber, 0.0, 5.0)]),
    ]  # fmt: skip
    page = Text(TIMELINE.html())
    assert page.fetched == [] and all(words in page.read for _, words, _ in said)
    # Text takes the colour of the page that it stands in, be it light or dark.
    assert not re.search(r"(?<!-)\bcolor:", TIMELINE.html())


@pytest.mark.parametrize("moments", [Moments("a", None, None, None, None), Moments("a", 2.0, 1.0, 0.5, 0.0)])
def test_moments_that_are_missing_or_out_of_order_are_no_bars(moments):
    ((_, _, stages),) = Timeline("Pods", [moments]).bars()
    assert [wide for _, _, wide in stages] == [0.0, 0.0, 0.0]


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


def test_a_stack_shows_all_parts_and_passes_its_check_on():
    bundle = Stack([look().pods(), CheckView(check("It holds", True, "yes"))])._repr_mimebundle_()
    assert bundle[MIME_TYPE]["statement"] == "It holds"
    assert "kubectl get pods" in bundle["text/plain"] and "It holds" in bundle["text/html"]


def test_each_view_gives_its_content_as_a_frame_with_types() -> None:
    nodes = look().nodes().frame()
    assert (str(nodes["node"].dtype), str(nodes["disks held"].dtype)) == ("string", "Int64")
    assert nodes.attrs == {"title": "Nodes (Kubernetes) and their machines (Azure)"}
    moments = TIMELINE.frame()
    assert list(moments.columns) == ["pod", "created", "scheduled", "attached", "started"]
    assert moments.attrs == {"title": TIMELINE.title}
    assert list(moments["pod"]) == [pod.pod for pod in TIMELINE.pods]
    assert {str(moments[step].dtype) for step in moments.columns[1:]} == {"Float64"}
    prices = look().costs().frame()["USD a day, about"]
    assert all(isinstance(price, Decimal) for price in prices)
    chains = look().chain().frame()
    assert list(chains.columns[:4]) == ["pod", "pod state", "claim", "claim state"]
    assert chains["claim"][0] == "azure-managed-disk"


def test_what_is_unknown_is_an_empty_frame_with_its_reason() -> None:
    unknown = look(disks=Unknown("azure is off"))
    for table in (unknown.disks(), unknown.costs(), unknown.tags().parts[0]):
        frame = table.frame()
        assert (len(frame), frame.attrs["unknown"]) == (0, "Azure: unknown, because azure is off"), table.title
        assert list(frame.columns) == list(table.columns)
