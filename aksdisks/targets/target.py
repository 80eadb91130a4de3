"""A target's name becomes two endpoints, credentials, the expected cluster and a time scale."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aksdisks.errors import AksdisksError, InputError, NotReachable
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.targets.credentials import AzureSettings, aks_azure, lab_azure
from aksdisks.targets.kubeconfig import api_client
from aksdisks.targets.lab import LabFaults, lab_in, labs

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from aksdisks.lab.persistence.state_directory import LabState


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """Where a run happens; nothing is connected yet. `time_scale`: cluster seconds in one real second, 1 on AKS.

    `faults`: what can go wrong there on purpose; None on a cluster that is no lab.
    """

    kubernetes: Callable[[], ApiClient] = field(repr=False)
    azure: AzureSettings | Unknown
    time_scale: float
    expected: str
    state_dir: Path
    faults: LabFaults | None = None


def open_target(parameters: Parameters, folder: Path | None = None) -> TargetSettings:
    """The target that the parameters name; `folder` has the lab and the journals (None: as AKSDISKS_STATE_DIR says).

    Raises NotReachable where no lab runs, InputError for a bad kubeconfig.
    """
    faults = None
    if parameters.target == "lab":
        lab = _running_lab(folder)
        client, azure, scale = partial(api_client, lab.kubeconfig), partial(lab_azure, lab), lab.speed
        faults = LabFaults(lab)
    else:
        client = partial(
            api_client, parameters.kubeconfig, parameters.context, in_cluster=parameters.cluster == "in-cluster"
        )
        azure, scale = partial(aks_azure, parameters), 1.0
    settings = Unknown("azure is off") if parameters.azure == "off" else azure()
    return TargetSettings(client, settings, scale, parameters.expect, folder or state_dir(), faults)


def server(parameters: Parameters) -> str:
    """The URL of the parameters' API server as the kubeconfig has it; empty where that cannot be told."""
    try:
        return str(open_target(parameters).kubernetes().configuration.host)
    except AksdisksError:
        return ""


def is_shared(parameters: Parameters) -> bool:
    """Whether others use the cluster and somebody pays: then a run first asks what it may, and says what it makes."""
    return parameters.target != "lab"


@dataclass(frozen=True, slots=True)
class RunTarget:
    """The target of a run, and the environment that other processes, such as kernels, need to find it."""

    settings: TargetSettings
    environment: Mapping[str, str]


@contextmanager
def run_target(parameters: Parameters) -> Iterator[RunTarget]:
    """The target of a run, for as long as the block lasts; this process's own environment stays as it is.

    A lab target gets a private lab on free ports in a temporary directory, which ends with this process whatever
    happens. A real cluster needs nothing. Raises InputError for a bad scenario, NotReachable when the lab does not
    start, and as `open_target` does.
    """
    if is_shared(parameters):
        yield RunTarget(open_target(parameters), {})
        return
    with labs():
        from aksdisks.lab.errors import ScenarioError
        from aksdisks.lab.scenario import load

        try:
            load(parameters.scenario)
        except ScenarioError as error:
            raise InputError(f"scenario: {error}") from error
    with (
        tempfile.TemporaryDirectory(prefix="aksdisks-") as folder,
        lab_in(folder, parameters.speed, parameters.scenario, ephemeral=True),
    ):
        yield RunTarget(open_target(parameters, Path(folder)), {"AKSDISKS_STATE_DIR": folder})


def state_dir() -> Path:
    """Where journals are kept: AKSDISKS_STATE_DIR, else aksdisks under XDG_STATE_HOME or ~/.local/state."""
    own = os.environ.get("AKSDISKS_STATE_DIR")
    if own:
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "aksdisks"


def _running_lab(folder: Path | None) -> LabState:
    with labs() as process:
        where = folder or process.default_state_dir()
        state: LabState | None = process.status(where)
    if state is None:
        raise NotReachable(object=f"lab in {where}", expected="one that runs", found="none", hint="aksdisks lab start")
    return state
