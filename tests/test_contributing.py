"""CONTRIBUTING.md names files that exist, and commits are checked by what CI runs."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def test_contributing_names_files_that_exist() -> None:
    named = re.findall(
        r"`((?:aksdisks|tests|runbooks|docs|\.ci)/[\w./-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    )
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists() and "NN" not in name] == []


def test_a_commit_is_checked_by_what_ci_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    before_commit = [hook["entry"] for hook in hooks if "stages" not in hook]
    in_ci = re.findall(r"^\.venv/bin/.*$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    assert before_commit == in_ci
