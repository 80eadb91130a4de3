"""What a runbook changes: each act waits until its effect is there, so that the next look sees it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from aksdisks import manifests
from aksdisks.inspection.diagnosis.sentence import named
from aksdisks.inspection.rollout import Rollout
from aksdisks.model import Pod
from aksdisks.model.workloads import Workload
from aksdisks.session.session import Session
from aksdisks.views.base import Card
from aksdisks.walkthrough.claims import kubectl

_SET = ("StatefulSet", manifests.STATEFUL_SET)


class Acts:
    """Applies, scales and deletes the article's objects; `rollout` is what the last act was seen to do."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session
        self.rollout = Rollout("")

    def apply_claim(self) -> Card:
        """Make the claim, and wait until it is bound or an event says what it waits for."""
        self._session().apply(self._session().objects.claim)
        claims = self._session().wait_for("PersistentVolumeClaim", _about(manifests.CLAIM), f"claim {manifests.CLAIM}")
        if all(claim.phase != "Bound" for claim in claims if claim.name == manifests.CLAIM):
            self._session().wait_for("Event", _about(manifests.CLAIM), f"an event of {manifests.CLAIM}", labelled=False)
        return self._done(f"Claim {manifests.CLAIM} is there", "apply -f claim.yaml")

    def apply_deployment(self, replicas: int = 1) -> Card:
        """Apply the article's first file and wait until each pod runs or is refused its volume."""
        if len(self._session().pods(manifests.DEPLOYMENT_APP)) != replicas or replicas == 1:
            objects = self._session().objects
            act = partial(self._session().apply, objects.claim, objects.deployment)
            self._roll(manifests.DEPLOYMENT_APP, 1, act)
            if replicas > 1:
                self.scale_deployment(replicas)
        return self._done(f"Deployment {manifests.DEPLOYMENT} is there", "apply -f deployment.yaml")

    def scale_deployment(self, replicas: int) -> Card:
        """Scale the Deployment and wait until each pod runs or is refused its volume."""
        name = manifests.DEPLOYMENT
        self._roll(manifests.DEPLOYMENT_APP, replicas, partial(self._session().scale, "Deployment", name, replicas))
        typed = f"""patch deploy {name} -p '{{"spec":{{"replicas":{replicas}}}}}'"""
        return self._done(f"Deployment {name} now asks for {replicas} pods", typed)

    def apply_stateful_set(self) -> Card:
        """Apply the article's second file and wait until all its pods run."""
        replicas = self._session().parameters.stateful_replicas
        act = partial(self._session().apply, self._session().objects.stateful_set)
        return self._roll_set(replicas, act, "apply -f stateful-set.yaml")

    def scale_stateful_set(self, replicas: int) -> Card:
        """Scale the StatefulSet and wait for its pods, and for the volumes of the departed to be detached."""
        typed = f"scale statefulset {manifests.STATEFUL_SET} --replicas={replicas}"
        return self._roll_set(replicas, partial(self._session().scale, *_SET, replicas), typed)

    def delete_stateful_set(self) -> Card:
        """Delete the StatefulSet and wait until its pods are gone and their volumes detached."""
        typed = f"delete statefulset {manifests.STATEFUL_SET}"
        return self._roll_set(0, partial(self._session().delete, *_SET), typed, "and its pods are gone")

    def delete_pod(self, pod: Pod) -> Card:
        """Delete a pod of the StatefulSet and wait until another runs under its name."""
        pods = self._session().pods(manifests.STATEFUL_APP)
        if pod.uid not in {each.uid for each in pods}:
            return Card(f"Pod {pod.name} was deleted before; the one that has its name now is left alone")
        self._roll(manifests.STATEFUL_APP, len(pods), partial(self._session().delete, "Pod", pod.name), without=pod.uid)
        return self._done(f"Pod {pod.name} was deleted, and runs again", f"delete pod {pod.name}")

    def delete_claim(self, name: str) -> Card:
        """Delete a claim that no pod uses and wait until its volume, and so its disk, is gone."""
        volumes = {claim.volume for claim in self._session().claims() if claim.name == name}
        self._session().delete("PersistentVolumeClaim", name)
        self._session().wait_for(
            "PersistentVolume",
            lambda found: not volumes & {volume.name for volume in found},
            f"the volume of claim {name} is gone",
            labelled=False,
        )
        return self._done(f"Claim {name} is gone, and its volume", f"delete pvc {name}")

    def leave(self) -> None:
        """Delete the workloads that are not the article's: no later runbook needs them, and their disks take places."""
        session, own = self._session(), {manifests.DEPLOYMENT, manifests.STATEFUL_SET}
        for kind in ("Deployment", "StatefulSet"):
            found: tuple[Workload, ...] = session.cluster.list(kind, session.namespace, session.selector)
            for each in found:
                if each.name not in own and not each.owner:  # what an operator made is the operator's
                    session.delete(kind, each.name)

    def _roll(self, app: str, replicas: int, act: Callable[[], object], *, without: str = "") -> None:
        """Act, then follow the pods until all run or are refused, and what departed pods used is detached."""
        keep = {manifests.CLAIM, *map(manifests.stateful_claim, range(replicas))}
        departing = [c for c in self._session().claims() if app == manifests.STATEFUL_APP and c.name not in keep]
        leaving = {claim.volume for claim in departing if claim.volume}  # a Pending claim has none
        self.rollout = rollout = Rollout(app)
        with self._session().watch("Pod", "Event", "VolumeAttachment") as watcher:
            rollout.begin(watcher.initial)
            untold = leaving - rollout.attached_volumes()
            act()
            self._session().wait(
                f"{replicas} pod{'' if replicas == 1 else 's'} of app {app}",
                rollout.follow(watcher),
                lambda now: (
                    now.settled(replicas)
                    and without not in {pod.uid for pod in now.pods.values()}
                    and not leaving & now.attached_volumes()
                ),
                describe=lambda now: f"{now.ready} of {replicas} ready; {now.describe()}",
                on_timeout=lambda: self._session().cause(named(pod.name for pod in rollout.pods.values())),
            )
        if untold and self._session().azure.unknown is None:
            awaited, names = "disks without VolumeAttachment to be detached", tuple(untold)
            held = lambda disk: bool(disk.managed_by) and disk.name.endswith(names)  # noqa: E731
            disks: Any = self._session().azure.follow_disks()
            self._session().wait(awaited, disks, lambda found: not any(map(held, found)))

    def _roll_set(self, replicas: int, act: Callable[[], object], typed: str, outcome: str = "") -> Card:
        self._roll(manifests.STATEFUL_APP, replicas, act)
        return self._done(f"StatefulSet {manifests.STATEFUL_SET} {outcome or f'runs {replicas} pods'}", typed)

    def _done(self, title: str, words: str) -> Card:
        """What an act shows: its effect, and what a person would have typed for it."""
        return Card(title, typed=kubectl(self._session().namespace, words))


def _about(name: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda found: any(name in (each.name, getattr(each, "object", "")) for each in found)
