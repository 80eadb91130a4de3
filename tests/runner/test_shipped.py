"""Which runbooks are run: those that are named, the article's, or all that apply to the target."""

from __future__ import annotations

import pytest

from aksdisks.errors import InputError
from aksdisks.parameters import Parameters
from aksdisks.runner import shipped
from tests.cli.command import aksdisks

ARTICLE = [f"0{number}" for number in range(6)]
AKS = Parameters(target="aks", context="c")


@pytest.mark.parametrize(
    ("names", "everything", "parameters", "run"),
    [
        ((), False, Parameters(), ARTICLE),
        ((), False, AKS.model_copy(update={"node_pool": "spare"}), ARTICLE),
        ((), True, Parameters(), [*ARTICLE, "06", "07", "08", "09", "10", "11", "12", "13"]),
        ((), True, AKS, [*ARTICLE, "10", "11", "12", "13"]),
        ((), True, AKS.model_copy(update={"node_pool": "spare"}), [*ARTICLE, "06", "10", "11", "12", "13"]),
        ((), True, AKS.model_copy(update={"make_disks": True}), [*ARTICLE, "08", "09", "10", "11", "12", "13"]),
        (("07", "01"), False, AKS, ["01", "07"]),
    ],
)
def test_which_are_run(names: tuple[str, ...], everything: bool, parameters: Parameters, run: list[str]) -> None:
    assert [path.stem[:2] for path in shipped.to_run(names, parameters, everything=everything)] == run


def test_all_and_some_is_a_contradiction() -> None:
    with pytest.raises(InputError, match="--all: expected no names beside it, found 01 02"):
        shipped.to_run(("01", "02"), Parameters(), everything=True)


def test_the_list_says_which_run_by_name_and_what_they_need() -> None:
    lines = {line[:2]: line for line in aksdisks("list").stdout.splitlines()}
    assert sorted(lines) == [*ARTICLE, "06", "07", "08", "09", "10", "11", "12", "13"]
    assert not any("--all" in lines[number] for number in ARTICLE)
    assert lines["06"].endswith("(by name or --all; needs a lab, or the parameter node_pool)")
    assert lines["07"].endswith("(by name or --all; needs a lab)")


def test_the_command_runs_all_that_apply(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A target where nothing answers: what would have been run stands in the evidence."""
    file = tmp_path / "kubeconfig"
    file.write_text(
        "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    aks = ["-p", "target=aks", "-p", "context=c", "-p", f"kubeconfig={file}", "-p", "node_pool=spare"]
    done = aksdisks("run", "--all", *aks, "-o", str(tmp_path / "out"))
    assert done.returncode == 3, done.stderr
    assert ("06-node-loss" in done.stdout, "07-stuck" in done.stdout) == (True, False)
    refused = aksdisks("run", "01", "--all", "-o", str(tmp_path / "out"))
    assert (refused.returncode, "--all: expected no names beside it, found 01" in refused.stderr) == (2, True)
