"""Refusals that nothing in the lab raises by itself yet, as the SDK reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ODataV4Format

from aksdisks.lab.arm import errors


def test_an_authorisation_failure():
    error = errors.not_authorised("C", "O", "Microsoft.Compute/disks/delete", "/subscriptions/s")
    assert (error.status, error.code) == (403, "AuthorizationFailed")
    assert error.message == (
        "The client 'C' with object id 'O' does not have authorization to perform action "
        "'Microsoft.Compute/disks/delete' over scope '/subscriptions/s' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials."
    )


def test_throttling_is_not_wrapped():
    error = errors.too_many_requests("HighCostGet30Min", 17)
    assert (error.status, error.retry_after, list(error.body())) == (429, 17, ["code", "message", "details"])
    parsed = ODataV4Format(error.body())
    assert (parsed.code, parsed.details[0].code, parsed.details[0].target) == (
        "OperationNotAllowed",
        "TooManyRequests",
        "HighCostGet30Min",
    )


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12:05:09 AM"), (11, "11:05:09 AM"), (12, "12:05:09 PM"), (23, "11:05")]
)
def test_a_tokens_times_are_written_the_american_way(hour, text):
    error = errors.token_expired(datetime(2026, 1, 2, hour, 5, 9, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    assert f"expiry UTC time '1/2/2026 {text}" in error.message
    assert error.message.endswith("is earlier than current UTC time '11/23/2026 12:00:00 AM'.")
