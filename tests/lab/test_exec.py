"""`kubectl exec` and the Python client's `stream` against pods with disks; what stays out of a command's reach."""

from __future__ import annotations

import gc
import json
import os
import pty
import re
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.processes import running
from tests.programs import ALLOW, missing, needs, path_without, require

from .breaking import Broken
from .kube.wire import Wire

NAMESPACE = "bytes"
SECRET = "the-secret-of-the-pod"

pytestmark = needs("kubectl", "perl", "ps")


def _container(name: str, *mounts: tuple[str, str], **more: object) -> dict[str, object]:
    volume_mounts = [{"name": volume, "mountPath": path} for volume, path in mounts]
    return {"name": name, "image": "busybox", "volumeMounts": volume_mounts, **more}


def _pod(name: str, *containers: dict[str, object], **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "x"}},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 1, **spec},
    }  # fmt: skip


def _claim(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }  # fmt: skip


def _listed(*objects: dict[str, object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


OBJECTS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"key": SECRET}},
    _claim("data"),
    _claim("other"),
    _pod(
        "web-0",
        _container(
            "web", ("data", "/data"), ("scratch", "/scratch"), ("settings", "/etc/settings"), ("hidden", "/hidden"),
            ("html", "/usr/share/nginx/html"),
            env=[
                {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "key"}}},
                {"name": "BOTH", "value": "key $(KEY) $$(KEY) $(NOTHING)"},
            ],
            workingDir="/data",
        ),
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "html", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "hidden", "secret": {"secretName": "hidden"}},
        ],
    ),
    _pod(
        "pair",
        _container("one", ("data", "/data")),
        _container("two", ("data", "/other/place"), ("node", "/node")),
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": "other"}},
            {"name": "node", "hostPath": {"path": "/"}},
        ],
    ),
    _pod("shell-less", _container("web") | {"image": "mcr.microsoft.com/oss/kubernetes/pause:3.9"}),
    _pod("absent", _container("web") | {"image": "busybox:404"}),
    _pod("waiting", _container("only"), nodeSelector={"no": "node"}),
]  # fmt: skip


