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


def test_what_is_drawn_of_a_name_does_not_depend_on_what_else_is_drawn() -> None:
    one, two = Ids(1), Ids(1)
    claim, other = ("claims", "shop", "data"), ("claims", "shop", "other")
    first = [one.uid(*claim), one.uid(*claim), one.uid(*other), one.suffix(of=claim)]
    second = {of: two.uid(*of) for of in (other, claim)}
    assert [second[claim], two.uid(*claim), second[other], two.suffix(of=claim)] == first
    assert len(set(first)) == 4, "what is made again under its name is another object"
    assert Ids().uid(*claim) != Ids().uid(*claim)


def test_hashes_know_content_not_order() -> None:
    assert Ids.hash10({"a": 1, "b": [2]}) == Ids.hash10({"b": [2], "a": 1}) != Ids.hash10({"a": 1, "b": [3]})
    assert re.fullmatch(f"[{ALPHABET}]{{1,10}}", Ids.hash10({}))
