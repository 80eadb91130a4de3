"""What upstream's conformance tests send through typed Go clients: protobuf, many objects at once, lists in pages."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aksdisks.lab.kube.wire import protobuf
from aksdisks.lab.server.process import LabState
from tests.lab.kube.test_protobuf import body, field
from tests.lab.kube.wire import Wire

PROTOBUF = {"Content-Type": protobuf.MEDIA_TYPE, "Accept": f"{protobuf.MEDIA_TYPE},application/json"}
NAMESPACE = "/api/v1/namespaces/typed"
TEMPLATES = f"{NAMESPACE}/podtemplates"
COUNT, PAGE = 400, 17


def template(number: int) -> bytes:
    """A PodTemplate as Go encodes it: what is no pointer stands there even when it is empty."""
    nameless = field(2, "") + field(3, "") + field(4, "") + field(5, "") + field(6, "") + field(7, 0) + field(8, b"")
    container = field(1, "test") + field(2, "test2") + field(5, "") + field(8, b"") + field(13, "") + field(14, "")
    container += field(16, 0) + field(17, 0) + field(18, 0) + field(20, "")
    pod = field(2, container) + field(3, "") + field(6, "") + field(8, "") + field(10, "") + field(11, 0) + field(12, 0)
    pod += field(13, 0) + field(16, "") + field(17, "") + field(19, "") + field(24, "")
    made = field(1, field(1, "") + nameless) + field(2, pod)
    return body("v1", "PodTemplate", field(1, field(1, f"template-{number:04}") + nameless) + field(2, made))


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "typed"}}).status == 201
    yield wire
    wire("DELETE", NAMESPACE)


@pytest.fixture(scope="module")
def answers(wire: Wire) -> list[int]:
    """The statuses of 400 templates made by twenty at a time (e2e/apimachinery/chunking.go)."""
    with ThreadPoolExecutor(20) as pool:
        made = pool.map(lambda number: wire("POST", TEMPLATES, template(number), PROTOBUF).status, range(COUNT))
        return list(made)


def pages(wire: Wire) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        page = wire("GET", f"{TEMPLATES}?limit={PAGE}&continue={token}").json()
        yield page
        token = page["metadata"].get("continue", "")
        if not token:
            return


def test_all_are_taken(answers: list[int]) -> None:
    assert answers == [201] * COUNT


@pytest.mark.usefixtures("answers")
def test_pages_say_what_is_left_of_one_moment(wire: Wire) -> None:
    found = list(pages(wire))
    left = [page["metadata"].get("remainingItemCount") for page in found]
    assert left == [*range(COUNT - PAGE, 0, -PAGE), None]
    assert len({page["metadata"]["resourceVersion"] for page in found}) == 1
    names = [item["metadata"]["name"] for page in found for item in page["items"]]
    assert names == [f"template-{number:04}" for number in range(COUNT)]


@pytest.mark.usefixtures("answers")
def test_a_limit_above_all_gives_all(wire: Wire) -> None:
    whole = wire("GET", f"{TEMPLATES}?limit={COUNT + 1}").json()
    assert (len(whole["items"]), whole["metadata"].get("remainingItemCount")) == (COUNT, None)


def test_a_status_that_repeats_a_count_of_zero_is_taken(wire: Wire) -> None:
    labels = {"app": "s"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "test", "image": "test2"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    sets = "/apis/apps/v1/namespaces/typed/statefulsets"
    assert wire("POST", sets, {"metadata": {"name": "s"}, "spec": spec}).status == 201
    json_patch = {"Content-Type": "application/merge-patch+json"}
    assert wire("PATCH", f"{sets}/s/status", {"status": {"collisionCount": 0}}, json_patch).status == 200
    condition = field(1, "StatusUpdate") + field(2, "True") + field(3, b"") + field(4, "E2E") + field(5, "")
    status = field(2, 0) + field(3, 0) + field(9, 0) + field(10, condition) + field(11, 0)
    update = body("apps/v1", "StatefulSet", field(1, field(1, "s") + field(2, "")) + field(3, status))
    answer = wire("PUT", f"{sets}/s/status", update, PROTOBUF)
    assert (answer.status, answer.json()["status"]["collisionCount"]) == (200, 0)


def test_an_event_of_events_k8s_io_reads_through_core_as_recorded(wire: Wire) -> None:
    """With eventTime, and both older times null: so the recordings have the scheduler's events (golden/walk.jsonl)."""
    at = field(1, 1505828956) + field(2, 451103000)
    about = field(1, "Pod") + field(2, "typed") + field(3, "p")
    event = field(1, field(1, "e") + field(2, "") + field(8, b"")) + field(2, at) + field(3, field(1, 2) + field(2, at))
    event += field(4, "test-controller") + field(5, "test-node") + field(6, "Do") + field(7, "Test") + field(8, about)
    event += field(10, "note") + field(11, "Normal") + field(12, b"") + field(13, b"") + field(14, b"") + field(15, 0)
    path = "/apis/events.k8s.io/v1/namespaces/typed/events"
    assert wire("POST", path, body("events.k8s.io/v1", "Event", event), PROTOBUF).status == 201
    read = wire("GET", "/api/v1/namespaces/typed/events/e").json()
    del read["metadata"]
    moment = "2017-09-19T13:49:16.451103Z"
    assert read == {
        "kind": "Event",
        "apiVersion": "v1",
        "involvedObject": {"kind": "Pod", "namespace": "typed", "name": "p"},
        "reason": "Test",
        "message": "note",
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "type": "Normal",
        "eventTime": moment,
        "series": {"count": 2, "lastObservedTime": moment},
        "action": "Do",
        "reportingComponent": "test-controller",
        "reportingInstance": "test-node",
    }
