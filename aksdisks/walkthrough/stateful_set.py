"""The StatefulSet: the names that its template gives, its pods, its retention policy, and how its pods come and go."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks import manifests
from aksdisks.errors import InputError
from aksdisks.inspection.comparison import Said, by_age
from aksdisks.inspection.rollout import Rollout
from aksdisks.model import Pod, Unknown
from aksdisks.model.checks import check
from aksdisks.parameters import Parameters
from aksdisks.session.session import Session
from aksdisks.views.base import Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.views.look import Look
from aksdisks.walkthrough.claims import ABOVE


class StatefulSet:
    """Reads the article's StatefulSet; changes nothing."""

    def __init__(self, session: Callable[[], Session], parameters: Parameters, rollout: Callable[[], Rollout]) -> None:
        """`session` gives the open session, or raises; `rollout`: what the last act was seen to do."""
        self._session = session
        self._parameters = parameters
        self._rollout = rollout

    def pod(self, ordinal: int) -> Pod:
        """The StatefulSet's pod with this number, as it is now."""
        wanted = manifests.stateful_pod(ordinal)
        for pod in self._session().pods(manifests.STATEFUL_APP):
            if pod.name == wanted:
                return pod
        raise InputError(object=f"pod {wanted}", expected="one", found="none", hint=ABOVE)

    def claim_name(self, ordinal: int) -> str:
        """The name of the claim of the StatefulSet's pod with this number."""
        return manifests.stateful_claim(ordinal)

    def claim_names(self) -> Said:
        """The claims that the StatefulSet will have, written down from its template alone."""
        return frozenset(map(manifests.stateful_claim, range(self._parameters.stateful_replicas)))

    def highest_first(self, fewer: int) -> tuple[str, ...]:
        """The pods above `fewer`, the highest ordinal first."""
        return tuple(map(manifests.stateful_pod, reversed(range(fewer, self._parameters.stateful_replicas))))

    def retention_policy(self) -> Stack:
        """What the StatefulSet does with its claims, with the check that it keeps them."""
        raw = self._session().cluster.get("StatefulSet", manifests.STATEFUL_SET, self._session().namespace)
        policy = raw["spec"].get("persistentVolumeClaimRetentionPolicy", {})
        shown = Table("persistentVolumeClaimRetentionPolicy", ("when", "then"), sorted(policy.items()))
        kept = set(policy.values()) <= {"Retain"}
        made = check("The set keeps its claims", kept, ", ".join(policy.values()) or "no policy")
        return Stack([shown, CheckView(made)])

    def started_in_turn(self, look: Look) -> Said:
        """The disks in the order of their pods' start, as far as each pod came after the one before it ran."""
        disks = {c.pod.name: c.volume.disk_name for c in look.inventory.chains if c.pod and c.volume}
        order, ran = [], 0.0
        for moments in self._rollout().timeline(look.inventory, 1.0):
            if moments.created is None or moments.started is None or moments.created < ran or moments.pod not in disks:
                break
            order.append(disks[moments.pod])
            ran = moments.started
        return tuple(order) or Unknown("the pods ran before this runbook looked")

    def made_in_turn(self, look: Look) -> Said:
        """The disks in the order in which Azure made them."""
        return by_age(look.azure.births)

    def left_in_turn(self) -> tuple[str, ...]:
        """The pods that went during the last act, in that order."""
        return tuple(self._rollout().gone)
