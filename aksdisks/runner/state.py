"""The result of a run while it lasts: each change is in run.json at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aksdisks.errors import AksdisksError
from aksdisks.evidence.checks import unjudged
from aksdisks.evidence.folder import EvidenceFolder, versions
from aksdisks.evidence.redaction import Redactor, environment_secrets
from aksdisks.evidence.result import RunbookResult, RunResult
from aksdisks.inspection.inventory import read_inventory
from aksdisks.model import Unknown
from aksdisks.model.checks import Status
from aksdisks.parameters import Parameters
from aksdisks.session.session import Session


class RunState:
    """What is known of a run so far, and the folder that it is written to."""

    def __init__(self, runbooks: Sequence[Path], parameters: Parameters, folder: EvidenceFolder) -> None:
        self.folder = folder
        self.folder.redactor = Redactor(environment_secrets(), patterns=parameters.redact)
        self.result = RunResult(
            run=parameters.run_id,
            target=parameters.target,
            status="not run",
            started=_now(),
            finished=None,
            parameters=parameters.model_dump(),
            versions=versions(),
            runbooks=tuple(RunbookResult(path.stem, Status.NOT_RUN, checks=unjudged(path)) for path in runbooks),
        )

    @property
    def begun(self) -> bool:
        """Whether the folder is there; before that nothing is written."""
        return self.folder.path.is_dir()

    def update(self, **changes: Any) -> None:
        """Change fields of the result, and run.json with it."""
        self.result = replace(self.result, **changes)
        self.folder.write(self.result)

    def keep_runbook(self, number: int, result: RunbookResult) -> None:
        """Put what a runbook came to in its place among the others."""
        done = self.result.runbooks
        self.update(runbooks=(*done[:number], result, *done[number + 1 :]))

    def keep_inventory(self, session: Session, when: str) -> None:
        """Write what Kubernetes and Azure show; that it cannot be read is written instead, and ends no run."""
        try:
            inventory = read_inventory(session.cluster, session.azure, session.namespace, session.time_scale)
        except AksdisksError as error:
            self.folder.document(f"inventory-{when}.json", {"unknown": str(error)})
            return
        self.folder.document(f"inventory-{when}.json", inventory)
        disks = inventory.disks
        self.update(disks={**self.result.disks, when: str(disks) if isinstance(disks, Unknown) else str(len(disks))})

    def finish(self) -> RunResult:
        """The final result, once every form of it is written and the folder is sealed."""
        self.update(finished=_now())
        self.result = self.folder.finish(self.result)
        return self.result


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
