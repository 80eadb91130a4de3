"""Objects about disks that the article has not: what is changed of a claim, and that the claim given stays as it is."""

from __future__ import annotations

from copy import deepcopy

from aksdisks import manifests
from aksdisks.manifests.disks import attributes_class, changed_claim
from aksdisks.parameters import Parameters

CLAIM = manifests.objects_for(Parameters(), {"l": "v"}).claim


def test_a_changed_claim_is_the_claim_but_for_what_is_given() -> None:
    before = deepcopy(CLAIM)
    changed = changed_claim(CLAIM, size="30Gi", attributes_class="fast")
    assert before == CLAIM
    assert changed["spec"].pop("volumeAttributesClassName") == "fast"
    assert changed["spec"]["resources"] == {"requests": {"storage": "30Gi"}}
    changed["spec"]["resources"] = before["spec"]["resources"]
    assert changed == before == changed_claim(CLAIM)


def test_a_class_of_attributes_asks_the_disk_driver() -> None:
    made = attributes_class("fast", "Premium_LRS")
    assert (made["driverName"], made["parameters"]) == ("disk.csi.azure.com", {"skuName": "Premium_LRS"})
