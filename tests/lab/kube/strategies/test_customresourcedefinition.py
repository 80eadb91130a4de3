"""Definitions of custom resources: what upstream refuses of them, their names and their conditions."""

# ruff: noqa: E501 - a row is read as a row: a value and what is said of it

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object, own_copy
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.custom import CRDS, WIDGETS, crd, refusal, run, version, widget

SCHEMA = "spec.validation.openAPIV3Schema"


def changed(path: str, value: Any) -> Object:
    """The widgets' definition with one thing changed, or taken out where the value is None."""
    found = own_copy(crd())
    place, steps = found, path.split("/")
    for step in steps[:-1]:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return found


def spec(**properties: Object) -> Object:
    """The definition with these properties below spec."""
    return crd(version(spec={"type": "object", "properties": properties}))


LIST: Object = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
MAP = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
P = f"{SCHEMA}.properties[spec].properties"


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (changed("metadata/name", "w.example.com"),
         'metadata.name: Invalid value: "w.example.com": must be spec.names.plural+"."+spec.group'),
        (changed("spec/scope", "Some"), 'spec.scope: Unsupported value: "Some": supported values: "Cluster", "Namespaced"'),
        (crd(group="example"), 'spec.group: Invalid value: "example": should be a domain with at least one dot'),
        (crd(version(schema={})), "spec.versions[0].schema.openAPIV3Schema: Required value"),
        (crd(version(storage=False)), "must have exactly one version marked as storage version"),
        (crd(version(), version(storage=False)), "must contain unique version names"),
        (crd(listKind="Widget"), 'spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same'),
        (changed("spec/conversion", {"strategy": "Webhook"}),
         "spec.conversion.strategy: Forbidden: the lab calls no webhooks"),
        (changed("spec/preserveUnknownFields", True), "spec.preserveUnknownFields: Invalid value: true: must be false"),
        (crd(group="storage.k8s.io"),
         "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval"),
        (crd(version(additionalPrinterColumns=[{"name": "A", "type": "text", "jsonPath": "spec.a"}])),
         '[spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string, '
         'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .]'),
        (crd(version(subresources={"scale": {"specReplicasPath": ".status.a", "statusReplicasPath": ".status.b"}})),
         'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec'),
        (crd(version(selectableFields=[{"jsonPath": ".spec.free"}])),
         "must point to a field of type string, boolean or integer"),
        (spec(a={}), f"{P}[a].type: Required value: must not be empty for specified object fields"),
        (spec(a={"type": "array"}), f"{P}[a].items: Required value: must be specified"),
        (spec(a={"type": "text"}), f'{P}[a].type: Unsupported value: "text": supported values: "array", "boolean"'),
        (spec(a={"type": "string", "pattern": "["}), f'{P}[a].pattern: Invalid value: "[": must be a valid regular expression'),
        (spec(a={"type": "string", "default": 1}), f'{P}[a].default: Invalid value: "integer": {P}[a].default in body must be of'),
        (spec(a={"type": "object", "properties": {}, "default": {"b": 1}}), f"{P}[a].default: Invalid value"),
        (spec(a={"type": "string", "anyOf": [{"type": "string"}]}), f"{P}[a].anyOf[0].type: Forbidden: must be empty to be structural"),
        (spec(a={"type": "object", "oneOf": [{"properties": {"b": {}}}]}),
         f"{P}[a].properties[b]: Required value: because it is defined in {P}[a].oneOf[0].properties[b]"),
        (spec(a={**LIST, **MAP}), f"{P}[a].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys"),
        (spec(a={**LIST, "x-kubernetes-list-type": "map"}), f"{P}[a].x-kubernetes-list-map-keys: Required value: must not be empty"),
        (spec(a={"type": "object", "$ref": "#/b"}), f"{P}[a].$ref: Forbidden: $ref is not supported"),
        (spec(a={"type": "array", "uniqueItems": True, "items": {"type": "string"}}), f"{P}[a].uniqueItems: Forbidden: uniqueItems cannot"),
    ],
)  # fmt: skip
def test_what_is_refused(definition: Object, told: str) -> None:
    async def test(api: KubeApi) -> None:
        found = await refusal(api.create(CRDS, definition))
        assert found.startswith("422 CustomResourceDefinition.apiextensions.k8s.io ")
        assert told in found

    run(test, crd(plural="others", kind="Other"))


