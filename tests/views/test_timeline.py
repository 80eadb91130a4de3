"""The timeline: bars, and the same moments as text and as a frame."""

import re

import pytest

from aksdisks.inspection.node_loss import LossMoments
from aksdisks.inspection.rollout import Moments
from aksdisks.views.timeline import LOSS_STAGES, STAGES, Timeline
from tests.views.page import Page

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
    page = Page(TIMELINE.html())
    assert page.fetched == [] and all(words in page.read for _, words, _ in said)
    # Text takes the colour of the page that it stands in, be it light or dark.
    assert not re.search(r"(?<!-)\bcolor:", TIMELINE.html())


@pytest.mark.parametrize("moments", [Moments("a", None, None, None, None), Moments("a", 2.0, 1.0, 0.5, 0.0)])
def test_moments_that_are_missing_or_out_of_order_are_no_bars(moments):
    ((_, _, stages),) = Timeline("Pods", [moments]).bars()
    assert [wide for _, _, wide in stages] == [0.0, 0.0, 0.0]


def test_its_frame_has_the_moments_as_numbers():
    frame = TIMELINE.frame()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "pod": "string",
        **dict.fromkeys(("created", "scheduled", "attached", "started"), "Float64"),
    }
    assert (list(frame["pod"]), frame.attrs) == (["a-0", "a-1"], {"title": "Pods"})
    assert (frame["attached"][0], frame["attached"].isna()[1]) == (15.0, True)


def test_a_lost_node_s_pods_have_stages_of_their_own():
    lost = [LossMoments("a-0", 10.0, 50.0, 350.0, 380.0, 400.0, 405.0), LossMoments("a-1", 10.0, 50.0, *[None] * 4)]
    timeline = Timeline("Lost", lost, LOSS_STAGES)
    head, *_, second = timeline.text().splitlines()[1:]
    assert head.split("  ") == ["pod", "stopped", "not ready", "terminating", "out of service", "attached", "started"]
    assert second.split()[-4:] == ["-"] * 4
    assert [[wide for _, _, wide in stages] for _, _, stages in timeline.bars()] == [
        [9.88, 74.07, 7.41, 4.94, 1.23], [9.88, 0.0, 0.0, 0.0, 0.0],
    ]  # fmt: skip
    assert timeline.last == 405.0
    html = timeline.html()
    assert all(label in html and colour in html for label, _, _, colour in LOSS_STAGES)
    assert {len(list(timeline.frame().columns))} == {7}


@pytest.mark.parametrize("page", ["#ffffff", "#1e1e1e"])
def test_each_stage_stands_out_from_a_light_and_a_dark_page(page):
    """WCAG 2.1, 1.4.11: three times as light or as dark."""
    for *_, colour in (*STAGES, *LOSS_STAGES):
        darker, lighter = sorted((luminance(colour), luminance(page)))
        assert (lighter + 0.05) / (darker + 0.05) >= 3, colour


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
