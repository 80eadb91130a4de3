"""What a diagnosis says: a finding with its cause, evidence and next steps; what could not be seen. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aksdisks.model import Named

SCHEMA = "aksdisks/diagnosis/v1"
"""The name of the form of `to_dict`; docs/diagnosis.schema.json describes it."""

Verdict = Literal["problem", "wait", "expected"]
Confidence = Literal["certain", "likely"]
Risk = Literal["none", "restarts", "data"]
Need = Literal["azure", "workloads", "contents", "attributes-classes", "driver-pods", "files"]
VERDICTS: tuple[Verdict, ...] = ("problem", "wait", "expected")
"""In the order in which findings are listed."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A Kubernetes object by kind, namespace (empty where it stands in none) and name."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, kind: str, value: Named) -> ObjectRef:
        """The reference to a value of this kind."""
        return cls(kind, value.namespace, value.name)

    def __str__(self) -> str:
        """`Pod shop/db-0`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row that a finding rests on: what is said about which object, by whom and when (None: it is so now)."""

    source: Literal["Kubernetes", "Azure"]
    object: str
    says: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A cause that looks alike and is not it, with the reason."""

    cause: str
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: a command, what it risks, and what it proves.

    `none` changes nothing or only what waits anyway, `restarts` ends a pod that runs, `data` can lose what is written.
    """

    command: str
    proves: str
    risk: Risk = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The one cause that was found for an object and a volume, on what it rests and what to do next.

    Not yet stable: fields may be added. `cause` is an id that `aksdisks explain` knows. `because` is one sentence about
    this object. `also` are less specific causes that fit as well. `volume` is the name of the PersistentVolume, or of
    the claim that has none, which it is about; it is empty for causes that are not about one. `needs` is what
    can tell more once it is read.
    """

    cause: str
    verdict: Verdict
    confidence: Confidence
    object: ObjectRef
    because: str
    evidence: tuple[Evidence, ...]
    next: tuple[Step, ...]
    ruled_out: tuple[RuledOut, ...] = ()
    also: tuple[str, ...] = ()
    docs: str = ""
    volume: str = field(default="", compare=False)
    needs: tuple[Need, ...] = field(default=(), compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The form in which findings leave the program."""
        return {
            "cause": self.cause,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "object": {"kind": self.object.kind, "namespace": self.object.namespace, "name": self.object.name},
            "because": self.because,
            "evidence": [
                {"source": row.source, "object": row.object, "says": row.says, "at": _time(row.at)}
                for row in self.evidence
            ],
            "ruled_out": [{"cause": each.cause, "because": each.because} for each in self.ruled_out],
            "also": list(self.also),
            "next": [{"command": step.command, "risk": step.risk, "proves": step.proves} for step in self.next],
            "docs": self.docs,
        }


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that was needed and could not be seen, why, and what cannot be told without it.

    `hides`: whether a problem could be there that no finding tells of.
    """

    what: str
    because: str
    limits: str
    hides: bool = True

    def to_dict(self) -> dict[str, str]:
        """The form in which it leaves the program."""
        return {"what": self.what, "because": self.because, "limits": self.limits}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found on a target at one moment, and what could not be seen."""

    target: str
    at: datetime
    findings: tuple[Finding, ...]
    unseen: tuple[Unseen, ...]

    @property
    def exit_code(self) -> int:
        """1 with a problem, else 3 where what was not seen could hide one, else 0: waits alone are no problem."""
        if any(each.verdict == "problem" for each in self.findings):
            return 1
        return 3 if any(each.hides for each in self.unseen) else 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON document that `aksdisks diagnose --format json` prints."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "at": _time(self.at),
            "findings": [each.to_dict() for each in self.findings],
            "unseen": [each.to_dict() for each in self.unseen],
        }


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By verdict (problem, wait, expected), kind, namespace, name, then volume."""
    ranks: Mapping[str, int] = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
    key = lambda each: (  # noqa: E731
        ranks[each.verdict], each.object.kind, each.object.namespace, each.object.name, each.volume, each.cause,
    )  # fmt: skip
    return tuple(sorted(findings, key=key))


def _time(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as Kubernetes writes it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
