"""Kubernetes calls against the lab: pages, watches that survive, deletion of the very object, errors in words."""

import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from kubernetes.client import ApiClient, Configuration

from aksdisks import manifests
from aksdisks.errors import AlreadyExists, ApiError, Conflict, Expired, NotFound, NotReachable, WaitTimeout
from aksdisks.inspection.connection import connect
from aksdisks.kube import http as cluster_http
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import path
from aksdisks.lab.faults import client
from aksdisks.model import KubeEvent, Node, Pod, Volume
from aksdisks.parameters import Parameters
from aksdisks.waiting import seconds_left, wait


def named(name):
    return manifests.objects_for(Parameters(), {}).claim | {"metadata": {"name": name, "labels": {"x": "y"}}}


def names(found):
    return sorted(each.name for each in found)


def test_lists_are_read_in_pages(session, monkeypatch):
    monkeypatch.setattr(cluster_http, "PAGE", 2)
    for number in range(5):
        session.cluster.create(named(f"c{number}"), session.namespace)
    assert names(session.cluster.claims(session.namespace, "x=y")) == ["c0", "c1", "c2", "c3", "c4"]
    assert session.cluster.claims(session.namespace, "x=z") == ()


def test_a_continue_token_that_expires_means_a_fresh_list(session, monkeypatch):
    request, failed = session.cluster.request, []

    def once_expired(method, url, query=None, *rest):
        if query and query.get("continue") and not failed:
            failed.append(url)
            raise Expired("too old", status=410)
        return request(method, url, query, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(cluster_http, "PAGE", 1)
        patch.setattr(session.cluster, "request", once_expired)
        assert len(session.cluster.nodes()) == 3
    assert failed


def test_a_watch_has_what_was_there_and_what_comes_in_order_with_times(session):
    session.cluster.create(named("before"), session.namespace)
    with session.cluster.watch(["PersistentVolumeClaim", "Event"], session.namespace) as watcher:
        assert [c.value.name for c in watcher.initial if c.kind == "PersistentVolumeClaim"] == ["before"]
        session.cluster.create(named("after"), session.namespace)
        session.cluster.delete("PersistentVolumeClaim", "after", session.namespace)
        changes = []

        def there(change):
            changes.append(change)
            told = {(each.type, getattr(each.value, "object", each.value.name)) for each in changes}
            return told >= {("DELETED", "after"), ("ADDED", "after")} and any(c.kind == "Event" for c in changes)

        wait("the deletion and an event", watcher, there, seconds=10)
    assert next((c.type, c.value.name) for c in changes if c.kind == "PersistentVolumeClaim") == ("ADDED", "after")
    times = [change.at for change in changes]
    assert times == sorted(times) and all(at >= 0 for at in times)


@pytest.mark.parametrize("break_with", ["connection", "410"])
def test_a_watch_goes_on_where_it_was_broken(session, monkeypatch, break_with):
    http, said = session.cluster, []
    stream, broken = http.stream, []

    def breaking(kind, namespace, selector, version):
        if not broken:
            broken.append(True)
            # What happens while the watch is away must arrive all the same.
            session.cluster.create(named("meanwhile"), session.namespace)
            if break_with == "410":
                raise Expired("too old resource version", status=410)
            raise ConnectionResetError
        return stream(kind, namespace, selector, version)

    monkeypatch.setattr(http, "stream", breaking)
    monkeypatch.setattr(http, "progress", said.append)
    with session.cluster.watch(["PersistentVolumeClaim"], session.namespace) as watcher:
        change = wait("the claim", watcher, lambda c: c.value.name == "meanwhile", seconds=10)
    assert (change.type, len(broken)) == ("ADDED", 1)
    assert any("resuming" in text or "listing again" in text for text in said)


def test_delete_takes_only_the_very_object(session):
    made = session.cluster.create(named("one"), session.namespace)
    with pytest.raises(Conflict):
        session.cluster.delete("PersistentVolumeClaim", "one", session.namespace, uid="0000")
    assert session.cluster.delete("PersistentVolumeClaim", "one", session.namespace, uid=made["metadata"]["uid"])
    assert session.cluster.delete("PersistentVolumeClaim", "one", session.namespace) is False


def test_errors_say_method_path_and_the_servers_words(session):
    cluster, where = session.cluster, session.namespace
    cluster.create(named("one"), where)
    with pytest.raises(AlreadyExists, match='persistentvolumeclaims "one" already exists'):
        cluster.create(named("one"), where)
    with pytest.raises(NotFound, match=f'GET /api/v1/namespaces/{where}/pods/no: pods "no" not found'):
        cluster.get("Pod", "no", where)
    with pytest.raises(ApiError, match=r'unknown field "spec\.sise"'):
        cluster.create({**named("two"), "spec": {**named("two")["spec"], "sise": 1}}, where)


def test_a_dry_run_makes_nothing(session):
    session.cluster.create(named("dry"), session.namespace, dry_run=True)
    session.cluster.apply(named("dry"), session.namespace, dry_run=True)
    assert session.cluster.find("PersistentVolumeClaim", "dry", session.namespace) is None


@pytest.mark.parametrize(
    ("status", "method", "tries"),
    [(429, "DELETE", 4), (503, "GET", 4), (503, "DELETE", 4), (422, "GET", 1), (409, "POST", 1)],
)
def test_what_may_pass_is_tried_again_and_what_was_judged_is_not(on_lab, monkeypatch, status, method, tries):
    http, asked, said = connect(on_lab).cluster, [], []
    monkeypatch.setattr("aksdisks.kube.http._PAUSE", 0.0)
    error = ApiError("no", status=status, retry_after=0.0)

    def refuse(*_):
        asked.append(1)
        raise error

    monkeypatch.setattr(http, "_once", refuse)
    monkeypatch.setattr(http, "progress", said.append)
    with pytest.raises(type(error)):
        http.request(method, path("Pod", "x", "y"))
    assert (len(asked), len(said)) == (tries, tries - 1)


def test_rights_and_identity(session):
    assert session.cluster.allowed("create", "pods/eviction", "", session.namespace) is True
    assert session.cluster.version().startswith("v1.")


def test_2019s_shapes_are_understood():
    volume = Volume.of(
        {"metadata": {"name": "pvc-1"}, "spec": {"azureDisk": {"diskURI": "/sub/disk", "kind": "Managed"},
         "persistentVolumeReclaimPolicy": "Delete"}}
    )  # fmt: skip
    assert (volume.disk_id, volume.reclaim_policy, volume.phase) == ("/sub/disk", "Delete", "Pending")
    csi = [{"driver": f"{kind}.csi.azure.com", "volumeHandle": "mc_g#account#share"} for kind in ("disk", "file")]
    assert [Volume.of({"spec": {"csi": of}}).disk_id for of in csi] == ["mc_g#account#share", ""]
    node = Node.of(
        {"metadata": {"name": "n", "labels": {"beta.kubernetes.io/instance-type": "Standard_DS2_v2"}},
         "status": {"allocatable": {"attachable-volumes-azure-disk": "8"}}}
    )  # fmt: skip
    assert (node.size, node.disk_slots, node.ready) == ("Standard_DS2_v2", 8, False)
    event = KubeEvent.of(
        {"metadata": {"name": "e", "creationTimestamp": "2019-01-14T16:00:00Z"}, "regarding": {"kind": "Pod",
         "name": "p"}, "note": "text", "eventTime": "2019-01-14T16:00:01.5Z", "reportingController": "x"}
    )  # fmt: skip
    assert (event.message, event.object, event.count, event.first.microsecond) == ("text", "p", 1, 500000)


@pytest.mark.parametrize(
    ("meta", "status", "shown"),
    [
        ({}, {"phase": "Pending"}, "Pending"),
        ({}, {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, "ContainerCreating"),
        (
            {},
            {
                "containerStatuses": [
                    {"state": {kind: {"reason": reason}}}
                    for kind, reason in (("running", ""), ("waiting", "CrashLoopBackOff"), ("terminated", "Error"))
                ]
            },
            "CrashLoopBackOff",
        ),
        ({"deletionTimestamp": "2019-01-14T16:00:00Z"}, {"phase": "Running"}, "Terminating"),
        ({}, {"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({}, {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, "Running"),
    ],
)
def test_a_pods_status_is_kubectls(meta, status, shown):
    assert Pod.of({"metadata": {"name": "p", **meta}, "status": status}).status == shown


def test_a_first_connection_that_is_dropped_is_tried_again(on_lab, lab, monkeypatch):
    monkeypatch.setattr(cluster_http, "_PAUSE", 0.01)
    monkeypatch.setattr(cluster_http, "_LONGEST_RECONNECT", 0.05)
    monkeypatch.setattr(cluster_http, "_RESTART", 1.0)
    said = []
    client.switch_on(lab, "dropped-connections", "server/kubernetes", 1.0)
    try:
        with pytest.raises(NotReachable):
            connect(on_lab, said.append)
    finally:
        client.switch_off(lab, "dropped-connections", "server/kubernetes")
    # As long as a server may take to restart.
    tries = [line.rpartition("; ")[2] for line in said]
    assert len(tries) > 4
    assert tries[:4] == [
        f"again in {pause} s (try {n})" for n, pause in ((2, "0.0"), (3, "0.0"), (4, "0.1"), (5, "0.1"))
    ]


@pytest.mark.parametrize("ended", ["in good order", "410"])
def test_a_server_that_ends_every_watch_at_once_is_not_asked_in_a_loop(session, monkeypatch, ended):
    http, opened = session.cluster, []

    def short(*_watch):
        opened.append(1)
        if ended == "410":
            raise Expired("too old resource version", status=410)
        return SimpleNamespace(shutdown=bool), iter(())

    monkeypatch.setattr(http, "stream", short)
    with session.cluster.watch(["PersistentVolumeClaim"], session.namespace), pytest.raises(WaitTimeout):
        wait("nothing", watch_for(http, session.namespace), lambda _: False, seconds=1.0)
    # 0.1, 0.2, 0.4 and 0.8 s between them, in two watches.
    assert 4 <= len(opened) <= 12


def watch_for(http, namespace):
    with http.watch(["PersistentVolumeClaim"], namespace) as watcher:
        yield from watcher


@pytest.mark.parametrize("way", ["silent", "a trickle", "503 and Retry-After"])
def test_a_request_ends_with_the_wait_around_it(monkeypatch, way):
    """Against a server that takes connections, and then its time."""
    monkeypatch.setattr("aksdisks.waiting._SHORTEST_CALL", 0.5)
    heads = {
        "a trickle": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        "503 and Retry-After": BUSY,
        "silent": b"",
    }
    with slow_server(heads[way], trickle=way == "a trickle") as port:
        configuration = Configuration()
        configuration.host = f"http://127.0.0.1:{port}"
        http = Cluster(ApiClient(configuration))
        began = time.monotonic()
        with pytest.raises((NotReachable, ApiError)):
            wait("an answer", (http.version() for _ in range(9)), bool, seconds=0.5)
        assert time.monotonic() - began < 8.0, "60 s to read and three tries more were the limits"
        assert seconds_left(60.0) == 60.0


BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def slow_server(head, *, trickle):
    """A port where each connection is answered with `head`, then with a byte now and then; else with nothing more."""
    over = threading.Event()

    def answer(connection):
        with connection:
            connection.recv(4096)
            connection.sendall(head)
            while not over.wait(0.1):
                try:
                    connection.sendall(b" " if trickle else b"")
                except OSError:
                    return

    def serve():
        while not over.is_set():
            try:
                threads.append(threading.Thread(target=answer, args=(listener.accept()[0],)))
            except TimeoutError:
                continue
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        threads = [threading.Thread(target=serve)]
        threads[0].start()
        yield listener.getsockname()[1]
        over.set()
        for thread in threads:
            thread.join(5)


def test_requests_share_a_connection(session):
    http = session.cluster
    pool = http._pool.connection_from_url(http.server)
    before = pool.num_connections
    for _ in range(20):
        http.version()
    assert pool.num_connections <= before + 1
