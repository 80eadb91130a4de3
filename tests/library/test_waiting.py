"""The one wait, on a clock that the test moves."""

from itertools import count, repeat

import pytest

from aksdisks.errors import WaitTimeout
from aksdisks.waiting import wait


def test_the_first_state_that_holds_is_given_and_each_new_description_said_once():
    said = []
    found = wait("three", [1, None, 1, 2, 3, 4], lambda n: n == 3, seconds=9, progress=said.append)
    assert found == 3
    assert said == ["three: 1", "three: 2", "three: 3", ""]


@pytest.mark.parametrize(
    ("states", "last"), [(repeat(None), "nothing"), (repeat(7), "7")], ids=["never a state", "never holds"]
)
def test_a_timeout_says_what_was_awaited_last_seen_and_found_out(states, last):
    clock = count(0.0, 1.0)
    with pytest.raises(WaitTimeout) as caught:
        wait("a pod", states, lambda _: False, seconds=5, scale=100, on_timeout=lambda: "Multi-Attach",
             monotonic=lambda: next(clock))  # fmt: skip
    assert str(caught.value) == f"a pod: not within 500 s; last seen: {last}; Multi-Attach"
    assert caught.value.exit_code == 1


def test_a_source_that_ends_is_a_timeout_and_a_generator_is_closed():
    closed = []

    def states():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    assert wait("one", states(), lambda n: n == 1, seconds=1) == 1
    assert closed == [True]
    with pytest.raises(WaitTimeout, match="last seen: 2"):
        wait("three", states(), lambda n: n == 3, seconds=1)
