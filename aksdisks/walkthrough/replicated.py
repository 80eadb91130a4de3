"""A store that the operator looks after, and beside it a plain StatefulSet on which the same is done."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from aksdisks import manifests
from aksdisks.errors import InputError
from aksdisks.inspection.primaries import Primaries
from aksdisks.kube.watch import Watcher
from aksdisks.manifests import replicated_store, snapshots
from aksdisks.manifests.replicated_store import CRD, GROUP, PLURAL
from aksdisks.model import NotServed, ReplicatedStore, Unknown
from aksdisks.model.checks import Holds, check
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.views.markup import View
from aksdisks.waiting import listed
from aksdisks.walkthrough import proof
from aksdisks.walkthrough.backup_views import OF_SNAPSHOT
from aksdisks.walkthrough.claims import ABOVE, kubectl
from aksdisks.walkthrough.operator_process import OperatorProcess
from aksdisks.walkthrough.replicated_views import Sides, held

STORE, PLAIN = "store", "plain"
KEPT, EVERY = 2, 60
"""How many snapshots are kept, and how often one is taken at first; cluster seconds."""
_DAILY = 86400
_KIND, _DEFINITION = replicated_store.KIND, "CustomResourceDefinition"
_SNAPSHOTS = "snapshot.storage.k8s.io"
# (resource, group, name): verbs
_RIGHTS = {
    ("customresourcedefinitions", "apiextensions.k8s.io", ""): ("list", "watch", "create"),
    ("customresourcedefinitions", "apiextensions.k8s.io", CRD): ("get", "patch", "delete"),
    (PLURAL, GROUP, ""): ("get", "list", "watch", "create", "patch", "delete"),
    (f"{PLURAL}/status", GROUP, ""): ("patch",),
    ("services", "", ""): ("get", "list", "create", "patch", "delete"),
    ("pods", "", ""): ("patch",),
    ("pods/exec", "", ""): ("create",),
    ("endpointslices", "discovery.k8s.io", ""): ("list", "watch"),
}
_RIGHTS_TO_SNAPSHOTS = {
    ("volumesnapshots", _SNAPSHOTS, ""): ("get", "list", "create", "delete"),
    ("volumesnapshotclasses", _SNAPSHOTS, ""): ("get", "create", "patch", "delete"),
    ("volumesnapshotcontents", _SNAPSHOTS, ""): ("list",),
}
_READ_LOG = replicated_store.read_command(manifests.MOUNT_PATH)
_READ_NOTES = ["sh", "-c", f"cat {manifests.MOUNT_PATH}/*.note || :"]
_IN_CLUSTER = ("customresourcedefinitions", "volumesnapshotclasses", "volumesnapshotcontents")


class Replicated:
    """Makes a store, writes to it, loses its primary, grows it; `given`: whether that may be done here."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session
        self._held = ExitStack()
        self._watcher: Watcher | None = None
        self._process: OperatorProcess | None = None
        self._seen = Primaries(STORE)
        self.given: Holds = None
        self.snapshots_given: Holds = None

    def prepare(self) -> Stack:
        """Check that the custom resource may be defined here, and if so define it and start the operator."""
        self.given, seen = self._allowed()
        made: list[View] = []
        if self.given is True and self._watcher is None:
            session = self._session()
            session.apply(replicated_store.definition({}))
            follow = session.cluster.follow(_DEFINITION)
            session.wait(f"{_KIND}s to be served", follow, lambda _: self._is_served())
            self._watcher = self._held.enter_context(session.watch("Pod"))
            self._seen.begin(self._watcher.initial)
            self._process = OperatorProcess(session)
            self._process.start()
            made.append(Card(f"{CRD} is defined, and its operator runs", typed=self._process.command))
        return Stack([*made, CheckView(check("A custom resource may be defined here", self.given, seen))])

    def make(self, replicas: int = 2) -> View:
        """Apply a store, and beside it a plain StatefulSet of as many of the same pods; wait until both are ready.

        Where the image turns out to have no shell, or no command may be run in a pod, all else is not done.
        """
        if self.given is not True:
            return _nothing()
        session = self._session()
        if session.cluster.find("StatefulSet", PLAIN, session.namespace) is None:
            session.apply(manifests.another_stateful_set(session.objects, PLAIN, replicas))
            self._plain_ready(replicas)
        shell = proof.command(session, f"{PLAIN}-0", ["sh", "-c", ":"])
        if not isinstance(shell, str):
            self.given = shell
            why = "the image has no shell" if shell is None else shell.because
            return Card("The operator cannot write to the disks of these pods", [("why", why)])
        wanted = replicated_store.store(STORE, session.labels, **self._spec(replicas))
        if session.cluster.find(_KIND, STORE, session.namespace) is None:
            if self.snapshots_given is True:
                session.apply(snapshots.volume_snapshot_class(self._class_name, session.labels))
            session.apply(wanted)
            self._settled(replicas)
        body = manifests.as_yaml(wanted)
        return Card("store.yaml", content=body, typed=kubectl(session.namespace, "apply -f store.yaml"))

    def write(self, *values: str) -> Card:
        """Ask for writes and wait until they are acknowledged; the plain set's first pod is given the same."""
        if self.given is not True:
            return _nothing()
        session = self._session()
        there = session.cluster.get(_KIND, STORE, session.namespace)["spec"].get("writes") or []
        new = [value for value in values if value not in {write["value"] for write in there}]
        added = [{"id": f"write-{number}", "value": value} for number, value in enumerate(new, len(there) + 1)]
        self._change({"writes": [*there, *added]})
        wanted = {write["id"] for write in (*there, *added)}
        self._wait_for_store("the writes to be acknowledged", lambda store: wanted <= dict(store.acknowledged).keys())
        noted = "".join(f"{write['id']} {write['value']}\n" for write in (*there, *added))
        proof.write_one(session, f"{PLAIN}-0", noted)
        patch = '[{"op":"add","path":"/spec/writes/-","value":{"id":"ID","value":"TEXT"}}]'
        typed = kubectl(session.namespace, f"patch {_KIND.lower()} {STORE} --type json -p '{patch}'")
        lines = [(write["id"], write["value"]) for write in (*there, *added)]
        return Card(f"Acknowledged: {len(lines)} writes", lines, typed=typed)

    def lose_primary(self, *, with_operator: bool = False) -> Card:
        """Delete the primary's pod, and wait until another pod is the primary and all are ready again.

        `with_operator`: once no pod is the primary, the operator is killed, and started again.
        """
        if self.given is not True:
            return _nothing()
        session, before = self._session(), self._store()
        plain = next((pod.uid for pod in session.pods(PLAIN) if pod.name == f"{PLAIN}-0"), "")
        self._catch_up()
        self._seen.moments.clear()
        session.delete("Pod", before.primary)
        if not with_operator:
            session.delete("Pod", f"{PLAIN}-0")
        elif self._process is not None:
            self._wait("the primary to be gone", lambda seen: seen.now != (before.primary,))
            self._process.kill()
            self._process.start()
        term = before.term or 0
        self._wait_for_store(
            "another primary", lambda store: (store.term or 0) > term and store.primary != before.primary
        )
        self._settled(before.replicas or 1)
        if not with_operator:
            self._plain_ready(before.replicas or 1, without=plain)
        typed = kubectl(session.namespace, f"delete pod {before.primary}")
        killed = "; the operator was killed meanwhile, and started again" if with_operator else ""
        return Card(f"Pod {before.primary} was deleted; {self._store().primary} is the primary{killed}", typed=typed)

    def moments(self) -> Table:
        """What the watch saw of the store's pods since the primary's was deleted, in cluster seconds."""
        self._catch_up()
        moments, scale = self._seen.moments, self._session().time_scale
        began = moments[0][0] if moments else 0.0
        rows = [(f"{(at - began) * scale:.0f} s", pod, said) for at, pod, said in moments]
        return Table("From the loss of the primary on", ("after", "pod", "what the watch saw"), rows)

    @property
    def never_two(self) -> tuple[Holds, str]:
        """Whether the watch never showed two primaries, and what it showed."""
        if self.given is not True:
            return self.given, "nothing was made here"
        self._catch_up()
        return self._seen.most == 1, f"primaries at once: {self._seen.most} at most; promotions: {self._store().term}"

    def grow(self, replicas: int) -> Card:
        """Ask for more replicas, of the plain set too, and wait until they are ready."""
        if self.given is not True:
            return _nothing()
        self._change({"replicas": replicas})
        self._session().scale("StatefulSet", PLAIN, replicas)
        self._settled(replicas)
        self._plain_ready(replicas)
        patch = f'{{"spec":{{"replicas":{replicas}}}}}'
        typed = kubectl(self._session().namespace, f"patch {_KIND.lower()} {STORE} --type merge -p '{patch}'")
        return Card(f"The store has {replicas} replicas", typed=typed)

    def let_snapshots_rotate(self) -> Card:
        """Wait until a snapshot more than are kept was taken and the oldest is gone; from then on take one a day."""
        if self.given is not True or self.snapshots_given is not True:
            return Card("No snapshots are taken here", [("why", str(self.snapshots_given or "the cluster has none"))])
        session = self._session()
        taken: set[str] = set()

        def rotated(found: Iterable[Any]) -> bool:
            taken.update(each.name for each in found)
            return len(taken) > KEPT and sum(each.ready for each in found) >= KEPT

        spec = session.cluster.get(_KIND, STORE, session.namespace)["spec"]
        if spec["snapshots"]["everySeconds"] != _DAILY:
            session.wait_for("VolumeSnapshot", rotated, f"snapshot number {KEPT + 1}")
            self._change({"snapshots": self._schedule(_DAILY)})
        kept = lambda found: len(found) == KEPT and all(each.ready for each in found)  # noqa: E731
        session.wait_for("VolumeSnapshot", kept, f"{KEPT} snapshots to be left")
        self._wait_for_azure()
        typed = kubectl(session.namespace, "get volumesnapshots")
        return Card(f"Snapshots were taken every {EVERY} s, from now on one a day; {KEPT} are kept", typed=typed)

    def look(self) -> Sides:
        """The store, its pods, where its Services lead, what is on the disks, and the snapshots, now."""
        if self.given is not True:
            return Sides()
        session = self._session()
        cluster, space = session.cluster, session.namespace
        slices = cluster.list("EndpointSlice", space)
        pods = self._roles()
        plain = sorted(pod.name for pod in session.pods(PLAIN))
        contents = cluster.volume_snapshot_contents() if self.snapshots_given is True else ()
        return Sides(
            self._store(),
            pods,
            {each.service: each.pods for each in slices if each.service.startswith(f"{STORE}-")},
            {pod: held(proof.command(session, pod, _READ_LOG)) for pod in pods},
            {
                pod: held(proof.command(session, pod, ["sh", "-c", f"cat {manifests.MOUNT_PATH}/*.note || :"]))
                for pod in plain
            },
            contents if isinstance(contents, Unknown) else tuple(c for c in contents if c.snapshot_namespace == space),
            session.azure.snapshots() if self.snapshots_given is True else (),
            space,
        )

    def write_one_id_twice(self) -> None:
        """Ask for two writes of one id; raises ApiError with the API server's words."""
        self._change({"writes": [{"id": "same", "value": "one"}, {"id": "same", "value": "two"}]})

    def is_promoted_by_hand(self, before: Sides) -> bool:
        """Whether a primary was chosen since that look."""
        then = before.store.term if before.store else None
        return self.given is True and (self._store().term or 0) > (then or 0)

    def log(self) -> Card:
        """What the operator said so far."""
        said = self._process.log if self._process is not None else ""
        return Card("What the operator said", content=said or "nothing: none was started here")

    def close(self) -> None:
        """End the operator and the watch; what they made stays."""
        if self._process is not None:
            self._process.close()
        self._held.close()
        self._watcher = None

    @property
    def _class_name(self) -> str:
        return f"aksdisks-{self._session().run_id}"

    def _allowed(self) -> tuple[Holds, str]:
        """Whether this may be done here, and what was seen of that; decides on snapshots, too."""
        if importlib.util.find_spec("kopf") is None:
            return None, "kopf is not installed: pip install 'aksdisks[operator]'"
        for missing in self._missing(_RIGHTS):
            return (None, missing) if "customresourcedefinitions" in missing else (Unknown(missing), "not allowed")
        served = self._session().cluster.volume_snapshot_classes()
        self.snapshots_given = None if isinstance(served, NotServed) else True
        for missing in self._missing(_RIGHTS_TO_SNAPSHOTS) if self.snapshots_given else ():
            self.snapshots_given = Unknown(missing)
            break
        return True, "the rights to define one, and to use it"

    def _missing(self, rights: Any) -> Iterable[str]:
        for (resource, group, name), verbs in rights.items():
            space = "" if resource in _IN_CLUSTER else self._session().namespace
            for verb in verbs:
                if self._session().cluster.allowed(verb, resource, group, space, name) is not True:
                    yield f"this identity may not {verb} {resource}"

    def _is_served(self) -> bool:
        found = self._session().cluster.get(_DEFINITION, CRD).get("status") or {}
        conditions = {each["type"]: each["status"] for each in found.get("conditions") or ()}
        return conditions.get("Established") == "True"

    def _spec(self, replicas: int) -> dict[str, Any]:
        session = self._session()
        template = manifests.another_stateful_set(session.objects, STORE, replicas)["spec"]["template"]
        del template["spec"]["containers"][0]["volumeMounts"]
        parameters = session.parameters
        spec: dict[str, Any] = {"replicas": replicas, "size": parameters.size}
        spec |= {"storageClassName": parameters.storage_class, "mountPath": manifests.MOUNT_PATH}
        if self.snapshots_given is True:
            spec["snapshots"] = self._schedule(EVERY)
        return {**spec, "template": template}

    def _schedule(self, every: int) -> dict[str, Any]:
        return {"everySeconds": every, "keep": KEPT, "className": self._class_name}

    def _change(self, spec: dict[str, Any]) -> None:
        session = self._session()
        session.change(_KIND, STORE, {"spec": spec})

    def _store(self) -> ReplicatedStore:
        session = self._session()
        found: tuple[ReplicatedStore, ...] = session.cluster.list(_KIND, session.namespace, session.selector)
        for each in found:
            if each.name == STORE:
                return each
        raise InputError(object=f"store {STORE}", expected="one", found="none", hint=ABOVE)

    def _settled(self, replicas: int) -> None:
        """Wait until all replicas hold all that is acknowledged, and the Services lead to them."""
        self._wait_for_store(
            f"{replicas} replicas to be in step",
            lambda store: store.ready_replicas == store.replicas == replicas and not store.trouble,
        )
        session = self._session()

        def lead(found: Iterable[Any]) -> bool:
            led = {pod: each.service for each in found for pod in each.pods}
            services = {"primary": f"{STORE}-primary", "replica": f"{STORE}-replicas"}
            roles = self._roles()
            return len(roles) == replicas and all(led.get(pod) == services[role] for pod, role in roles.items())

        slices = session.cluster.follow("EndpointSlice", session.namespace)
        session.wait(
            "the Services to lead to them", slices, lead, describe=lambda found: listed([e.name for e in found])
        )

    def _roles(self) -> dict[str, str]:
        """The roles of the store's pods that have one, by their labels."""
        session = self._session()
        pods = session.cluster.pods(session.namespace, f"{replicated_store.STORE_LABEL}={STORE}")
        roles = ((pod.name, pod.labels.get(replicated_store.ROLE_LABEL, "")) for pod in pods)
        return {pod: role for pod, role in roles if role}

    def _plain_ready(self, replicas: int, without: str = "") -> None:
        self._session().wait_for(
            "Pod",
            lambda pods: sum(pod.ready and pod.uid != without for pod in pods) == replicas,
            f"{replicas} pods of {PLAIN}",
            app=PLAIN,
        )

    def _wait_for_store(self, awaited: str, holds: Callable[[ReplicatedStore], bool]) -> None:
        def of_ours(found: Iterable[ReplicatedStore]) -> bool:
            if self._process is not None and self._process.ended:
                said = self._process.log.strip().rpartition("\n")[2]
                raise InputError(object="the operator", expected="one that runs", found=f"it ended: {said}")
            return any(each.name == STORE and holds(each) for each in found)

        self._session().wait_for(_KIND, of_ours, awaited)

    def _wait(self, awaited: str, holds: Callable[[Primaries], bool]) -> None:
        if self._watcher is None:
            raise InputError(object="the store", expected="one that is watched", found="none", hint=ABOVE)
        self._session().wait(
            awaited, self._seen.follow(self._watcher), holds, describe=lambda seen: ", ".join(seen.now)
        )

    def _catch_up(self) -> None:
        """Take over what the watch has shown so far."""
        if self._watcher is not None:
            self._wait("the watch", lambda _: True)
            for seen in self._seen.follow(self._watcher):
                if seen is None:  # nothing comes just now
                    return

    def _wait_for_azure(self) -> None:
        """Wait until Azure has the snapshots that Kubernetes has, and no other of them; not where it says nothing."""
        session = self._session()
        if session.azure.unknown is None and not isinstance(session.azure.snapshots(), Unknown):
            states: Any = session.azure.follow_snapshots()
            ours = f"{OF_SNAPSHOT}namespace"
            kept = lambda found: sum(each.tags.get(ours) == session.namespace for each in found) == KEPT  # noqa: E731
            session.wait(f"{KEPT} snapshots to be left in Azure", states, kept)


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see above: no custom resource, or no shell in the pods")])
