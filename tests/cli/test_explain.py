"""`aksdisks explain`: causes and rules alike, listed and by id."""

from __future__ import annotations

from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.inspection.diagnosis.catalogue import catalogue as causes
from aksdisks.inspection.lint.catalogue import catalogue as rules


def test_all_causes_and_rules_are_listed_and_no_id_is_both() -> None:
    listed = [line.split()[:2] for line in CliRunner().invoke(app, ["explain"]).stdout.splitlines()]
    assert listed == [[each.id, each.verdict] for each in causes().values()] + [
        [each.id, each.level] for each in rules().values()
    ]
    assert not set(causes()) & set(rules())


def test_the_page_of_one() -> None:
    cause = CliRunner().invoke(app, ["explain", "shared-claim"])
    assert cause.stdout.startswith("shared-claim (problem)\nSeveral pods share one ReadWriteOnce claim")
    assert "\nHow it is recognised\n" in cause.stdout
    rule = CliRunner().invoke(app, ["explain", "fsgroup-recursive"])
    assert rule.stdout.startswith("fsgroup-recursive (warning)\nAt each start of its pods the kubelet gives")
    assert "\nWhy it hurts\n" in rule.stdout


def test_one_that_is_not_there() -> None:
    unknown = CliRunner().invoke(app, ["explain", "shared-clam"])
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "aksdisks: cause or rule: expected one that `aksdisks explain` lists, found 'shared-clam' "
        "(did you mean 'shared-claim'?)\n",
    )
    near = CliRunner().invoke(app, ["explain", "rwo-replica"])
    assert near.stderr.endswith("(did you mean 'rwo-replicas'?)\n")


def test_the_shell_completes_ids_of_both() -> None:
    asked = {"_AKSDISKS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "aksdisks explain fsgroup-"}
    done = CliRunner().invoke(app, [], env=asked, prog_name="aksdisks")
    assert {"fsgroup-slow", "fsgroup-recursive"} <= set(done.stdout.replace('"', " ").split()), done.stdout
