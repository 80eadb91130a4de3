"""Free disk slots: a node's limit less the larger of Kubernetes' count and Azure's, in preflight as in a look."""

from dataclasses import replace

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.inspection.preflight import preflight
from aksdisks.inspection.slots import attached_disks, free_slots
from aksdisks.model import Unknown
from aksdisks.parameters import validate
from aksdisks.views.look import Look
from tests.world import attachment, disk, machine, node, world

FOREIGN = disk("foreign"), disk("another")
SHARE = attachment(driver="netapp.example")


@pytest.mark.parametrize(
    ("nodes", "attachments", "machines", "free"),
    [
        pytest.param((node(0), node(1)), [attachment()], (machine(0, disk()), machine(1)), [7, 8], id="both the same"),
        pytest.param((node(0),), [attachment()], (machine(0, disk(), *FOREIGN),), [5], id="foreign disks, of Azure"),
        pytest.param((node(0),), [attachment(), attachment("b")], (machine(0, disk()),), [6], id="one on its way"),
        pytest.param((node(0),), [SHARE], (machine(0),), [8], id="another driver's volume takes no slot"),
        pytest.param((node(0, disk_slots=1),), [], (machine(0, disk(), *FOREIGN),), [0], id="full beyond the limit"),
        pytest.param((node(0, disk_slots=0),), [], (machine(0),), [0], id="a machine that takes none"),
        pytest.param((node(0, disk_slots=None), node(1)), [], (), [8], id="a node that says nothing"),
    ],
)
def test_what_is_free_is_the_limit_less_the_larger_count(nodes, attachments, machines, free):
    assert list(free_slots(nodes, attached_disks(attachments), machines).values()) == free


def test_a_look_knows_by_both_counts_too():
    elsewhere = {"aks-0": 3, "aks-1": 8}
    assert Look(world(attached=elsewhere), bool).room() == (True, "free slots: 0, 5")
    away = Unknown("azure is off")
    assert Look(world(machines=away), bool).room() == (away, "not counted")


@pytest.mark.usefixtures("on_lab")
@pytest.mark.parametrize(
    ("azure", "machines", "status", "words"),
    [
        ("on", None, "passed", " needed (aks-"),
        ("on", "full", "failed", "0 free, 6 needed (aks-"),
        ("on", "away", "inconclusive", "by Kubernetes' count alone; unknown, because Azure is away"),
        ("off", "full", "passed", "by Kubernetes' count alone"),
    ],
)
def test_preflight_counts_what_azure_has_on_the_machines(monkeypatch, azure, machines, status, words):
    real = Azure.machines

    def told(self):
        if machines == "away":
            return Unknown("Azure is away")
        return tuple(replaced(each, machines) for each in real(self))

    monkeypatch.setattr(Azure, "machines", told)
    (slots,) = [each for each in preflight(validate({"azure": azure})) if each.statement.startswith("There are disk")]
    assert (slots.status, words in slots.seen) == (status, True), slots.text()


def replaced(found, how):
    foreign = machine(0, *(disk(f"foreign-{number}") for number in range(64))).data_disks
    return replace(found, data_disks=foreign) if how == "full" else found
