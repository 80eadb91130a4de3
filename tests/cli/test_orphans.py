"""`aksdisks orphans` on the tests' lab: listed, asked about, deleted; bystanders stay, and a kill does no harm."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.lab.server.process import LabState
from tests import orphans
from tests.cli.command import AKSDISKS
from tests.lab.breaking import Broken, claim, pod_spec, workload
from tests.processes import running
from tests.programs import needs

pytestmark = needs("kubectl")
SEED = 20261130


@pytest.fixture(scope="module")
def shop(lab: LabState, lab_environment: Mapping[str, str]) -> Iterator[Broken]:
    """A namespace whose disks are ours to delete."""
    shop = Broken(lab, lab_environment, "orphaned")
    shop.kubectl("create", "namespace", "orphaned")
    yield shop
    orphans.remove_all(shop, "pvc-left")
    shop.kubectl("delete", "namespace", "orphaned", "--wait=false")


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


def ask(shop: Broken, state_dir: Path, *arguments: str, typed: str | None = None) -> Any:
    """The command in this process, for disks of the namespace that nothing has had for a moment."""
    gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_")) or name == "KUBECONFIG"}
    where = gone | dict(shop.environment) | {"AKSDISKS_STATE_DIR": str(state_dir)}
    return CliRunner().invoke(app, ["orphans", "-n", "orphaned", "--grace", "0s", *arguments], env=where, input=typed)


def group(shop: Broken) -> str:
    return shop.state.node_resource_group


def test_the_list_has_reason_price_command_and_sum_in_each_format(shop: Broken, state_dir: Path) -> None:
    made = orphans.make(shop, "pvc-left-1")
    shown = ask(shop, state_dir)
    assert shown.exit_code == 0, shown.output
    words = " ".join(shown.stdout.split())
    assert "orphan pvc-left-1 25 GiB Premium_LRS" in words and "it was made for claim orphaned/data" in words
    assert f"az disk delete --ids {made.id}" in shown.stdout
    assert "1 disk may go" in words
    found = json.loads(ask(shop, state_dir, "--format", "json").stdout)
    (row,) = found["orphans"]
    assert (found["schema"], found["resource_group"], found["unseen"]) == ("aksdisks/orphans/v1", group(shop), [])
    columns = ("id", "size_gib", "sku", "namespace", "claim", "volume")
    assert [row[name] for name in columns] == [made.id, 25, "Premium_LRS", "orphaned", "orphaned/data", "pvc-left-1"]
    assert row["commands"] == [f"az disk delete --ids {made.id}"] and row["because"]
    (line,) = csv.DictReader(io.StringIO(ask(shop, state_dir, "--format", "csv").stdout))
    assert {name: line[name] for name in ("name", "verdict", "size_gib")} == {
        "name": "pvc-left-1", "verdict": "orphan", "size_gib": "25"
    }  # fmt: skip
    assert not (state_dir / "orphans").exists()
    young = ask(shop, state_dir, "--grace", "7d")
    assert (young.exit_code, "nothing may go; 1 is younger than the grace" in young.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        pytest.param(["--delete"], None, "--delete: expected a terminal", id="nobody to ask"),
        pytest.param(["--delete"], "MC_other\n", "--delete: expected a terminal", id="an answer through a pipe"),
        pytest.param(["--delete", "--yes-delete-from", "MC_other"], None, "found 'MC_other'", id="another group"),
        pytest.param(["--snapshot"], None, "--snapshot: expected --delete beside it", id="a snapshot of nothing"),
        pytest.param(["--yes-delete-from", "MC_x"], None, "expected --delete beside it", id="yes to nothing"),
        pytest.param(["-A"], None, "-n and -A: expected one of them", id="both"),
        pytest.param(["--grace", "soon"], None, "--grace: expected a duration such as 30m", id="no duration"),
        pytest.param(["--prices", "/nowhere.json"], None, "/nowhere.json", id="no price list"),
    ],
)
def test_bad_input_is_told_and_deletes_nothing(
    shop: Broken, state_dir: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], typed: str, words: str
) -> None:
    orphans.make(shop, "pvc-left-1")
    with orphans.changes_of_azure(monkeypatch) as asked:
        done = ask(shop, state_dir, *arguments, typed=typed)
    assert (done.exit_code, words in done.stderr, asked) == (2, True, []), done.output


@pytest.mark.parametrize("answer", ["", "yes", "MC_other"])
def test_another_answer_deletes_nothing(
    shop: Broken, state_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    orphans.make(shop, "pvc-left-1")
    monkeypatch.setattr("aksdisks.cli.orphans.asks_a_person", lambda: True)
    with orphans.changes_of_azure(monkeypatch) as asked:
        done = ask(shop, state_dir, "--delete", typed=f"{answer}\n")
    assert (done.exit_code, "nothing was deleted" in done.stderr, asked) == (2, True, []), done.output
    assert "pvc-left-1" in done.stdout


def test_bystanders_stay_and_the_orphan_goes(shop: Broken, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attached behind Kubernetes' back, of another cluster, a person's, of a claim that waits, of a set at 0."""
    orphans.make(shop, "pvc-left-1")
    orphans.make(shop, "pvc-left-attached")
    others = {
        "k8s-azure-cluster-name": "another",
        "kubernetes-cluster-name": "another",
        "aks-managed-cluster-name": "another",
    }
    orphans.make(shop, "pvc-left-another", tags=orphans.tags("data", "orphaned", "pvc-left-another") | others)
    orphans.make(shop, "pvc-left-persons", tags={"owner": "somebody"})
    waiting = claim("restored")
    waiting["spec"]["dataSource"] = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "none"}
    shop.apply(waiting)
    orphans.make(shop, "pvc-left-restored", "restored")
    shop.apply(workload("StatefulSet", "set", 1, pod_spec(), claim("set")))
    shop.running("set-0")
    of_set = shop.volume("set-set-0")
    shop.kubectl("scale", "statefulset", "set", "--replicas=0")
    shop.wait("delete", "pod/set-0")
    named = orphans.make(shop, "pvc-left-named")
    shop.apply(orphans.volume("orphaned-named", named.id))
    before = orphans.ids(shop, "pvc-left-") | orphans.ids(shop, of_set)
    monkeypatch.setattr("aksdisks.cli.orphans.asks_a_person", lambda: True)
    with shop.fault("disk-elsewhere", "disk/pvc-left-attached"), orphans.changes_of_azure(monkeypatch) as asked:
        done = ask(shop, state_dir, "--delete", "--snapshot", typed=f"{group(shop)}\n")
    assert done.exit_code in (0, 3), done.output  # a disk of another cluster is unknown
    assert re.fullmatch(r"PUT pvc-left-1-\w+\nDELETE pvc-left-1", "\n".join(asked)), asked
    after = orphans.ids(shop, "pvc-left-") | orphans.ids(shop, of_set)
    assert before.keys() - after.keys() == {"pvc-left-1"}
    assert {name: id_ for name, id_ in before.items() if name != "pvc-left-1"} == after and of_set in after
    (journal,) = state_dir.glob("orphans/*/journal.jsonl")
    assert [json.loads(line)["act"] for line in journal.read_text().splitlines()] == ["snapshot", "delete", "deleted"]
    shop.kubectl("delete", "pv", "orphaned-named")
    shop.kubectl("delete", "pvc", "restored", "set-set-0")


