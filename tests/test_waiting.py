"""The one wait, on a clock that the test moves."""

import threading
from itertools import count, repeat

import pytest

from aksdisks.errors import StillUnknown, WaitTimeout
from aksdisks.model import NoCredential, Unknown
from aksdisks.waiting import Waiting, seconds_left, wait


def test_the_first_state_that_holds_is_given_and_each_new_description_said_once():
    said = []
    found = wait("three", [1, None, 1, 2, 3, 4], lambda n: n == 3, seconds=9, progress=said.append)
    assert found == 3
    assert said == [Waiting("three", str(n), pytest.approx(0, abs=1), 9) for n in (1, 2, 3)] + [""]


def test_a_look_each_second_has_the_time_the_limit_and_the_cause_once_it_is_known():
    said, clock = [], iter([0.0, 0.0, 0.4, 1.1, 5.2, *[6.0] * 2000])
    found = threading.Event()

    def states():
        yield from ["0 of 4", None, None, None]
        assert found.wait(10)
        while not said[-1].cause:
            yield None
        yield "4 of 4"

    def cause():
        found.set()
        return "Multi-Attach" if seconds_left(100) <= 20 else "requests that take all day"

    wait("4 pods", states(), lambda seen: seen == "4 of 4", seconds=30, scale=10, progress=said.append,
         on_timeout=cause, monotonic=lambda: next(clock))  # fmt: skip
    seen = [(each.seen, each.elapsed, each.limit, each.cause) for each in said[:-1]]
    assert seen[:3] == [("0 of 4", 0, 300, ""), ("0 of 4", 11, 300, ""), ("0 of 4", 52, 300, seen[2][3])]
    assert seen[-1] == ("4 of 4", 60, 300, "Multi-Attach")
    assert str(said[-2]) == "4 pods, 60 of 300 s; last seen: 4 of 4; cause: Multi-Attach"
    assert said[-1] == ""


def test_a_cause_that_cannot_be_found_out_ends_no_wait():
    def broken():
        raise LookupError("no such pod")

    assert wait("a pod", iter([1, None, 2]), lambda n: n == 2, seconds=30, on_timeout=broken,
                monotonic=iter([0.0, 6.0, 7.0, 8.0]).__next__) == 2  # fmt: skip


def test_a_time_out_stays_one_where_its_cause_cannot_be_found_out():
    def broken():
        assert seconds_left(100) <= 20  # its requests have not all day
        raise LookupError("no such pod")

    with pytest.raises(WaitTimeout, match="last seen: 1; the cause could not be found out: no such pod"):
        wait("a pod", iter([1]), lambda n: n == 2, seconds=1, on_timeout=broken)


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


def test_what_is_unknown_never_holds_and_is_asked_again():
    said, away = [], Unknown("Azure is away")
    assert wait("none", [away, (), away], lambda found: not found, seconds=9, progress=said.append) == ()
    assert [each and each.seen for each in said] == ["unknown, because Azure is away", "()", ""]


def test_a_wait_ends_at_once_with_what_asking_again_does_not_change():
    said, asked = [], iter([(1,), NoCredential("nobody is signed in"), ()])
    with pytest.raises(StillUnknown, match="none: not known, because nobody is signed in") as caught:
        wait("none", asked, lambda found: not found, seconds=900, progress=said.append)
    assert caught.value.exit_code == 3
    assert list(asked) == [()], "nothing was asked after that"
    assert [each and each.seen for each in said] == ["(1,)", "unknown, because nobody is signed in", ""]


def test_a_wait_that_ends_with_nothing_known_is_no_verdict():
    with pytest.raises(StillUnknown, match="none: not known within 5 s, because Azure is away") as caught:
        wait("none", [(1,), Unknown("Azure is away")], lambda found: not found, seconds=5)
    assert caught.value.exit_code == 3
