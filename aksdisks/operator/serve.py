"""The operator's process: kopf watches stores and their pods, and each change has its store looked at."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from aksdisks.errors import AksdisksError, Conflict, InputError, NotFound
from aksdisks.kube.client import Cluster
from aksdisks.kube.exec import run
from aksdisks.kube.http import path
from aksdisks.manifests.replicated_store import CRD, GROUP, KIND, PLURAL, STORE_LABEL, VERSION
from aksdisks.operator.disks import Disks
from aksdisks.operator.lease import Lease
from aksdisks.operator.objects import Objects
from aksdisks.operator.store import AGAIN, LATER, SOON, LostLease, Stores
from aksdisks.targets.target import TargetSettings

# Before a store is looked at again after a failure, doubled each time up to the longest; real seconds.
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_ENDING = (signal.SIGINT, signal.SIGTERM)


def serve(settings: TargetSettings, namespace: str, say: Callable[[str], None], *, until_input_ends: bool) -> None:
    """Look after the stores of a namespace until SIGINT or SIGTERM, or with `until_input_ends` the end of stdin.

    Raises InputError where kopf is not installed or the kind is not defined, NotReachable and NotAllowed where the
    cluster cannot be asked.
    """
    if find_spec("kopf") is None:
        hint = "pip install 'aksdisks[operator]'"
        raise InputError(object="kopf", expected="the extra `operator`", found="none", hint=hint)
    cluster = Cluster(settings.kubernetes())
    try:
        cluster.request("GET", path(KIND, namespace), {"limit": "1"})
    except NotFound as error:
        hint = "aksdisks operator --definition | kubectl apply -f -"
        raise InputError(object=f"definition {CRD}", expected="one on the cluster", found="none", hint=hint) from error
    ended = threading.Event()
    for number in _ENDING:  # no KeyboardInterrupt: inside an import, Python may end with it though it was caught
        signal.signal(number, lambda *_: ended.set())
    lease = Lease(cluster, namespace, settings.time_scale, say)
    lease.start()
    try:
        # These take a second, in which a Lease may run out that another operator left.
        import kopf
        import kubernetes.stream  # noqa: F401 - for the first command in a pod

        logging.getLogger("kopf").setLevel(logging.WARNING)
        logging.basicConfig(stream=sys.stderr, format="%(message)s")
        hub = _hub(cluster, namespace, settings, lease, say)
        registry = _registry(kopf, hub, settings)
        asyncio.run(_operate(kopf, registry, hub, lease, namespace, ended, until_input_ends=until_input_ends))
    finally:
        lease.release()


def _hub(cluster: Cluster, namespace: str, settings: TargetSettings, lease: Lease, say: Callable[[str], None]) -> _Hub:
    client, objects = settings.kubernetes(), Objects(cluster, namespace)

    def disks(mount_path: str) -> Disks:
        return Disks(lambda pod, command: run(client, namespace, pod, command, tries=1), mount_path)

    return _Hub(objects, Stores(objects, disks, lease.check, settings.time_scale), say)


async def _operate(
    kopf: Any,
    registry: Any,
    hub: _Hub,
    lease: Lease,
    namespace: str,
    ended: threading.Event,
    *,
    until_input_ends: bool,
) -> None:
    # An event of asyncio's: for one of threads a thread would wait without end, and the process with it.
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end_with_input() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        lease.stop()  # at once: whoever ends us may remove what we look after
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop.set)

    async def take_signals(**_: Any) -> None:
        await asyncio.sleep(0)  # kopf sets its own, which fail at a second signal, in the turn in which it starts
        for number in _ENDING:
            loop.add_signal_handler(number, stop.set)
        if ended.is_set():
            stop.set()

    async def clean_up(**_: Any) -> None:
        await hub.stop()
        stop.set()  # kopf waits five seconds for whoever waits for this

    kopf.on.startup(registry=registry)(take_signals)
    kopf.on.cleanup(registry=registry)(clean_up)
    if until_input_ends:
        threading.Thread(target=end_with_input, daemon=True, name="input").start()
    how = {"registry": registry, "settings": _settings(kopf), "namespaces": [namespace]}
    await kopf.operator(standalone=True, stop_flag=stop, **how)
    for number in _ENDING:  # what is left takes a moment, and a second signal would only keep it from being done
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _settings(kopf: Any) -> Any:
    """No watches of definitions and namespaces, no events of kopf's own: that needs no rights beyond the namespace."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.batching.idle_timeout = 1.0
    return settings


def _registry(kopf: Any, hub: _Hub, settings: TargetSettings) -> Any:
    """The handlers: what changes wakes the store that it belongs to. None of them marks or finalizes an object."""
    registry = kopf.OperatorRegistry()

    async def log_in(**_: Any) -> Any:
        return _connection(kopf, settings)

    async def store_changed(name: str, **_: Any) -> None:
        hub.wake(name)

    async def pod_changed(labels: Mapping[str, str], **_: Any) -> None:
        hub.wake(labels[STORE_LABEL])

    kopf.on.login(registry=registry)(log_in)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(store_changed)
    kopf.on.event("v1", "pods", labels={STORE_LABEL: kopf.PRESENT}, registry=registry)(pod_changed)
    return registry


def _connection(kopf: Any, settings: TargetSettings) -> Any:
    """The target's endpoint and credential for kopf's own client."""
    configuration = settings.kubernetes().configuration
    header = next((each["value"] for each in configuration.auth_settings().values() if each["in"] == "header"), "")
    scheme, _, token = str(header or "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )


class _Hub:
    """A task for each store, which looks at it whenever it is woken, and now and then without that."""

    def __init__(self, objects: Objects, stores: Stores, say: Callable[[str], None]) -> None:
        self._objects, self._stores, self._say = objects, stores, say
        self._woken: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def wake(self, name: str) -> None:
        """Have a store looked at; a change that comes while that lasts has it looked at once more."""
        if name not in self._tasks:
            self._woken[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._look_after(name))
        self._woken[name].set()

    async def stop(self) -> None:
        """End all tasks; a look that is under way is waited for."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_after(self, name: str) -> None:
        pause, said = _PAUSE, ""
        while True:
            self._woken[name].clear()
            try:
                wait = await _to_end(self._stores.reconcile, name)
                pause, said = _PAUSE, ""
            except Conflict:
                wait = _PAUSE
            except LostLease:
                wait = SOON / 4
            except AksdisksError as error:
                if str(error) != said:
                    said = str(error)
                    self._say(f"store {name}: {said}")
                wait, pause = pause, min(2 * pause, _LONGEST_PAUSE)
            if wait == AGAIN:
                continue
            try:
                await asyncio.wait_for(self._woken[name].wait(), min(wait, LATER))
            except TimeoutError:
                pass


async def _to_end(look: Callable[[str], float], name: str) -> float:
    """Look in a thread; a cancellation takes effect only once the look has ended."""
    task = asyncio.create_task(asyncio.to_thread(look, name))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