def test_a_script_deletes_and_reads_what_became_of_it(shop: Broken, state_dir: Path) -> None:
    made = orphans.make(shop, "pvc-left-2")
    done = ask(shop, state_dir, "--delete", "--yes-delete-from", group(shop).lower(), "--format", "json")
    found = json.loads(done.stdout)
    ended = {each["disk"]: each["outcome"] for each in found["outcomes"]}
    assert ended[made.id] == "deleted", done.output
    assert "pvc-left-2" not in orphans.ids(shop, "pvc-left-")


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("MC_other", 2), ("", 0)], ids=["another", "the group's"])
def test_on_a_terminal_the_group_s_name_is_asked_for(shop: Broken, state_dir: Path, answer: str, code: int) -> None:
    made = orphans.make(shop, "pvc-left-asked")
    command = [AKSDISKS, "orphans", "-n", "orphaned", "--grace", "0s", "--delete"]
    environment = {**shop.environment, "AKSDISKS_STATE_DIR": str(state_dir)}
    person, terminal = os.openpty()
    try:
        os.write(person, f"{answer or group(shop)}\n".encode())
        streams = {"stdin": terminal, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with running(command, env=environment, text=True, **streams) as process:
            shown, said = process.communicate(timeout=60)
    finally:
        os.close(person)
        os.close(terminal)
    assert process.returncode == code, said
    assert f"az disk delete --ids {made.id}" in shown and f"resource group, {group(shop)}, to delete" in said
    assert ("pvc-left-asked" in orphans.ids(shop, "pvc-left-")) is (code == 2)


@pytest.mark.parametrize("arguments", [[], ["--delete", "--yes-delete-from", "MC_disks_article_westeurope"]])
def test_while_azure_cannot_be_asked_nothing_is_deleted(
    shop: Broken,
    state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    arguments: list[str],
) -> None:
    orphans.make(shop, "pvc-left-1")
    named = orphans.make(shop, "pvc-left-named")
    taken = {"claimRef": {"kind": "PersistentVolumeClaim", "namespace": "orphaned", "name": "data"}}
    shop.apply(orphans.volume("named", named.id, **taken))  # of this disk Kubernetes tells, and of no orphan
    request.addfinalizer(lambda: shop.kubectl("delete", "pv", "named"))
    nobody = replace(shop, environment={**shop.environment, "AZURE_CLIENT_SECRET": "wrong"})
    with orphans.changes_of_azure(monkeypatch) as asked:
        done = ask(nobody, state_dir, *arguments)
    assert (done.exit_code, asked) == (3, []), done.output
    assert "Azure accepts no credential" in done.output and "nothing may go, as far as could be seen" in done.output


def _moments(count: int) -> list[tuple[float, signal.Signals]]:
    """Seconds after the first line of the journal, and signals; the same ones each time."""
    chance = random.Random(SEED)
    signals = (signal.SIGKILL, signal.SIGINT)
    return [(chance.uniform(0.0, 1.5), signals[number % 2]) for number in range(count)]


@pytest.mark.parametrize(
    ("after", "by"),
    [*_moments(2), *(pytest.param(*moment, marks=pytest.mark.slow) for moment in _moments(20)[2:])],
    ids=lambda value: getattr(value, "name", None) or f"{value:.2f}s",
)
def test_killed_it_goes_on_and_nothing_is_deleted_twice_or_unnoted(
    shop: Broken, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: float, by: signal.Signals
) -> None:
    names = {f"pvc-left-{after:.2f}-{by.name}-{number}".lower() for number in range(3)}
    for name in names:
        orphans.make(shop, name)
    bystander = orphans.make(shop, "pvc-left-persons", tags={"owner": "somebody"})
    record, journal = tmp_path / "asked", state_dir / "orphans"
    command = [sys.executable, "-m", "tests.cli.recorded", str(record), "orphans", "-n", "orphaned", "--grace", "0s"]
    command += ["--delete", "--snapshot", "--yes-delete-from", group(shop)]
    environment = {**shop.environment, "AKSDISKS_STATE_DIR": str(state_dir)}
    with running(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 30
        while not any(journal.glob("*/journal.jsonl")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        try:
            process.wait(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(by)
        _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 3, 130, -by), said
    with orphans.changes_of_azure(monkeypatch) as later:
        done = ask(shop, state_dir, "--delete", "--snapshot", "--yes-delete-from", group(shop))
    assert done.exit_code in (0, 3), done.output
    left = orphans.ids(shop, "pvc-left-")
    assert names.isdisjoint(left) and left[bystander.name] == bystander.unique_id
    (file,) = journal.glob("*/journal.jsonl")
    noted = [json.loads(line) for line in file.read_text().splitlines()]
    asked = (record.read_text().splitlines() if record.exists() else []) + later
    for name in names:
        acts = [each["act"] for each in noted if each["disk"].endswith(f"/{name}")]
        deletions = asked.count(f"DELETE {name}")
        # One that was noted and, at that very moment, not sent is asked for again once it is seen to be there.
        assert 1 <= deletions <= 1 + acts.count("still there") and deletions <= acts.count("delete"), (asked, acts)
        made = [each for each in asked if each.startswith(f"PUT {name}-")]
        assert len(set(made)) == 1 and len(made) <= acts.count("snapshot"), (asked, acts)
