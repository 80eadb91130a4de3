"""Which shares an account takes: names, quotas by tier, protocols, in Azure's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage import share_rules
from aksdisks.lab.arm.storage.account import Account

NOW = datetime(2026, 11, 30, 12, 30, 0, 123456, UTC)


def account(sku="Standard_LRS", kind="StorageV2", **settings):
    words = {"id": "/a", "group": "g", "name": "acc", "location": "westeurope", "unique_id": "u", "created": NOW}
    keys = {"key1": "1", "key2": "2", "key1_created": NOW, "key2_created": NOW}
    return Account(sku=sku, kind=kind, settings=settings, **words, **keys)


STANDARD, LARGE = account(), account(largeFileSharesState="Enabled")
PREMIUM, SECOND = account("Premium_LRS", "FileStorage"), account("PremiumV2_LRS", "FileStorage")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("abc", None),
        ("a" * 63, None),
        ("pvc-0f5a-1", None),
        ("ab", "OutOfRangeInput"),
        ("a" * 64, "OutOfRangeInput"),
        ("Upper", "InvalidResourceName"),
        ("two--hyphens", "InvalidResourceName"),
        ("-first", "InvalidResourceName"),
        ("last-", "InvalidResourceName"),
        ("under_score", "InvalidResourceName"),
        ("ümlaut", "InvalidResourceName"),
        ("$root", "InvalidResourceName"),
    ],
)
def test_names(name, code):
    if code is None:
        share_rules.check_name(name, NOW)
        return
    with pytest.raises(CloudError) as refused:
        share_rules.check_name(name, NOW)
    assert (refused.value.status, refused.value.code) == (400, code)
    words, request, time = refused.value.message.split("\n")
    assert words in (
        "The specifed resource name contains invalid characters.",
        "The specified resource name length is not within the permissible limits.",
    )
    assert request.startswith("RequestId:")
    assert time == "Time:2026-11-30T12:30:00.1234560Z"


@pytest.mark.parametrize(
    ("of", "bounds"),
    [(STANDARD, (1, 5120)), (LARGE, (1, 102_400)), (PREMIUM, (100, 102_400)), (SECOND, (32, 262_144))],
)
def test_quotas_by_tier(of, bounds):
    least, most = bounds
    for size in bounds:
        assert share_rules.new(of, {"properties": {"shareQuota": size}}, NOW).quota_gib == size
    assert share_rules.new(of, {}, NOW).quota_gib == most
    for size in (least - 1, most + 1, -1):
        with pytest.raises(
            CloudError, match=r"^The value for one of the HTTP headers is not in the correct"
        ) as refused:
            share_rules.new(of, {"properties": {"shareQuota": size}}, NOW)
        assert refused.value.code == "InvalidHeaderValue"


@pytest.mark.parametrize(
    ("of", "properties", "found"),
    [
        (SECOND, {"shareQuota": 100}, (3100, 110)),
        (SECOND, {"shareQuota": 100, "provisionedIops": 4000, "provisionedBandwidthMibps": 200}, (4000, 200)),
        (SECOND, {"provisionedIops": 2999}, "InvalidHeaderValue"),
        (SECOND, {"provisionedBandwidthMibps": 20_000}, "InvalidHeaderValue"),
        (account("StandardV2_LRS", "FileStorage"), {"shareQuota": 33}, (1007, 61)),
        (PREMIUM, {"provisionedIops": 4000}, "InvalidHeaderValue"),
        (PREMIUM, {}, (None, None)),
    ],
)
def test_what_is_provisioned_beside_the_size(of, properties, found):
    if isinstance(found, tuple):
        made = share_rules.new(of, {"properties": properties}, NOW)
        assert (made.iops, made.mibps) == found
        return
    with pytest.raises(CloudError) as refused:
        share_rules.new(of, {"properties": properties}, NOW)
    assert refused.value.code == found


@pytest.mark.parametrize(
    ("of", "properties", "found"),
    [
        (STANDARD, {}, ("SMB", "TransactionOptimized", "")),
        (STANDARD, {"accessTier": "cool"}, ("SMB", "Cool", "")),
        (STANDARD, {"accessTier": "Premium"}, "InvalidHeaderValue"),
        (STANDARD, {"enabledProtocols": "NFS"}, "FeatureNotSupportedForAccount"),
        (STANDARD, {"enabledProtocols": "FTP"}, "InvalidHeaderValue"),
        (STANDARD, {"rootSquash": "AllSquash"}, "InvalidHeaderValue"),
        (PREMIUM, {}, ("SMB", "Premium", "")),
        (PREMIUM, {"enabledProtocols": "NFS"}, ("NFS", "Premium", "NoRootSquash")),
        (PREMIUM, {"enabledProtocols": "nfs", "rootSquash": "AllSquash"}, ("NFS", "Premium", "AllSquash")),
        (PREMIUM, {"accessTier": "Hot"}, "InvalidHeaderValue"),
        (PREMIUM, {"shareQuota": "100"}, "InvalidRequestContent"),
    ],
)
def test_protocols_and_tiers(of, properties, found):
    if isinstance(found, tuple):
        made = share_rules.new(of, {"properties": properties}, NOW)
        assert (made.protocol, made.access_tier, made.root_squash) == found
        return
    with pytest.raises(CloudError) as refused:
        share_rules.new(of, {"properties": properties}, NOW)
    assert refused.value.code == found
    if found == "FeatureNotSupportedForAccount":
        assert refused.value.message == "NfsFileShares is not supported for the account."
