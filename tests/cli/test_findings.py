"""How a diagnosis is printed: the table as a whole, JSON and YAML of one content, nothing that a terminal acts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from aksdisks.cli.findings import Printer
from aksdisks.inspection.diagnosis.asking import Question
from aksdisks.inspection.diagnosis.findings import Diagnosis, Evidence, Finding, ObjectRef, RuledOut, Step, Unseen

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "diagnosis.schema.json").read_text())
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
POD, CLAIM = ObjectRef("Pod", "shop", "db-0"), ObjectRef("PersistentVolumeClaim", "shop", "data-db-0")
ATTACHMENT = f"VolumeAttachment csi-{'0123456789abcdef' * 4}"
HELD = Finding(
    cause="holder-lost",
    verdict="problem",
    confidence="certain",
    object=POD,
    because="node aks-1, where db-0 ran before, is NotReady, and its disk is still attached there",
    evidence=(
        Evidence("Kubernetes", ATTACHMENT, "pvc-1 attached to aks-1", NOW - timedelta(seconds=30)),
        Evidence("Azure", "machine aks_1", "provisioning Succeeded, running"),
    ),
    next=(
        Step("az vmss list-instances -g MC_g -n aks", "whether the machine has stopped"),
        Step("kubectl taint node aks-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute", "it moves", "data"),
    ),
    ruled_out=(RuledOut("detach-pending", "the node is NotReady"),),
    also=("unknown",),
    docs="https://example.org/",
)
DIAGNOSIS = Diagnosis(
    target="https://127.0.0.1:1",
    at=NOW,
    findings=(replace(HELD, object=CLAIM, evidence=()), HELD),
    unseen=(Unseen("Event", "events is forbidden", "the words of the scheduler"),),
)
TABLE = """
problem  holder-lost
PersistentVolumeClaim shop/data-db-0
Pod shop/db-0
  node aks-1, where db-0 ran before, is NotReady, and its disk is still attached
  there
  Kubernetes  VolumeAttachment csi-01234567…: pvc-1 attached to aks-1 (50 min
              ago)
  Azure       machine aks_1: provisioning Succeeded, running
  not         detach-pending: the node is NotReady
  also        unknown
  next        az vmss list-instances -g MC_g -n aks
                shows whether the machine has stopped
              kubectl taint node aks-1
              node.kubernetes.io/out-of-service=nodeshutdown:NoExecute
                can lose data: it moves
  about       aksdisks explain holder-lost

not seen  Event
  events is forbidden
  cannot be told without it: the words of the scheduler

namespace shop: 2 problems
"""


def printed(
    diagnosis: Diagnosis, format: str, capsys: pytest.CaptureFixture[str], environment: Mapping[str, str]
) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        Printer(format).diagnosis(diagnosis, Question("shop"), 100.0)
    return capsys.readouterr().out


def test_the_table_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(DIAGNOSIS, "table", capsys, {"COLUMNS": "80", "NO_COLOR": "1"})
    assert [line.rstrip() for line in shown.splitlines()] == TABLE.strip("\n").splitlines()


def test_json_and_yaml_have_the_same_content_and_keep_to_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    as_json = json.loads(printed(DIAGNOSIS, "json", capsys, {}))
    as_yaml = yaml.safe_load(printed(DIAGNOSIS, "yaml", capsys, {}))
    assert as_json == as_yaml == DIAGNOSIS.to_dict()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(as_json, SCHEMA, jsonschema.Draft202012Validator)


def test_the_schema_is_closed() -> None:
    def objects(schema: Any) -> list[dict[str, Any]]:
        inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        return [each for value in inner for each in objects(value)] + (
            [schema] if isinstance(schema, dict) and "properties" in schema else []
        )

    found = objects(SCHEMA)
    assert len(found) == 7
    for each in found:
        assert each["additionalProperties"] is False
        assert set(each["required"]) == set(each["properties"])


@pytest.mark.parametrize("format", ["table", "json", "yaml"])
def test_nothing_in_names_and_messages_reaches_the_terminal_as_a_control(
    format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2Jb\x1b]8;;https://evil\x07c\x9b31md\u202ee\rf\x00g[red]h[/]\nnext line"
    evil = replace(
        HELD,
        object=ObjectRef("Pod", hostile, hostile),
        because=hostile,
        evidence=(Evidence("Azure", hostile, hostile),),
        next=(Step(hostile, hostile, "data"),),
        ruled_out=(RuledOut("crash", hostile),),
    )
    diagnosis = replace(DIAGNOSIS, findings=(evil,), unseen=(Unseen(hostile, hostile, hostile),))
    shown = printed(diagnosis, format, capsys, {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "dumb"})
    assert not {
        each for each in shown if (ord(each) < 32 and each != "\n") or 127 <= ord(each) < 160 or each == "\u202e"
    }
    assert "[red]h[/]" in shown  # no markup of ours either
