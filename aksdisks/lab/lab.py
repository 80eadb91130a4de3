"""A whole lab in one event loop: clock, store, cloud, controllers, agents and both HTTPS servers."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial

from aksdisks.lab import node_driver, tls
from aksdisks.lab.agents.csi.share_mounts import mount_options, mount_source, mounted_share
from aksdisks.lab.agents.csi.share_volumes import ShareAddress, is_nfs
from aksdisks.lab.agents.kubelet.disk_sizes import Row, df_script
from aksdisks.lab.agents.kubelet.pod_directories import PodStorage
from aksdisks.lab.arm.cloud import Cloud
from aksdisks.lab.arm.driver.files import CloudFiles
from aksdisks.lab.arm.driver.local import CloudCompute
from aksdisks.lab.arm.entra.tokens import Tokens, new_key
from aksdisks.lab.arm.storage.share import Share
from aksdisks.lab.arm.wire.app import arm_app
from aksdisks.lab.client import kubeconfig
from aksdisks.lab.client.interface import KubernetesApi, Object
from aksdisks.lab.clock import Clock, timestamp
from aksdisks.lab.controllers.service_account_tokens import AccountSecrets
from aksdisks.lab.controllers.storage import FILE_DRIVER, driver_and_handle
from aksdisks.lab.disk_bytes import DiskBytes
from aksdisks.lab.errors import FaultError, LabError
from aksdisks.lab.faults.api_server import ApiServerFaults
from aksdisks.lab.faults.arm_requests import RequestFaults
from aksdisks.lab.faults.azure_files import FileFaults
from aksdisks.lab.faults.azure_operations import OperationFaults
from aksdisks.lab.faults.azure_resources import ResourceFaults
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.faults.supervised import Part
from aksdisks.lab.ids import Ids
from aksdisks.lab.in_tree.api import InTreeApi
from aksdisks.lab.in_tree.tables import old_tables
from aksdisks.lab.kube.authn.authentication import Authenticator
from aksdisks.lab.kube.authn.service_account_tokens import AccountTokens
from aksdisks.lab.kube.authn.service_account_tokens import new_key as new_account_key
from aksdisks.lab.kube.storage.event_expiry import EventExpiry
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies import snapshots
from aksdisks.lab.kube.wire.exec import Streams
from aksdisks.lab.kube.wire.http import KubeServer
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.parts import AgentParts, check_driver_can_go, control_plane, controllers
from aksdisks.lab.persistence import settings
from aksdisks.lab.persistence.records import Records
from aksdisks.lab.persistence.state_directory import LabState, StateDirectory
from aksdisks.lab.sandbox.confine import Sandbox
from aksdisks.lab.sandbox.containers import Containers
from aksdisks.lab.sandbox.probes import Prober
from aksdisks.lab.sandbox.volumes import Volumes
from aksdisks.lab.scenario import Scenario
from aksdisks.lab.seed import api_server_objects, seed
from aksdisks.lab.server.listening import HOST, Servers
from aksdisks.lab.versions import disabled_fields, labels_pods

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
        the same uids and generated names each time. Raises `LabError` for a speed that is not above 0, for records
        that cannot be read, and for a cluster of 2019 without driver.
        """
        if not driver and agents:
            check_driver_can_go(scenario)
        self.clock = _clock(speed)
        self.scenario = scenario
        self.directory = directory
        self.ids = Ids(seed)
        self.faults = _faults(scenario)
        self.records = records or Records()
        self.api = KubeApi(Store(history=_HISTORY, records=self.records), self.clock, self.ids)
        self.api.writes.labels_pods = labels_pods(scenario.kubernetes_version)
        self.api.writes.disabled_fields = disabled_fields(scenario.kubernetes_version)
        self._actors = self._api_of_actors()
        self.cloud = Cloud(scenario, self.clock, self.ids, OperationFaults(self.faults, self.clock), self.records)
        self._resource_faults = ResourceFaults(self.cloud, self.faults, self.records)
        self._file_faults = FileFaults(self.cloud, self.faults, self.records)
        self._request_faults = RequestFaults(self.faults, self.clock)
        self.compute = CloudCompute(self.cloud, self._request_faults)
        self.files = CloudFiles(self.cloud, self.ids, self._request_faults)
        self.volumes = Volumes(directory.path)
        self._bytes = DiskBytes(self.volumes, self.cloud, self.records)
        self._containers = Containers(
            self.api, self.volumes, self._directory_of, mount_options, partial(df_script, self.api, self._df_of_share)
        )
        self._sandbox = Sandbox([directory.path])
        self._agents = agents
        self._driver = driver
        middlewares = (old_tables,) if scenario.era == "2019" else ()
        self._servers = Servers(self.records, {"kubernetes": kube_port, "azure": arm_port}, middlewares)
        self._tasks: list[asyncio.Task[None]] = []

    def _api_of_actors(self) -> KubernetesApi:
        """What controllers and agents act through: in a cluster of 2019 some of what they write has no API yet."""
        if self.scenario.era == "today":
            return self.api
        hidden = Store(history=_HISTORY, records=self.records, realm="hidden/")
        return InTreeApi(self.api, KubeApi(hidden, self.clock, self.ids))

    async def start(self) -> LabState:
        """Serve, then write the state directory; raises `PortInUse`, `LabError`."""
        known = settings.credentials(self.records, self.clock.now())
        accounts = AccountTokens(self.api.store, self.clock, self.ids, self.directory.account_key(new_account_key))
        await self._seed(known.certificates.authority.decode())
        settings.keep_settings(self.records, self.scenario, self.clock.speed, self.faults)
        pods = {version.object["metadata"]["uid"] for _, version in self.api.store.list("pods")}
        self._bytes.sweep([*self._resource_faults.lost(), *self._file_faults.lost()], pods)
        # From here on nothing is told to anybody that a restart would not bring back.
        self.records.begin()
        self.cloud.resume()
        kube_port, arm_port = await self._serve(known, accounts)
        await self._run_parts(self._parts(accounts))
        await self.records.settled()
        state = self._state(kube_port, arm_port, known.client_secret)
        self.cloud.kubeconfigs = {
            name: kubeconfig.of_cluster(self.scenario, state.kube_url, known.certificates, known.token, name)
            for name in ("clusterAdmin", "clusterUser")
        }
        self.directory.publish(state, known.certificates.authority, self.cloud.kubeconfigs["clusterAdmin"])
        return state

    async def _seed(self, authority: str) -> None:
        """`authority`: the CA certificate of both servers, PEM."""
        if self.records.fresh:
            machines = self.scenario.machines if self._agents else ()
            await seed(self._actors, self.scenario, self.clock.now(), authority, machines)
        if self.scenario.era == "today":
            snapshots.install(self.api.store, self.ids, timestamp(self.clock.now()))
        await api_server_objects(self._actors)
        if self.scenario.era == "today":
            await (node_driver.install(self.api, self.clock.now()) if self._driver else node_driver.remove(self.api))

    async def _serve(self, known: settings.Credentials, accounts: AccountTokens) -> tuple[int, int]:
        """Answer as Kubernetes and as Azure; the ports. Raises `PortInUse`, `LabError`."""
        authenticator = Authenticator(known.token, tls.ADMIN_NAME, tls.ADMIN_GROUP, accounts)
        injection = ApiServerFaults(self.faults, self.api.store)
        streams = Streams(self.api, self._containers, self._sandbox)
        kube = await self._servers.serve(
            "kubernetes",
            KubeServer(self.api, authenticator, self.clock, self.scenario.kubernetes_version, injection, streams).app(),
            tls.server_context(known.certificates, client_certificates=True),
        )
        principals = self.scenario.tenant_principals(known.client_secret)
        tokens = Tokens(
            self.scenario.tenant_id, principals, self.clock, partial(settings.token_key, self.records, new_key)
        )
        arm = await self._servers.serve(
            "azure",
            arm_app(self.cloud, tokens, self._request_faults),
            tls.server_context(known.certificates, client_certificates=False),
        )
        self._servers.keep_ports()
        return kube, arm

    async def _run_parts(self, parts: list[Part]) -> None:
        """Run them from now on; returns once each has seen all there is. Raises `LabError` where one ends before."""
        self._tasks = [asyncio.create_task(part.run(), name=part.name) for part in parts]
        self._tasks.append(asyncio.create_task(self.records.failed(), name="records"))
        # The first client finds every controller at work: else the order of events would be another.
        synced = asyncio.create_task(_all_synced(parts))
        await asyncio.wait([synced, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        if not synced.done():
            synced.cancel()
            await self.run()
        synced.result()

    async def run(self) -> None:
        """Until a part ends, which none should: a lab without it would only seem to work. Raises `LabError`."""
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
        await self._servers.close()
        # Before Azure's operations are cut short: the lab that starts next goes on with them.
        self.records.close()
        await self.compute.close()
        await self.cloud.close()
        self.volumes.close()

    def _parts(self, accounts: AccountTokens) -> list[Part]:
        """Everything that acts by itself, each through the two APIs alone."""
        probe = Prober(self._containers, self._sandbox).run
        agent_parts = AgentParts(
            self._actors, self.clock, self.ids, self.scenario, self.faults, self.files,
            self.cloud.machines.powered_off, probe,
        )  # fmt: skip
        machines = [
            *control_plane(self.api, self.clock, self.ids, self.cloud),
            *(agent_parts.parts(self.compute if self._driver else None) if self._agents else ()),
        ]
        storage = PodStorage(self.api, self.clock, self.ids, self.volumes)
        secrets_of = AccountSecrets(self.api, self.clock, self.ids, accounts)
        acting = [kind(self._actors, self.clock, self.ids) for kind in controllers(self.scenario, driver=self._driver)]
        return [*acting, secrets_of, *machines, storage, EventExpiry(self.api.store, self.clock)]

    async def _directory_of(self, volume: Object) -> str | None:
        """The name of the directory that stands for the disk or the share of a volume; None where Azure has none."""
        driver, handle = driver_and_handle(volume) or ("", "")
        if driver != FILE_DRIVER:
            return self._bytes.directory_of(handle)
        _, share = await self._share(volume)
        return None if share is None else self._bytes.directory_of_share(share)

    async def _share(self, volume: Object) -> tuple[ShareAddress, Share | None]:
        """What a volume of the file driver is mounted from; None where Azure has no such share."""
        address = await mounted_share(self.api, volume)
        account = self.cloud.storage.accounts.find(address.account)
        return address, None if account is None else self.cloud.storage.shares.find(account, address.share)

    async def _df_of_share(self, volume: Object) -> Row | None:
        """See `df_script`: a share is as large as its quota, whatever its volume says."""
        if (driver_and_handle(volume) or ("",))[0] != FILE_DRIVER:
            return None
        address, share = await self._share(volume)
        source = mount_source(volume, address)
        return None if share is None else (source, "nfs4" if is_nfs(volume) else "cifs", share.quota_gib * 2**30)

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


def _clock(speed: float) -> Clock:
    """Raises `LabError` for a speed that is not above 0."""
    try:
        return Clock(speed)
    except ValueError as error:
        raise LabError(str(error)) from error


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
