"""Upstream's built-in kinds that the lab does not have: named, empty, refused."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.kube.schema.absent import KINDS
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.strategies.catalog import KEPT, RESOURCES
from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

ABSENT = {key: kind for key, kind in RESOURCES.items() if key not in KEPT}
LISTED = {key: kind for key, kind in ABSENT.items() if "list" in kind.verbs}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def path(kind: Resource) -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/default/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def test_no_kind_that_the_lab_has_is_listed_as_absent() -> None:
    made = {(kind.api_version, kind.kind) for kind in KEPT.values()}
    assert [kind.kind for kind in KINDS if (kind.api_version, kind.kind) in made] == []


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Wire:
    return Wire(lab)


@pytest.mark.parametrize("kind", LISTED.values(), ids=LISTED)
def test_it_lists_as_empty(wire: Wire, kind: Resource) -> None:
    answer = wire("GET", path(kind)).json()
    assert (answer["kind"], answer["apiVersion"], answer["items"]) == (f"{kind.kind}List", kind.api_version, [])
    table = wire("GET", path(kind), headers=TABLE).json()
    assert (table["kind"], table["rows"], table["columnDefinitions"][0]["name"]) == ("Table", [], "Name")
    assert wire("GET", f"{path(kind)}/x").json()["message"] == f'{kind.qualified} "x" not found'
    if "watch" in kind.verbs:
        query = "watch=1&timeoutSeconds=9&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        bookmark = next(wire.lines(f"{path(kind)}?{query}&allowWatchBookmarks=true"))
        assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", kind.kind)


@pytest.mark.parametrize("kind", ABSENT.values(), ids=ABSENT)
def test_it_is_refused_in_the_labs_own_words(wire: Wire, kind: Resource) -> None:
    body: Any = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    apply = {"Content-Type": "application/apply-patch+yaml"}
    for answer in (
        wire("POST", path(kind), body),
        wire("PUT", f"{path(kind)}/x", body),
        wire("PATCH", f"{path(kind)}/x?fieldManager=me", body, apply),
    ):
        found = answer.json()
        assert (answer.status, found["reason"]) == (501, "NotImplemented")
        assert found["message"] == (
            f"{kind.qualified}: the lab has nothing that would act on {kind.kind}, so it takes none rather than let "
            "it do nothing"
        )
