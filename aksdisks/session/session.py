"""A session: one run at work in its namespace, with its acts, waits and clean-up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from aksdisks import manifests
from aksdisks.errors import AksdisksError, AlreadyExists, NotAllowed, NotFound, Refused
from aksdisks.inspection.connection import Target, check_storage_class, connect, reach
from aksdisks.inspection.run_objects import IN_CLUSTER, check_prepared, new_run_id
from aksdisks.kube.http import path
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import NAMESPACE_LABEL, RUN_LABEL, Manifest
from aksdisks.model import Claim, Pod
from aksdisks.parameters import Parameters
from aksdisks.session.cleanup import CleanUp, Removal
from aksdisks.session.namespaced_run import NamespacedRun
from aksdisks.targets.target import TargetSettings
from aksdisks.waiting import Progress, listed, silent, wait

S = TypeVar("S")

# The lab's speed shortens delays, not the work of this machine: no wait ends earlier than this, in real seconds.
_SHORTEST_DEADLINE = 30.0


class Session(NamespacedRun):
    """One run in one namespace; open it with `open_session`. As a context manager it closes, it never cleans up.

    Every act is in the journal before it happens. Waits last `wait_timeout` of cluster time unless told otherwise
    and raise WaitTimeout with the cause that a diagnosis finds then.
    """

    def __init__(self, connection: Target, run_id: str, beside: str = "") -> None:
        """`beside`: what the name of another namespace of the run ends in; empty for its first one."""
        self.parameters = parameters = connection.parameters
        home = f"aksdisks-{run_id}" if parameters.namespace == "create" else parameters.namespace
        super().__init__(connection, run_id, f"{home}-{beside}" if beside else home, home)
        self.labels = {RUN_LABEL: run_id}
        self.objects = manifests.objects_for(parameters, self.labels)
        self.progress: Progress = connection.progress
        # The session that took the Lease gives it, and the namespace, back; a runbook within a run leaves them.
        self.holds_lease = False
        self.made_namespace = False

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def apply(self, *wanted: Manifest) -> None:
        """Apply objects of the run, such as `session.objects.claim`; idempotent.

        One outside namespaces gets the run's labels here. Raises Refused where it is another's, and for what would keep
        snapshots in Azure.
        """
        for manifest in wanted:
            self._note("apply", object=f"{manifest['kind']} {manifest['metadata']['name']}")
            if manifest["kind"] in IN_CLUSTER:
                self.cluster_objects.make(manifest)
            else:
                self.cluster_objects.check_retention(manifest)
                self.cluster.apply(manifest, self.namespace)

    def change(self, kind: str, name: str, fields: Mapping[str, Any]) -> None:
        """Change fields of an object in the run's namespace, as a merge patch does."""
        self._note("change", object=f"{kind} {name}")
        self.cluster.request("PATCH", path(kind, self.namespace, name), None, dict(fields), "merge-patch+json")

    def scale(self, kind: str, name: str, replicas: int) -> None:
        """Set the replicas of a Deployment or a StatefulSet."""
        self._note("scale", object=f"{kind} {name}", replicas=replicas)
        self.cluster.scale(kind, name, self.namespace, replicas)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object that this run made, if it is there; raises Refused for another's."""
        raw = self.cluster.find(kind, name, self.namespace)
        if raw is None:
            return
        if not self.made(raw):
            run = manifests.made_by(raw) or "no run label"
            raise Refused(object=f"{kind} {name}", expected=f"one that run {self.run_id} made", found=f"{run}")
        self._note("delete", object=f"{kind} {name}")
        self.remove(kind, name, raw["metadata"]["uid"])

    def pods(self, app: str = "") -> tuple[Pod, ...]:
        """The run's pods; `app` (`disk-pod`, `stateful-disk-pod`) reduces them to one workload's."""
        return self.cluster.pods(self.namespace, self._select(app))

    def claims(self) -> tuple[Claim, ...]:
        """The run's claims."""
        return self.cluster.claims(self.namespace, self.selector)

    def wait(self, awaited: str, states: Iterable[S | None], holds: Callable[[S], bool], **how: Any) -> S:
        """The first of the states that holds, within `wait_timeout`; `how` is as for `waiting.wait`.

        While it lasts, and at its time-out, the cause of what stands in the way in the namespace is said.
        """
        plain = {"seconds": self.real_seconds(), "progress": self.progress, "scale": self.time_scale}
        how = {**plain, "on_timeout": self.cause, **how}
        return wait(awaited, states, holds, **how)

    def wait_for(
        self,
        kind: str,
        holds: Callable[[tuple[Any, ...]], bool],
        awaited: str,
        *,
        app: str = "",
        labelled: bool = True,
    ) -> tuple[Any, ...]:
        """Watch a kind until its values hold, and give them. `labelled=False` for kinds without the run's label.

        Kinds: Pod, PersistentVolumeClaim, Deployment, StatefulSet; unlabelled Event, PersistentVolume,
        VolumeAttachment, Node.
        """
        self.lease.renew()
        states = self.cluster.follow(kind, self.namespace, self._select(app) if labelled else "")
        return self.wait(awaited, states, holds, describe=_described)

    def watch(self, *kinds: str) -> Watcher:
        """Watch kinds of the run's namespace, with arrival times: `with session.watch("Pod", "Event") as seen: …`."""
        return self.cluster.watch(kinds, self.namespace)

    def real_seconds(self, seconds: float | None = None) -> float:
        """The deadline in real seconds of a wait of cluster seconds (None: `wait_timeout`), never below 30."""
        return max(_SHORTEST_DEADLINE, (seconds or self.parameters.wait_timeout) / self.time_scale)

    def clean_up(self, seconds: float | None = None) -> CleanUp:
        """Remove what the run made and wait until it is gone; idempotent, may be called again after a failure.

        The namespace and the Lease go only with the session that made them. `seconds` of cluster time for all of it.
        """
        return Removal(self, time.monotonic() + self.real_seconds(seconds), whole=self.holds_lease).carry_out()

    def another_namespace(self, ending: str) -> Session | None:
        """The same run at work in another namespace, which is made if need be, and goes with the first.

        None where the run works in a prepared one, beside which it makes none. Raises as `open_session` does.
        """
        if self.parameters.namespace != "create":
            return None
        session = Session(self.connection, self.run_id, ending)
        self._note("apply", object=f"Namespace {session.namespace}")
        _make_namespace(session)
        session.holds_lease = session.lease.acquire()
        return session

    def close(self) -> None:
        """Give the connections back; nothing on the target changes."""
        self.connection.close()

    def _note(self, act: str, **details: Any) -> None:
        self.lease.renew()
        self.journal.write(act, namespace=self.namespace, **details)

    def _select(self, app: str) -> str:
        return f"{self.selector},app={app}" if app else self.selector


