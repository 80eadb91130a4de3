"""When the driver's SDK asks again, and what the driver says when it gives up. Scope: time that passes at once."""

from __future__ import annotations

import asyncio

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm import errors
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.compute import refusals
from aksdisks.lab.arm.driver.local import CloudCompute
from aksdisks.lab.arm.driver.retries import DeadlineExceededError, Retries, ThrottledError, within
from aksdisks.lab.arm.errors import CloudError, FailedOperation
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.azure_operations import OperationFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.ids import Ids
from tests.lab.arm.conftest import InstantClock


def told(*answers):
    """What asking comes to when Azure answers so, one after another, and when each request reached it."""
    clock, sent = InstantClock(), []
    retries = Retries(clock)

    async def send():
        sent.append(clock.monotonic())
        answer = answers[min(len(sent), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def story():
        try:
            return await retries.ask("disks", "PUT", send)
        except Exception as error:
            return error

    return asyncio.run(story()), sent


def throttled(pause):
    error = errors.too_many_requests("HighCostGet30Min", 1)
    error.pause = pause
    return error


def busy(seconds):
    return CloudError(503, "ServiceUnavailable", "", retry_after=seconds)


FAILED = refusals.internal_execution()
FAILED.operation = FailedOperation("/operations/1", {})


@pytest.mark.parametrize(
    ("answers", "outcome", "times"),
    [
        ((errors.internal_server_error(), "made"), "made", [(0, 0), (4, 6.5)]),
        ((CloudError(503, "ServiceUnavailable", ""),), "ServiceUnavailable", [(0, 0), (4, 6.5), (16, 26), (44, 71.5)]),
        ((CloudError(409, "Conflict", ""),), "Conflict", [(0, 0)]),
        ((FAILED,), "InternalExecutionError", [(0, 0)]),
        # How long a 429 asks to wait is not what is waited, be it little or much: seen with the real driver.
        ((throttled(1.0), "made"), "made", [(0, 0), (4, 6.5)]),
        ((throttled(1.0),), "throttled due to too many requests", [(0, 0), (4, 6.5), (16, 26), (44, 71.5)]),
        ((throttled(1000.0),), "throttled due to too many requests", [(0, 0)]),
        ((busy(30),), "ServiceUnavailable", [(0, 0), (30, 30), (60, 60), (90, 90)]),
        ((busy(61),), "ServiceUnavailable", [(0, 0)]),
    ],
)
def test_what_is_asked_again_and_when(answers, outcome, times) -> None:
    found, sent = told(*answers)
    assert getattr(found, "code", None) == outcome or str(found) == outcome
    assert len(sent) == len(times)
    assert all(low <= moment <= high for moment, (low, high) in zip(sent, times, strict=True)), sent


def test_what_is_throttled_fails_unsent_until_its_time_is_over_and_all_else_goes_on() -> None:
    clock, sent = InstantClock(), []

    async def refuse():
        raise throttled(300.0)

    async def answer():
        sent.append(clock.monotonic())

    async def story():
        retries = Retries(clock)
        first = asyncio.create_task(retries.ask("disks", "PUT", refuse))
        await asyncio.sleep(0)
        await retries.ask("disks", "GET", answer)
        await retries.ask("machines", "PUT", answer)
        with pytest.raises(ThrottledError):
            await retries.ask("disks", "PUT", answer)
        first.cancel()

    asyncio.run(story())
    assert sent == [0.0, 0.0], "the read and the other kind"
    assert 44 <= clock.monotonic() <= 71.5, "its four tries were made, and none sent"


def test_patience_has_an_end_and_what_is_late_is_given_up() -> None:
    clock = InstantClock()

    async def story():
        with pytest.raises(DeadlineExceededError, match="context deadline exceeded"):
            await within(clock, 15, clock.sleep(16))
        assert clock.monotonic() == 15
        assert await within(clock, 15, asyncio.sleep(0, "in time")) == "in time"

    asyncio.run(story())


def driven(story, *on):
    """`story(compute, faults)` on a cloud with these faults, the driver a client of its."""

    async def whole():
        scenario, clock, faults = scenarios.load("regional"), InstantClock(), Faults()
        cloud = Cloud(scenario, clock, Ids(7), OperationFaults(faults, clock))
        compute = CloudCompute(cloud, RequestFaults(faults, clock))
        node = cloud.machines.all()[0].spec.node_name
        try:
            disk = await compute.create_disk("d", 4, "Premium_LRS", {})
            await compute.attach_disk(node, disk)
            for name in on:
                faults.on(name)
            began = clock.monotonic()
            outcome = None
            try:
                await story(compute, node, disk)
            except Exception as error:
                outcome = error
            return cloud, outcome, clock.monotonic() - began
        finally:
            await compute.close()
            await cloud.close()

    return asyncio.run(whole())


def detach(compute, node, disk):
    return compute.detach_disk(node, disk)


@pytest.mark.parametrize(("fault", "left"), [("detach-fails", []), ("detach-stuck", ["DetachFailed"])])
def test_a_detach_that_failed_is_forced(fault, left) -> None:
    cloud, outcome, seconds = driven(detach, fault)
    assert [entry.state for entry in cloud.machines.all()[0].data_disks] == left
    assert (outcome is None) is not left or outcome.code == "InternalExecutionError"
    assert seconds == 21, "a second in which requests gather, and two operations of ten"


def test_a_detach_that_takes_too_long_is_watched_and_then_forced() -> None:
    _, outcome, seconds = driven(detach, "machine-stuck")
    assert (outcome.status, outcome.code) == (409, "Conflict")
    assert seconds == 1 + 200 + 41.5


@pytest.mark.parametrize(
    ("fault", "words", "low", "high"),
    [
        ("throttled", "throttled due to too many requests", 44, 71.5),
        ("server-errors", "The server encountered an internal error and was unable to complete the request.", 44, 71.5),
    ],
)
def test_the_drivers_caller_hears_of_it_only_after_its_retries(fault, words, low, high) -> None:
    _, outcome, seconds = driven(lambda compute, _node, _disk: compute.create_disk("e", 4, "Premium_LRS", {}), fault)
    assert str(outcome) == words
    assert low <= seconds <= high


def attach_another(compute, node, disk):
    return compute.attach_disk(node, f"{disk}-2")


@pytest.mark.parametrize(
    ("fault", "words", "low", "high"),
    [
        ("throttled", "throttled due to too many requests", 89, 144),
        ("server-errors", "The server encountered an internal error and was unable to complete the request.", 89, 144),
        ("role-missing", "does not have authorization to perform action", 1, 1),
    ],
)
def test_a_failed_attach_is_heard_of_when_the_machines_were_asked_for_too(fault, words, low, high) -> None:
    """More than the two minutes that Kubernetes waits, where Azure answers nothing: seen with the real driver."""
    _, outcome, seconds = driven(attach_another, fault)
    assert words in str(outcome)
    assert low <= seconds <= high, "a second in which requests gather, a change and a list, each with its retries"
