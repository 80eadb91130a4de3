"""`aksdisks inventory` as a user's shell runs it, on the tests' lab; nothing of it changes the cluster."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

import aksdisks
from aksdisks.cli.main import app
from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters
from tests.cli import command
from tests.lab.breaking import Broken, claim, pod
from tests.programs import needs

pytestmark = needs("kubectl")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "inventory.schema.json").read_text())


@pytest.fixture(scope="module")
def stock(lab: LabState, lab_environment: Mapping[str, str]) -> Iterator[Broken]:
    """A claim that a pod mounts, one whose pod is gone, and one that never had any."""
    stock = Broken(lab, lab_environment, "stock")
    stock.kubectl("create", "namespace", "stock")
    stock.apply(claim("used"), claim("kept"), claim("waits"), pod("one", "used"), pod("two", "kept"))
    stock.running("one")
    stock.running("two")
    stock.kubectl("delete", "pod", "two", "--grace-period=0", "--force")
    yield stock
    stock.kubectl("delete", "namespace", "stock", "--wait=false")


def ask(where: Mapping[str, str], *arguments: str) -> Any:
    """The command in this process, with nothing in the environment but `where`."""
    gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_")) or name == "KUBECONFIG"}
    return CliRunner().invoke(app, ["inventory", *arguments], env=gone | dict(where))


def test_a_shell_gets_the_document_alone_and_is_told_which_cluster(stock: Broken) -> None:
    done = command.aksdisks("inventory", "-n", "stock", "--format", "json", environment=stock.environment)
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA, jsonschema.Draft202012Validator)
    state = stock.state
    assert done.stderr == f"cluster: context article of {state.kubeconfig} ({state.kube_url})\n"
    assert (done.returncode, found["target"], found["namespace"]) == (0, state.kube_url, "stock")
    assert found["unseen"] == []
    assert [(each["claim"], each["verdict"], each["pod"]) for each in found["disks"]] == [
        ("stock/kept", "kept", None), ("stock/used", "in-use", "one")
    ]  # fmt: skip
    (waits,) = found["without_disk"]
    assert (waits["kind"], waits["namespace"], waits["name"]) == ("PersistentVolumeClaim", "stock", "waits")


def test_csv_and_html_have_the_same_disks(stock: Broken) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(stock.environment, "-n", "stock", "--format", "csv").stdout)))
    names = [row["name"] for row in rows]
    assert [(row["kind"], row["claim"], row["verdict"]) for row in rows] == [
        ("disk", "stock/kept", "kept"), ("disk", "stock/used", "in-use")
    ]  # fmt: skip
    html = ask(stock.environment, "-n", "stock", "--format", "html").stdout
    assert html.startswith("<!DOCTYPE html>") and html.endswith("</html>\n")
    assert re.findall('<th scope="row">(.*?)</th>', html) == names


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_as_wide_as_the_terminal(stock: Broken, width: int) -> None:
    done = ask(stock.environment | {"COLUMNS": str(width), "NO_COLOR": "1"}, "-n", "stock")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert max(map(len, lines)) <= width and "\x1b" not in done.stdout
    assert [line.split("  ")[0] for line in lines if line[:1].isalpha()] == [
        "kept", "in-use", "Claims and volumes without a disk or share", lines[-2], lines[-1]
    ]  # fmt: skip
    assert lines[-2].startswith("prices: list prices of ")
    assert lines[-1].startswith("namespace stock: 2 disks: ")


def test_without_azure_it_says_so_and_ends_with_3(stock: Broken) -> None:
    blind = {name: value for name, value in stock.environment.items() if not name.startswith("AZURE_")}
    done = ask(blind, "-n", "stock", "--format", "json")
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA, jsonschema.Draft202012Validator)
    assert done.exit_code == 3
    assert "Azure's disks" in {each["what"] for each in found["unseen"]}
    assert "not seen  Azure's disks: " in ask(blind, "-n", "stock").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-n", "stock", "-A"], ["-n and -A: expected one of them, found both"]),
        (["-n", "stokc"], ["namespace: expected one that is there, found 'stokc'", "did you mean 'stock'?"]),
        (["--grace", "1w"], ["--grace: expected a duration such as 30m, 24h or 7d, found '1w'"]),
        (["--prices", "absent.json"], ["absent.json"]),
        (["--context", "artikel"], ["context", "found 'artikel'", "did you mean 'article'?"]),
        (["-f", "x.yaml", "--context", "article"], ["-f and --context: expected one of them, found both"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_cannot_be_meant_is_one_line_with_exit_code_2(
    stock: Broken, arguments: list[str], said: list[str]
) -> None:
    done = ask(stock.environment, *arguments)
    *_, last = done.stderr.splitlines()
    assert (done.exit_code, done.stdout, last.startswith("aksdisks: ")) == (2, "", True), done.stderr
    for words in said:
        assert words in last


def test_the_schema_is_printed() -> None:
    assert json.loads(CliRunner().invoke(app, ["inventory", "--schema"]).stdout) == SCHEMA


def test_the_frames_of_the_library_are_the_same_table(stock: Broken, as_aks: Callable[..., Parameters]) -> None:
    documents = json.loads(ask(stock.environment, "-n", "stock", "--format", "json").stdout)
    with aksdisks.connect(as_aks()) as target:
        inventory = target.inventory("stock")
    for name in ("disks", "snapshots"):
        frame = inventory.frame(name)
        assert list(frame.columns) == list(SCHEMA["$defs"][name[:-1]]["properties"])
        rows = json.loads(frame.to_json(orient="records", date_format="iso", date_unit="s"))
        assert rows == documents[name]
    assert len(documents["disks"]) == 2
