"""managedFields: who owns what after writes of every sort, in upstream's form."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.test_api import run

LABELS = {"app": "d"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
DEPLOYMENT: Object = {
    "metadata": {"name": "d", "labels": LABELS},
    "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE},
}
CONTAINER = {
    ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {}, "f:terminationMessagePath": {},
    "f:terminationMessagePolicy": {},
}  # fmt: skip
POD = {
    "f:containers": {'k:{"name":"c"}': CONTAINER}, "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {},
    "f:securityContext": {}, "f:terminationGracePeriodSeconds": {},
}  # fmt: skip
STRATEGY = {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}}


def owned(obj: Object) -> list[tuple[str, str, str | None, Any]]:
    """Manager, operation, subresource and fields of each entry."""
    return [
        (entry["manager"], entry["operation"], entry.get("subresource"), entry["fieldsV1"])
        for entry in obj["metadata"].get("managedFields", [])
    ]


@pytest.mark.parametrize(
    ("resource", "obj", "fields"),
    [
        ("configmaps", {"metadata": {"name": "a"}, "data": {"k": "v"}}, {"f:data": {".": {}, "f:k": {}}}),
        (
            "secrets",
            {"metadata": {"generateName": "a-"}, "stringData": {"k": "v"}},
            {"f:data": {".": {}, "f:k": {}}, "f:metadata": {"f:generateName": {}}, "f:type": {}},
        ),
        (
            "namespaces",
            {"metadata": {"name": "a"}},
            {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}},
        ),
        (
            "persistentvolumeclaims",
            {"metadata": {"name": "a"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            {"f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {".": {}, "f:storage": {}}},
                        "f:volumeMode": {}}},
        ),
        (
            "services",
            {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "selector": LABELS}},
            {"f:spec": {
                "f:internalTrafficPolicy": {},
                "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}':
                            {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}},
                "f:selector": {}, "f:sessionAffinity": {}, "f:type": {},
            }},
        ),
        (
            "deployments",
            DEPLOYMENT,
            {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {
                    "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
                    "f:strategy": STRATEGY,
                    "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": POD},
                },
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_creator_owns_what_it_said_and_the_defaults(resource: str, obj: Object, fields: Object) -> None:
    """What admission and the strategies add belongs to nobody."""

    async def test(api: KubeApi) -> None:
        made = await api.create(resource, obj, "n", field_manager="kubectl-create")
        assert owned(made) == [("kubectl-create", "Update", None, fields)]

    run(test)


def test_an_update_takes_what_it_changes_and_nobody_keeps_what_is_gone() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(
            "configmaps", {"metadata": {"name": "a"}, "data": {"k": "1", "l": "1"}}, "n", field_manager="one"
        )
        changed = await api.patch("configmaps", "a", {"data": {"k": "2", "l": None}}, "n", field_manager="two")
        assert owned(changed) == [
            ("one", "Update", None, {"f:data": {}}),
            ("two", "Update", None, {"f:data": {"f:k": {}}}),
        ]
        same = await api.patch("configmaps", "a", {"data": {"k": "2"}}, "n", field_manager="three")
        assert owned(same) == owned(changed)

    run(test)


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([{}], False),
        ([], True),
        ([{"manager": "x", "operation": "Dance", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}], True),
        ([{"manager": "x", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {}}], True),
    ],
)
def test_owners_are_reset_by_one_empty_entry_alone(entries: Any, kept: bool) -> None:
    async def test(api: KubeApi) -> None:
        made = await api.create("configmaps", {"metadata": {"name": "a"}, "data": {"k": "1"}}, "n", field_manager="one")
        patch = {"metadata": {"managedFields": entries}}
        left = await api.patch("configmaps", "a", patch, "n", field_manager="two")
        assert owned(left) == (owned(made) if kept else [])

    run(test)


def test_a_client_may_hand_fields_over() -> None:
    """As kubectl does when it turns from its own apply to the server's."""

    async def test(api: KubeApi) -> None:
        made = await api.create("configmaps", {"metadata": {"name": "a"}, "data": {"k": "1"}}, "n", field_manager="one")
        [entry] = made["metadata"]["managedFields"]
        entries = [{**entry, "manager": "two", "operation": "Apply"}]
        patch = [{"op": "replace", "path": "/metadata/managedFields", "value": entries}]
        left = await api.patch("configmaps", "a", patch, "n", patch_type="json", field_manager="three")
        assert owned(left) == [("two", "Apply", None, entry["fieldsV1"])]

    run(test)


