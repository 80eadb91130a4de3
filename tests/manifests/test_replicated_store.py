"""The definition of ReplicatedStores: which names it admits."""

from __future__ import annotations

import jsonschema
import pytest

from aksdisks.manifests import replicated_store


@pytest.mark.parametrize(
    ("name", "admitted"),
    [("store", True), ("a-1", True), ("s" * 52, True), ("s" * 53, False), ("my.store", False), ("9lives", False)],
)
def test_a_name_is_one_that_services_and_labels_can_have(name: str, admitted: bool) -> None:
    (version,) = replicated_store.definition({})["spec"]["versions"]
    spec = {"size": "4Gi", "template": {"spec": {"containers": [{"name": "busy"}]}}}
    store = replicated_store.store(name, {}, **spec)
    assert jsonschema.Draft202012Validator(version["schema"]["openAPIV3Schema"]).is_valid(store) is admitted
