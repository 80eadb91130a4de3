"""What a run breaks is noted before, mended at its end, and by whoever cleans up after a kill; on labs of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aksdisks.errors import NotAllowed, Refused
from aksdisks.inspection.connection import connect
from aksdisks.lab.faults import client
from aksdisks.lab.server.process import LabState
from aksdisks.model import Machine, Node
from aksdisks.parameters import Parameters
from aksdisks.session.disruption import OUT_OF_SERVICE, Break
from aksdisks.session.leftovers import clean
from aksdisks.session.session import Session, open_session
from aksdisks.targets.target import open_target


@pytest.fixture
def broken_lab(start_lab: Callable[..., LabState], monkeypatch: pytest.MonkeyPatch) -> LabState:
    lab = start_lab()
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    return lab


@pytest.fixture
def session(broken_lab: LabState) -> Iterator[Session]:
    """A run on that lab."""
    with open_session(Parameters(speed=broken_lab.speed)) as opened:
        yield opened


def state(session: Session) -> tuple[set[str], set[str], set[str]]:
    """The faults that are on, the nodes whose machines do not run, and those that are out of service."""
    faults = session.connection.settings.faults
    assert faults is not None
    nodes = session.cluster.nodes()
    machines: Any = session.azure.machines(in_question=[node.name for node in nodes])
    marked = {node.name for node in nodes if any(taint.key == OUT_OF_SERVICE["key"] for taint in node.taints)}
    return set(faults.names()), {each.node for each in machines if each.power != "running"}, marked


def break_all(session: Session) -> tuple[Node, Machine]:
    """A fault, a machine that is off, and a node that is out of service."""
    machines: Any = session.azure.machines()
    machine = machines[2]
    node = next(node for node in session.cluster.nodes() if node.name == machine.node)
    session.disruption.begin_fault("attach-slow", f"node/{machine.node}")
    session.disruption.stop_machine(node, machine.id)
    session.disruption.take_out_of_service(node.name)
    assert state(session) == ({"attach-slow"}, {node.name}, {node.name})
    return node, machine


def test_the_clean_up_mends_what_the_run_left_broken(session: Session) -> None:
    node, _ = break_all(session)
    result = session.clean_up()
    assert (result.problems, result.complete) == ((), True)
    assert result.removed[:3] == (
        f"fault attach-slow of node/{node.name}",
        f"power-off of node {node.name}",
        f"taint out-of-service of node {node.name}",
    )
    assert state(session) == (set(), set(), set())
    assert next(each for each in session.cluster.nodes() if each.name == node.name).ready
    assert session.disruption.broken() == ()


def test_what_was_mended_already_is_not_mended_again(session: Session) -> None:
    node, machine = break_all(session)
    session.disruption.end_fault("attach-slow", f"node/{node.name}")
    session.disruption.start_machine(node.name, machine.id)
    assert session.disruption.broken() == (Break("taint", node.name),)
    session.disruption.take_into_service(node.name)
    assert state(session) == (set(), set(), set())
    # A fault that somebody else switched on is theirs.
    faults = session.connection.settings.faults
    assert faults is not None
    faults.begin("throttled")
    faults.begin("attach-slow", f"node/{node.name}")
    faults.end("throttled")
    assert not any("attach-slow" in line for line in session.clean_up().removed)
    assert faults.names() == ("attach-slow",)


def test_what_a_killed_run_left_broken_is_listed_and_mended(session: Session) -> None:
    node, _ = break_all(session)
    session.lease.release()  # as if its time were over
    # The journal names this process, which lives; that of a killed run names one that is gone.
    (planned,) = clean(Parameters(), dry_run=True)
    assert (planned.status, f"power-off of node {node.name}" in planned.seen) == ("passed", True), planned
    assert state(session)[1] == {node.name}
    (done,) = clean(Parameters())
    assert (done.status, f"power-off of node {node.name}" in done.seen) == ("passed", True), done
    assert state(session) == (set(), set(), set())


def test_what_cannot_be_mended_is_a_problem_and_the_rest_goes_on(session: Session, broken_lab: LabState) -> None:
    node, machine = break_all(session)
    client.switch_on(
        broken_lab, "role-missing", "action/Microsoft.Compute/virtualMachineScaleSets/virtualMachines/start/action"
    )
    result = session.clean_up()
    assert result.complete is False
    assert "AuthorizationFailed" in " ".join(result.problems), result
    assert state(session)[0] == {"role-missing"} and state(session)[2] == set()
    assert session.disruption.broken() == (Break("power", node.name, machine.id),)
    client.switch_off(broken_lab, "role-missing")
    assert session.clean_up().removed[0] == f"power-off of node {node.name}"


def test_faults_are_a_lab_s_alone_and_machines_those_of_the_pool(as_aks: Callable[..., Parameters]) -> None:
    assert open_target(as_aks()).faults is None
    with open_session(as_aks(node_pool="otherpool", azure="off")) as opened:
        disruption, (node, *_) = opened.disruption, opened.cluster.nodes()
        assert (disruption.in_a_lab, disruption.may_lose(node)) == (False, False)
        with pytest.raises(Refused, match="fault throttled: expected a lab, found https"):
            disruption.begin_fault("throttled")
        with pytest.raises(Refused, match=f"node {node.name}: expected one that may be lost"):
            disruption.stop_machine(node, "/subscriptions/s")
        assert disruption.broken() == ()
        assert opened.clean_up().complete
    connection = connect(as_aks(node_pool="agentpool"))
    opened = Session(connection, "r")
    assert all(opened.disruption.may_lose(node) for node in connection.cluster.nodes())
    connection.close()


def test_where_azure_does_not_stop_the_machine_that_is_said(session: Session, broken_lab: LabState) -> None:
    action = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/powerOff/action"
    client.switch_on(broken_lab, "role-missing", f"action/{action}")
    machines: Any = session.azure.machines()
    node = next(node for node in session.cluster.nodes() if node.name == machines[0].node)
    with pytest.raises(NotAllowed, match=f"did not change the machine's power: .*{action}"):
        session.disruption.stop_machine(node, machines[0].id)
    client.switch_off(broken_lab)
    assert session.clean_up().complete
