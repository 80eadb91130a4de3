"""Claims whose disk is a copy."""

from __future__ import annotations

import pytest

from aksdisks import manifests
from aksdisks.manifests.snapshots import claim_from
from aksdisks.parameters import validate


@pytest.mark.parametrize(
    ("size", "wanted", "asked"),
    [
        ("25Gi", "", "25Gi"),
        ("500Mi", "", "1Gi"),
        ("1500Mi", "", "2Gi"),
        ("1Ti", "", "1024Gi"),
        ("25Gi", "10Mi", "10Mi"),
    ],
)
def test_a_copy_asks_for_the_whole_gib_that_the_disk_has(size: str, wanted: str, asked: str) -> None:
    objects = manifests.objects_for(validate({"size": size}), {})
    spec = claim_from(objects, "copy", "VolumeSnapshot", "moment", wanted)["spec"]
    assert spec["resources"] == {"requests": {"storage": asked}}
    assert objects.claim["spec"]["resources"] == {"requests": {"storage": size}}
