"""A run's hold on a target: both clients, the run's id, labels and journal, its acts, waits, clean-up and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.azure import Azure
from aksdisks.cluster import Cluster, Watcher
from aksdisks.manifests import Objects
from aksdisks.model import Claim, Disk, Pod, Unknown
from aksdisks.parameters import Parameters
from aksdisks.targets import Target
from aksdisks.waiting import Progress, silent


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What a clean-up did: removed and kept are lines such as `Deployment disk-deploy`, `Disk pvc-… (retained)`."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float  # cluster seconds

    @property
    def complete(self) -> bool:
        """True when nothing of the run is left but what was asked to be retained."""
        return not self.problems


class Session:
    """Open with `open_session(parameters)`; also a context manager that closes (never cleans up by itself)."""

    run_id: str
    namespace: str
    parameters: Parameters
    target: Target
    cluster: Cluster
    azure: Azure | Unknown
    objects: Objects            # manifests.Objects: .claim .deployment .stateful_set (dicts), see manifests.py
    labels: dict[str, str]      # {"aksdisks.dev/run": run_id}
    selector: str               # "aksdisks.dev/run=<run_id>"
    time_scale: float

    # acts: each is journaled before it happens
    def apply_claim(self) -> None: ...
    def apply_deployment(self, replicas: int = 1) -> None:
        """The article's first file: the claim and the Deployment (idempotent: server-side apply)."""
    def scale_deployment(self, replicas: int) -> None: ...
    def apply_stateful_set(self, replicas: int | None = None) -> None: ...
    def scale_stateful_set(self, replicas: int) -> None: ...
    def delete_pod(self, name: str) -> None: ...
    def delete_deployment(self) -> None: ...
    def delete_stateful_set(self) -> None: ...
    def delete_claims(self, names: Sequence[str] | None = None) -> tuple[str, ...]:
        """Delete the named claims of the run (None: all); returns the names."""
        ...

    # reading, the run's objects only
    def pods(self, app: str = "") -> tuple[Pod, ...]: ...
    def claims(self) -> tuple[Claim, ...]: ...

    # waits: on_timeout adds a diagnosis; deadlines in cluster seconds, default parameters.wait_timeout
    def wait_for_pods(self, holds: Callable[[tuple[Pod, ...]], bool], awaited: str, *, app: str = "",
                      seconds: float | None = None, on_timeout: Callable[[], str] | None = None) -> tuple[Pod, ...]: ...
    def wait_for_claims(self, holds: Callable[[tuple[Claim, ...]], bool], awaited: str, **how: Any) -> tuple[Claim, ...]: ...
    def wait_for(self, kind: str, holds: Callable[[tuple[Any, ...]], bool], awaited: str, **how: Any) -> tuple[Any, ...]:
        """The same for any kind that Cluster.follow knows (Event, PersistentVolume, VolumeAttachment, …)."""
        ...
    def wait_for_disks(self, holds: Callable[[tuple[Disk, ...]], bool], awaited: str, **how: Any) -> tuple[Disk, ...] | Unknown: ...
    def watch(self, *kinds: str) -> Watcher:
        """Watch kinds of the run's namespace with arrival times in ms; `with session.watch("Pod", "Event") as seen:`."""
        ...

    def cluster_seconds(self, elapsed: float) -> float:
        """Elapsed real seconds as seconds of cluster time (× time_scale; a real cluster: the same)."""
        ...

    def clean_up(self, seconds: float | None = None) -> CleanUp: ...
    def close(self) -> None: ...


def open_session(parameters: Parameters, *, progress: Progress = silent) -> Session:
    """Reach the target, check `expect`, make or take the namespace; raises what errors.py says, exit codes 2 and 3."""
    ...