def open_session(
    parameters: Parameters, *, progress: Progress = silent, settings: TargetSettings | None = None
) -> Session:
    """Reach the target, check its rails, and make the run's namespace or take the Lease of the prepared one.

    `settings`: those of the run's target, where there is one already (None: as `connect` finds it).

    Raises InputError (ParameterError, TargetMismatch, Refused) and CannotRun (NotReachable, NotAllowed,
    NamespaceBusy); where it raises, nothing of the run is left.
    """
    connection = reach(parameters, settings, progress) if settings else connect(parameters, progress)
    check_storage_class(connection)
    create = parameters.namespace == "create"
    session = Session(connection, parameters.run_id or new_run_id())
    server, namespace = connection.cluster.server, session.namespace
    session.journal.opened(target=parameters.target, server=server, namespace=namespace, made=create)
    try:
        if create:
            _make_namespace(session)
        try:
            session.holds_lease = session.lease.acquire()
        except NotFound as error:
            raise Refused(object=f"namespace {namespace}", expected="a prepared one", found="none") from error
        if not create:
            check_prepared(session.cluster, namespace, session.run_id)
    except BaseException:
        # Interrupted or refused: take back what this opening made, and only that.
        _undo(session)
        raise
    return session


def _make_namespace(session: Session) -> None:
    """Make the run's namespace, unless this run did so before, and wait until pods can be made in it."""
    home = {} if session.namespace == session.home else {NAMESPACE_LABEL: session.home}
    manifest = manifests.namespace(session.namespace, {**session.labels, **home}, session.parameters)
    # Noted before, so that an interrupt in between leaves nothing; what is there already is not ours to undo.
    session.made_namespace = absent = session.cluster.find("Namespace", session.namespace) is None
    if absent:
        try:
            session.cluster.create(manifest)
        except AlreadyExists:
            session.made_namespace = False
    if not session.made(session.cluster.find("Namespace", session.namespace)):
        raise Refused(object=f"namespace {session.namespace}", expected="one that this run made", found="another's")
    session.made_namespace = absent  # also where the first answer was lost, and a second try found it there
    # Without the default service account the first pods would fail to be created, and events would say so.
    try:
        session.wait(
            f"the service account of namespace {session.namespace}",
            session.cluster.follow("ServiceAccount", session.namespace),
            lambda accounts: any(account.name == "default" for account in accounts),
            seconds=session.real_seconds(60.0),
            describe=_described,
            progress=silent,
        )
    except NotAllowed:
        pass  # without the right to look, the controllers' own retries must do


def _undo(session: Session) -> None:
    try:
        if session.made_namespace:
            session.cluster.delete("Namespace", session.namespace)
        elif session.holds_lease:
            session.lease.release()
    except AksdisksError as error:
        session.progress(f"namespace {session.namespace}: {error}")


def _described(found: tuple[Any, ...]) -> str:
    """A state in a line: pods and claims with their status, others by name."""
    states = ((value.name, getattr(value, "status", None) or getattr(value, "phase", "")) for value in found)
    return listed([f"{name} {state}".strip() for name, state in states], 6)
