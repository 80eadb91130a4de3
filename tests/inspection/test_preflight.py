"""What `check` sees of each fault of the lab before anything is made, and why it cannot see the others."""

from __future__ import annotations

import os
import time

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.errors import CannotRun
from aksdisks.inspection.connection import connect
from aksdisks.inspection.preflight import preflight
from aksdisks.lab.fault_catalogue import KINDS
from aksdisks.lab.faults import client
from aksdisks.model import NotPermitted, Unknown
from aksdisks.parameters import validate

NODES = [f"node/aks-agentpool-22115152-vmss00000{number}" for number in range(2)]
AZURE = "Azure shows the node resource group"
LATER = "it shows only once a disk is being made, attached, mounted or detached"

# What each fault is aimed at, and the statement that does not pass, or the error.
SEEN = {
    "disk-quota": ([""], "The subscription's quota allows every disk"),
    "driver-down": ([""], "There are disk slots for every disk"),
    "dropped-connections": ([""], CannotRun),
    "node-gone": (NODES, "At least two nodes can take the pods"),
    "node-silent": (NODES, "At least two nodes can take the pods"),
    "role-missing": ([""], AZURE),
    "server-errors": ([""], CannotRun),
    "sku-unavailable": (["sku/Premium_LRS"], "The region offers the disks of the class"),
    "throttled": ([""], AZURE),
    "token-expired": ([""], AZURE),
    "zone-empty": (["zone/1", "zone/2"], "At least two nodes can take the pods"),
}
NOT_SEEN = {
    "attach-slow": LATER,
    "detach-fails": LATER,
    "detach-stuck": LATER,
    "device-missing": LATER,
    "fsgroup-slow": LATER,
    "machine-stuck": "it shows only once a machine is being changed",
    "disk-elsewhere": "it befalls a disk of the run, which is yet to be made",
    "disk-gone": "it befalls a disk of the run, which is yet to be made",
    "account-key-changed": "there is no account yet",
    "share-gone": "there is no share yet",
    "snapshot-failed": "a check makes no snapshot",
    "snapshot-slow": "a check makes no snapshot",
    "watch-expiry": "nothing is watched beforehand, and a run reads again",
}


def test_the_table_has_every_fault() -> None:
    assert sorted([*SEEN, *NOT_SEEN]) == sorted(KINDS)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A lab over three zones, in which each fault can be."""
    from aksdisks.lab.server import process

    folder = tmp_path_factory.mktemp("faulty")
    (folder / "zones.yaml").write_text("base: regional\nzones: ['1', '2', '3']\nthrottling: 'off'\n")
    lab = process.start(folder / "lab", 100.0, str(folder / "zones.yaml"), parent=os.getpid())
    yield lab
    process.stop(lab.state_dir)


def asked(lab, monkeypatch, expected=""):
    """What does not pass, once the expected does not: a node that is lost is so after a while."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    ends = time.monotonic() + 20
    while True:
        found = [check.statement for check in preflight(validate({})) if check.status != "passed"]
        if any(statement.startswith(expected) for statement in found) or time.monotonic() > ends:
            return found


@pytest.mark.parametrize(
    "fault", [pytest.param(each, marks=pytest.mark.slow if each == "dropped-connections" else ()) for each in SEEN]
)
def test_what_can_be_found_is_found_before_anything_is_made(fault, faulty, monkeypatch) -> None:
    aims, expected = SEEN[fault]
    for aim in aims:
        client.switch_on(faulty, fault, aim, 1.0)
    try:
        if isinstance(expected, str):
            assert [found for found in asked(faulty, monkeypatch, expected) if found.startswith(expected)]
        else:
            with pytest.raises(expected):
                asked(faulty, monkeypatch)
    finally:
        client.switch_off(faulty, "", "")


@pytest.mark.parametrize("fault", NOT_SEEN)
def test_what_shows_only_later_is_not_made_up(fault, faulty, monkeypatch) -> None:
    monkeypatch.setenv("AKSDISKS_STATE_DIR", faulty.state_dir)
    ends = time.monotonic() + 20
    while (nodes := {node.ready for node in connect(validate({})).cluster.nodes()}) != {True}:
        assert time.monotonic() < ends, nodes
    client.switch_on(faulty, fault, "", 1.0)
    try:
        assert {check.status for check in preflight(validate({}))} == {"passed"}
    finally:
        client.switch_off(faulty, "", "")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"PremiumDiskCount": (94, 100)}, "passed"),
        ({"PremiumDiskCount": (95, 100)}, "failed"),
        ({"PremiumZRSDiskCount": (0, 100)}, "inconclusive"),
        (Unknown("Azure does not answer"), "inconclusive"),
        (NotPermitted("Azure answers AuthorizationFailed"), "not applicable"),
    ],
)
def test_the_quota_is_that_of_the_classs_disks(answer, status, on_lab, monkeypatch) -> None:
    monkeypatch.setattr(Azure, "quotas", lambda *_: answer)
    (quota,) = (check for check in preflight(on_lab) if check.statement.startswith("The subscription's quota"))
    assert quota.status == status
