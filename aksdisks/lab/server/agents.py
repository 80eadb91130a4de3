"""Nodes and drivers as a process of their own, against any Kubernetes API, with a running lab's Azure."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aksdisks.lab.arm.driver.remote import ArmCompute
from aksdisks.lab.arm.driver.remote_files import ArmFiles
from aksdisks.lab.arm.driver.rest import ArmAddress
from aksdisks.lab.client import kubeconfig
from aksdisks.lab.client.interface import ApiError, KubernetesApi
from aksdisks.lab.client.remote import RemoteApi
from aksdisks.lab.clock import Clock
from aksdisks.lab.errors import LabError
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.strategies import snapshots
from aksdisks.lab.kube.strategies.catalog import RESOURCES
from aksdisks.lab.parts import AgentParts
from aksdisks.lab.persistence.settings import running_scenario
from aksdisks.lab.persistence.state_directory import LabState
from aksdisks.lab.scenario import Scenario
from aksdisks.lab.seed import create_missing, install, register

_PATIENCE = 30.0
"""Real seconds in which a control plane that is just starting may refuse."""

log = logging.getLogger(__name__)


def run(state: LabState, config: Path, context: str = "", speed: float | None = None, *, driver: bool = True) -> None:
    """Serve until SIGTERM or SIGINT. `speed`: cluster seconds in one second, the lab's own unless given; on a control
    plane whose timers nobody has sped up it is 1. Without `driver` only the nodes are run. Raises `LabError`.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        clock = Clock(state.speed if speed is None else speed)
    except ValueError as error:
        raise LabError(str(error)) from error
    scenario = running_scenario(state)
    if scenario.era != "today":
        raise LabError(
            f"scenario {scenario.name}: expected one of today's for agents apart, found one of {scenario.era}: its "
            "agents write kinds that its API does not show"
        )
    try:
        asyncio.run(_serve(state, scenario, kubeconfig.load(config, context), clock, driver=driver))
    except ApiError as error:
        raise LabError(str(error)) from error


async def _serve(
    state: LabState, scenario: Scenario, cluster: kubeconfig.Cluster, clock: Clock, *, driver: bool
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ids, address = Ids(), azure_of(state)
    compute, files = ArmCompute(address, clock), ArmFiles(address, clock, ids)
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait(), name="stop")]
    try:
        async with RemoteApi(cluster, clock, {**RESOURCES, **snapshots.RESOURCES}) as api:
            await _prepare(api, scenario, clock)
            parts = list(AgentParts(api, clock, ids, scenario, Faults(), files).parts(compute if driver else None))
            tasks += [asyncio.create_task(part.run(), name=part.name) for part in parts]
            synced = asyncio.ensure_future(asyncio.gather(*(part.synced() for part in parts)))
            await asyncio.wait([synced, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if synced.done():
                synced.result()
                served = " and the drivers" if driver else ", without the drivers,"
                print(f"{len(scenario.machines)} nodes{served} serve {cluster.server}.", flush=True)
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            synced.cancel()
            for task in tasks[1:]:
                if task.done():
                    raise LabError(f"{task.get_name()}: expected it to run on, found it ended: {task.exception()!r}")
            await _end(tasks)
    finally:
        await _end(tasks)
        await compute.close()
        await files.close()


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _prepare(api: KubernetesApi, scenario: Scenario, clock: Clock) -> None:
    """Make what the nodes' machines and the driver bring into a cluster, where it is not there yet."""
    until = clock.monotonic() + _PATIENCE * clock.speed
    while True:
        try:
            await install(api, scenario)
            for definition in snapshots.definitions():
                await create_missing(api, "customresourcedefinitions", definition)
            for machine in scenario.machines:
                await register(api, scenario, machine, clock.now())
        except ApiError as error:
            if clock.monotonic() > until or error.code in (401, 403):
                raise LabError(f"Kubernetes API: expected to register nodes and drivers, found: {error}") from error
            log.warning("%s; again in 1 s", error)
            await clock.sleep(clock.speed)
        else:
            return


def azure_of(state: LabState) -> ArmAddress:
    """A lab's Azure and its principal, as the driver is configured with them."""
    return ArmAddress(
        url=state.arm_url,
        authority=state.authority,
        tenant_id=state.tenant_id,
        client_id=state.client_id,
        client_secret=state.client_secret,
        subscription_id=state.subscription_id,
        node_resource_group=state.node_resource_group,
        location=state.location,
        ca_bundle=state.ca_bundle,
    )
