"""What goes with a definition, what owners of custom kinds hold, and what a namespace takes with it."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.custom_resources import CustomResourceDefinitions
from aksdisks.lab.controllers.garbage_collector import GarbageCollector
from aksdisks.lab.controllers.namespace import NamespaceController
from tests.lab.controllers.helpers import World, played
from tests.lab.kube.custom import CRDS, WIDGETS, crd, widget


def placed(name: str, **metadata: object) -> Object:
    found = widget(name)
    found["metadata"] = {"name": name, "namespace": "walk", **metadata}
    return found


def test_a_deleted_definition_takes_its_objects_with_it() -> None:
    async def scenario(world: World) -> None:
        await world.api.create(CRDS, crd())
        await world.api.create(WIDGETS, placed("free"), "walk")
        await world.api.create(WIDGETS, placed("held", finalizers=["example.com/x"]), "walk")
        await world.api.delete(CRDS, WIDGETS)
        await world.settle()
        going = await world.api.get(CRDS, WIDGETS)
        assert going["status"]["conditions"][-1]["reason"] == "InstanceDeletionInProgress"
        assert await world.names(WIDGETS) == ["held"]
        await world.api.patch(WIDGETS, "held", {"metadata": {"finalizers": None}}, "walk")
        await world.clock.advance(6)
        await world.settle()
        assert await world.names(CRDS) == []

    played(scenario, CustomResourceDefinitions)


def test_a_name_that_becomes_free_goes_to_the_one_that_waits() -> None:
    async def scenario(world: World) -> None:
        await world.api.create(CRDS, crd())
        await world.api.create(CRDS, crd(plural="gadgets", kind="Widget"))
        await world.settle()
        await world.api.delete(CRDS, WIDGETS)
        await world.settle()
        waited = await world.api.get(CRDS, "gadgets.example.com")
        assert [(one["type"], one["status"]) for one in waited["status"]["conditions"]] == [
            ("NamesAccepted", "True"),
            ("Established", "True"),
        ]

    played(scenario, CustomResourceDefinitions)


def test_owners_of_custom_kinds_take_their_dependents_with_them() -> None:
    async def scenario(world: World) -> None:
        await world.api.create(CRDS, crd())
        await world.settle()
        owner = await world.api.create(WIDGETS, placed("owner"), "walk")
        reference = {
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
        meta: Object = {"name": "child", "namespace": "walk", "ownerReferences": [reference]}
        await world.create("configmaps", {"metadata": meta})
        await world.api.create(WIDGETS, placed("heir", ownerReferences=[reference]), "walk")
        await world.settle()
        assert await world.names("configmaps") == ["child"]
        await world.api.delete(WIDGETS, "owner", "walk")
        await world.settle()
        assert (await world.names("configmaps"), await world.names(WIDGETS)) == ([], [])

    played(scenario, GarbageCollector)


def test_a_deleted_namespace_takes_them_with_it() -> None:
    async def scenario(world: World) -> None:
        await world.api.create(CRDS, crd())
        await world.api.create(WIDGETS, placed("a"), "walk")
        await world.api.delete("namespaces", "walk")
        await world.settle()
        assert [one["metadata"]["name"] for one in (await world.api.list(WIDGETS))[0]] == []

    played(scenario, NamespaceController)
