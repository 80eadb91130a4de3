"""Which api-versions pass, and in whose words the others are refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.wire.api_versions import check_version, unknown

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GROUP = "subscriptions/s/resourceGroups/g"


@pytest.mark.parametrize(
    ("path", "version"),
    [
        (f"{GROUP}/providers/Microsoft.Compute/disks/d", "2016-04-30-preview"),
        (f"{GROUP}/providers/microsoft.compute/DISKS", "2026-11-23"),
        (f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/v/virtualMachines/0/start", "2026-04-01"),
        ("subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/o", "2015-06-15"),
        (GROUP, "2021-04-01"),
        ("subscriptions", "2022-12-01"),
    ],
)
def test_versions_between_the_first_and_today_pass(path, version):
    check_version(path.split("/"), version, "westeurope", NOW)


@pytest.mark.parametrize(
    ("path", "version", "status", "code", "message"),
    [
        (
            f"{GROUP}/providers/Microsoft.Compute/disks/d",
            "2016-03-30",
            400,
            "NoRegisteredProviderFound",
            "No registered resource provider found for location 'westeurope' and API version '2016-03-30' for type "
            "'disks'. The supported api-versions are '2026-03-02, 2025-01-02, ",
        ),
        (
            "subscriptions/s/providers/microsoft.compute/virtualmachinescalesets",
            "2026-11-24",
            404,
            "InvalidResourceType",
            "The resource type 'virtualMachineScaleSets' could not be found in the namespace 'Microsoft.Compute' for "
            "api version '2026-11-24'. The supported api-versions are '2026-04-01, ",
        ),
        (
            GROUP,
            "2021-13-01",
            400,
            "InvalidApiVersionParameter",
            "The api-version '2021-13-01' is invalid. The supported versions are '2025-04-01,2025-03-01,",
        ),
    ],
)
def test_others_are_refused(path, version, status, code, message):
    with pytest.raises(CloudError) as caught:
        check_version(path.split("/"), version, "westeurope", NOW)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "The request did not have a subscription or a valid tenant level resource provider."),
        (
            f"{GROUP}/providers/Microsoft.Compute/pictures",
            "The resource type could not be found in the namespace 'Microsoft.Compute' for api version '2024-03-02'.",
        ),
        (
            f"{GROUP}/providers/Microsoft.Network/networkInterfaces/n",
            "The subscription is not registered to use namespace 'Microsoft.Network'. See "
            "https://aka.ms/rps-not-found for how to register subscriptions.",
        ),
        (f"{GROUP}/providers/Contoso.Disks/d", "The resource namespace 'Contoso.Disks' is invalid."),
    ],
)
def test_what_a_path_must_name(path, message):
    assert unknown(path.split("/") if path else [], "2024-03-02").message == message
