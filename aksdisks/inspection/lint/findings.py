"""What the linter says: findings with place, reason and fix; what was suppressed, bad or unseen. Frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from aksdisks.inspection.diagnosis.findings import ObjectRef, Unseen

SCHEMA = "aksdisks/lint/v1"
"""The name of the form of `to_dict`; docs/lint.schema.json describes it."""

Level = Literal["error", "warning", "note"]
FailOn = Literal["error", "warning", "never"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding:
    """That a rule fits an object: where, why, and what to change.

    `file` is the path as it was given, `-` for standard input and empty for an object of the cluster; `line` counts
    from 1, and is 0 where there is no file. `because` is one sentence about this object. `fix` is a unified diff
    against the file, for an object of the cluster a command or a diff; empty where there is none to give. `source` is
    an address. `opposed_by` are checks of other linters that ask for the opposite. `suppressed` is the reason that the
    object gives for leaving it as it is; empty where it is not suppressed. `text` is that line of the file.
    """

    rule: str
    level: Level
    file: str
    line: int
    object: ObjectRef
    because: str
    fix: str = ""
    source: str = ""
    opposed_by: tuple[str, ...] = ()
    suppressed: str = ""
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The form in which findings leave the program."""
        return {
            "rule": self.rule,
            "level": self.level,
            "file": self.file,
            "line": self.line,
            "object": {"kind": self.object.kind, "namespace": self.object.namespace, "name": self.object.name},
            "because": self.because,
            "fix": self.fix,
            "source": self.source,
            "opposed_by": list(self.opposed_by),
        }


def fails(finding: LintFinding, fail_on: FailOn) -> bool:
    """Whether a finding is at or above the level; `never`: none is."""
    return fail_on != "never" and LEVELS.index(finding.level) <= LEVELS.index(fail_on)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BadFile:
    """A file that could not be read as manifests, at which line (0: no line is to blame), and why."""

    file: str
    line: int
    because: str

    def __str__(self) -> str:
        """`web.yaml:3: …`, as compilers write it."""
        return f"{self.file}:{self.line}: {self.because}" if self.line else f"{self.file}: {self.because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """All that was found in some files and objects; findings and suppressed ones by file, line and rule.

    `files` are those that were read, the bad ones included; `objects` is how many objects were looked at. `unseen` is
    what could not be read of a cluster.
    """

    findings: tuple[LintFinding, ...]
    suppressed: tuple[LintFinding, ...] = ()
    bad_files: tuple[BadFile, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    files: tuple[str, ...] = ()
    objects: int = 0

    @classmethod
    def of(
        cls,
        found: Iterable[LintFinding],
        *,
        bad_files: Iterable[BadFile] = (),
        unseen: Iterable[Unseen] = (),
        files: Iterable[str] = (),
        objects: int = 0,
    ) -> LintReport:
        """The report of findings in any order; those with a reason in `suppressed` stand apart."""
        ordered = sorted(found, key=lambda each: (each.file, each.line, each.rule, str(each.object), each.because))
        return cls(
            findings=tuple(each for each in ordered if not each.suppressed),
            suppressed=tuple(each for each in ordered if each.suppressed),
            bad_files=tuple(sorted(bad_files)),
            unseen=tuple(unseen),
            files=tuple(files),
            objects=objects,
        )

    def exit_code(self, fail_on: FailOn) -> int:
        """2 with a bad file, else 1 with a finding at or above `fail_on`, else 3 where one could be unseen, else 0."""
        if self.bad_files:
            return 2
        if any(fails(each, fail_on) for each in self.findings):
            return 1
        return 3 if fail_on != "never" and any(each.hides for each in self.unseen) else 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON document that `aksdisks lint --format json` prints."""
        return {
            "schema": SCHEMA,
            "findings": [each.to_dict() for each in self.findings],
            "suppressed": [each.to_dict() | {"reason": each.suppressed} for each in self.suppressed],
            "bad_files": [{"file": each.file, "line": each.line, "because": each.because} for each in self.bad_files],
            "unseen": [each.to_dict() for each in self.unseen],
            "files": len(self.files),
            "objects": self.objects,
        }
