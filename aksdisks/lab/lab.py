"""A whole lab in one event loop: clock, store, cloud, controllers, agents and both HTTPS servers."""

from __future__ import annotations

import asyncio
import base64
import errno
import logging
import os
import socket
import ssl
from functools import partial

import yaml
from aiohttp import web
from aiohttp.typedefs import Handler

from aksdisks.lab import tls
from aksdisks.lab.agents.kubelet.disk_sizes import df_script
from aksdisks.lab.agents.kubelet.pod_directories import PodStorage
from aksdisks.lab.arm.compute.cloud import Cloud
from aksdisks.lab.arm.compute.disks import Disk
from aksdisks.lab.arm.compute.snapshots import Snapshot
from aksdisks.lab.arm.driver.local import CloudCompute
from aksdisks.lab.arm.entra.tokens import Tokens, new_key
from aksdisks.lab.arm.wire.app import arm_app
from aksdisks.lab.client.interface import KubernetesApi
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.service_account_tokens import AccountSecrets
from aksdisks.lab.errors import FaultError, LabError, PortInUse
from aksdisks.lab.faults.api_server import ApiServerFaults
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.azure_operations import OperationFaults
from aksdisks.lab.faults.azure_resources import ResourceFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.faults.supervised import Part
from aksdisks.lab.ids import Ids
from aksdisks.lab.in_tree.api import InTreeApi
from aksdisks.lab.in_tree.tables import old_tables
from aksdisks.lab.kube.authn.authentication import Access
from aksdisks.lab.kube.authn.service_account_tokens import AccountTokens
from aksdisks.lab.kube.authn.service_account_tokens import new_key as new_account_key
from aksdisks.lab.kube.storage.event_expiry import EventExpiry
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.wire.exec import Streams
from aksdisks.lab.kube.wire.http import KubeServer
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.parts import Machinery, check_driver_can_go, control_plane, controllers
from aksdisks.lab.persistence import settings
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.persistence.state_directory import LabState, StateDirectory
from aksdisks.lab.sandbox.confine import Sandbox
from aksdisks.lab.sandbox.containers import Containers
from aksdisks.lab.sandbox.probes import Prober
from aksdisks.lab.sandbox.volumes import Volumes, directory_name
from aksdisks.lab.scenario import Scenario
from aksdisks.lab.seed import priority_classes, seed
from aksdisks.lab.server import malformed

HOST = "127.0.0.1"
_BACKLOG = 512
_LONGEST_LINE = 1 << 20
"""Bytes of a request's first line, as Go has it: a command for a pod goes in the URL."""

_HISTORY = 1000
"""Changes remembered of each resource: nodes report for ever, and each of their versions is some 20 KiB of memory."""

log = logging.getLogger(__name__)


