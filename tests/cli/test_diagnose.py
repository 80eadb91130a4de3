"""`aksdisks diagnose` as a user's shell runs it, on the tests' lab."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from aksdisks.cli.main import app
from aksdisks.lab.server.process import LabState
from tests.cli.command import AKSDISKS, aksdisks
from tests.lab.breaking import Broken, claim, pod
from tests.processes import running
from tests.programs import needs

pytestmark = needs("kubectl")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "diagnosis.schema.json").read_text())
ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"


@pytest.fixture(scope="module")
def shop(lab: LabState, lab_environment: Mapping[str, str]) -> Iterator[Broken]:
    """Two pods on one claim on two nodes, a claim that nobody uses, and a pod whose event has hostile words."""
    shop = Broken(lab, lab_environment, "shop")
    shop.kubectl("create", "namespace", "shop")
    shop.apply(claim("data"), claim("unused"), pod("one", "data", node=shop.node(0)))
    shop.running("one")
    shop.apply(pod("two", "data", node=shop.node(1)))
    shop.told("FailedAttachVolume Multi-Attach error", "two")
    uid, volume = shop.get("{.metadata.uid}", "pod", "two"), shop.volume("data")
    shop.apply(
        {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "hostile"}, "type": "Warning",
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "two", "uid": uid},
            "reason": "FailedAttachVolume", "lastTimestamp": "2100-01-01T00:00:00Z",
            "message": f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) one{ESCAPE}',
        }
    )  # fmt: skip
    yield shop
    shop.kubectl("delete", "namespace", "shop", "--wait=false")


def ask(where: Mapping[str, str], *arguments: str) -> Any:
    """The command in this process, with nothing in the environment but `where`."""
    gone = {name: None for name in os.environ if name.startswith(("AKSDISKS_", "AZURE_")) or name == "KUBECONFIG"}
    return CliRunner().invoke(app, ["diagnose", *arguments], env=gone | dict(where))


def test_a_shared_claim_is_one_cause_for_pod_and_claim_and_keeps_to_the_schema(shop: Broken) -> None:
    done = aksdisks("diagnose", "-n", "shop", "--format", "json", environment=shop.environment)
    found = json.loads(done.stdout)  # it stands alone
    jsonschema.validate(found, SCHEMA, jsonschema.Draft202012Validator)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        f"cluster: context article of {shop.state.kubeconfig} ({shop.state.kube_url})"
    )
    causes = [(each["verdict"], each["object"]["kind"], each["object"]["name"], each["cause"])
              for each in found["findings"]]  # fmt: skip
    assert causes[:2] == [
        ("problem", "PersistentVolumeClaim", "data", "shared-claim"),
        ("problem", "Pod", "two", "shared-claim"),
    ]
    assert {verdict for verdict, *_ in causes[2:]} <= {"expected"}
    assert found["target"] == shop.state.kube_url
    as_yaml = ask(shop.environment, "-n", "shop", "--format", "yaml")
    same = yaml.safe_load(as_yaml.stdout)
    jsonschema.validate(same, SCHEMA, jsonschema.Draft202012Validator)
    assert [each["cause"] for each in same["findings"]] == [each["cause"] for each in found["findings"]]


@pytest.mark.parametrize(
    ("what", "code", "objects"),
    [
        ("pod/two", 1, ["Pod two"]),
        ("po/two", 1, ["Pod two"]),
        ("Pods/one", 0, []),
        ("pvc/data", 1, ["PersistentVolumeClaim data"]),
        ("persistentvolumeclaim/data", 1, ["PersistentVolumeClaim data"]),
        ("pv/{volume}", 1, ["PersistentVolumeClaim data"]),
    ],
)
def test_one_object_is_asked_about_by_kubectls_names(shop: Broken, what: str, code: int, objects: list[str]) -> None:
    # A volume stands in no namespace: its claim's is found.
    where = [] if what.startswith("pv/") else ["-n", "shop"]
    done = ask(shop.environment, what.format(volume=shop.volume("data")), *where, "--format", "json")
    found = [f"{each['object']['kind']} {each['object']['name']}" for each in json.loads(done.stdout)["findings"]]
    assert (done.exit_code, found) == (code, objects)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_as_wide_as_the_terminal_and_has_nothing_that_it_would_act_on(shop: Broken, width: int) -> None:
    done = ask(shop.environment | {"COLUMNS": str(width), "FORCE_COLOR": "", "NO_COLOR": "1"}, "-n", "shop")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert max(map(len, lines)) <= width
    assert lines[:3] == ["problem  shared-claim", "PersistentVolumeClaim shop/data", "Pod shop/two"]
    text = " ".join(done.stdout.split())
    assert "all pods share claim data, so one disk" in text
    assert re.search(r"next kubectl get pods .* --namespace shop", text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)
    assert "2J" in text  # shown, but not acted on


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deployment/web"], ["pod/NAME, pvc/NAME, pv/NAME or volumesnapshot/NAME", "'deployment/web'"]),
        (["pods/"], ["pod/NAME, pvc/NAME, pv/NAME or volumesnapshot/NAME", "'pods/'"]),
        (["pvv/x"], ["did you mean 'pv"]),
        (["pod/tow", "-n", "shop"], ["Pod: expected one that is there in namespace shop, found 'tow'", "mean 'two'?"]),
        (["pvc/datta", "-n", "shop"], ["PersistentVolumeClaim", "did you mean 'data'?"]),
        (["pv/nowhere"], ["PersistentVolume: expected one that is there, found 'nowhere'"]),
        (["-n", "shopp"], ["namespace: expected one that is there, found 'shopp'", "did you mean 'shop'?"]),
        (["-n", "shop", "-A"], ["-n and -A: expected one of them, found both"]),
        (["pod/two", "-A"], ["-A: expected no object beside it"]),
        (["--context", "artikel"], ["context", "found 'artikel'", "did you mean 'article'?"]),
        (["-f", "x.yaml", "--context", "article"], ["-f and --context: expected one of them, found both"]),
        (["-f", "absent.yaml"], ["absent.yaml", "No such file"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_cannot_be_meant_is_one_line_with_exit_code_2(shop: Broken, arguments: list[str], said: list[str]) -> None:
    done = ask(shop.environment, *arguments)
    *_, last = done.stderr.splitlines()
    assert (done.exit_code, done.stdout, last.startswith("aksdisks: ")) == (2, "", True), done.stderr
    for words in said:
        assert words in last


def test_which_cluster_the_file_before_the_context_before_the_running_lab(
    shop: Broken, cluster_file: Path, tmp_path: Path
) -> None:
    state = shop.state
    config = yaml.safe_load(Path(state.kubeconfig).read_text())
    (context,) = config["contexts"]
    config["contexts"].append({"name": "shops", "context": context["context"] | {"namespace": "shop"}})
    config["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"].append({"name": "gone", "context": context["context"] | {"cluster": "gone"}})
    config["current-context"] = "gone"
    several = tmp_path / "several"
    several.write_text(yaml.safe_dump(config))
    home = {"HOME": str(tmp_path), "AKSDISKS_STATE_DIR": state.state_dir}
    of_several = dict(shop.environment) | home | {"KUBECONFIG": str(several)}

    def first(where: Mapping[str, str], *arguments: str) -> tuple[str, int]:
        done = ask(where, *arguments)
        return done.stderr.splitlines()[0], done.exit_code

    assert first(of_several, "-f", str(cluster_file), "-n", "shop") == (
        f"cluster: article, by {cluster_file} ({state.kube_url})", 1
    )  # fmt: skip
    # Without -n the namespace is the context's.
    assert first(of_several, "--context", "shops") == (f"cluster: context shops of {several} ({state.kube_url})", 1)
    assert first(of_several) == (f"cluster: context gone of {several} (https://127.0.0.1:1)", 1)
    assert first(home, "-n", "shop") == (f"cluster: the running lab ({state.kube_url})", 1)
    # The lab that runs is not meant where the kubeconfig that is named is not there.
    nowhere = f"{tmp_path / 'slip'}:~/slip"
    assert first(home | {"KUBECONFIG": nowhere}, "-n", "shop") == (
        f"aksdisks: KUBECONFIG: expected a kubeconfig file, found no file '{nowhere}' (unset it for ~/.kube/config)", 2
    )  # fmt: skip
    assert first(home | {"KUBECONFIG": f"{nowhere}:{several}"}, "--context", "shops")[1] == 1
    line, code = first({"HOME": str(tmp_path), "AKSDISKS_STATE_DIR": str(tmp_path / "none")})
    assert (code, "cluster: expected a context in ~/.kube/config, or a lab that runs, found neither" in line) == (
        2,
        True,
    )


def test_an_api_server_that_does_not_answer_is_a_finding(shop: Broken, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(shop.state.kubeconfig).read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config["clusters"][0]["cluster"]["server"] = server = f"https://127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = ask(shop.environment | {"KUBECONFIG": str(tmp_path / "config")}, "pod/two", "--format", "json")
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA, jsonschema.Draft202012Validator)
    (finding,) = found["findings"]
    assert (done.exit_code, finding["cause"], finding["object"]) == (
        1, "api-unreachable", {"kind": "Cluster", "namespace": "", "name": server}
    )  # fmt: skip
    assert "connection refused" in finding["because"]


def test_a_watch_tells_each_change_until_all_is_well(lab: LabState, lab_environment: Mapping[str, str]) -> None:
    moving = Broken(lab, lab_environment, "moving")
    moving.kubectl("create", "namespace", "moving")
    try:
        moving.apply(claim("data"), pod("first", "data", node=moving.node(0)))
        moving.running("first")
        moving.apply(pod("second", "data", node=moving.node(1)))
        moving.told("FailedAttachVolume Multi-Attach error", "second")
        command = [AKSDISKS, "diagnose", "-n", "moving", "--watch", "--timeout", "6000"]
        with running(
            command, env=dict(lab_environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as on:
            assert on.stdout is not None
            told = [next(on.stdout)]
            moving.kubectl("delete", "pod", "first", "--wait=false")
            told += on.stdout.readlines()
            code = on.wait(timeout=60)
    finally:
        moving.kubectl("delete", "namespace", "moving", "--wait=false")
    assert code == 0, told
    assert re.match(r"\d\d:\d\d:\d\dZ +\d+ s  \S+ moving/\S+: problem shared-claim: all pods share claim data", told[0])
    assert any("Pod moving/second: well (was " in line for line in told), told
    assert told[-1].rstrip().endswith("all is well")


def test_a_watch_that_sees_no_end_gives_up_with_exit_code_1(shop: Broken) -> None:
    done = ask(shop.environment, "pod/two", "-n", "shop", "--watch", "--timeout", "1", "--format", "json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    for document in documents:
        jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    assert (done.exit_code, documents[0]["findings"][0]["cause"]) == (1, "shared-claim")
    assert ask(shop.environment, "pod/one", "-n", "shop", "--watch").exit_code == 0


def test_a_watched_pod_that_is_deleted_is_not_taken_for_well(lab: LabState, lab_environment: Mapping[str, str]) -> None:
    leaving = Broken(lab, lab_environment, "leaving")
    leaving.kubectl("create", "namespace", "leaving")
    try:
        leaving.apply(pod("lost", "nowhere", node=leaving.node(0)))
        command = [AKSDISKS, "diagnose", "pod/lost", "-n", "leaving", "--watch", "--timeout", "300"]
        with running(
            command, env=dict(lab_environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as on:
            assert on.stdout is not None
            told = next(on.stdout)
            leaving.kubectl("delete", "pod", "lost", "--grace-period=0", "--force")
            rest = on.stdout.read()
            code = on.wait(timeout=60)
    finally:
        leaving.kubectl("delete", "namespace", "leaving", "--wait=false")
    assert "no-claim" in told
    assert (code, "all is well" in rest) == (1, False), rest


def test_the_schema_is_printed() -> None:
    assert json.loads(CliRunner().invoke(app, ["diagnose", "--schema"]).stdout) == SCHEMA
