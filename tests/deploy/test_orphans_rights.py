"""Disks are deleted with exactly the rights of the shipped role; each right taken away is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aksdisks.azure.compute import Azure
from aksdisks.lab.scenario import AzureRole, Principal
from tests import orphans
from tests.deploy.test_least_rights import ACTIONS, DEPLOY, SECRET, principal
from tests.lab.arm.conftest import AzureServer

GROUP = "MC_disks_article_westeurope"
OWN: list[str] = json.loads((DEPLOY / "orphans-azure-role.json").read_text())["Actions"]
# Azure asks for it where a snapshot is made of a disk (LinkedAuthorizationFailed); the lab does not.
LINKED = "Microsoft.Compute/disks/beginGetAccess/action"
# Without it nobody can say why a deletion failed; that one was done is seen all the same.
WHY = "Microsoft.Compute/locations/DiskOperations/read"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AzureServer, Callable[..., Azure]]]:
    """Azure with a client for each of the role's rights, which lacks that, and one that has them all.

    Each has the reading role beside it, as the machines are read, too.
    """

    def client(missing: str) -> Principal:
        actions = tuple(each for each in dict.fromkeys([*ACTIONS, *OWN]) if each != missing)
        return Principal(principal(f"orphans {missing}"), SECRET, (AzureRole("aksdisks", actions, scope=GROUP),))

    folder = tmp_path_factory.mktemp("rights")
    with orphans.azure_alone(folder, principals=tuple(map(client, ("", *OWN)))) as opened:
        yield opened


@pytest.mark.parametrize("missing", ["", WHY])
def test_a_disk_is_saved_and_deleted_with_these_rights_alone(
    azure: tuple[AzureServer, Callable[..., Azure]], tmp_path: Path, missing: str
) -> None:
    server, client = azure
    owned = orphans.orphan_in(server, "pvc-goes")
    mine = client(principal(f"orphans {missing}"), SECRET)
    (outcome,) = orphans.removal_in(mine, tmp_path, save=True).carry_out([owned])
    assert (outcome.state, mine.find(owned.id)) == ("deleted", None), outcome
    assert mine.find(outcome.snapshot)


@pytest.mark.parametrize("missing", [each for each in OWN if each not in (LINKED, WHY)])
def test_a_right_taken_away_is_named(
    azure: tuple[AzureServer, Callable[..., Azure]], tmp_path: Path, missing: str
) -> None:
    server, client = azure
    owned = orphans.orphan_in(server, f"pvc-without-{missing.partition('/')[2].replace('/', '-').lower()}")
    mine = client(principal(f"orphans {missing}"), SECRET)
    (outcome,) = orphans.removal_in(mine, tmp_path, save=True).carry_out([owned])
    assert outcome.state == "failed" and missing in outcome.because, outcome
    assert client().find(owned.id) is not None
