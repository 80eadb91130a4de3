"""The example of docs/testing.md as a project outside the package: here, and in an environment of its own."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from tests.programs import needs

_ROOT = Path(__file__).parents[2]
_GUIDE = _ROOT / "docs" / "testing.md"


@pytest.fixture
def project(tmp_path):
    """A folder with the files that the guide shows, each under its name."""
    folder = tmp_path / "project"
    folder.mkdir()
    files = dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```$", _GUIDE.read_text(), re.MULTILINE | re.DOTALL))
    assert sorted(files) == ["move.sh", "shop.yaml", "test_move.py"]
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def run_pytest(python, project, *options, **variables):
    command = [str(python), "-m", "pytest", "-q", "--strict-markers", "-Werror", "--rootdir", str(project), *options]
    return subprocess.run(command, cwd=project, env=os.environ | variables, capture_output=True, text=True, timeout=300)


@needs("kubectl")
def test_the_guides_example(project):
    ran = run_pytest(sys.executable, project, "-p", "aksdisks.testing.plugin", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "2 passed" in ran.stdout, ran.stdout


@needs("kubectl")
@pytest.mark.slow
def test_the_guides_example_in_an_environment_of_its_own(project, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    # JupyterLab, pandas and what else runbooks need would take minutes; a lab and its fixtures need none of it.
    project_file = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    light = [name for name in project_file["dependencies"] if name.startswith(("cryptography", "PyYAML"))]
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    lab = project_file["optional-dependencies"]["lab"]
    subprocess.run([*pip, "pytest", "hatchling", *light, *lab], check=True, timeout=500)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(_ROOT)], check=True, timeout=300)
    ran = run_pytest(python, project)
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr
    where = [str(python), "-c", "import aksdisks.testing; print(aksdisks.testing.__file__)"]
    assert str(tmp_path) in subprocess.run(where, cwd=project, capture_output=True, text=True, timeout=60).stdout