@pytest.mark.parametrize(
    ("below", "told"),
    [
        (
            {"type": "array", "items": {"type": "object", "properties": {"b": 5}}},
            "cannot unmarshal number into Go struct field",
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": 5}}},
            "cannot unmarshal number into Go struct field",
        ),
        ({"type": "object", "additionalProperties": "yes"}, "boolean or JSON schema expected"),
        ({"type": "object", "properties": []}, "cannot unmarshal array into Go struct field"),
        ({"type": "string", "maxLength": "9"}, "cannot unmarshal string into Go struct field"),
    ],
)
def test_what_is_no_schema_at_all_is_refused(below: Object, told: str) -> None:
    async def test(api: KubeApi) -> None:
        found = await refusal(api.create(CRDS, spec(a=below)))
        assert found.startswith('400 CustomResourceDefinition in version "v1" cannot be handled as a ')
        assert told in found

    run(test, crd(plural="others", kind="Other"))


def test_formats_that_nobody_knows_are_warned_of() -> None:
    async def test(api: KubeApi) -> None:
        told: list[str] = []
        formats = {name: {"type": "string", "format": name} for name in ("date-time", "made-up")}
        definition = crd(version(spec={"type": "object", "properties": formats}), plural="others", kind="Other")
        await api.create(CRDS, definition, warnings=told)
        assert told == ['unrecognized format "made-up"']

    run(test)


def test_a_new_definition_is_established_at_once() -> None:
    async def test(api: KubeApi) -> None:
        made = await api.get(CRDS, WIDGETS)
        names = {"plural": "widgets", "kind": "Widget", "singular": "widget", "listKind": "WidgetList"}
        assert made["spec"]["names"] == made["status"]["acceptedNames"] == names
        assert (made["spec"]["conversion"], made["status"]["storedVersions"]) == ({"strategy": "None"}, ["v1"])
        assert [
            (one["type"], one["status"], one["reason"], one["message"]) for one in made["status"]["conditions"]
        ] == [
            ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
            ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
        ]

    run(test)


def test_a_name_that_another_has_is_not_accepted_and_nothing_is_served() -> None:
    async def test(api: KubeApi) -> None:
        made = await api.create(CRDS, crd(plural="gadgets", kind="Widget", shortNames=["widget"]))
        conditions = [
            (one["type"], one["status"], one["reason"], one["message"]) for one in made["status"]["conditions"]
        ]
        assert conditions == [
            ("NamesAccepted", "False", "ShortNamesConflict", '"widget" is already in use'),
            ("Established", "False", "NotAccepted", "not all names are accepted"),
        ]
        assert await refusal(api.list("gadgets.example.com")) == "404 the server could not find the requested resource"

    run(test)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scope": "Cluster"}, 'spec.scope: Invalid value: "Cluster": field is immutable'),
        (
            {"versions": [version("v2")]},
            'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was',
        ),
    ],
)
def test_what_may_not_change(change: Object, told: str) -> None:
    async def test(api: KubeApi) -> None:
        assert told in await refusal(api.patch(CRDS, WIDGETS, {"spec": change}))

    run(test)


def test_while_it_is_being_deleted_nothing_new_is_taken() -> None:
    async def test(api: KubeApi) -> None:
        await api.create(WIDGETS, widget("old"), "n")
        going = await api.delete(CRDS, WIDGETS)
        assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        condition = going["status"]["conditions"][-1]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "Terminating",
            "True",
            "InstanceDeletionPending",
        )
        assert await refusal(api.create(WIDGETS, widget("new"), "n")) == (
            "405 create not allowed while custom resource definition is terminating"
        )
        assert (await api.get(WIDGETS, "old", "n"))["metadata"]["name"] == "old"

    run(test)