@pytest.fixture(scope="module", params=["bwrap", "unshare"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What confines the commands of labs that start now: bubblewrap, or where that is not on PATH user namespaces."""
    require(request.param)
    with pytest.MonkeyPatch.context() as environment:
        if request.param == "unshare":
            environment.setenv("PATH", path_without("bwrap", tmp_path_factory.mktemp("path")))
        yield


ONE_WAY = pytest.mark.parametrize("way", ["unshare" if missing("bwrap") else "bwrap"], indirect=True, scope="module")
"""For what does not depend on how commands are confined."""


@pytest.fixture(scope="module")
def own_lab(way: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:  # noqa: ARG001 - for its PATH
    """A lab whose directories a test may look into."""
    state = process.start(tmp_path_factory.mktemp("exec"), 100, parent=os.getpid())
    yield state
    process.stop(state.state_dir)


@pytest.fixture(scope="module")
def environment(own_lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return os.environ | own_lab.environment() | {"KUBECACHEDIR": str(tmp_path_factory.mktemp("kube-cache"))}


Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def kubectl(environment: Mapping[str, str]) -> Kubectl:
    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", "-n", NAMESPACE, *arguments], env=dict(environment), capture_output=True, text=True, timeout=30,
            **options,
        )  # type: ignore[call-overload]  # fmt: skip

    return run


@pytest.fixture(scope="module", autouse=True)
def pods(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", NAMESPACE)
    made = kubectl("create", "-f", "-", input=_listed(*OBJECTS))
    assert made.returncode == 0, made.stderr
    ready = kubectl("wait", "--for=condition=Ready", "pod/web-0", "pod/pair", "pod/shell-less", "--timeout=20s")
    assert ready.returncode == 0, ready.stderr
    if "cannot confine" in (said := kubectl("exec", "web-0", "--", "true").stderr):
        pytest.skip(f"{said.strip()}: {ALLOW}")


@pytest.fixture(scope="module")
def inside(kubectl: Kubectl) -> Callable[..., str]:
    """What a shell command in a pod prints, both streams; whatever it ends with."""

    def run(script: str, pod: str = "web-0", *options: str) -> str:
        done = kubectl("exec", pod, *options, "--", "sh", "-c", script)
        return done.stdout + done.stderr

    return run


# The command, what it prints, its exit code


@pytest.mark.parametrize(
    ("command", "stdin", "output", "code"),
    [
        (["echo", "hello"], None, "hello\n", 0),
        (["sh", "-c", "echo out; echo err >&2; exit 3"], None, "out\nerr\ncommand terminated with exit code 3\n", 3),
        (["sh", "-c", "kill -9 $$"], None, "command terminated with exit code 137\n", 137),
        (["cat"], "with\0bytes\n", "with\0bytes\n", 0),
        (["sh", "-c", "read line; echo $line; exec 0<&-; sleep 0.1"], "a\nb\n", "a\n", 0),
        (["true"], "x" * 200_000, "", 0),
        (["wc", "-c"], "x" * 1_000_000, "1000000\n", 0),
        (["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"], None, "x" * 1_000_000, 0),
        (["sh", "-c", "hostname; whoami; pwd"], None, "web-0\nnobody\n/data\n", 0),
        (
            ["sh", "-c", "cat /etc/settings/colour; echo; echo $WHERE"],
            None,
            "blue\naks-agentpool-22115152-vmss00000",
            0,
        ),
        (["sh", "-c", "echo $BOTH"], None, f"key {SECRET} $(KEY) $(NOTHING)\n", 0),
        (["cat", "/hidden/key"], None, SECRET, 0),
        (["sh", "-c", "echo page > /usr/share/nginx/html/index && cat /usr/share/nginx/html/index"], None, "page\n", 0),
        (["sh", "-c", f"echo {'x' * 100_000} | wc -c"], None, "100001\n", 0),
        (["printf", "%s|", "a b", "", "ä$HOME"], None, "a b||ä$HOME|", 0),
    ],
)
def test_commands(kubectl: Kubectl, command: list[str], stdin: str | None, output: str, code: int) -> None:
    option = [] if stdin is None else ["-i"]
    done = kubectl("exec", "web-0", *option, "--", *command, input=stdin or "")
    assert (done.stdout + done.stderr).startswith(output) if "vmss" in output else done.stdout + done.stderr == output
    assert done.returncode == code


def test_a_disk_made_of_a_snapshot_has_the_bytes_of_then(
    own_lab: LabState, kubectl: Kubectl, inside: Callable[..., str]
) -> None:
    azure, group = Broken(own_lab, os.environ).azure, own_lab.node_resource_group

    def copied(operations: object, name: str, source: str) -> str:
        properties = {"creationData": {"createOption": "Copy", "sourceResourceId": source}}
        body = {"location": own_lab.location, "properties": properties}
        return str(operations.begin_create_or_update(group, name, body).result().id)  # type: ignore[attr-defined]

    assert inside("cd /data; mkdir -p deep; echo then > deep/note; ln -sf deep/note link; mkfifo pipe") == ""
    disk = kubectl("get", "pvc", "data", "-o", "jsonpath={.spec.volumeName}").stdout
    snapshot = copied(azure.snapshots, "of-then", azure.disks.get(group, disk).id)
    assert inside("cd /data; echo now > deep/note; rm link pipe") == ""
    handle = copied(azure.disks, "restored", snapshot)
    volume = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "restored"},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": handle},
        },
    }  # fmt: skip
    claim = _claim("restored")
    claim["spec"] |= {"volumeName": "restored", "storageClassName": ""}  # type: ignore[operator]
    disks = [{"name": "data", "persistentVolumeClaim": {"claimName": "restored"}}]
    pod = _pod("restored", _container("web", ("data", "/data")), volumes=disks)
    made = kubectl("create", "-f", "-", input=_listed(volume, claim, pod))
    assert made.returncode == 0, made.stderr
    kubectl("wait", "--for=condition=Ready", "pod/restored", "--timeout=20s")
    assert inside("cd /data; cat link; ls; echo own > deep/note", "restored") == "then\ndeep\nlink\n"
    assert inside("cat /data/deep/note") == "now\n"


NOT_STARTED = "OCI runtime exec failed: exec failed: unable to start container process:"


@ONE_WAY
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope", "--", "ls"], 'Error from server (NotFound): pods "nope" not found'),
        (["web-0", "-c", "db", "--", "ls"], "container db is not valid for pod web-0"),
        (["waiting", "--", "ls"], "pod waiting does not have a host assigned"),
        (["web-0", "--", "nope"], f'{NOT_STARTED} exec: "nope": executable file not found in $PATH: unknown'),
        (["shell-less", "--", "sh"], f'{NOT_STARTED} exec: "sh": executable file not found in $PATH: unknown'),
        (["shell-less", "--", "/bin/sh"], f'{NOT_STARTED} exec: "/bin/sh": stat /bin/sh: no such file or directory'),
    ],
)
def test_refusals(kubectl: Kubectl, arguments: list[str], message: str) -> None:
    done = kubectl("exec", *arguments)
    assert done.returncode == 1
    assert message in done.stderr


@ONE_WAY
def test_an_image_that_is_not_there_is_told_as_kubectl_shows_it(kubectl: Kubectl) -> None:
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    waited = kubectl("wait", f"--for={reason}=ImagePullBackOff", "pod/absent", "--timeout=20s")
    assert waited.returncode == 0, waited.stderr
    # The next pull, and with it ErrImagePull, may come before this is asked.
    _until(lambda: "0/1     ImagePullBackOff" in kubectl("get", "pod", "absent").stdout)
    said = kubectl("describe", "pod", "absent").stdout
    for words in ('Pulling image "busybox:404"', 'Back-off pulling image "busybox:404"', "Error: ErrImagePull"):
        assert words in said
    assert 'container not found ("web")' in kubectl("exec", "absent", "--", "sh").stderr


@ONE_WAY
def test_a_pod_of_two_containers_wants_one_named(own_lab: LabState) -> None:
    answer = Wire(own_lab)("POST", f"/api/v1/namespaces/{NAMESPACE}/pods/pair/exec?command=ls&stdout=1")
    message = "a container name must be specified for pod pair, choose one of: [one two]"
    assert (answer.status, answer.json()["message"]) == (400, message)


@ONE_WAY
@pytest.mark.parametrize(
    ("path", "headers", "status", "message"),
    [
        ("exec?command=ls&stdout=1", {}, 400, "Upgrade request required"),
        ("exec?command=ls&stdout=1", {"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}, 400, "found SPDY/3.1"),
        ("exec?command=ls&stdout=1", {"Upgrade": "websocket", "Connection": "Upgrade"}, 400, "v5.channel.k8s.io"),
        ("exec?command=ls", {}, 400, "you must specify at least one of stdin, stdout, stderr"),
        ("exec?stdout=1", {}, 400, "you must specify at least 1 command"),
        ("exec?command=a%00b&stdout=1", {}, 400, "zero byte"),
        ("log", {}, 501, "no logs"),
        ("attach?stdout=1", {}, 501, "nothing to attach to"),
        ("portforward?ports=80", {}, 501, "no ports"),
        ("proxy", {}, 501, "no ports"),
    ],
)  # fmt: skip
def test_what_is_not_spoken(own_lab: LabState, path: str, headers: dict[str, str], status: int, message: str) -> None:
    answer = Wire(own_lab)("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/web-0/{path}", None, headers)
    assert (answer.status, message in answer.json()["message"]) == (status, True), answer.body


@ONE_WAY
def test_a_container_that_does_not_run(own_lab: LabState) -> None:
    wire = Wire(own_lab)
    status = {"status": {"containerStatuses": [{"name": "one", "state": {"terminated": {"exitCode": 0}}}]}}
    path, patch = (
        f"/api/v1/namespaces/{NAMESPACE}/pods/pair",
        {"Content-Type": "application/strategic-merge-patch+json"},
    )
    before = wire("GET", path).json()["status"]["containerStatuses"]
    wire("PATCH", f"{path}/status", {"status": {"containerStatuses": [{**before[0], "state": {}}]}}, patch)
    status = {"status": {"containerStatuses": [{"name": "one", "state": {"running": None}}]}}
    wire("PATCH", f"{path}/status", status, patch)
    answer = wire("POST", f"{path}/exec?command=ls&stdout=1&container=one")
    wire("PATCH", f"{path}/status", {"status": {"containerStatuses": before}}, patch)
    assert (answer.status, answer.body) == (404, b'container not found ("one")\n')


@ONE_WAY
def test_a_node_that_is_silent(own_lab: LabState, kubectl: Kubectl) -> None:
    wire = Wire(own_lab)
    node = kubectl("get", "pod", "web-0", "-o", "jsonpath={.spec.nodeName}").stdout
    path, patch = f"/api/v1/nodes/{node}/status", {"Content-Type": "application/strategic-merge-patch+json"}

    def refused() -> bool:
        wire("PATCH", path, {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, patch)
        return "error dialing backend: dial tcp 10.224.0." in kubectl("exec", "web-0", "--", "true").stderr

    _until(refused)  # the node, which is well, says so again and again
    _until(lambda: kubectl("exec", "web-0", "--", "true").returncode == 0)


# The Python client


@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_python_client_streams(own_lab: LabState) -> None:
    api = client.CoreV1Api(config.new_client_from_config(own_lab.kubeconfig))
    connect = api.connect_get_namespaced_pod_exec
    options = {"container": "web", "stderr": True, "stdout": True, "stdin": False, "tty": False}
    assert stream(connect, "web-0", NAMESPACE, command=["cat", "/etc/hostname"], **options) == "web-0\n"
    options |= {"stdin": True, "_preload_content": False}
    talk = stream(connect, "web-0", NAMESPACE, command=["sh", "-c", "read a; echo $a; exit 4"], **options)
    talk.write_stdin("said\n")
    talk.run_forever(timeout=10)
    assert (talk.read_stdout(), talk.returncode) == ("said\n", 4)
    with pytest.raises(ApiException, match="not found"):
        stream(connect, "nope", NAMESPACE, command=["ls"], **options)
    del talk
    gc.collect()  # the client leaves its sockets to the collector


def test_a_terminal(environment: Mapping[str, str]) -> None:
    """A shell with a prompt, a window that has a size and changes it, Ctrl-C, Ctrl-D."""
    ours, theirs = pty.openpty()
    command = ["kubectl", "-n", NAMESPACE, "exec", "-it", "web-0", "--", "sh"]
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with running(command, env=dict(environment), start_new_session=True, **streams) as shell:
        os.close(theirs)
        seen = b""

        def until(text: bytes) -> None:
            nonlocal seen
            deadline = time.monotonic() + 10
            while text not in seen:
                assert select.select([ours], [], [], deadline - time.monotonic())[0], seen
                seen += os.read(ours, 4096)
            seen = seen.partition(text)[2]

        until(b"$ ")
        for said, answer in [
            (b"stty size; echo $TERM\n", b"xterm"),
            (b"tty; test -t 0 && echo yes-$((1+1))\n", b"yes-2"),
            (b"sleep 60\n", b"sleep 60"),
        ]:
            os.write(ours, said)
            until(answer)
        time.sleep(0.2)
        os.write(ours, b"\x03")
        until(b"$ ")
        os.write(ours, b"exit 7\n")
        assert shell.wait(timeout=10) == 7
        os.close(ours)


# Bytes


def test_bytes_stay_with_their_disk(own_lab: LabState, kubectl: Kubectl, inside: Callable[..., str]) -> None:
    inside("echo kept > /data/note; echo lost > /scratch/note; mkdir -m 0 /data/closed")
    assert inside("cat /data/note", "pair", "-c", "one").startswith("cat: /data/note: No such file")
    inside("echo shared > /data/note", "pair", "-c", "one")
    assert inside("cat /other/place/note; ls -A /node", "pair", "-c", "two") == "shared\n"
    uid = kubectl("get", "pod", "web-0", "-o", "jsonpath={.metadata.uid}").stdout
    disk = kubectl("get", "pvc", "data", "-o", "jsonpath={.spec.volumeName}").stdout
    directory, scratch = Path(own_lab.state_dir, "volumes", disk), Path(own_lab.state_dir, "pods", uid)
    assert (directory / "note").read_text() == "kept\n"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert scratch.is_dir()
    kubectl("delete", "pod", "web-0", "--timeout=20s")
    kubectl("create", "-f", "-", input=json.dumps(OBJECTS[4]))
    kubectl("wait", "--for=condition=Ready", "pod/web-0", "--timeout=20s")
    assert inside("cat /data/note; ls /scratch") == "kept\n"
    assert not scratch.exists()


@ONE_WAY
def test_files_are_copied(kubectl: Kubectl, inside: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("copied")
    assert kubectl("cp", str(tmp_path / "file"), "web-0:/data/copied").returncode == 0
    assert inside("cat /data/copied") == "copied"
    assert kubectl("cp", "web-0:/data/copied", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_text() == "copied"


def test_a_disk_that_is_deleted_takes_its_bytes_along(own_lab: LabState, kubectl: Kubectl) -> None:
    claim, pod = _claim("short"), _pod(
        "short", _container("c", ("d", "/d")), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "short"}}]
    )  # fmt: skip
    kubectl("create", "-f", "-", input=_listed(claim, pod))
    kubectl("wait", "--for=condition=Ready", "pod/short", "--timeout=20s")
    kubectl("exec", "short", "--", "sh", "-c", "mkdir -p /d/a/b; echo x > /d/a/b/c; ln -s / /d/root; chmod 0 /d/a")
    disk = kubectl("get", "pvc", "short", "-o", "jsonpath={.spec.volumeName}").stdout
    directory = Path(own_lab.state_dir, "volumes", disk)
    assert directory.is_dir()
    kubectl("delete", "pod/short", "pvc/short", "--timeout=20s")
    kubectl("wait", "--for=delete", f"pv/{disk}", "--timeout=20s")
    assert not directory.exists()


@ONE_WAY
def test_the_state_directory_is_its_owners_alone(own_lab: LabState) -> None:
    shown = [path for path in Path(own_lab.state_dir).rglob("*") if not path.is_symlink()]
    assert [path for path in shown if path.stat().st_mode & 0o077] == []


# What df tells of a disk


@pytest.mark.parametrize(
    ("arguments", "heading", "row"),
    [
        ("/d", "1K-blocks Used Available Use%", "1048576 10[2-4]. 10475.. 1%"),
        ("-h /d", "Size Used Avail Use%", r"1\.0G 1\.[01]M 1023M 1%"),
        ("-h -T /d/", "Type Size Used Avail Use%", r"ext4 1\.0G 1\.[01]M 1023M 1%"),
        ("-kP /d/file", "1024-blocks Used Available Capacity", "1048576 10[2-4]. 10475.. 1%"),
        ("-BM .", "1M-blocks Used Available Use%", "1024M [12]M 1023M 1%"),
        ("-i /d", "Inodes IUsed IFree IUse%", "65536 3 65533 1%"),
        ("--output=source,size,pcent,target /d", "1K-blocks Use%", "1048576 1%"),
        ("--block-size=1 -x ext4 -x tmpfs -t ext4 /d", "", ""),
    ],
)
def test_df_shows_a_claims_size(kubectl: Kubectl, sized: None, arguments: str, heading: str, row: str) -> None:  # noqa: ARG001
    """A directory takes space of its own, how much depends on the machine: the last digits of what is used are free."""
    done = kubectl("exec", "sized", "--", "df", *arguments.split())
    printed = re.sub(" +", " ", done.stdout + done.stderr)
    expected = f"Filesystem {re.escape(heading)} Mounted on\n/dev/sd[c-z] {row} /d\n"
    if not heading:
        expected = "df: no file systems processed\ncommand terminated with exit code 1\n"
    assert re.fullmatch(expected, printed), printed


def test_df_without_a_path_lists_the_claims_with_the_machines_file_systems(kubectl: Kubectl, sized: None) -> None:  # noqa: ARG001
    rows = [line.split() for line in kubectl("exec", "sized", "--", "df").stdout.splitlines()]
    targets = [row[-1] for row in rows]
    sizes = [row[1:3] for row in rows if row[-1] in ("/d", "/part")]
    assert sizes == [["1048576", sizes[0][1]]] * 2
    assert int(sizes[0][1]) >= 1024
    assert targets.count("/d") == targets.count("/part") == 1
    assert "/tmp" in targets
    assert [target for target in targets if "/.lab" in target or "/.volumes" in target] == []


@ONE_WAY
@pytest.mark.parametrize(
    "arguments",
    [
        "", "-h", "-H", "-k", "-m", "-T", "-Ph", "-i", "-ih", "-t tmpfs", "-x ext4", "-B M", "-BKiB", "-BGB", "-B2M",
        "--block-size=MB", "-h --total", "--output", "--output=file,fstype,avail", "--output=nope", "-Z", "/nope",
        "-BQ",
    ],
)  # fmt: skip
def test_df_prints_the_machines_file_systems_as_gnu_df_does(
    kubectl: Kubectl,
    sized: None,  # noqa: ARG001
    arguments: str,
) -> None:
    """Of /tmp, which nothing else in the machine writes to."""
    script = f"exec 2>&1; df {arguments} /tmp; echo $?; echo and; /usr/bin/df {arguments} /tmp; echo $?"
    ours, theirs = kubectl("exec", "sized", "--", "sh", "-c", script).stdout.replace("/usr/bin/df", "df").split("and\n")
    assert ours == theirs


@pytest.fixture(scope="module")
def sized(kubectl: Kubectl) -> None:
    """A pod with a claim mounted whole at /d and in part at /part, and one mebibyte in it."""
    mounts = [{"name": "data", "mountPath": "/d"}, {"name": "data", "mountPath": "/part", "subPath": "sub"}]
    container = {**_container("c"), "volumeMounts": mounts, "workingDir": "/d"}
    disks = [{"name": "data", "persistentVolumeClaim": {"claimName": "sized"}}]
    made = kubectl("create", "-f", "-", input=_listed(_claim("sized"), _pod("sized", container, volumes=disks)))
    assert made.returncode == 0, made.stderr
    kubectl("wait", "--for=condition=Ready", "pod/sized", "--timeout=20s")
    filled = kubectl("exec", "sized", "--", "sh", "-c", "head -c 1048576 /dev/zero > /d/file; mkdir -p /d/sub")
    assert filled.returncode == 0, filled.stderr


# Out of reach


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("cat /etc/shadow", "No such file"),
        ("cat /proc/1/environ | wc -c", "Permission denied"),
        ("ls {state}", "No such file"),
        ("ls {home}", "No such file"),
        ("ls {checkout}", "No such file"),
        ("ln -sf {state}/kubeconfig /data/k; cat /data/k", "No such file"),
        ("ln -sfn {state} /data/s; ls /data/s/", "No such file"),
        ("touch /usr/bin/x /new /etc/passwd /usr/share/nginx/x", "Read-only file system"),
        ("echo x > /etc/settings/colour", "Read-only file system"),
        ("mount -t tmpfs none /data", "must be superuser"),
        ("mknod /data/disk b 254 0", "Operation not permitted"),
        ("cat /proc/net/dev | tail -n +3 | cut -d: -f1", "    lo"),
        ("unset x; env | grep -ci azure", "0"),
        ("ps ax -o args | grep -c '[a]ksdisks.lab'", "0"),
        ("chown 0 /data", "Operation not permitted"),
        ("kill -9 1 2>&1; echo still here", "still here"),
        ("head -c 2000000000 /dev/zero > /data/big; ls -s /data/big | wc -l; rm /data/big", "1"),
        ("head -c 100000000 /dev/zero > /tmp/big", "No space left"),
        ("perl -e '$x = q(x) x 2000000000; print 1'", "Out of memory"),
    ],
)
def test_out_of_reach(inside: Callable[..., str], own_lab: LabState, script: str, expected: str) -> None:
    places = {"state": own_lab.state_dir, "home": str(Path.home()), "checkout": str(Path(__file__).parents[2])}
    assert expected in inside(script.format(**places))


def test_no_network(inside: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = inside(f"perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(q(127.0.0.1:{port})) ? 1 : qq(no: $!)'")
    assert said == "no: Connection refused"


def test_a_fork_bomb_is_limited(inside: Callable[..., str]) -> None:
    """As many as the limit, and the next is refused; the lab goes on."""
    script = "perl -e 'while (defined($p = fork)) { if (!$p) { sleep 60; exit } $n++ } print $n < 64 ? q(few) : $n'"
    assert inside(script) == "few"


@pytest.mark.parametrize("end", ["client", "pod"])
def test_a_command_ends_with_its_client_and_with_its_pod(
    kubectl: Kubectl, environment: Mapping[str, str], end: str
) -> None:
    kubectl("create", "-f", "-", input=json.dumps(_pod(f"ends-{end}", _container("c"))))
    kubectl("wait", "--for=condition=Ready", f"pod/ends-{end}", "--timeout=20s")
    seconds = f"77{len(end)}"
    command = ["kubectl", "-n", NAMESPACE, "exec", f"ends-{end}", "--", "sh", "-c", f"echo up; sleep {seconds}"]
    with running(command, env=dict(environment), stdout=subprocess.PIPE, text=True) as execution:
        assert execution.stdout is not None
        assert execution.stdout.readline() == "up\n"
        _until(lambda: _sleeping(seconds))
        if end == "client":
            execution.kill()
        else:
            kubectl("delete", "pod", "ends-pod", "--grace-period=0", "--force")
            assert execution.wait(timeout=10) == 137
        _until(lambda: not _sleeping(seconds))


@pytest.mark.usefixtures("way")
def test_a_killed_lab_leaves_no_command_running(start_lab: Callable[..., LabState], tmp_path: Path) -> None:
    lab = start_lab()
    environment = os.environ | lab.environment() | {"KUBECACHEDIR": str(tmp_path / "cache")}

    for arguments in ("run left --image=x", "wait --for=condition=Ready pod/left --timeout=20s"):
        subprocess.run(["kubectl", *arguments.split()], env=environment, check=True, timeout=30)
    command = ["kubectl", "exec", "left", "--", "sh", "-c", "echo up; sleep 7791"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with running(command, env=environment, text=True, **streams) as execution:
        assert execution.stdout is not None
        assert execution.stdout.readline() == "up\n"
        _until(lambda: _sleeping("7791"))
        os.kill(lab.pid, 9)
        execution.wait(timeout=10)
    _until(lambda: not _sleeping("7791"))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _sleeping(seconds: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == f"sleep\0{seconds}\0".encode():
                return True
        except OSError:
            continue
    return False
