"""To add a kind is to add a file: a made-up one is served, shown and deleted like upstream's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

TAPE = """
from aksdisks.lab.kube.schema.resource import Resource, fields
from aksdisks.lab.kube.strategies import columns
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.rules import Fixed, bounds, enumeration
from aksdisks.lab.kube.strategies.strategy import Strategy

STRATEGIES = (
    Strategy(
        Resource(
            "tapes", "Tape", "shelf.example.com", short_names=("tp",), subresources=("status",), generation=True,
            selectable=fields("spec.side"),
        ),
        defaults=(default("", spec={}), default("spec", side="A", minutes=60)),
        finalizers=("shelf.example.com/rewind",),
        status={"phase": "Rewound"},
        rules=(enumeration("spec.side", "A", "B"), bounds("spec.minutes", 1, 90)),
        changes=(Fixed("spec.minutes"),),
        warnings=lambda new, old: iter(["tapes wear out"]),
        columns=(columns.NAME, column("Side", "spec.side"), column("Phase", "status.phase"), columns.AGE),
    ),
    Strategy(Resource("runtimeclasses", "RuntimeClass", "node.k8s.io", namespaced=False)),
)
"""
GROUP = "/apis/shelf.example.com/v1"
TAPES = f"{GROUP}/namespaces/default/tapes"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


@pytest.fixture
def wire(start_lab: Callable[..., LabState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A lab that has one module more among its kinds."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "tape.py").write_text(TAPE)
    (tmp_path / "sitecustomize.py").write_text(
        f"from aksdisks.lab.kube.strategies import kinds\nkinds.__path__.append({str(tmp_path / 'kinds')!r})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield Wire(start_lab(agents=False))


def test_a_kind_is_a_file(wire: Wire) -> None:
    [tapes, status] = wire("GET", GROUP).json()["resources"]
    assert (tapes["name"], tapes["kind"], tapes["shortNames"], status["name"]) == (
        "tapes",
        "Tape",
        ["tp"],
        "tapes/status",
    )
    made = wire("POST", TAPES, {"metadata": {"name": "a"}})
    assert (made.status, made.headers["Warning"]) == (201, '299 - "tapes wear out"')
    tape = made.json()
    assert (tape["spec"], tape["status"]) == ({"side": "A", "minutes": 60}, {"phase": "Rewound"})
    assert (tape["metadata"]["generation"], tape["metadata"]["finalizers"]) == (1, ["shelf.example.com/rewind"])
    refused = wire("POST", TAPES, {"metadata": {"name": "b"}, "spec": {"side": "C", "minutes": 91}})
    assert (refused.status, refused.json()["message"]) == (
        422,
        'Tape.shelf.example.com "b" is invalid: [spec.side: Unsupported value: "C": supported values: "A", "B", '
        "spec.minutes: Invalid value: 91: must be between 1 and 90, inclusive]",
    )
    body = {"apiVersion": "shelf.example.com/v1", "kind": "Tape", "metadata": {"name": "b"}, "spec": {"side": "B"}}
    assert wire("PATCH", f"{TAPES}/b?fieldManager=me", body, APPLY).status == 201
    table = wire("GET", TAPES, headers=TABLE).json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Side", "Phase", "Age"]
    assert [row["cells"][:3] for row in table["rows"]] == [["a", "A", "Rewound"], ["b", "B", "Rewound"]]
    chosen = wire("GET", f"{TAPES}?fieldSelector=spec.side%3DB").json()
    assert (chosen["kind"], [item["metadata"]["name"] for item in chosen["items"]]) == ("TapeList", ["b"])
    turned = wire("PATCH", f"{TAPES}/a", {"spec": {"side": "B"}}, MERGE).json()
    assert (turned["spec"]["side"], turned["metadata"]["generation"]) == ("B", 2)
    stays = wire("PATCH", f"{TAPES}/a", {"spec": {"minutes": 90}}, MERGE)
    assert (stays.status, stays.json()["details"]["causes"][0]["field"]) == (422, "spec.minutes")
    played = wire("PATCH", f"{TAPES}/a/status", {"status": {"phase": "Played"}}, MERGE).json()
    assert (played["status"], played["metadata"]["generation"]) == ({"phase": "Played"}, 2)
    assert "deletionTimestamp" in wire("DELETE", f"{TAPES}/a").json()["metadata"]
    assert wire("PATCH", f"{TAPES}/a", {"metadata": {"finalizers": []}}, MERGE).status == 200
    assert wire("GET", f"{TAPES}/a").status == 404


def test_a_kind_takes_the_place_of_the_absent_one(wire: Wire) -> None:
    """Of RuntimeClass upstream's name alone was there, in `schema/absent.py`."""
    group = "/apis/node.k8s.io/v1"
    assert [kind["name"] for kind in wire("GET", group).json()["resources"]] == ["runtimeclasses"]
    assert wire("POST", f"{group}/runtimeclasses", {"metadata": {"name": "a"}, "handler": "runsc"}).status == 201
    assert [item["handler"] for item in wire("GET", f"{group}/runtimeclasses").json()["items"]] == ["runsc"]
