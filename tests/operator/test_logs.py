"""What a disk holds, what of it counts, and what is copied to it."""

from __future__ import annotations

import pytest

from aksdisks.operator.logs import Acknowledged, Copy, Disk, best, copy, digest, fits, pending

A, B, C, X = "a 1", "b 2", "c 3", "x 9"


def acknowledged(*lines: str) -> Acknowledged:
    return Acknowledged(len(lines), digest(lines))


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        ("", {}),
        ("1/00000001 a 1\n1/00000002 b 2\n2/00000001 a 1\n", {1: (A, B), 2: (A,)}),
        ("1/00000001 a 1\n1/00000003 c 3\n", {1: (A,)}),  # what stands behind a gap does not count
        ("1/00000002 b 2\n", {1: ()}),
        ("1/lost+found x\nlost+found/00000001 a 1\n1/1 a 1\n", {}),
    ],
)
def test_a_disk_is_read_up_to_the_first_gap(text: str, logs: dict[int, tuple[str, ...]]) -> None:
    assert Disk.of(text).logs == logs


@pytest.mark.parametrize(
    ("logs", "held", "chosen"),
    [
        ({}, (), (0, ())),
        ({}, (A,), None),
        ({1: (A, B)}, (A,), (1, (A, B))),
        ({1: (A, X)}, (A, B), None),  # as many writes, and not the acknowledged ones
        ({1: (A, X, C)}, (A, B), None),
        ({1: (A, B, C), 2: (A, B)}, (A, B), (1, (A, B, C))),  # what was written most is kept, though nobody was told
        ({1: (A, B), 2: (A, B)}, (A, B), (2, (A, B))),
        ({1: (A, B), 2: (A,)}, (A, B), (1, (A, B))),  # a copy into the new term that was cut short
    ],
)
def test_the_best_log_holds_all_that_is_acknowledged(logs, held, chosen) -> None:
    assert best(Disk(logs), acknowledged(*held)) == chosen


@pytest.mark.parametrize(
    ("logs", "log", "wanted"),
    [
        ({}, (), None),
        ({}, (A, B), Copy(0, 0, ((1, A), (2, B)))),
        ({3: (A, B)}, (A, B), None),
        ({3: (A,)}, (A, B), Copy(0, 0, ((2, B),))),
        ({1: (A, B), 2: (A,)}, (A, B, C), Copy(1, 2, ((3, C),))),
        ({1: (A, X)}, (A, B), Copy(1, 1, ((2, B),))),  # what nobody acknowledged stays behind, in its term
        ({1: (X,), 3: (A,)}, (A, B), Copy(1, 0, ((2, B),))),
    ],
)
def test_only_what_is_missing_is_copied(logs, log, wanted) -> None:
    assert copy(Disk(logs), 3, log) == wanted


@pytest.mark.parametrize(
    ("logs", "log", "expected"),
    [({}, (A,), True), ({3: (A,)}, (A, B), True), ({3: (A, B)}, (A,), False), ({3: (X,)}, (A,), False)],
)
def test_a_log_of_the_same_term_is_a_beginning_of_the_primarys_or_a_new_term_is_due(logs, log, expected) -> None:
    assert fits(Disk(logs), 3, log) is expected


def test_what_is_written_already_is_not_written_again_and_an_id_has_one_value() -> None:
    writes = [{"id": "a", "value": "1"}, {"id": "b", "value": "other"}, {"id": "c", "value": "3"}]
    assert pending(writes, (A, B)) == ((C,), ("b",))
