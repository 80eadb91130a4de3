"""Azure's refusals of a change as people are told them; its words are those that users quote."""

import pytest

from aksdisks.azure.calls import Answer
from aksdisks.azure.refusals import in_words

DISK = "/subscriptions/s/resourceGroups/MC_g/providers/Microsoft.Compute/disks/pvc-1"
CLIENT = "The client 'c' with object id 'o'"
BEGIN = "Microsoft.Compute/disks/beginGetAccess/action"
LINKED = (
    f"{CLIENT} has permission to perform action 'Microsoft.Compute/snapshots/write' on scope '/x'; however, it does "
    f"not have permission to perform action '{BEGIN}' on the "
)
LOCKED = (
    f"The scope '{DISK}' cannot perform delete operation because following scope(s) are locked: '/subscriptions/s'. "
    "Please remove the lock and try again."
)


@pytest.mark.parametrize(
    ("status", "code", "says", "words"),
    [
        pytest.param(
            403,
            "AuthorizationFailed",
            f"{CLIENT} does not have authorization to perform action 'Microsoft.Compute/disks/delete' over scope "
            f"'{DISK}' or the scope is invalid.",
            f"the right Microsoft.Compute/disks/delete is missing at {DISK}",
            id="a right",
        ),
        pytest.param(
            403,
            "LinkedAuthorizationFailed",
            f"{LINKED}linked scope(s) '{DISK}' or the linked scope(s) are invalid.",
            f"the right {BEGIN} is missing at {DISK}",
            id="a right to what a snapshot is made of",
        ),
        pytest.param(
            403,
            "LinkedAuthorizationFailed",
            f"{LINKED}'0' linked scope(s) '' or the linked scope(s) are invalid and is blocked by deny assignments on "
            f"the '1' linked scope(s) '{DISK}'.",
            "a deny assignment keeps",
            id="a right that a deny assignment takes away",
        ),
        pytest.param(
            403,
            "DenyAssignmentAuthorizationFailed",
            f"{CLIENT} has permission to perform action 'Microsoft.Compute/disks/delete' on scope '{DISK}'; however, "
            "the access is denied because of the deny assignment with name 'n' and Id 'i' at scope '/x'.",
            "a deny assignment keeps",
            id="lockdown",
        ),
        pytest.param(
            409, "ScopeLocked", LOCKED, "a lock keeps it, at /subscriptions/s; `az lock list` shows it", id="a lock"
        ),
        pytest.param(409, "Conflict", "Something else.", "Something else.", id="another"),
    ],
)
def test_a_refusal_is_told_in_words_with_what_azure_said(status, code, says, words):
    told = in_words(Answer(status, code, says))
    assert told.startswith(words) and says in told
