"""environment.yml offers what pyproject.toml does, and README.md names the programs that tests look for."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests import programs

ROOT = Path(__file__).parent.parent

# What PyPI and conda-forge call differently.
CONDA_NAMES = {
    "Jinja2": "jinja2",
    "kubernetes": "python-kubernetes",
    "playwright": "playwright-python",
    "PyJWT": "pyjwt",
    "PyYAML": "pyyaml",
    "types-PyYAML": "types-pyyaml",
}


def test_environment_lists_what_pyproject_lists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {f"python{project['requires-python']}"}
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        name, bound = re.fullmatch(r"([A-Za-z0-9-]+)(?:\[[\w,]+\])?(.*)", requirement).groups()
        if name != "aksdisks":
            wanted.add(CONDA_NAMES.get(name, name) + bound)

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    entries = environment["dependencies"]
    listed = {entry for entry in entries if isinstance(entry, str)} - {"pip"}
    for by_pip in (entry["pip"] for entry in entries if not isinstance(entry, str)):
        listed |= {entry for entry in by_pip if not entry.startswith("-")}

    assert listed == wanted


def test_the_sites_tools_are_no_part_of_what_other_users_install() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    others = chain(*(requirements for name, requirements in extras.items() if name != "docs"))
    assert extras["docs"] and set(extras["docs"]).isdisjoint(others)


def test_readme_names_every_program_and_what_to_install() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert dict(rows) == programs.PACKAGES


def test_whatever_is_missing_is_looked_for_in_one_place() -> None:
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.parent.name != "benchmarks" and re.search(r"skipif\(|skip\(\"|shutil\.which\(\"", path.read_text())
    ]
    assert elsewhere == ["tests/programs.py"]


def test_a_program_that_is_hidden_is_missing_by_name_and_what_stands_beside_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("bwrap", "kubectl"):
        (tmp_path / "bin" / program).write_text('#!/bin/sh\necho \'{"clientVersion": {"minor": "20+"}}\'\n')
        (tmp_path / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setenv("PATH", programs.path_without("bwrap", tmp_path / "links"))
    missing = programs.missing.__wrapped__
    assert missing("bwrap") == "bwrap is not on PATH: install bubblewrap"
    assert missing("kubectl").startswith("kubectl on PATH is 1.20: install kubectl 1.31 or later")


def test_what_reads_notebooks_is_imported_in_a_moment() -> None:
    """A bound in pyproject.toml keeps parsers away that nobody asks for and that take seconds to build."""
    command = [sys.executable, "-c", "import sys, nbformat; print('rfc3987_syntax' in sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n", "install the package anew: pip install -e '.[test]'"
