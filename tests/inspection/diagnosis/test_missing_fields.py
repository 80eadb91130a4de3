"""Objects with next to no fields, in all combinations, with messages that rules act on: every rule passes them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from aksdisks.inspection.diagnosis import diagnose
from aksdisks.inspection.diagnosis.unseen import unseen
from aksdisks.model import Attachment, Claim, KubeEvent, Node, NotAsked, Pod, StorageClass, Unknown, Volume
from tests.world import world

PLACES = {"name": "p", "namespace": "s", "uid": "u", "claims": ("c",)}
PODS = (Pod(), Pod(**PLACES), Pod(**PLACES, node="x"))
OF_CLAIM = {"name": "c", "namespace": "s", "uid": "cu"}
CLAIMS = (
    None,
    Claim(),
    Claim(**OF_CLAIM),
    Claim(**OF_CLAIM, phase="Weird"),
    Claim(**OF_CLAIM, phase="Bound", volume="v", capacity="x", requested="y"),
)
VOLUMES = (
    None,
    Volume(),
    Volume(name="v", phase="Released"),
    Volume(name="v", phase="Failed", reclaim_policy="Delete", disk_id="x"),
)
REASONS = ("FailedScheduling", "ProvisioningFailed", "FailedAttachVolume", "VolumeResizeFailed", "VolumeFailedDelete")
MESSAGES = (
    "",
    "ERROR CODE: AuthorizationFailed",
    "node(s) had volume node affinity conflict",
    'persistentvolumeclaim "c" not found',
    "TooManyRequests",
    "not in the same zone as the VM",
    "exceeding quota",
)


@pytest.mark.parametrize("azure", [Unknown("403"), NotAsked("not needed"), ()], ids=["denied", "not asked", "nothing"])
@pytest.mark.parametrize("volume", VOLUMES)
@pytest.mark.parametrize("told", [False, True], ids=["silent", "told"])
def test_rules_pass_objects_without_fields(azure: Any, volume: Volume | None, told: bool) -> None:
    events = tuple(
        KubeEvent(type="Warning", reason=reason, message=message, object_uid=uid)
        for uid, reason, message in product(("u", "cu", ""), REASONS, MESSAGES)
        if told
    )
    for pod, claim in product(PODS, CLAIMS):
        inventory = world(
            pods=(pod,),
            claims=(claim,) if claim else (),
            volumes=(volume,) if volume else (),
            nodes=(Node(name="x"),),
            attachments=(Attachment(),),
            classes=(StorageClass(),),
            events=events,
            disks=azure,
            machines=azure,
        )
        findings = diagnose(inventory)
        assert all(each.to_dict()["because"] and each.next for each in findings)
        assert all(row.because for row in unseen(inventory, findings))
