"""What a lab's state directory brings back, and what it refuses; the random kills are in test_durability."""

from __future__ import annotations

import dataclasses
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aksdisks.lab.fault_catalogue import FaultSwitch
from aksdisks.lab.faults import client
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabError, LabState, PortInUse
from tests.lab.kube.wire import Wire
from tests.lab.writers import azure, kubernetes
from tests.programs import needs

StartLab = Callable[..., LabState]
MAPS = "/api/v1/namespaces/default/configmaps"


def create(state: LabState, name: str) -> Any:
    answer = Wire(state)("POST", MAPS, {"metadata": {"name": name}, "data": {"key": "value"}})
    assert answer.status == 201
    return answer.json()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> LabState:
    """A lab that ran, with one ConfigMap, and was stopped."""
    state = process.start(tmp_path_factory.mktemp("left") / "lab", 100.0, parent=os.getpid())
    create(state, "before")
    return process.stop(state.state_dir)


@pytest.fixture
def stopped(left: LabState, tmp_path: Path) -> LabState:
    """What it left, in the place where `start_lab` starts labs."""
    copy = shutil.copytree(left.state_dir, tmp_path / "lab")
    return dataclasses.replace(left, state_dir=str(copy))


def test_objects_versions_and_clients_go_on_as_if_nothing_had_been(start_lab: StartLab) -> None:
    state = start_lab(speed=250)
    made = create(state, "one")
    cloud = azure(state)
    kubeconfig = Path(state.kubeconfig).read_bytes()
    nodes = Wire(state)("GET", "/api/v1/nodes").json()["items"]
    token = kubernetes(state)("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {"spec": {}}).body
    version = int(create(state, "two")["metadata"]["resourceVersion"])
    process.stop(state.state_dir)
    again = start_lab(speed=None)

    assert (again.speed, again.scenario, Path(again.kubeconfig).read_bytes()) == (250, "regional", kubeconfig)
    wire = Wire(again)
    assert wire("GET", f"{MAPS}/one").json() == made
    assert [node["metadata"]["uid"] for node in wire("GET", "/api/v1/nodes").json()["items"]] == [
        node["metadata"]["uid"] for node in nodes
    ]
    assert int(create(again, "three")["metadata"]["resourceVersion"]) > version
    # A watch from before cannot be gone on with, and says so; its client lists again.
    old = next(wire.lines(f"{MAPS}?watch=1&resourceVersion={made['metadata']['resourceVersion']}"))
    assert (old["type"], old["object"]["code"], old["object"]["reason"]) == ("ERROR", 410, "Expired")
    here = wire("GET", MAPS).json()["metadata"]["resourceVersion"]
    watch = wire.lines(f"{MAPS}?watch=1&resourceVersion={here}")
    create(again, "four")
    assert next(watch)["object"]["metadata"]["name"] == "four"
    # Tokens of both sides are still good.
    assert wire("GET", f"{MAPS}", headers={"Authorization": f"Bearer {token['status']['token']}"}).status == 403
    assert cloud("GET", f"/subscriptions/{again.subscription_id}?api-version=2022-12-01").status == 200


def test_what_azure_was_doing_goes_on(start_lab: StartLab, tmp_path: Path) -> None:
    scenario = tmp_path / "slow.yaml"
    delays = "{create_disk: 200, attach: 200, delete_disk: 200, copy_snapshot: 20}"
    scenario.write_text(f"base: regional\ndelays: {delays}\n")
    state = start_lab(scenario=str(scenario))
    group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
    compute = f"{group}/providers/Microsoft.Compute"
    sets = azure(state)("GET", f"{compute}/virtualMachineScaleSets?api-version=2025-04-01").body["value"]
    machine = f"{sets[0]['id']}/virtualMachines/0?api-version=2025-04-01"
    cloud, operations = azure(state), []

    def ask(method: str, path: str, body: Any = None) -> None:
        answer = cloud(method, path, body)
        assert answer.status in (200, 201, 202), answer.body
        operations.append(answer.headers["Azure-AsyncOperation"].partition(state.arm_url)[2])

    def disk(name: str) -> str:
        return f"{compute}/disks/{name}"

    body = {
        "location": state.location,
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    }
    for name in ("kept", "attached", "deleted"):
        ask("PUT", f"{disk(name)}?api-version=2025-01-02", body)
    ask("PUT", f"{disk('fast')}?api-version=2025-01-02", {**body, "sku": {"name": "PremiumV2_LRS"}, "zones": ["1"]})
    snapshot = f"{compute}/snapshots/half?api-version=2025-01-02"
    creation = {"createOption": "Copy", "sourceResourceId": disk("fast")}
    ask("PUT", snapshot, {"location": state.location, "properties": {"creationData": creation, "incremental": True}})
    entry = {"lun": 0, "createOption": "Attach", "managedDisk": {"id": disk("attached")}}
    ask("PUT", machine, {"properties": {"storageProfile": {"dataDisks": [entry]}}})
    ask("DELETE", f"{disk('deleted')}?api-version=2025-01-02")
    lock = f"{disk('kept')}/providers/Microsoft.Authorization/locks/keep?api-version=2016-09-01"
    assert cloud("PUT", lock, {"properties": {"level": "CanNotDelete"}}).status == 201
    os.kill(state.pid, signal.SIGKILL)
    os.waitpid(state.pid, 0)
    began = time.monotonic()
    state = start_lab()
    cloud = azure(state)
    for operation in operations:
        while (status := cloud("GET", operation).body["status"]) == "InProgress":
            assert time.monotonic() - began < 10
        assert status == "Succeeded"
    disks = {entry["name"]: entry for entry in cloud("GET", f"{compute}/disks?api-version=2025-01-02").body["value"]}
    assert "deleted" not in disks
    assert disks["kept"]["properties"]["provisioningState"] == "Succeeded"
    refused = cloud("DELETE", f"{disk('kept')}?api-version=2025-01-02")
    assert (refused.status, refused.body["error"]["code"]) == (409, "ScopeLocked")
    assert cloud("DELETE", lock).status == 200
    while cloud("GET", snapshot).body["properties"]["completionPercent"] != 100.0:
        assert time.monotonic() - began < 10
    found = cloud("GET", machine).body
    [data] = found["properties"]["storageProfile"]["dataDisks"]
    assert (data["managedDisk"]["id"], data["toBeDetached"]) == (disk("attached"), False)
    assert disks["attached"]["managedBy"].startswith(sets[0]["id"])
    assert found["properties"]["provisioningState"] == "Succeeded"


def test_bytes_stay_with_their_disk_and_go_with_it(start_lab: StartLab) -> None:
    state = start_lab()
    cloud = azure(state)
    disks = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}/providers"
    path = f"{disks}/Microsoft.Compute/disks/data?api-version=2025-01-02"
    creation = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    assert cloud("PUT", path, {"location": state.location, "properties": creation}).status == 202
    file, stray = (Path(state.state_dir, "volumes", name, "file") for name in ("data", "of-no-disk"))
    for made in (file, stray):
        made.parent.mkdir(parents=True)
        made.write_text("bytes")
    process.stop(state.state_dir)
    state = start_lab()
    assert (file.read_text(), stray.exists()) == ("bytes", False)
    operation = azure(state)("DELETE", path).headers["Azure-AsyncOperation"].partition(state.arm_url)[2]
    while azure(state)("GET", operation).body["status"] == "InProgress":
        pass
    assert not file.parent.exists()


