"""Buckets that empty and fill, and both of Azure's ways of saying so."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
import requests

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.driver.local import CloudCompute
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.resources.throttling import Throttle
from aksdisks.lab.clock import Clock
from aksdisks.lab.scenario import Principal

ONE, OTHER = Principal("1", ""), Principal("2", "")
VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/a"
SETS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/v"
FILES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/fileServices"
DISKS = "/subscriptions/resourceGroups/providers/Microsoft.Compute/disks"


class StoppedClock(Clock):
    time = 0.0

    def monotonic(self):
        return self.time


def refused(take, *arguments):
    with pytest.raises(CloudError) as caught:
        take(*arguments)
    return caught.value


def test_resource_managers_buckets_are_each_principals_and_fill_with_time():
    clock = StoppedClock()
    throttle = Throttle(clock, "s")
    for left in reversed(range(200)):
        assert throttle.take(ONE, "PUT", DISKS) == {
            "x-ms-ratelimit-remaining-subscription-writes": str(left),
            "x-ms-ratelimit-remaining-subscription-global-writes": str(2800 + left),
        }
    error = refused(throttle.take, ONE, "PATCH", DISKS)
    assert (error.status, error.code, error.retry_after) == (429, "SubscriptionRequestsThrottled", 1)
    assert error.body()["error"]["message"] == (
        "Number of requests for subscription 's' and operation 'PATCH/SUBSCRIPTIONS/RESOURCEGROUPS/PROVIDERS/"
        "MICROSOFT.COMPUTE/DISKS' exceeded the backend storage limit. Please try again after '1' seconds."
    )
    for principal, method in ((OTHER, "PUT"), (ONE, "GET"), (ONE, "DELETE")):
        throttle.take(principal, method, DISKS)
    clock.time = 0.2
    throttle.take(ONE, "PUT", DISKS)
    throttle.take(ONE, "PUT", DISKS)
    refused(throttle.take, ONE, "PUT", DISKS)


def test_all_principals_together_have_fifteen_times_as_much():
    throttle = Throttle(StoppedClock(), "s")
    for number in range(15):
        for _ in range(200):
            throttle.take(Principal(str(number), ""), "DELETE", DISKS)
    error = refused(throttle.take, Principal("new", ""), "DELETE", DISKS)
    assert error.code == "SubscriptionRequestsThrottled"


@pytest.mark.parametrize(
    ("action", "scope", "size", "per_minute", "target"),
    [
        ("Microsoft.Compute/virtualMachines/write", VM, 12, 4, "UpdateVMResource"),
        ("Microsoft.Compute/virtualMachines/start/action", VM, 12, 4, "UpdateVMResource"),
        (
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write",
            f"{SETS}/virtualMachines/0",
            12,
            4,
            "UpdateVMResource",
        ),
        ("Microsoft.Compute/virtualMachines/read", VM, 36, 12, "GetVMResource"),
        ("Microsoft.Compute/virtualMachines/read", "/subscriptions/s", 900, 300, "ListVMSubscription"),
        ("Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read", SETS, 900, 300, "ListVMSubscription"),
    ],
)
def test_computes_buckets_are_each_machines(action, scope, size, per_minute, target):
    clock = StoppedClock()
    throttle = Throttle(clock, "s")
    for _ in range(size):
        throttle.take_provider(action, scope)
    error = refused(throttle.take_provider, action, scope.upper().replace("/PROVIDERS/", "/providers/"))
    assert (error.status, error.code, error.retry_after) == (429, "OperationNotAllowed", max(1, 60 / per_minute))
    assert "error" not in error.body()
    [detail] = error.body()["details"]
    assert (detail["code"], detail["target"]) == ("TooManyRequests", target)
    group = json.loads(detail["message"])
    assert (group["allowedRequestCount"], group["measuredRequestCount"]) == (size, size + 1)
    throttle.take_provider(action, f"{VM}2")
    clock.time = 60 / per_minute
    throttle.take_provider(action, scope)


@pytest.mark.parametrize(
    ("act", "scope", "size", "seconds", "window"),
    [
        ("storageAccounts/read", "/subscriptions/s", 100, 3, "List_ObservationWindow_00:05:00"),
        ("storageAccounts/read", "/subscriptions/s/resourceGroups/g", 100, 3, "List_ObservationWindow_00:05:00"),
        ("storageAccounts/fileServices/shares/read", f"{FILES}/default", 100, 3, "List_ObservationWindow_00:05:00"),
        (
            "storageAccounts/fileServices/shares/read",
            f"{FILES}/default/shares/x",
            800,
            1,
            "Read_ObservationWindow_00:05:00",
        ),
        ("storageAccounts/read", FILES.rpartition("/")[0], 800, 1, "Read_ObservationWindow_00:05:00"),
        ("storageAccounts/listKeys/action", FILES.rpartition("/")[0], 800, 1, "Read_ObservationWindow_00:05:00"),
        ("storageAccounts/delete", FILES.rpartition("/")[0], 10, 1, "Write_ObservationWindow_00:00:01"),
    ],
)
def test_the_storage_providers_buckets_are_each_subscriptions(act, scope, size, seconds, window):
    clock = StoppedClock()
    throttle = Throttle(clock, "s")
    for number in range(size):
        throttle.take_provider(f"Microsoft.Storage/{act}", f"{scope}{number if 'storageAccounts' in scope else ''}")
    error = refused(throttle.take_provider, f"Microsoft.Storage/{act}", scope)
    assert (error.status, error.code, error.retry_after) == (429, "TooManyRequests", seconds)
    assert error.body()["error"]["message"] == (
        f"The request is being throttled as the limit has been reached for operation type - {window}. "
        "For more information, see - https://aka.ms/srpthrottlinglimits"
    )
    clock.time = seconds
    throttle.take_provider(f"Microsoft.Storage/{act}", scope)


def test_disks_have_no_limit_of_computes():
    assert Throttle(StoppedClock(), "s").take_provider("Microsoft.Compute/disks/write", VM) == {}


def test_a_fast_lab_allows_as_many_more():
    clock = StoppedClock(speed=100)
    throttle = Throttle(clock, "s")
    for _ in range(12):
        throttle.take_provider("Microsoft.Compute/virtualMachines/write", VM)
    assert refused(throttle.take_provider, "Microsoft.Compute/virtualMachines/write", VM).retry_after == 1


def test_over_the_wire_clients_see_what_is_left_and_when_to_come_back(serve):
    with serve(speed=1) as azure, requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com')}"
        machine = azure.cloud.machines.all()[0].spec.resource_id
        url = f"{azure.url}{machine}?api-version=2026-04-01"
        first = session.get(url)
        assert first.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
        assert first.headers["x-ms-ratelimit-remaining-resource"] == "Microsoft.Compute/GetVMResource;35"
        answers = [session.get(url) for _ in range(40)]
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "OperationNotAllowed")
        assert 1 <= int(last.headers["Retry-After"]) <= 5
    with serve(dataclasses.replace(scenarios.load("regional"), throttling="off"), speed=1) as azure:
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue('https://management.azure.com')}"
        url = f"{azure.url}{machine}?api-version=2026-04-01"
        with requests.Session() as other:
            other.trust_env, other.verify = False, azure.ca_bundle
            other.headers.update(session.headers)
            assert {other.get(url).status_code for _ in range(40)} == {200}


def test_the_driver_is_throttled_only_where_the_scenario_says_so(cloud_of):
    async def attach_often(throttling):
        cloud = cloud_of(dataclasses.replace(scenarios.load("regional"), throttling=throttling))
        compute = CloudCompute(cloud)
        node = cloud.machines.all()[0].spec.node_name
        try:
            disk = await compute.create_disk("d", 4, "Premium_LRS", {})
            for _ in range(40):
                await compute.attach_disk(node, disk)
                await compute.detach_disk(node, disk)
            return cloud.clock.monotonic()
        finally:
            await compute.close()
            await cloud.close()

    free, limited = (asyncio.run(attach_often(throttling)) for throttling in ("clients", "everyone"))
    # 80 changes, of which 12 are free and 4 come back in a minute: its retries wait as long as they are told to.
    assert free == 2 + 40 * (13 + 11)
    assert limited >= (80 - 12) * 15