def test_what_had_no_owner_belongs_to_the_time_before() -> None:
    async def test(api: KubeApi) -> None:
        await api.create("configmaps", {"metadata": {"name": "a"}, "data": {"k": "1"}}, "n")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "2"}}
        with pytest.raises(ApiError, match='conflict with "before-first-apply" using v1'):
            await api.patch("configmaps", "a", body, "n", patch_type="apply", field_manager="one")
        body["data"] = {"l": "2"}
        applied = await api.patch("configmaps", "a", body, "n", patch_type="apply", field_manager="one")
        assert owned(applied) == [
            ("one", "Apply", None, {"f:data": {"f:l": {}}}),
            ("before-first-apply", "Update", None, {"f:data": {".": {}, "f:k": {}}}),
        ]

    run(test)


def test_subresources_are_named() -> None:
    async def test(api: KubeApi) -> None:
        await api.create("deployments", DEPLOYMENT, "n", field_manager="one")
        await api.patch("deployments", "d", {"spec": {"replicas": 3}}, "n", subresource="scale", field_manager="two")
        status = {"status": {"observedGeneration": 2}}
        left = await api.patch("deployments", "d", status, "n", subresource="status", field_manager="two")
        assert [entry[:3] for entry in owned(left)] == [
            ("one", "Update", None), ("two", "Update", "scale"), ("two", "Update", "status"),
        ]  # fmt: skip
        assert owned(left)[1][3] == {"f:spec": {"f:replicas": {}}}

    run(test)


def test_who_applies_nothing_is_not_named() -> None:
    async def test(api: KubeApi) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        made = await api.patch("configmaps", "a", body, "n", patch_type="apply", field_manager="one")
        assert "managedFields" not in made["metadata"]
        again = await api.patch("configmaps", "a", body, "n", patch_type="apply", field_manager="one")
        assert again == made

    run(test)


@pytest.mark.parametrize("field", ["ports", "env", "nodeSelector", "volumes"])
def test_what_is_applied_no_more_goes_whole(field: str) -> None:
    values: Object = {
        "ports": [{"containerPort": 80}, {"containerPort": 81, "protocol": "UDP"}],
        "env": [{"name": "A", "value": "1"}],
        "nodeSelector": {"a": "b"},
        "volumes": [{"name": "v", "emptyDir": {}}],
    }

    def configuration(*, with_field: bool) -> Object:
        container = {"name": "c", "image": "i"}
        spec: Object = {"containers": [container]}
        if with_field:
            (container if field in ("ports", "env") else spec)[field] = values[field]
        return {**CONFIGURATION, "spec": {**DEPLOYMENT["spec"], "template": {**TEMPLATE, "spec": spec}}}

    async def test(api: KubeApi) -> None:
        plain = await api.patch(
            "deployments", "d", configuration(with_field=False), "n", patch_type="apply", field_manager="one"
        )
        for with_field in (True, False):
            body = configuration(with_field=with_field)
            left = await api.patch("deployments", "d", body, "n", patch_type="apply", field_manager="one")
            assert (left["spec"] != plain["spec"]) is with_field

    run(test)


def test_what_nobody_owns_stays_beside_what_goes() -> None:
    """As a controller's annotation beside kubectl's."""

    async def test(api: KubeApi) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"k": "v"}}}
        await api.create("configmaps", body, "n", field_manager="one")
        await api.patch("configmaps", "a", {"metadata": {"annotations": {"c": "d"}}}, "n")
        [entry] = (await api.get("configmaps", "a", "n"))["metadata"]["managedFields"]
        taken = {"metadata": {"managedFields": [{**entry, "operation": "Apply"}]}}
        await api.patch("configmaps", "a", taken, "n", field_manager="one")
        del body["metadata"]["annotations"]  # type: ignore[attr-defined]
        left = await api.patch("configmaps", "a", body, "n", patch_type="apply", field_manager="one")
        assert left["metadata"]["annotations"] == {"c": "d"}

    run(test)


