"""CONTRIBUTING.md and the lab's README name files that exist, and commits are checked by what CI runs."""

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


def test_the_labs_readme_names_files_that_exist() -> None:
    lab = ROOT / "aksdisks" / "lab"
    layout = (lab / "README.md").read_text("utf-8").split("```")[1]
    named = re.findall(r"^(\S.*?)(?:  |$)", layout, re.MULTILINE)
    paths = [name for line in named for name in line.split()]
    assert len(paths) > 10
    assert [name for name in paths if not (lab / name).exists()] == []


def test_a_commit_is_checked_by_what_ci_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    before_commit = [hook["entry"] for hook in hooks if "stages" not in hook]
    in_ci = re.findall(r"^ *(\.venv/bin/.*)$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    assert before_commit == in_ci
