"""Where a disk's SKU can be changed, and what is shown of the resizer's events; on clusters that answer by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.errors import NotAllowed, NotFound
from aksdisks.model import StorageClass, Unknown
from aksdisks.model.checks import Holds
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough.sku_change import SkuChange, in_short

UNSERVED = NotFound("GET /apis/storage.k8s.io/v1/volumeattributesclasses: 404", status=404)
FORBIDDEN = NotAllowed("volumeattributesclasses.storage.k8s.io is forbidden")


def change(
    *, grows: Holds = True, sku: str = "Premium_LRS", listed: Exception | None = None, may: tuple[str, ...] = ()
) -> SkuChange:
    def listing(_kind: str) -> tuple[()]:
        if listed is not None:
            raise listed
        return ()

    cluster = SimpleNamespace(
        list=listing,
        classes=lambda: (StorageClass(name="c", sku=sku),),
        allowed=lambda verb, _resource, _group: verb in may,
    )
    session: Any = SimpleNamespace(cluster=cluster, parameters=SimpleNamespace(storage_class="c"), run_id="r")
    grow: Any = SimpleNamespace(given=grows)
    return SkuChange(lambda: session, grow)


ALL = ("create", "delete")


@pytest.mark.parametrize(
    ("made", "status", "seen"),
    [
        (change(may=ALL), "passed", "Premium_LRS can become StandardSSD_LRS"),
        (change(may=ALL, sku="StandardSSD_ZRS"), "passed", "StandardSSD_ZRS can become Premium_ZRS"),
        (change(may=ALL, sku="PremiumV2_LRS"), "not applicable", "no other SKU is tried with PremiumV2_LRS"),
        (change(may=ALL, sku=""), "not applicable", "with a class that names none"),
        (change(may=ALL, listed=UNSERVED), "not applicable", "this cluster serves no VolumeAttributesClass"),
        (change(may=ALL, listed=FORBIDDEN), "inconclusive", "is forbidden"),
        (change(may=("create",)), "inconclusive", "may not delete volumeattributesclasses.storage.k8s.io"),
        (change(may=ALL, grows=None), "not applicable", "nothing was made here"),
    ],
)
def test_where_it_can_be_done(made: SkuChange, status: str, seen: str) -> None:
    check = made.prepare().check
    assert (check.status, seen in check.seen) == (status, True), check
    if status != "passed":
        assert made.ask().title == made.let_go().title == "Nothing is done here"
        assert all(isinstance(said, Unknown) for said in made.said())
    assert isinstance(made.prepare(), CheckView)


REFUSED = """VolumeModifyFailed: rpc error: code = Internal desc = PATCH https://management.azure.com/disks/d
--------------------------------------------------------------------------------
RESPONSE 409: 409 Conflict
ERROR CODE: OperationNotAllowed
--------------------------------------------------------------------------------
{
  "error": {
    "code": "OperationNotAllowed",
    "message": "Cannot change the storage account type of disk d while it is attached to running VM v."
  }
}"""


@pytest.mark.parametrize(
    ("told", "short"),
    [
        (
            REFUSED,
            "VolumeModifyFailed: OperationNotAllowed: Cannot change the storage account type of disk d while it is "
            "attached to running VM v.",
        ),
        ('VolumeModifyFailed: VAC "x" does not exist.', 'VolumeModifyFailed: VAC "x" does not exist.'),
        ("VolumeModifySuccessful: external resizer modified volume grow", None),
    ],
)
def test_an_event_is_shown_with_azures_sentence_alone(told: str, short: str | None) -> None:
    assert in_short(told) == (short or told)