@pytest.mark.usefixtures("stopped")
def test_a_scenario_given_anew_may_change_what_is_not_built(start_lab: StartLab, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text('{base: regional, node_count: 5, zones: ["1", "2"]}')
    with pytest.raises(LabError) as refused:
        start_lab(scenario=str(tmp_path / "more.yaml"))
    assert str(refused.value) == (
        "scenario more: expected a lab that can be as it says, found one that was made otherwise: node_count was 3, "
        "would be 5; zones was none, would be 1, 2; `aksdisks lab reset` starts over"
    )
    changed = "base: regional\ndelays: {attach: 0}\nnode_resource_group_restriction: ReadOnly\n"
    (tmp_path / "quick.yaml").write_text(changed)
    state = start_lab(scenario=str(tmp_path / "quick.yaml"))
    assert state.scenario == "quick"
    group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
    disk = f"{group}/providers/Microsoft.Compute/disks/any?api-version=2025-01-02"
    assert azure(state)("DELETE", disk).body["error"]["code"] == "DenyAssignmentAuthorizationFailed"


def test_faults_that_are_on_stay_on(start_lab: StartLab) -> None:
    state = start_lab()
    client.switch_on(state, "attach-slow", "disk/data", 0.5)
    process.stop(state.state_dir)
    again = start_lab()
    assert client.switched_on(again) == (FaultSwitch("attach-slow", "disk/data", 0.5),)
    client.switch_off(again, "attach-slow")
    process.stop(again.state_dir)
    assert client.switched_on(start_lab()) == ()


@needs("kubectl")
def test_a_cluster_of_2019_comes_back_with_what_it_does_not_show(start_lab: StartLab, tmp_path: Path) -> None:
    def kubectl(*arguments: str) -> None:
        environment = os.environ | state.environment() | {"KUBECACHEDIR": str(tmp_path / "cache")}
        subprocess.run(["kubectl", *arguments], env=environment, check=True, capture_output=True, timeout=30)

    def attached() -> int:
        group = f"/subscriptions/{state.subscription_id}/resourceGroups/{state.node_resource_group}"
        path = f"{group}/providers/Microsoft.Compute/disks?api-version=2025-01-02"
        disks = azure(state)("GET", path).body["value"]
        return sum("managedBy" in disk and not disk["properties"].get("osType") for disk in disks)

    state = start_lab(scenario="article-2019")
    kubectl("apply", "-f", str(Path(__file__).parent / "article" / "dynamic-with-deploy.yaml"))
    kubectl("rollout", "status", "deployment/disk-deploy", "--timeout=20s")
    assert attached() == 1
    process.stop(state.state_dir)
    state = start_lab()
    kubectl("delete", "deployment/disk-deploy")
    deadline = time.monotonic() + 10
    while attached():
        assert time.monotonic() < deadline


def test_a_port_of_before_is_given_up_unless_it_was_asked_for(start_lab: StartLab, stopped: LabState) -> None:
    import socket

    def held(url: str) -> socket.socket:
        other = socket.socket()
        other.bind(("127.0.0.1", int(url.rpartition(":")[2])))
        other.listen()
        return other

    with held(stopped.kube_url):
        moved = start_lab()
        assert moved.kube_url != stopped.kube_url
        assert moved.arm_url == stopped.arm_url
    process.stop(moved.state_dir)
    wanted = int(stopped.kube_url.rpartition(":")[2])
    process.stop(start_lab(kube_port=wanted).state_dir)
    with held(stopped.kube_url), pytest.raises(PortInUse, match=f"port {wanted}: expected a free port"):
        start_lab()


def test_reset_starts_over_and_leaves_what_is_not_the_labs(start_lab: StartLab) -> None:
    state = start_lab()
    create(state, "before")
    for name in ("runs/one/journal.jsonl", "volumes/disk/file"):
        Path(state.state_dir, name).parent.mkdir(parents=True)
        Path(state.state_dir, name).touch()
    assert process.reset(state.state_dir)
    assert process.status(state.state_dir) is None
    assert not process.reset(state.state_dir)
    left = {path.name for path in Path(state.state_dir).rglob("*") if path.is_file()}
    assert left == {"lock", "journal.jsonl"}
    again = start_lab()
    assert Wire(again)("GET", f"{MAPS}/before").status == 404
    assert again.client_secret != state.client_secret


def test_a_private_lab_keeps_nothing(start_lab: StartLab) -> None:
    state = start_lab(ephemeral=True)
    create(state, "one")
    process.stop(state.state_dir)
    assert not Path(state.state_dir, "lab.sqlite").exists()


def test_a_private_lab_keeps_away_from_one_that_is_kept(start_lab: StartLab, stopped: LabState) -> None:
    bytes_of_a_disk = Path(stopped.state_dir, "volumes", "data")
    bytes_of_a_disk.mkdir(parents=True)
    with pytest.raises(LabError, match=r"expected no kept lab where nothing is to be kept, found lab\.sqlite"):
        start_lab(ephemeral=True)
    assert bytes_of_a_disk.exists()


def test_every_file_is_its_owners_alone(start_lab: StartLab) -> None:
    state = start_lab()
    create(state, "one")
    open_to_others = [
        str(path)
        for path in Path(state.state_dir).rglob("*")
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and not (path.parent.stat().st_mode & 0o077 == 0 and path.is_dir())
    ]
    assert open_to_others == []


def break_header(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


def break_pages(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (path.stat().st_size - 4096))


def break_record(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE records SET content = '{' WHERE kind = 'object/configmaps'")


def forget_credentials(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE records SET content = '{}' WHERE key = 'credentials'")


def grow_old(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 99")


def become_foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE someone_elses (x)")


def close(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (
            break_header,
            r"expected a lab's database, found a damaged one \(file is not a database\); `aksdisks lab reset`",
        ),
        (break_pages, r"expected a lab's database, found a damaged one \(database disk image is malformed\)"),
        (break_record, r"expected a lab's database, found a damaged one \(record object/configmaps "),
        (forget_credentials, r"expected a lab's database, found a damaged one \(credentials: KeyError"),
        (grow_old, r"expected a database of version 1 at most, found version 99: a newer aksdisks wrote it"),
        (become_foreign, r"expected a lab's database, found another program's"),
        (close, r"expected a database that can be read and written, found: unable to open database file"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    start_lab: StartLab, stopped: LabState, harm: Callable[[Path], None], message: str
) -> None:
    path = Path(stopped.state_dir, "lab.sqlite")
    harm(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LabError, match=message) as caught:
        start_lab()
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before, "what is there is left as it is"


def test_a_full_disk_ends_the_lab_and_loses_nothing_answered(start_lab: StartLab) -> None:
    state = start_lab()
    largest = Path(state.state_dir, "lab.sqlite-wal").stat().st_size + 400_000
    resource.prlimit(state.pid, resource.RLIMIT_FSIZE, (largest, largest))
    lab, answered = kubernetes(state), []
    try:
        for number in range(2000):
            body = {"metadata": {"name": f"map-{number}"}, "data": {"value": "x" * 2000}}
            answer = lab("POST", MAPS, body)
            if answer.status != 201:
                break
            answered.append(f"map-{number}")
    except OSError:
        pass  # it ended before it could say so
    _, status = os.waitpid(state.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    log = Path(state.state_dir, "lab.log").read_text()
    assert log.count("\n") == 1
    assert "lab.sqlite: expected a database that can be read and written, found: " in log
    again = start_lab()
    found = {item["metadata"]["name"] for item in kubernetes(again)("GET", MAPS).body["items"]}
    assert answered
    assert set(answered) <= found


def test_reset_asks_a_terminal_only(stopped: LabState) -> None:
    command = [str(Path(sys.executable).with_name("aksdisks")), "lab", "reset", "--state-dir", stopped.state_dir]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    assert (done.returncode, done.stdout) == (0, "The lab is gone; the next start begins anew.\n")
