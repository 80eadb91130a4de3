"""What admission adds to new objects, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.test_api import POD, run

REFUSED = (
    "must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name"
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ("low", 5, "PreemptLowerPriority")),
        ({"priorityClassName": "high"}, ("high", 70, "Never")),
        ({"priorityClassName": "high", "priority": 70}, ("high", 70, "Never")),
        ({"priorityClassName": "none"}, "no PriorityClass with name none was found"),
        ({"priority": 6}, f"the integer value of priority (6) {REFUSED.format(5)}"),
        (
            {"priorityClassName": "high", "preemptionPolicy": "PreemptLowerPriority"},
            f"the string value of PreemptionPolicy (PreemptLowerPriority) {REFUSED.format('Never')}",
        ),
    ],
)
def test_a_pod_s_priority_is_that_of_its_class(spec: dict[str, Any], expected: Any) -> None:
    async def test(api: KubeApi) -> None:
        await api.create("priorityclasses", {"metadata": {"name": "low"}, "value": 5, "globalDefault": True})
        high = {"metadata": {"name": "high"}, "value": 70, "preemptionPolicy": "Never"}
        await api.create("priorityclasses", high)
        pod = {**POD, "spec": {**POD["spec"], **spec}}
        if isinstance(expected, str):
            with pytest.raises(ApiError) as refusal:
                await api.create("pods", pod, "n")
            assert (refusal.value.code, refusal.value.message) == (403, f'pods "p" is forbidden: {expected}')
            return
        made = (await api.create("pods", pod, "n"))["spec"]
        assert (made["priorityClassName"], made["priority"], made["preemptionPolicy"]) == expected

    run(test)


@pytest.mark.parametrize("verb", ["create", "update"])
def test_only_one_priority_is_the_default(verb: str) -> None:
    async def test(api: KubeApi) -> None:
        await api.create("priorityclasses", {"metadata": {"name": "low"}, "value": 5, "globalDefault": True})
        await api.patch("priorityclasses", "low", {"description": "itself"})
        with pytest.raises(ApiError, match="PriorityClass low is already marked as default"):
            if verb == "create":
                await api.create("priorityclasses", {"metadata": {"name": "x"}, "value": 6, "globalDefault": True})
            else:
                await api.create("priorityclasses", {"metadata": {"name": "x"}, "value": 6})
                await api.patch("priorityclasses", "x", {"globalDefault": True})

    run(test)
