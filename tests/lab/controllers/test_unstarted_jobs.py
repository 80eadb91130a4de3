"""Jobs and CronJobs that nobody starts."""

from __future__ import annotations

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.unstarted_jobs import PATIENCE, UnstartedJobs
from tests.lab.controllers.helpers import World, played

POD = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": POD}}
CRON = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": POD}}},
}
NO_JOB = "Warning NotStarted nothing starts this Job's pods: the lab has no job controller"
NO_CRON = "Warning NotStarted nothing makes Jobs of this CronJob: the lab has no cronjob controller"


def with_spec(obj: Object, **spec: object) -> Object:
    return {**obj, "spec": {**obj["spec"], **spec}}


@pytest.mark.parametrize(
    ("resource", "obj", "status", "told"),
    [
        ("jobs", JOB, {}, [NO_JOB]),
        ("cronjobs", CRON, {}, [NO_CRON]),
        ("jobs", with_spec(JOB, suspend=True), {}, []),
        ("cronjobs", with_spec(CRON, suspend=True), {}, []),
        ("jobs", with_spec(JOB, managedBy="example.com/mine"), {}, []),
        ("jobs", JOB, {"startTime": "2026-11-23T03:28:41Z"}, []),
    ],
)
def test_what_nobody_starts_is_told_once(resource: str, obj: Object, status: Object, told: list[str]) -> None:
    async def story(world: World) -> None:
        await world.create(resource, {**obj, "metadata": {"name": "x", "namespace": "walk"}})
        await world.settle()
        if status:
            await world.api.patch(resource, "x", {"status": status}, "walk", subresource="status")
        assert world.events == []
        for _ in range(3):
            await world.clock.advance(PATIENCE)
            await world.api.patch(resource, "x", {"metadata": {"labels": {"t": str(world.clock.monotonic())}}}, "walk")
        await world.settle()
        assert world.events == told

    played(story, UnstartedJobs)
