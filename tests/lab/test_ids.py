"""Names, uids and hashes."""

from __future__ import annotations

import re
import uuid

from aksdisks.lab.ids import ALPHABET, Ids


def test_a_seed_repeats_everything() -> None:
    one, two, other = Ids(1), Ids(1), Ids(2)
    drawn = [(ids.uid(), ids.suffix(), ids.number(10000)) for ids in (one, two, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert uuid.UUID(drawn[0][0]).version == 4
    assert re.fullmatch(f"[{ALPHABET}]{{5}}", drawn[0][1])


def test_hashes_know_content_not_order() -> None:
    assert Ids.hash10({"a": 1, "b": [2]}) == Ids.hash10({"b": [2], "a": 1}) != Ids.hash10({"a": 1, "b": [3]})
    assert re.fullmatch(f"[{ALPHABET}]{{1,10}}", Ids.hash10({}))
