"""`aksdisks orphans --delete` passes with the shipped role beside the reading one; each right taken away is named."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.lab.server import process
from tests import orphans
from tests.deploy.test_least_rights import ACTIONS as READING
from tests.deploy.test_least_rights import DEPLOY, SECRET, principal
from tests.lab.breaking import Broken
from tests.programs import needs

pytestmark = needs("kubectl")
GROUP = "MC_disks_article_westeurope"
OWN: list[str] = json.loads((DEPLOY / "orphans-azure-role.json").read_text())["Actions"]
# What Azure asks for beside another right (LinkedAuthorizationFailed); the lab does not.
LINKED = "Microsoft.Compute/disks/beginGetAccess/action"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """A lab with a client for each of the role's rights, which lacks that, and one that has all of them."""
    folder = tmp_path_factory.mktemp("rights")
    clients = [
        {
            "client_id": principal(f"orphans {missing}"),
            "client_secret": SECRET,
            "roles": [
                {
                    "name": "aksdisks",
                    "actions": [each for each in dict.fromkeys([*READING, *OWN]) if each != missing],
                    "scope": GROUP,
                }
            ],
        }
        for missing in ("", *OWN)
    ]
    file = folder / "rights.yaml"
    file.write_text(yaml.safe_dump({"base": "regional", "principals": clients}))
    state = process.start(folder / "state", 200.0, str(file), parent=os.getpid())
    yield Broken(state, os.environ | state.environment(), "shop")
    process.stop(state.state_dir)


def delete(lab: Broken, folder: Path, missing: str) -> Any:
    gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_")) or name == "KUBECONFIG"}
    where = lab.state.environment() | {"AKSDISKS_STATE_DIR": str(folder), "AZURE_CLIENT_SECRET": SECRET}
    where["AZURE_CLIENT_ID"] = principal(f"orphans {missing}")
    command = ["orphans", "--grace", "0s", "--delete", "--snapshot", "--yes-delete-from", GROUP]
    return CliRunner().invoke(app, command, env=gone | where)


def test_it_passes_with_these_rights_alone(lab: Broken, tmp_path: Path) -> None:
    orphans.make(lab, "pvc-goes")
    done = delete(lab, tmp_path, "")
    assert (done.exit_code, "pvc-goes" in orphans.ids(lab)) == (0, False), done.output


@pytest.mark.parametrize("missing", [each for each in OWN if each != LINKED])
def test_a_right_taken_away_is_named(lab: Broken, tmp_path: Path, missing: str) -> None:
    name = f"pvc-without-{missing.partition('/')[2].replace('/', '-').lower()}"
    orphans.make(lab, name)
    done = delete(lab, tmp_path, missing)
    if missing == "Microsoft.Compute/locations/DiskOperations/read":
        # Without it nobody can say why a deletion failed; that it was done is seen all the same.
        assert done.exit_code == 0, done.output
        return
    assert done.exit_code in (1, 3), done.output
    assert f"action '{missing}'" in done.output and name in orphans.ids(lab), done.output
