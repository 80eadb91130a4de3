"""The timeline: bars, and the same moments as text and as a frame."""

import re

import pytest

from aksdisks.inspection.rollout import Moments
from aksdisks.views.timeline import Timeline
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
