"""An annotation with a reason takes a finding out of the report, and counts it; one without is bad input."""

from __future__ import annotations

import pytest

from aksdisks.inspection.lint.engine import lint
from tests.inspection.lint.twins import as_live, found, lint_text

pytestmark = pytest.mark.quick

CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
  annotations:
    aksdisks/lint-ignore: {}
provisioner: disk.csi.azure.com
"""
BOTH = "|\n      no-expansion: Disks of a fixed size: by contract\n\n      immediate-zonal: one zone\n"


@pytest.mark.parametrize(
    ("annotation", "left", "reasons"),
    [
        ("'no-expansion: fixed'", ["immediate-zonal"], ["fixed"]),
        (BOTH, [], ["one zone", "Disks of a fixed size: by contract"]),
        ("'static-shared: not here'", ["immediate-zonal", "no-expansion"], []),
    ],
    ids=["one", "two", "another"],
)
def test_a_reason_takes_a_finding_out(annotation: str, left: list[str], reasons: list[str]) -> None:
    report = lint_text(CLASS.format(annotation))
    assert [rule for rule, _ in found(report)] == left
    assert [each.suppressed for each in report.suppressed] == reasons
    assert report.bad_files == ()


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ("no-expansion", "expected a reason after `no-expansion:`, found none"),
        ("'no-expansion:  '", "expected a reason after `no-expansion:`, found none"),
        ("'no-expansions: x'", "expected a rule's id before a colon, found 'no-expansions' "
                               "(did you mean 'no-expansion'?)"),
        ("x", "expected a rule's id before a colon, found 'x'"),
    ],
    ids=["no-reason", "empty-reason", "near", "no-rule"],
)  # fmt: skip
def test_an_annotation_that_cannot_be_meant(annotation: str, problem: str) -> None:
    report = lint_text(CLASS.format(annotation))
    place = "-:6: StorageClass fast: annotation aksdisks/lint-ignore"
    assert [str(each) for each in report.bad_files] == [f"{place}: {problem}"]
    assert len(report.findings) == 2 and report.exit_code("never") == 2
    # In a cluster it is somebody else's, and ends nothing.
    report = lint(None, as_live(CLASS.format(annotation)))
    assert [f"{each.what}: {each.because}" for each in report.unseen] == [
        f"StorageClass fast: annotation aksdisks/lint-ignore: {problem}"
    ]
    rules = [rule for rule, _ in found(report)]
    assert rules == ["class-without-driver", "immediate-zonal", "no-expansion"] and report.exit_code("never") == 0


def test_a_pod_template_speaks_for_its_workload() -> None:
    text = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations: {aksdisks/lint-ignore: "rwo-rolling-update: one node only"}
    spec:
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""
    report = lint_text(text)
    assert found(report) == []
    assert [(each.rule, each.suppressed) for each in report.suppressed] == [("rwo-rolling-update", "one node only")]
