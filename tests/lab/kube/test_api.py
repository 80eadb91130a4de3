"""What lists, watches, writes and deletes promise."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi
from tests.work import counted

POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


class Hasty(Clock):
    """A clock on which every wait is over at once."""

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.sleep(0)


def run(test: Callable[[KubeApi], Awaitable[None]]) -> None:
    async def prepared() -> None:
        api = KubeApi(Store(), Hasty(), Ids(7))
        await api.create("namespaces", {"metadata": {"name": "n"}})
        await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "n")
        await test(api)

    asyncio.run(prepared())


def test_pages_show_the_moment_of_the_first_page() -> None:
    async def test(api: KubeApi) -> None:
        for name in "abcde":
            await api.create("configmaps", {"metadata": {"name": name}}, "n")
        first = api.list_page("configmaps", "n", limit=2)
        await api.delete("configmaps", "c", "n")
        await api.create("configmaps", {"metadata": {"name": "cc"}}, "n")
        second = api.list_page("configmaps", "n", limit=2, continue_token=first.continue_token)
        third = api.list_page("configmaps", "n", limit=2, continue_token=second.continue_token)
        seen = [item["metadata"]["name"] for page in (first, second, third) for item in page.items]
        assert seen == list("abcde")
        assert [page.remaining for page in (first, second, third)] == [3, 1, None]
        assert first.resource_version == third.resource_version
        with pytest.raises(ApiError, match="continue key is not valid"):
            api.list_page("configmaps", "n", continue_token="nonsense")

    run(test)


@pytest.mark.parametrize(
    ("namespace", "fields", "labels", "found"),
    [
        ("n", "metadata.name=b", "", ["n/b"]),
        ("n", "metadata.name=none", "", []),
        ("n", "metadata.name=b,metadata.name=a", "", []),
        ("n", "metadata.name!=b", "", ["n/a"]),
        ("n", "metadata.name=b", "x=y", []),
        ("n", "metadata.name=b,metadata.namespace=m", "", []),
        (None, "metadata.name=b", "", ["m/b", "n/b"]),
    ],
)
def test_lists_of_one_name(namespace: str | None, fields: str, labels: str, found: list[str]) -> None:
    async def test(api: KubeApi) -> None:
        await api.create("namespaces", {"metadata": {"name": "m"}})
        for place in ("n/a", "n/b", "m/b"):
            of, name = place.split("/")
            await api.create("configmaps", {"metadata": {"name": name}}, of)
        page = api.list_page("configmaps", namespace, field_selector=fields, label_selector=labels, limit=5)
        seen = api.list_page("configmaps", namespace, field_selector=fields, label_selector=labels)
        for one in (page, seen):
            assert [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in one.items] == found
        node = api.list_page("nodes", field_selector="metadata.name=none")
        assert (node.items, node.remaining) == ([], None)

    run(test)


def test_a_watch_by_labels_tells_entering_and_leaving() -> None:
    async def test(api: KubeApi) -> None:
        start = str(api.store.resource_version)
        for labels in ({"a": "0"}, {"a": "1"}, {"a": "1", "b": "2"}, {"a": "0"}):
            if labels == {"a": "0"} and not api.store.get("configmaps", ("n", "x")):
                await api.create("configmaps", {"metadata": {"name": "x", "labels": labels}}, "n")
            else:
                await api.patch("configmaps", "x", {"metadata": {"labels": labels}}, "n")
        watch = api.watch("configmaps", "n", resource_version=start, label_selector="a=1", timeout_seconds=5)
        told = [(event.type, event.object["metadata"]["labels"]) async for event in watch]
        inside = {"a": "1", "b": "2"}
        assert told == [("ADDED", {"a": "1"}), ("MODIFIED", inside), ("DELETED", inside)]

    run(test)


def test_watches_begin_with_what_is_there_and_end_with_a_bookmark() -> None:
    async def test(api: KubeApi) -> None:
        await api.create("configmaps", {"metadata": {"name": "x"}}, "n")
        events = api.watch_versions(
            "configmaps", "n", send_initial_events=True, allow_bookmarks=True, timeout_seconds=5
        )
        told = [event async for event in events]
        assert [event.type for event in told] == ["ADDED", "BOOKMARK", "BOOKMARK"]
        assert told[1].version.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert told[2].version.resource_version == api.store.resource_version

    run(test)


def test_a_pod_on_a_node_waits_for_its_grace_period() -> None:
    async def test(api: KubeApi) -> None:
        start = str(api.store.resource_version)
        await api.create("pods", POD, "n")
        await api.patch("pods", "p", {"status": {"nominatedNodeName": "node"}}, "n", subresource="status")
        await api.bind("n", "p", "node")
        marked = await api.delete("pods", "p", "n")
        assert await api.delete("pods", "p", "n") == marked
        await api.delete("pods", "p", "n", grace_period_seconds=0)
        watch = api.watch("pods", "n", resource_version=start, timeout_seconds=5)
        told = [event async for event in watch]
        fields = ("generation", "deletionGracePeriodSeconds")
        assert [(e.type, *(e.object["metadata"].get(field) for field in fields)) for e in told] == [
            ("ADDED", 1, None),
            ("MODIFIED", 1, None),
            ("MODIFIED", 1, None),
            ("MODIFIED", 2, 30),
            ("MODIFIED", 2, 0),
            ("DELETED", 2, 0),
        ]
        bound = told[2].object
        assert bound["spec"]["nodeName"] == "node"
        assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
        assert "nominatedNodeName" not in bound["status"]

    run(test)


def test_a_claim_goes_with_its_last_finalizer_and_is_told_as_it_was() -> None:
    async def test(api: KubeApi) -> None:
        await api.create("persistentvolumeclaims", {"metadata": {"name": "a"}, **CLAIM}, "n")
        marked = await api.delete("persistentvolumeclaims", "a", "n", propagation="Background")
        assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
        start = str(api.store.resource_version)
        await api.patch("persistentvolumeclaims", "a", {"metadata": {"finalizers": None}}, "n")
        watch = api.watch("persistentvolumeclaims", "n", resource_version=start, timeout_seconds=5)
        (told,) = [event async for event in watch]
        assert (told.type, told.object["metadata"]["finalizers"]) == ("DELETED", ["kubernetes.io/pvc-protection"])

    run(test)


@pytest.mark.parametrize(
    ("propagation", "finalizers"), [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])]
)
def test_propagation_leaves_the_object_to_the_garbage_collector(propagation: Any, finalizers: list[str]) -> None:
    async def test(api: KubeApi) -> None:
        await api.create("configmaps", {"metadata": {"name": "x"}}, "n")
        marked = await api.delete("configmaps", "x", "n", propagation=propagation)
        assert marked["metadata"]["finalizers"] == finalizers
        assert await api.get("configmaps", "x", "n") == marked

    run(test)


def test_a_namespace_being_deleted_takes_nothing_new() -> None:
    async def test(api: KubeApi) -> None:
        marked = await api.delete("namespaces", "n")
        assert marked["status"]["phase"] == "Terminating"
        with pytest.raises(ApiError) as refusal:
            await api.create("configmaps", {"metadata": {"name": "x"}}, "n")
        assert (refusal.value.code, refusal.value.reason) == (403, "Forbidden")
        assert refusal.value.message == (
            'configmaps "x" is forbidden: unable to create new content in namespace n because it is being terminated'
        )
        await api.update("namespaces", {**marked, "spec": {}}, subresource="finalize")
        with pytest.raises(ApiError, match='namespaces "n" not found'):
            await api.get("namespaces", "n")

    run(test)


def test_status_and_the_rest_are_written_apart() -> None:
    async def test(api: KubeApi) -> None:
        claim = await api.create("persistentvolumeclaims", {"metadata": {"name": "a"}, **CLAIM}, "n")
        changed = {**claim, "status": {"phase": "Bound"}, "metadata": {**claim["metadata"], "labels": {"x": "y"}}}
        main = await api.update("persistentvolumeclaims", changed)
        assert (main["status"], main["metadata"]["labels"]) == ({"phase": "Pending"}, {"x": "y"})
        with_status = {**main, "status": {"phase": "Bound"}, "spec": {}}
        status = await api.update("persistentvolumeclaims", with_status, subresource="status")
        assert (status["status"], status["spec"]) == ({"phase": "Bound"}, claim["spec"])
        assert await api.update("persistentvolumeclaims", status) is status  # nothing new, no new resourceVersion
        with pytest.raises(ApiError, match="the object has been modified"):
            await api.update("persistentvolumeclaims", claim)

    run(test)


def test_events_are_one_object_in_two_groups() -> None:
    async def test(api: KubeApi) -> None:
        event = {
            "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "p", "namespace": "n"},
            "note": "said",
            "reason": "Scheduled",
            "type": "Normal",
            "action": "Binding",
            "eventTime": "2026-11-23T03:28:43.451103Z",
            "reportingController": "default-scheduler",
            "reportingInstance": "i",
        }
        await api.create("events.events.k8s.io", event, "n")
        core = await api.get("events", "e", "n")
        assert (core["message"], core["source"], core["firstTimestamp"]) == ("said", {}, None)
        assert core["involvedObject"]["name"] == "p"
        items, _ = await api.list("events.events.k8s.io", "n", field_selector="regarding.name=p,type=Normal")
        assert (items[0]["note"], items[0]["apiVersion"]) == ("said", "events.k8s.io/v1")

    run(test)


def test_fields_nobody_knows_warn_or_refuse() -> None:
    async def test(api: KubeApi) -> None:
        pod = {**POD, "spec": {**POD["spec"], "colour": "red", "containers": [{"name": "c", "image": "i", "tea": 1}]}}
        warnings: list[str] = []
        made = await api.create("pods", pod, "n", field_validation="Warn", warnings=warnings)
        assert sorted(warnings) == ['unknown field "spec.colour"', 'unknown field "spec.containers[0].tea"']
        assert "colour" not in made["spec"]
        wrong = {**POD, "spec": {"containers": "many"}}
        with pytest.raises(ApiError) as refusal:
            await api.create("pods", wrong, "n")
        assert refusal.value.message == (
            'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field '
            "PodSpec.spec.containers of type []v1.Container"
        )

    run(test)


def test_applying_owns_fields_and_tells_conflicts() -> None:
    async def test(api: KubeApi) -> None:
        async def apply(manager: str, data: Object, force: bool = False) -> Object:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
            return await api.patch("configmaps", "x", body, "n", patch_type="apply", field_manager=manager, force=force)

        await apply("one", {"a": "1", "b": "2"})
        both = await apply("two", {"c": "3"})
        assert both["data"] == {"a": "1", "b": "2", "c": "3"}
        with pytest.raises(ApiError) as refusal:
            await apply("two", {"a": "9", "c": "3"})
        assert refusal.value.message == 'Apply failed with 1 conflict: conflict with "one": .data.a'
        taken = await apply("two", {"a": "9", "c": "3"}, force=True)
        assert taken["data"] == {"a": "9", "b": "2", "c": "3"}
        left = await apply("one", {})
        assert left["data"] == {"a": "9", "c": "3"}
        assert [entry["manager"] for entry in left["metadata"]["managedFields"]] == ["one", "two"]

    run(test)


def test_an_ordinary_write_takes_fields_from_those_who_applied_them() -> None:
    async def test(api: KubeApi) -> None:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
        spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
        await api.patch("deployments", "d", body, "n", patch_type="apply", field_manager="one")
        await api.patch("deployments", "d", {"spec": {"replicas": 3}}, "n", field_manager="scaler")
        with pytest.raises(ApiError, match=r'1 conflict: conflict with "scaler" using apps/v1: \.spec\.replicas'):
            await api.patch("deployments", "d", body, "n", patch_type="apply", field_manager="one")
        del spec["replicas"]
        kept = await api.patch("deployments", "d", body, "n", patch_type="apply", field_manager="one")
        assert kept["spec"]["replicas"] == 3

    run(test)


def test_a_generated_name_that_is_taken_is_drawn_again() -> None:
    async def test(api: KubeApi) -> None:
        drawn = iter(["aaaaa", "aaaaa", "bbbbb", *["aaaaa"] * 8])
        api.writes.ids.suffix = lambda _n=5, **_of: next(drawn)  # type: ignore[method-assign]
        body = {"metadata": {"generateName": "x-"}}
        names = [(await api.create("configmaps", body, "n"))["metadata"]["name"] for _ in range(2)]
        assert names == ["x-aaaaa", "x-bbbbb"]
        with pytest.raises(ApiError, match='configmaps "x-aaaaa" already exists'):
            await api.create("configmaps", body, "n")

    run(test)


def test_some_kinds_are_created_by_an_update() -> None:
    async def test(api: KubeApi) -> None:
        body: Object = {"metadata": {"name": "l", "namespace": "n"}, "spec": {"holderIdentity": "h"}}
        assert api.update_version("leases", body).created
        body["metadata"]["resourceVersion"] = "5"
        body["metadata"]["name"] = "m"
        with pytest.raises(ApiError, match="the object has been modified"):
            await api.update("leases", body)
        with pytest.raises(ApiError, match='configmaps "l" not found'):
            await api.update("configmaps", {"metadata": {"name": "l", "namespace": "n"}})

    run(test)


def test_a_write_over_the_wire_owns_its_fields() -> None:
    async def test(api: KubeApi) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
        await api.create("configmaps", body, "n", field_manager="curl")
        body["data"] = {"a": "2"}
        with pytest.raises(ApiError) as refusal:
            await api.patch("configmaps", "x", body, "n", patch_type="apply", field_manager="one")
        assert refusal.value.message == 'Apply failed with 1 conflict: conflict with "curl" using v1: .data.a'
        body["tea"] = "green"
        with pytest.raises(ApiError) as refusal:
            await api.patch("configmaps", "x", body, "n", patch_type="apply", field_manager="one", force=True)
        assert refusal.value.message == (
            "failed to create typed patch object (n/x; /v1, Kind=ConfigMap): .tea: field not declared in schema"
        )

    run(test)


def test_a_forgotten_page_goes_on_if_one_likes() -> None:
    async def test(api: KubeApi) -> None:
        api.store._table("configmaps").history = type(api.store._table("configmaps").history)(maxlen=2)
        for name in "abcd":
            await api.create("configmaps", {"metadata": {"name": name}}, "n")
        first = api.list_page("configmaps", "n", limit=2)
        for name in "efg":
            await api.create("configmaps", {"metadata": {"name": name}}, "n")
        with pytest.raises(ApiError) as refusal:
            api.list_page("configmaps", "n", limit=9, continue_token=first.continue_token)
        assert (refusal.value.code, refusal.value.reason) == (410, "Expired")
        rest = api.list_page("configmaps", "n", limit=9, continue_token=refusal.value.metadata["continue"])
        assert [item["metadata"]["name"] for item in rest.items] == list("cdefg")
        with pytest.raises(ApiError, match="The resourceVersion for the provided list is too old"):
            api.list_page("configmaps", "n", resource_version="101", resource_version_match="Exact")

    run(test)


@pytest.mark.parametrize("patch_type", ["merge", "apply"])
def test_a_patch_stays_in_its_namespace(patch_type: Any) -> None:
    async def test(api: KubeApi) -> None:
        await api.create("namespaces", {"metadata": {"name": "other"}})
        for namespace in ("n", "other"):
            await api.create("configmaps", {"metadata": {"name": "a"}}, namespace)
        metadata = {"name": "a", "namespace": "other"}
        patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}}
        with pytest.raises(ApiError, match="does not match the namespace sent on the request") as refusal:
            await api.patch("configmaps", "a", patch, "n", patch_type=patch_type, field_manager="m")
        assert refusal.value.code == 400
        assert "data" not in await api.get("configmaps", "a", "other")

    run(test)


def lines_of_a_status_write(containers: int, kind: Any) -> int:
    async def test(api: KubeApi) -> None:
        spec = {"containers": [{"name": f"c{number}", "image": "i"} for number in range(containers)]}
        pod = await api.create("pods", {"metadata": {"name": "p"}, "spec": spec}, "n")
        # The first finds out what the schema has: only the second is counted.
        for message in ("a", "b"):
            status = {**pod["status"], "message": message}
            with counted() as work:
                if kind == "update":
                    pod = await api.update("pods", {**pod, "status": status}, subresource="status")
                else:
                    await api.patch("pods", "p", {"status": status}, "n", subresource="status", patch_type=kind)
        lines.append(work.lines)

    lines: list[int] = []
    run(test)
    return lines[0]


@pytest.mark.parametrize("kind", ["update", "merge", "strategic"])
def test_a_write_of_the_status_costs_nothing_for_the_spec(kind: str) -> None:
    assert lines_of_a_status_write(50, kind) == lines_of_a_status_write(1, kind)


@pytest.mark.parametrize("kind", ["update", "merge", "strategic"])
def test_a_write_leaves_older_versions_as_they_were(kind: str) -> None:
    """Versions share what did not change; what a client left as it was may still be added to."""

    async def test(api: KubeApi) -> None:
        secret = await api.create("secrets", {"metadata": {"name": "s"}, "data": {"a": "YQ=="}}, "n")
        before = copy.deepcopy(secret)
        patch = {"stringData": {"b": "b"}}
        if kind == "update":
            after = await api.update("secrets", {**secret, **patch})
        else:
            patch_type: Any = kind
            after = await api.patch("secrets", "s", patch, "n", patch_type=patch_type)
        assert after["data"] == {"a": "YQ==", "b": "Yg=="}
        assert secret == before

    run(test)


def test_what_a_caller_keeps_of_what_it_wrote_is_its_own() -> None:
    async def test(api: KubeApi) -> None:
        labels = {"a": "1"}
        await api.create("configmaps", {"metadata": {"name": "c"}}, "n")
        await api.patch("configmaps", "c", {"metadata": {"labels": labels}}, "n")
        labels["a"] = "2"
        assert (await api.get("configmaps", "c", "n"))["metadata"]["labels"] == {"a": "1"}

    run(test)
