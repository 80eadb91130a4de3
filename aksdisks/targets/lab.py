"""Labs of this process: a private one for a program or a test, and the errors of all of them as the library's own."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aksdisks.errors import InputError, NotReachable

if TYPE_CHECKING:
    from aksdisks.lab.persistence.state_directory import LabState


@dataclass(frozen=True, slots=True)
class LabFaults:
    """The faults of a running lab: what can be made to go wrong there, and right again."""

    state: LabState = field(repr=False)

    def begin(self, name: str, object: str = "", rate: float = 1.0) -> None:
        """Let something go wrong from now on; as `Lab.fault`."""
        with _faults() as client:
            client.switch_on(self.state, name, object, rate)

    def end(self, name: str = "", object: str = "") -> tuple[str, ...]:
        """Let it go right again; as `Lab.clear_faults`."""
        with _faults() as client:
            return tuple(switch.name for switch in client.switch_off(self.state, name, object))

    def names(self) -> tuple[str, ...]:
        """The names of the faults that are on. Raises NotReachable for a lab that does not answer."""
        with _faults() as client:
            return tuple(switch.name for switch in client.switched_on(self.state))


class Lab:
    """A running lab: an emulated AKS cluster and its Azure, both over HTTPS on 127.0.0.1.

    `start_lab` makes it. It is a context manager: the lab ends with the block, at the latest with this process.
    """

    def __init__(self, state: LabState, temporary: str = "") -> None:
        """Of a lab that runs; `temporary`: a folder that is removed when the lab ends."""
        self._state = state
        self._faults = LabFaults(state)
        self._end = weakref.finalize(self, _end, state.state_dir, temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        running = "" if self.running else ", stopped"
        return f"Lab({self.scenario!r}, kubernetes={self.kubernetes!r}, {self.kube_url}{running})"

    def stop(self) -> None:
        """End the lab. A lab that has ended already is left as it is."""
        self._end()

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        with labs() as process:
            return self._end.alive and process.status(self._state.state_dir) is not None

    @property
    def kubeconfig(self) -> str:
        """The absolute path of the administrator's kubeconfig; its current context is the lab's cluster."""
        return self._state.kubeconfig

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make kubectl, Azure's SDKs and aksdisks talk to this lab, those of `aksdisks lab env`.

        They come on top of a program's own: `subprocess.run(…, env=os.environ | lab.environment)`. kubectl keeps what
        it remembers of the cluster with the lab (KUBECACHEDIR), and `aksdisks lab` finds it (AKSDISKS_STATE_DIR).
        """
        cache = str(self.state_dir / "kube-cache")
        return self._state.environment() | {"KUBECACHEDIR": cache, "AKSDISKS_STATE_DIR": self._state.state_dir}

    @property
    def state_dir(self) -> Path:
        """Where the lab keeps its state and its log, `lab.log`."""
        return Path(self._state.state_dir)

    @property
    def kube_url(self) -> str:
        """The URL of the Kubernetes API."""
        return self._state.kube_url

    @property
    def arm_url(self) -> str:
        """The URL of Azure Resource Manager; Entra ID's authority answers there too."""
        return self._state.arm_url

    @property
    def ca_bundle(self) -> str:
        """The absolute path of the PEM file with the authority that signs both servers' certificates."""
        return self._state.ca_bundle

    @property
    def subscription_id(self) -> str:
        """The subscription that all of the lab's resources are in."""
        return self._state.subscription_id

    @property
    def node_resource_group(self) -> str:
        """The resource group of the nodes' machines and of dynamically provisioned disks."""
        return self._state.node_resource_group

    @property
    def speed(self) -> float:
        """Cluster seconds that pass in one real second."""
        return self._state.speed

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return self._state.scenario

    @property
    def kubernetes(self) -> str:
        """The version of Kubernetes, such as `1.35.1`."""
        return self._state.kubernetes

    def fault(self, name: str, object: str = "", rate: float = 1.0) -> None:
        """Let something go wrong from now on; `aksdisks lab fault list` tells the names.

        `object`: only for this, as KIND/NAME (`node/…`, `disk/…`, `zone/…`); empty: for everything. `rate`: the part
        of occasions that it hits, above 0, at most 1. Raises InputError for a fault that there is not, NotReachable
        for a lab that does not answer.
        """
        self._faults.begin(name, object, rate)

    def clear_faults(self, name: str = "", object: str = "") -> tuple[str, ...]:
        """Let it go right again: one fault, for one object or altogether; no name: all. Returns the names that were on.

        Raises as `fault`.
        """
        return self._faults.end(name, object)

    def faults(self) -> tuple[str, ...]:
        """The names of the faults that are on. Raises NotReachable for a lab that does not answer."""
        return self._faults.names()


