"""The guides in docs/: commands that there are, links that lead somewhere, and a first hour that goes as it says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.lab.server.process import LabState
from tests import article, commands
from tests.programs import needs

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])
BLOCK = re.compile(r"^```(?:console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASKED = re.compile(r"(?:^|&& |\| |\$\()(?:\.venv/bin/)?(aksdisks [^)|&#>]+)")
LINK = re.compile(r"\]\((?!https?://)([^)\s#]*)(?:#([^)\s]+))?\)")
FILE = r"((?:aksdisks|docs|parameters|runbooks|tests)/[\w./-]+)"
ON_CALL = (ROOT / "docs" / "on-call.md").read_text("utf-8")


def lines(text: str) -> list[str]:
    """The command lines of the blocks of a page, those that go on in the next line joined."""
    return [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]


def anchors(page: Path) -> set[str]:
    """What the headings of a page or of a runbook can be linked by."""
    text = page.read_text("utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join(
            "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"
        )
    return {article.slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_are_there_with_their_options(page: Path) -> None:
    asked = [found for line in lines(page.read_text("utf-8")) for found in ASKED.findall(line)]
    assert {line: why for line in asked if (why := commands.wrong(line))} == {}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("aksdisks lab start --speed 10", ""),
        ("aksdisks run 01 -f FILE -p size=4Gi   # why", ""),
        ("aksdisks inventory --format html > disks.html", ""),
        ("aksdisks lab", "aksdisks lab has no command alone"),
        ("aksdisks lab begin", "aksdisks lab has no command begin"),
        ("aksdisks diagnose pod/x --colour", "aksdisks diagnose has no option --colour"),
        ("aksdisks list runbooks", "aksdisks list takes no runbooks"),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, why: str) -> None:
    assert commands.wrong(line) == why


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    wrong = []
    for path, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(f"{path}#{anchor}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = {path for line in lines(text) for path in re.findall(rf"(?<!\S){FILE}", line)}
    named |= set(re.findall(rf"`{FILE}(?:::\w+)?`", text))
    assert sorted(path for path in named if "NN" not in path and not (ROOT / path).exists()) == []


def test_every_cause_is_reached_from_what_kubectl_shows() -> None:
    assert set(re.findall(r"causes\.md#([\w-]+)", ON_CALL)) == set(catalogue())


def test_the_words_that_lead_to_a_cause_stand_on_its_page() -> None:
    pages = {each.id: " ".join(" ".join(each.sections.values()).split()).lower() for each in catalogue().values()}
    rows = re.findall(r"^\| (.+) \| (.*#.*) \|$", ON_CALL, re.MULTILINE)
    assert len(rows) >= len(pages) - 10
    missing = [
        words
        for seen, causes in rows
        for words in re.findall(r"`([^`]+)`", seen)
        if not any(words.lower() in pages[cause] for cause in re.findall(r"#([\w-]+)", causes))
    ]
    assert missing == []


def done(line: str) -> tuple[int, str]:
    """One line of a guide, as a shell with the lab's variables does it: its exit code, and what it printed."""
    if ours := re.fullmatch(r"\.venv/bin/aksdisks (.+)", line):
        result = CliRunner().invoke(app, ours[1].split())
        return result.exit_code, result.output
    other = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return other.returncode, other.stdout + other.stderr


def told(word: str) -> None:
    """Returns once an event has the word: a person reads some seconds before the next command."""
    look = f"until kubectl get events | grep -q {word}; do sleep 0.1; done"
    subprocess.run(["timeout", "60", "bash", "-c", look], timeout=70, check=True)


@needs("kubectl")
def test_the_first_hour_goes_as_it_says(
    start_lab: Callable[..., LabState], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the lab's start to its stop; what it installs, opens in a browser or runs headless is tested elsewhere."""
    state, extra = start_lab(speed=400), {"KUBECACHEDIR": str(tmp_path / "cache"), "COLUMNS": "200"}
    for name, value in (state.environment() | extra | {"AKSDISKS_STATE_DIR": state.state_dir}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    asked = lines((ROOT / "docs" / "first-hour.md").read_text("utf-8"))
    first, last = (asked.index(f".venv/bin/aksdisks lab {word}") for word in ("start", "stop"))
    before = {"diagnose": "FailedAttachVolume", "diagnose pod/disk-stateful-set-0": "ProvisioningFailed"}
    outcomes = []
    for line in asked[first + 2 : last]:
        command = line.removeprefix(".venv/bin/aksdisks ")
        if command in before:
            told(before[command])
        code, output = done(line)
        if line != command and not command.startswith(("lab", "explain")):
            outcomes.append(
                (command, code, re.findall(r"shared-claim|rwo-rolling-update|disk-quota|all is well|kept", output)[:1])
            )
        else:
            assert code == 0, f"{line}: {output}"
    assert outcomes == [
        ("inventory", 0, []),
        ("diagnose", 1, ["shared-claim"]),
        ("lint tests/lab/article", 1, ["rwo-rolling-update"]),
        ("diagnose --watch", 0, ["all is well"]),
        ("diagnose pod/disk-stateful-set-0", 1, ["disk-quota"]),
        ("inventory", 0, ["kept"]),
    ]