def test_replicas_are_applied_by_way_of_the_scale() -> None:
    async def test(api: KubeApi) -> None:
        await api.create("deployments", DEPLOYMENT, "n", field_manager="one")
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 4}}
        with pytest.raises(ApiError, match="Apply failed with 1 conflict"):
            await api.patch("deployments", "d", body, "n", subresource="scale", patch_type="apply", field_manager="two")
        scale = await api.patch(
            "deployments", "d", body, "n", subresource="scale", patch_type="apply", field_manager="two", force=True
        )
        assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 4})
        left = await api.get("deployments", "d", "n")
        assert (left["metadata"]["generation"], left["spec"]["replicas"]) == (2, 4)
        assert owned(left)[0] == ("two", "Apply", "scale", {"f:spec": {"f:replicas": {}}})
        body["apiVersion"] = "apps/v1"
        with pytest.raises(ApiError, match="Specified patch version: apps/v1, expected: autoscaling/v1"):
            await api.patch("deployments", "d", body, "n", subresource="scale", patch_type="apply", field_manager="two")

    run(test)


CONFIGURATION: Object = {"apiVersion": "apps/v1", "kind": "Deployment", **DEPLOYMENT}
TWICE = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
REFUSED = "failed to create typed patch object (n/d; apps/v1, Kind=Deployment): "
AT = '.spec.template.spec.containers[name="c"]'


@pytest.mark.parametrize(
    ("container", "head", "code", "message"),
    [
        ({"env": TWICE}, {}, 500, f'{REFUSED}{AT}.env: duplicate entries for key [name="A"]'),
        ({"tea": 1}, {}, 500, f"{REFUSED}{AT}.tea: field not declared in schema"),
        (
            {"tea": 1, "env": [{"value": "1"}]},
            {},
            500,
            f"{REFUSED}errors:\n  {AT}.tea: field not declared in schema\n  {AT}.env: element 0: associative list with "
            'keys has an element that omits key field "name" (and doesn\'t have default value)',
        ),
        ({}, {"apiVersion": "v1"}, 400,
         "Incorrect version specified in apply patch. Specified patch version: v1, expected: apps/v1"),
        ({}, {"metadata": {"name": "d", "uid": "u"}}, 409,
         'Operation cannot be fulfilled on deployments.apps "d": uid mismatch: the provided object specified uid u, '
         "and no existing object was found"),
        ({}, {"metadata": {"name": "d", "managedFields": [{"manager": "x"}]}}, 400,
         "metadata.managedFields must be nil"),
    ],
)  # fmt: skip
def test_what_cannot_be_applied(container: Object, head: Object, code: int, message: str) -> None:
    spec = {"containers": [{"name": "c", "image": "i", **container}]}
    body = {**CONFIGURATION, "spec": {"template": {"spec": spec}}, **head}

    async def test(api: KubeApi) -> None:
        with pytest.raises(ApiError) as refusal:
            await api.patch("deployments", "d", body, "n", patch_type="apply", field_manager="one")
        assert (refusal.value.code, refusal.value.message) == (code, message)

    run(test)


@pytest.mark.parametrize(
    ("entry", "taken"),
    [
        ({"fieldsV1": {"f:data": {"k:{": {}}}}, False),
        ({"fieldsV1": {"f:data": {"i:x": {}}}}, False),
        ({"fieldsV1": {"f:data": {"v:1": {}}}}, True),
        ({}, True),
    ],
)
def test_entries_that_a_client_writes_are_taken_where_they_can_be_read(entry: Object, taken: bool) -> None:
    async def test(api: KubeApi) -> None:
        obj = {"metadata": {"name": "a", "labels": {"a": "b"}}, "data": {"k": "v"}}
        made = await api.create("configmaps", obj, "n", field_manager="m")
        given = {"operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", **entry}
        metadata = {**made["metadata"], "managedFields": [given]}
        found = await api.update("configmaps", {**made, "metadata": metadata, "data": {"l": "w"}}, field_manager="n")
        assert ("m" in [name for name, *_ in owned(found)]) is not taken

    run(test)
