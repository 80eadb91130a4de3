"""What a lab that exists says of a scenario that would have it otherwise, and when it makes its keys."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from aksdisks.lab.arm.entra.tokens import Tokens, new_key
from aksdisks.lab.clock import Clock
from aksdisks.lab.errors import LabError
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.persistence.settings import credentials, keep_settings, settings, token_key
from aksdisks.lab.scenario import Scenario, load

REGIONAL = load("regional")
FIRST, SECOND, *OTHERS = REGIONAL.storage_classes


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"node_count": 5}, "node_count was 5, would be 3"),
        ({"zones": ("1", "2"), "suffix": ""}, "suffix was none, would be 22115152; zones was 1, 2, would be none"),
        ({"storage_classes": (FIRST, *OTHERS)}, f"storage_classes would be with {SECOND.name}"),
        ({"storage_classes": (SECOND, FIRST, *OTHERS)}, "storage_classes would be in another order"),
        (
            {"storage_classes": (dataclasses.replace(FIRST, reclaim_policy="Retain", parameters={}), SECOND, *OTHERS)},
            f"storage_classes {FIRST.name}.parameters was none, would be "
            f"{', '.join(f'{key}={value}' for key, value in FIRST.parameters.items()) or 'none'}, "
            f"{FIRST.name}.reclaim_policy was Retain, would be Delete",
        ),
    ],
)
def test_a_changed_scenario_says_which_and_how(made: dict[str, Any], told: str) -> None:
    records = Kept(dataclasses.replace(REGIONAL, **made))
    with pytest.raises(LabError) as refused:
        settings(records, "regional", None)
    assert str(refused.value) == (
        "scenario regional: expected a lab that can be as it says, found one that was made otherwise: "
        f"{told}; `aksdisks lab reset` starts over"
    )


def test_the_key_of_tokens_is_made_by_the_first_who_needs_it_and_stays() -> None:
    records, asked = Kept(REGIONAL), list[int]()
    now, pem = datetime(2026, 12, 1, tzinfo=UTC), new_key()

    def make() -> bytes:
        asked.append(1)
        return pem

    credentials(records, now)
    tokens = Tokens(
        REGIONAL.tenant_id, REGIONAL.tenant_principals("secret"), Clock(), partial(token_key, records, make)
    )
    assert not asked
    first, again = (tokens.public_key() for _ in range(2))
    other = Tokens(REGIONAL.tenant_id, REGIONAL.tenant_principals("secret"), Clock(), partial(token_key, records, make))
    assert first == again == other.public_key()
    assert len(asked) == 1


class Kept(Records):
    """What a lab of that scenario has kept of it."""

    def __init__(self, scenario: Scenario) -> None:
        self._values: dict[tuple[str, str], bytes] = {}
        keep_settings(self, scenario, 100.0, Faults())

    def put(self, kind: str, key: str, content: Any) -> None:
        self._values[kind, key] = content

    def read(self, kind: str) -> Any:
        return iter([(key, content) for (of, key), content in self._values.items() if of == kind])
