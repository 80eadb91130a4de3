"""environment.yml offers conda-forge users what pyproject.toml offers pip users."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent

# What PyPI and conda-forge call differently.
CONDA_NAMES = {
    "Jinja2": "jinja2",
    "kubernetes": "python-kubernetes",
    "matplotlib": "matplotlib-base",
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
    listed = {entry for entry in environment["dependencies"] if isinstance(entry, str)} - {"pip"}

    assert listed == wanted
