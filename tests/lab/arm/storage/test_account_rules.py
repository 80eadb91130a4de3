"""Which storage accounts can be made and changed, in Azure's words."""

from __future__ import annotations

import pytest

from aksdisks.lab import scenario as scenarios
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage import account_rules
from tests.lab.arm.storage.test_share_rules import account

SCENARIO = scenarios.load("regional")
INVALID = "InvalidValuesForRequestParameters: Values for request parameters are invalid: "
READ_ONLY = (
    "AccountPropertyCannotBeUpdated: The property '{}' was specified in the input, but it cannot be updated as it is "
    "read-only. For more information, see - https://aka.ms/storageaccountupdate"
)
NAME = (
    "AccountNameInvalid: {0} is not a valid storage account name. Storage account name must be between 3 and 24 "
    "characters in length and use numbers and lower-case letters only."
)


def body(sku="Standard_LRS", kind="StorageV2", location="West Europe", **properties):
    return {"location": location, "sku": {"name": sku}, "kind": kind, "properties": properties}


def said(call, *arguments):
    try:
        return call(*arguments)
    except CloudError as error:
        return f"{error.code}: {error.message}"


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("ab", body(), NAME.format("ab")),
        ("a" * 25, body(), NAME.format("a" * 25)),
        ("with-hyphen", body(), NAME.format("with-hyphen")),
        ("Upper", body(), NAME.format("Upper")),
        ("good", body(sku="Platin"), f"{INVALID}sku."),
        ("good", body(kind="Files"), f"{INVALID}kind."),
        ("good", body(kind="FileStorage"), f"{INVALID}kind, sku."),
        ("good", body(sku="Premium_ZRS"), f"{INVALID}kind, sku."),
        ("good", body(sku="PremiumV2_LRS"), f"{INVALID}kind, sku."),
        (
            "good",
            {"location": "westeurope", "kind": "StorageV2"},
            "InvalidParameter: Required parameter 'sku.name' is missing (null).",
        ),
        (
            "good",
            {"location": "westeurope", "sku": {"name": "Standard_LRS"}},
            "InvalidParameter: Required parameter 'kind' is missing (null).",
        ),
        ("good", {}, "LocationRequired: The location property is required for this definition."),
        (
            "good",
            body(location="mars"),
            "LocationNotAvailableForResourceType: The provided location 'mars' is not available for resource type "
            "'Microsoft.Storage/storageAccounts'. List of available regions for the resource type is 'westeurope'.",
        ),
    ],
)
def test_what_is_refused_of_a_new_one(name, asked, found):
    assert said(account_rules.new, SCENARIO, name, asked) == found


@pytest.mark.parametrize(
    ("sku", "kind"),
    [
        ("standard_lrs", "storagev2"),
        ("Premium_LRS", "FileStorage"),
        ("Premium_ZRS", "FileStorage"),
        ("StandardV2_ZRS", "FileStorage"),
        ("Premium_LRS", "BlockBlobStorage"),
        ("Standard_GRS", "Storage"),
    ],
)
def test_what_goes_together(sku, kind):
    made = account_rules.new(SCENARIO, "good", body(sku, kind, isHnsEnabled=True, unknown=1))
    assert (made.sku.lower(), made.kind.lower()) == (sku.lower(), kind.lower())
    assert made.settings == {"isHnsEnabled": True}


@pytest.mark.parametrize(
    ("had", "asked", "found"),
    [
        (account(), {"kind": "FileStorage"}, f"{INVALID}kind."),
        (
            account(),
            {"sku": {"name": "Standard_ZRS"}},
            "StorageAccountTypeConversionNotAllowed: Storage account type Standard_LRS cannot be changed to "
            "Standard_ZRS.",
        ),
        (
            account("Premium_LRS", "StorageV2"),
            {"sku": {"name": "Standard_LRS"}},
            "StorageAccountTypeConversionNotAllowed: Storage account type Premium_LRS cannot be changed to "
            "Standard_LRS.",
        ),
        (account(), {"properties": {"isHnsEnabled": True}}, READ_ONLY.format("isHnsEnabled")),
        (
            account(largeFileSharesState="Enabled"),
            {"properties": {"largeFileSharesState": "Disabled"}},
            READ_ONLY.format("largeFileSharesState"),
        ),
        (
            account(),
            {"location": "northeurope"},
            "InvalidResourceLocation: The resource 'acc' already exists in location 'westeurope' in resource group "
            "'g'. A resource with the same name cannot be created in location 'northeurope'. Please select a new "
            "resource name.",
        ),
    ],
)
def test_what_cannot_be_changed(had, asked, found):
    assert said(account_rules.changed, had, asked) == found


def test_what_can_be_changed_leaves_the_rest_as_it_is():
    had = account("Standard_LRS", "Storage", minimumTlsVersion="TLS1_2")
    asked = {"sku": {"name": "standard_grs"}, "kind": "StorageV2", "properties": {"largeFileSharesState": "Enabled"}}
    changed = account_rules.changed(had, asked)
    assert (changed.sku, changed.kind, changed.tags) == ("Standard_GRS", "StorageV2", {})
    assert changed.settings == {"minimumTlsVersion": "TLS1_2", "largeFileSharesState": "Enabled"}