def start_lab(
    *,
    speed: float = 100.0,
    scenario: str | Path = "regional",
    kubernetes: str = "",
    state_dir: str | Path | None = None,
    timeout: float = 60.0,
) -> Lab:
    """Start a private lab on free ports; it ends with the `with` block, with `stop()`, or with this process.

    `speed`: cluster seconds in one real second. `scenario`: regional, three-zones, small-quota, availability-set,
    article-2019, or a file. `kubernetes`: a version such as `1.36`; empty: the scenario's. `state_dir`: where objects
    and disks are kept, to come back at the next start; None: a temporary folder, and nothing is kept. `timeout`: real
    seconds until it answers. Raises InputError for a bad argument, NotReachable where it does not start or the extra
    `lab` is not installed.
    """
    with labs() as process:
        _check(speed, scenario, kubernetes)
        temporary = "" if state_dir else tempfile.mkdtemp(prefix="aksdisks-lab-")
        try:
            state = process.start(
                state_dir or temporary, speed, str(scenario), timeout=timeout, parent=os.getpid(),
                ephemeral=not state_dir, kubernetes=kubernetes or None,
            )  # fmt: skip
        except BaseException:
            if temporary:
                shutil.rmtree(temporary, ignore_errors=True)
            raise
    return Lab(state, temporary)


@contextmanager
def lab_in(folder: str | Path | None, speed: float, *scenario: str, **how: Any) -> Iterator[tuple[LabState, bool]]:
    """The lab of a state directory (None: the default one), and whether it was started here: then until the end.

    Raises NotReachable where none can be started.
    """
    with labs() as process:
        where = folder or process.default_state_dir()
        running = process.status(where)
        lab = running or process.start(where, speed, *scenario, parent=os.getpid(), **how)
    try:
        yield lab, running is None
    finally:
        if running is None:
            try:
                process.stop(where)
            except process.NotRunning:
                pass  # it died before; whoever waited for it has said so


@contextmanager
def labs() -> Iterator[Any]:
    """What starts and finds labs (`aksdisks.lab.server.process`), with its errors as the library's NotReachable."""
    try:
        from aksdisks.lab.server import process
    except ModuleNotFoundError as error:
        raise NotReachable(
            object="lab", expected=f"{error.name}", found="none", hint="pip install 'aksdisks[lab]'"
        ) from error
    try:
        yield process
    except process.LabError as error:
        raise NotReachable(str(error)) from error


@contextmanager
def _faults() -> Iterator[Any]:
    """What switches a running lab's faults, with its errors as the library's."""
    with labs():
        from aksdisks.lab.errors import FaultError
        from aksdisks.lab.faults import client

        try:
            yield client
        except FaultError as error:
            raise InputError(str(error)) from error


def _check(speed: float, scenario: str | Path, kubernetes: str) -> None:
    """Refuse what cannot be meant, before a process is started for it. Raises InputError."""
    from aksdisks.lab.errors import ScenarioError
    from aksdisks.lab.scenario import load, of_version
    from aksdisks.lab.versions import complete

    if not speed > 0:
        raise InputError(object="speed", expected="cluster seconds in one second, above 0", found=repr(speed))
    try:
        wanted = load(scenario)
        if kubernetes:
            of_version(wanted, complete(kubernetes))
    except ScenarioError as error:
        raise InputError(str(error)) from error


def _end(state_dir: str, temporary: str) -> None:
    """End a lab that may have ended by itself, and remove its folder."""
    with labs() as process, suppress(process.NotRunning):
        process.stop(state_dir)
    if temporary:
        shutil.rmtree(temporary, ignore_errors=True)