class Lab:
    """One cluster and its Azure. `start` once, then `stop` once."""

    def __init__(
        self,
        scenario: Scenario,
        speed: float,
        directory: StateDirectory,
        kube_port: int = 0,
        arm_port: int = 0,
        *,
        records: Records | None = None,
        agents: bool = True,
        driver: bool = True,
        seed: int | None = None,
    ) -> None:
        """`speed`: cluster seconds in one second; port 0: the one of before, or a free one; `records`: from before.

        Without `agents` no node and no disk driver is run here, without `driver` nodes are. With a `seed` objects have
        the same uids and generated names each time. `LabError` for a speed that
        is not above 0, for records that cannot be read, and for a cluster of 2019 without driver.
        """
        try:
            self.clock = Clock(speed)
        except ValueError as error:
            raise LabError(str(error)) from error
        if not driver and agents:
            check_driver_can_go(scenario)
        self.scenario = scenario
        self.directory = directory
        self.ids = Ids(seed)
        self.faults = _faults(scenario)
        self.records = records or Records()
        self.api = KubeApi(Store(history=_HISTORY, records=self.records), self.clock, self.ids)
        self.cloud = Cloud(scenario, self.clock, self.ids, OperationFaults(self.faults, self.clock), self.records)
        self._resource_faults = ResourceFaults(self.cloud, self.faults, self.records)
        self._request_faults = RequestFaults(self.faults, self.clock)
        self.compute = CloudCompute(self.cloud, self._request_faults)
        self.volumes = Volumes(directory.path)
        # What commands in pods see: of a disk, the directory that stands for it.
        self._containers = Containers(self.api, self.volumes, self._directory_of, partial(df_script, self.api))
        self._sandbox = Sandbox([directory.path])
        # Once the deletion is kept: until then a restart brings the disk back, and with it its bytes.
        self.cloud.on_deleted = self._forget_bytes
        self.cloud.snapshots.copies.copy = self._copy_bytes
        self.cloud.snapshots.on_deleted = self.cloud.on_deleted
        self._agents = agents
        self._driver = driver
        self._actors: KubernetesApi = self.api
        if scenario.era == "2019":
            hidden = Store(history=_HISTORY, records=self.records, realm="hidden/")
            self._actors = InTreeApi(self.api, KubeApi(hidden, self.clock, self.ids))
        self._ports = (kube_port, arm_port)
        self._runners: list[web.AppRunner] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> LabState:
        """Serve, then write the state directory; raises `PortInUse`, `LabError`."""
        known = settings.credentials(self.records, self.clock.now(), new_key)
        certificates, token = known.certificates, known.token
        accounts = AccountTokens(self.api.store, self.clock, self.ids, self.directory.account_key(new_account_key))
        access = Access(token, tls.ADMIN_NAME, tls.ADMIN_GROUP, accounts)
        if self.records.fresh:
            machines = self.scenario.machines if self._agents else ()
            await seed(self._actors, self.scenario, self.clock.now(), certificates.authority.decode(), machines)
        await priority_classes(self._actors)
        settings.keep_settings(self.records, self.scenario, self.clock.speed, self.faults)
        kube_port, arm_port = (
            settings.port(self.records, server, asked)
            for server, asked in zip(("kubernetes", "azure"), self._ports, strict=True)
        )
        self._sweep()
        # From here on nothing is told to anybody that a restart would not bring back.
        self.records.begin()
        self.cloud.resume()
        injection = ApiServerFaults(self.faults, self.api.store)
        streams = Streams(self.api, self._containers, self._sandbox)
        kube = await self._serve(
            KubeServer(self.api, access, self.clock, self.scenario.kubernetes_version, injection, streams).app(),
            kube_port,
            tls.server_context(certificates, client_certificates=True),
        )
        principals = self.scenario.tenant_principals(known.client_secret)
        tokens = Tokens(self.scenario.tenant_id, principals, self.clock, known.token_key)
        arm = await self._serve(
            arm_app(self.cloud, tokens, self._request_faults),
            arm_port,
            tls.server_context(certificates, client_certificates=False),
        )
        settings.keep_port(self.records, "kubernetes", kube, wanted=kube_port.wanted)
        settings.keep_port(self.records, "azure", arm, wanted=arm_port.wanted)
        parts = self._parts(accounts)
        self._tasks = [asyncio.create_task(part.run(), name=part.name) for part in parts]
        self._tasks.append(asyncio.create_task(self.records.failed(), name="records"))
        # Whoever acts first shall meet every controller at work: the order of events would tell otherwise.
        synced = asyncio.create_task(_all_synced(parts))
        await asyncio.wait([synced, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        if not synced.done():
            synced.cancel()
            await self.run()
        synced.result()
        await self.records.settled()
        state = self._state(kube, arm, known.client_secret)
        kubeconfig = _kubeconfig(self.scenario, state.kube_url, certificates, token)
        as_user = _kubeconfig(self.scenario, state.kube_url, certificates, token, "clusterUser")
        self.cloud.kubeconfigs = {"clusterAdmin": kubeconfig, "clusterUser": as_user}
        self.directory.publish(state, certificates.authority, kubeconfig)
        return state

    async def run(self) -> None:
        """Until a part ends, which none should: half a lab would only seem to work. Raises `LabError`."""
        ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        part = ended.pop()
        error = part.exception()
        if isinstance(error, LabError):
            raise error
        log.error("%s ended", part.get_name(), exc_info=error)
        raise LabError(f"{part.get_name()}: expected it to run as long as the lab, found it ended: {error!r}")

    async def stop(self) -> None:
        """End everything, and remove what clients found the lab by."""
        self.directory.withdraw()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        # Before Azure's operations are cut short: the lab that starts next goes on with them.
        self.records.close()
        await self.compute.close()
        await self.cloud.close()
        self.volumes.close()

    def _parts(self, accounts: AccountTokens) -> list[Part]:
        """Everything that acts by itself, each through the two APIs alone."""
        probe = Prober(self._containers, self._sandbox).run
        machinery = Machinery(
            self._actors, self.clock, self.ids, self.scenario, self.faults, self.cloud.powered_off, probe
        )
        machines = [
            *control_plane(self.api, self.clock, self.ids, self.cloud),
            *(machinery.parts(self.compute if self._driver else None) if self._agents else ()),
        ]
        storage = PodStorage(self.api, self.clock, self.ids, self.volumes)
        secrets_of = AccountSecrets(self.api, self.clock, self.ids, accounts)
        acting = [kind(self._actors, self.clock, self.ids) for kind in controllers(self.scenario)]
        return [*acting, secrets_of, *machines, storage, EventExpiry(self.api.store, self.clock)]

    def _directory_of(self, disk_id: str) -> str | None:
        disk = self.cloud.find_disk(disk_id)
        return None if disk is None else self._directory(disk)

    def _directory(self, disk: Disk | Snapshot) -> str:
        name = directory_name(disk.group, disk.name, self.scenario.node_resource_group)
        # No group's name has a tilde, so that no disk has this directory.
        return f"snapshot~~{name}" if isinstance(disk, Snapshot) else name

    async def _copy_bytes(self, source: Disk | Snapshot, copy: Disk | Snapshot, again: bool) -> None:
        # Only now is what had the copy's name before removed with its bytes.
        await self.records.settled()
        await self.volumes.copy_disk(self._directory(source), self._directory(copy), keep=again)

    def _forget_bytes(self, disk: Disk | Snapshot) -> None:
        self.records.after(lambda: self.volumes.remove_disk(self._directory(disk)))

    def _sweep(self) -> None:
        """Remove the bytes of disks and pods that are no more: a lab may end before it has done so."""
        disks = {self._directory(disk) for disk in (*self.cloud.disks(), *self._resource_faults.lost())}
        disks |= {self._directory(snapshot) for snapshot in self.cloud.snapshots.all()}
        self.volumes.keep(disks, {version.object["metadata"]["uid"] for _, version in self.api.store.list("pods")})

    async def _serve(self, app: web.Application, port: settings.Port, context: ssl.SSLContext) -> int:
        """Answer on loopback; the port. No answer goes out before what it tells is kept."""
        records = self.records

        @web.middleware
        async def kept(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            try:
                await records.settled()
            except LabError as error:
                return web.Response(status=500, text=str(error))
            return response

        app.middlewares.append(kept)
        if self.scenario.era == "2019":
            app.middlewares.append(old_tables)
        malformed.log_in_one_line()
        # A client that goes away ends its watch at once (handler_cancellation), not at the next event.
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=0.1,
            keepalive_timeout=600, max_line_size=_LONGEST_LINE,
        )  # fmt: skip
        await runner.setup()
        self._runners.append(runner)
        try:
            listener = _listen(port.number)
        except PortInUse:
            if port.wanted:
                raise
            listener = _listen(0)
        await web.SockSite(runner, listener, ssl_context=context, backlog=_BACKLOG).start()
        chosen: int = listener.getsockname()[1]
        return chosen

    def _state(self, kube_port: int, arm_port: int, client_secret: str) -> LabState:
        scenario = self.scenario
        arm_url = f"https://{HOST}:{arm_port}"
        return LabState(
            pid=os.getpid(),
            kube_url=f"https://{HOST}:{kube_port}",
            arm_url=arm_url,
            authority=arm_url,
            ca_bundle=str(self.directory.authority),
            kubeconfig=str(self.directory.kubeconfig),
            tenant_id=scenario.tenant_id,
            client_id=scenario.client_id,
            client_secret=client_secret,
            subscription_id=scenario.subscription_id,
            node_resource_group=scenario.node_resource_group,
            resource_group=scenario.resource_group,
            cluster_name=scenario.cluster_name,
            location=scenario.location,
            speed=self.clock.speed,
            scenario=scenario.name,
            kubernetes=scenario.kubernetes_version,
            state_dir=str(self.directory.path),
            started=timestamp(self.clock.now()),
        )


def _faults(scenario: Scenario) -> Faults:
    """Those that the scenario begins with. Raises `LabError`."""
    known = {"node": [machine.node_name for machine in scenario.machines], "zone": scenario.zones}
    try:
        return Faults(scenario.faults, known=known)
    except FaultError as error:
        raise LabError(f"scenario {scenario.name}: {error}") from error


async def _all_synced(parts: list[Part]) -> None:
    for part in parts:
        await part.synced()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without it a port that was in use a moment ago could not be taken again for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise PortInUse(f"port {port}: expected a free port of {HOST}, found it in use") from error
        raise LabError(f"port {port}: expected one of {HOST} to listen on, found: {error}") from error
    listener.setblocking(False)
    return listener


def _kubeconfig(
    scenario: Scenario, server: str, certificates: tls.Certificates, token: str, name: str = "clusterAdmin"
) -> bytes:
    """As `az aks get-credentials --admin` writes it: one context, the administrator's certificate and token.

    In a cluster without Entra ID `clusterUser` is the same administrator by another name.
    """
    user = f"{name}_{scenario.resource_group}_{scenario.cluster_name}"

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": scenario.cluster_name,
                "cluster": {"server": server, "certificate-authority-data": encoded(certificates.authority)},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": encoded(certificates.admin.certificate),
                    "client-key-data": encoded(certificates.admin.key),
                    "token": token,
                },
            }
        ],
        "contexts": [{"name": scenario.cluster_name, "context": {"cluster": scenario.cluster_name, "user": user}}],
        "current-context": scenario.cluster_name,
    }
    return yaml.safe_dump(config, sort_keys=False).encode()
