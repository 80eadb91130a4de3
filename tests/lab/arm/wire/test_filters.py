"""Which resources a `$filter` lets pass."""

from __future__ import annotations

import pytest

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.wire.filters import matching

DISK = {
    "id": "/subscriptions/s/resourceGroups/G/x",
    "name": "pvc-1",
    "type": "Microsoft.Compute/disks",
    "location": "w",
}
RESOURCES = [DISK | {"tags": {"a": "b", "c": "d"}}, DISK | {"name": "it's and or", "type": "other"}]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [0, 1]),
        ("resourceType eq 'microsoft.compute/disks'", [0]),
        ("resourceType ne 'Microsoft.Compute/disks' and location eq 'w'", [1]),
        ("resourceGroup eq 'g'", [0, 1]),
        ("name eq 'it''s and or'", [1]),
        ("name eq 'pvc-1' or name eq 'none'", [0]),
        ("tagName eq 'a' and tagValue eq 'b'", [0]),
        ("tagName eq 'a' and tagValue eq 'd'", []),
        ("startswith(tagName, 'c')", [0]),
        ("substringof('vc', name)", [0]),
    ],
)
def test_what_passes(text, found):
    assert matching(text, RESOURCES) == [RESOURCES[number] for number in found]


def test_what_is_no_filter():
    with pytest.raises(CloudError) as caught:
        matching("name is 'x'", RESOURCES)
    assert (caught.value.status, caught.value.code) == (400, "InvalidFilterInQueryString")


def test_a_long_filter_is_read_once():
    text = " and ".join(["name eq 'pvc-1'"] * 20_000)
    assert matching(text, RESOURCES) == [RESOURCES[0]]
