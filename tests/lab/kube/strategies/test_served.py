"""The kinds of one API server follow its own definitions, and nobody else's."""

from __future__ import annotations

import pytest

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.strategies.served import Kinds
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.custom import CRDS, WIDGETS, crd, run, version

V1BETA1 = "widgets.v1beta1.example.com"


def test_a_definition_is_served_by_the_server_that_has_it_alone() -> None:
    async def test(api: KubeApi) -> None:
        assert api.kinds.by_path("example.com", "v1", "widgets") == WIDGETS
        assert api.kinds.by_kind("example.com/v1", "Widget") == WIDGETS
        other = Kinds(Store())
        assert (other.by_path("example.com", "v1", "widgets"), other.custom()) == (None, {})
        with pytest.raises(ApiError, match="could not find the requested resource"):
            other.resource(WIDGETS)

    run(test)


def test_a_kind_is_the_same_until_its_own_definition_changes() -> None:
    async def test(api: KubeApi) -> None:
        listed, kind = api.kinds.listed(), api.kinds.resource(WIDGETS)
        await api.create("configmaps", {"metadata": {"name": "c"}}, "n")
        assert api.kinds.listed() is listed
        await api.create(CRDS, crd(plural="gadgets", kind="Gadget"))
        assert (api.kinds.listed() is listed, api.kinds.resource(WIDGETS) is kind) == (False, True)
        await api.patch(CRDS, WIDGETS, {"spec": {"names": {"categories": ["all"]}}})
        assert api.kinds.resource(WIDGETS) is not kind

    run(test)


def test_a_version_that_is_not_served_is_stored_and_not_listed() -> None:
    async def test(api: KubeApi) -> None:
        served = [(kind.version, kind.plural) for kind in api.kinds.listed() if kind.custom is not None]
        assert served == [("v1beta1", "widgets")]
        assert api.kinds.by_path("example.com", "v1", "widgets") is None
        assert (api.kinds.by_path("example.com", "v1beta1", "widgets"), api.kinds.storage_key(V1BETA1)) == (
            V1BETA1,
            WIDGETS,
        )

    run(test, crd(version("v1", served=False), version("v1beta1", storage=False)))


def test_what_is_in_the_store_already_is_served_by_a_new_server() -> None:
    async def test(api: KubeApi) -> None:
        again = Kinds(api.store)
        assert [kind.kind for kind in again.custom().values()] == ["Widget"]
        await api.delete(CRDS, WIDGETS)
        await api.patch(CRDS, WIDGETS, {"metadata": {"finalizers": None}})
        assert (again.custom(), api.kinds.custom()) == ({}, {})

    run(test)
