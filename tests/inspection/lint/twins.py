"""What tests of the linter share: the rules' fixtures, a bad and a good file each, and a finding made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aksdisks.inspection.diagnosis.findings import ObjectRef
from aksdisks.inspection.lint.documents import Text
from aksdisks.inspection.lint.engine import lint
from aksdisks.inspection.lint.findings import LintFinding, LintReport
from aksdisks.inspection.lint.reading import Manifest, objects, read_files

ERROR = LintFinding(
    rule="rwo-replicas",
    level="error",
    file="web.yaml",
    line=8,
    object=ObjectRef("Deployment", "shop", "web"),
    because="4 replicas share claim data",
    fix="--- a/web.yaml\n+++ b/web.yaml\n@@ -8 +8 @@\n-  replicas: 4\n+  replicas: 1\n",
    source="https://example.org/",
    opposed_by=("kube-score (`deployment-replicas`) asks for two.",),
    text="  replicas: 4",
)
"""A finding made by hand."""
FIXTURES = Path(__file__).parent / "fixtures"


def as_live(text: str) -> list[Manifest]:
    """The objects of a text as a cluster would answer them."""
    return [
        Manifest(each.kind, each.namespace, each.name, live=each.raw) for each in objects(Text("cluster", text))
    ]  # fmt: skip


def linted(path: Path, live: Iterable[Manifest] | None = None) -> LintReport:
    """What is found in a file, against the cluster that stands beside it if there is one."""
    beside = path.parent / "cluster.yaml"
    if live is None and beside.exists():
        live = as_live(beside.read_text())
    return lint(read_files([str(path)], stdin=bytes), live)


def found(report: LintReport) -> list[tuple[str, str]]:
    """Rule and object of each finding."""
    return [(each.rule, str(each.object)) for each in report.findings]


def lint_text(text: str, live: str | None = None) -> LintReport:
    """What is found in standard input, against a cluster with these objects."""
    return lint(read_files(["-"], stdin=text.encode), None if live is None else as_live(live))
