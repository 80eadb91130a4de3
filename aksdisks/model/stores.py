"""ReplicatedStores, and which pods the addresses of a Service are: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aksdisks.model.decoding import at, find, listed, read, whole
from aksdisks.model.kubernetes import Named


def _acknowledged(raw: Any) -> tuple[tuple[str, int], ...]:
    return tuple((str(each.get("id")), each.get("generation", 0)) for each in listed(raw, "status.acknowledged"))


def _trouble(raw: Any) -> str:
    conditions = [each for each in listed(raw, "status.conditions") if each.get("status") == "False"]
    return "; ".join(f"{each.get('type')}: {each.get('reason')} {each.get('message')}".strip() for each in conditions)


def _pods(raw: Any) -> tuple[str, ...]:
    ready = [each for each in listed(raw, "endpoints") if find(each, "conditions.ready")]
    return tuple(sorted(str(find(each, "targetRef.name", "")) for each in ready))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatedStore(Named):
    """A ReplicatedStore: `acknowledged` has pairs of a write's id and its generation; `trouble` what is not as wanted.

    `term`: how often a primary was chosen, `generation`: how many writes are acknowledged; None for none yet.
    """

    replicas: int | None = whole("spec.replicas")
    writes: tuple[str, ...] = read(lambda raw: tuple(str(w.get("id")) for w in listed(raw, "spec.writes")), ())
    primary: str = at("status.primary")
    term: int | None = whole("status.term")
    generation: int | None = whole("status.generation")
    ready_replicas: int | None = whole("status.readyReplicas")
    snapshots: int | None = whole("status.snapshots")
    acknowledged: tuple[tuple[str, int], ...] = read(_acknowledged, ())
    trouble: str = read(_trouble, "")

    @property
    def status(self) -> str:
        """How it stands, in a line."""
        ready = f"{self.ready_replicas or 0} of {self.replicas or 0} replicas, generation {self.generation or 0}"
        return f"{ready}{f' ({self.trouble})' if self.trouble else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice(Named):
    """Where a Service leads: the pods of its ready addresses."""

    service: str = read(lambda raw: str(find(raw, "metadata.labels", {}).get("kubernetes.io/service-name", "")), "")
    pods: tuple[str, ...] = read(_pods, ())
