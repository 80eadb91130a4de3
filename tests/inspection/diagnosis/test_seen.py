"""What rules look up by key, and what that says of times, nodes and machines."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.inspection.diagnosis.seen import Seen
from aksdisks.model import Unknown
from tests.world import GROUP, START, machine, node, world

SET = f"{GROUP}/virtualMachineScaleSets/aks-pool-1-vmss/virtualMachines"


@pytest.mark.parametrize(
    ("before", "scale", "age"),
    [
        pytest.param(0.0, 1.0, 0.0, id="now"),
        pytest.param(-30.0, 1.0, 0.0, id="a deadline to come"),
        pytest.param(5.0, 1.0, 5.0, id="a real cluster"),
        pytest.param(0.9, 100.0, 0.0, id="less than the second that a lab's times are rounded to"),
        pytest.param(3.0, 100.0, 200.0, id="a lab, whole seconds"),
        pytest.param(2.5, 100.0, 250.0, id="a lab, a time with microseconds"),
    ],
)
def test_ages_are_cluster_time_and_never_too_long(before: float, scale: float, age: float) -> None:
    taken = START + timedelta(seconds=before) if before != 2.5 else START
    moment = START if before != 2.5 else START - timedelta(seconds=2.5)
    assert Seen(replace(world(), taken=taken, time_scale=scale)).age(moment) == pytest.approx(age)


@pytest.mark.parametrize(
    ("managed_by", "found"),
    [
        pytest.param(f"{SET}/aks-pool-1-vmss_12", "aks-0", id="a scale set's instance, as managedBy names it"),
        pytest.param(f"{SET}/12".upper(), "aks-0", id="as the instance is named, whatever the case"),
        pytest.param(f"{SET}/aks-pool-1-vmss_1", "", id="another instance"),
        pytest.param(f"{GROUP}/virtualMachines/vm_1/", "aks-1", id="a machine that Azure lists"),
        pytest.param(f"{GROUP}/virtualMachines/build", "", id="a machine of no node"),
    ],
)
def test_whose_machine_holds_a_disk(managed_by: str, found: str) -> None:
    nodes = (node(0, provider_id=f"azure://{SET}/12"), node(1))
    assert Seen(world(nodes=nodes, machines=(machine(1),))).node_of(managed_by) == found


def test_a_node_that_could_not_be_read_is_not_lost() -> None:
    seen = Seen(world(nodes=(node(0), node(1, ready=False))))
    assert [seen.lost(name) for name in ("aks-0", "aks-1", "aks-2", "")] == [False, True, True, False]
    blind = Seen(world(nodes=(), unreadable={"Node": "forbidden"}))
    assert not blind.lost("aks-0") and not blind.gone("aks-0")


@pytest.mark.parametrize(
    ("parts", "listed"),
    [
        pytest.param({}, True, id="the group that was asked for, whatever the case"),
        pytest.param({"resource_group": "another"}, False, id="another group"),
        pytest.param({"disks": Unknown("403")}, False, id="disks unknown"),
        pytest.param({"machines": Unknown("403")}, False, id="machines unknown"),
    ],
)
def test_what_azure_was_asked_for(parts: dict[str, object], listed: bool) -> None:
    assert Seen(world(**parts)).lists(f"{GROUP}/disks/any") is listed
