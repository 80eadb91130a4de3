"""What it means that Azure does not do what it is asked: its refusals of a change, in words for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aksdisks.azure.calls import Answer

_RIGHT = re.compile(
    r"not have (?:authorization|permission) to perform action '([^']+)' "
    r"(?:over scope|on the linked scope\(s\)) '([^']*)'"
)
_LOCKS = re.compile(r"are locked: '([^']+)'", re.DOTALL)


def _right(says: str) -> str:
    if "deny assignment" in says:
        return _denied(says)
    missing = _RIGHT.search(says)
    return f"the right {missing[1]} is missing at {missing[2]}" if missing else "a right is missing"


def _lock(says: str) -> str:
    where = _LOCKS.search(says)
    return f"a lock keeps it, at {where[1]}; `az lock list` shows it" if where else "a lock keeps it"


def _denied(_says: str) -> str:
    return (
        "a deny assignment keeps everybody but the cluster from changing its node resource group (lockdown, "
        "as AKS Automatic has it); `az aks update --nrg-lockdown-restriction-level Unrestricted` takes it away"
    )


_WORDS: Mapping[str, Callable[[str], str]] = {
    "AuthorizationFailed": _right,
    "LinkedAuthorizationFailed": _right,
    "DenyAssignmentAuthorizationFailed": _denied,
    "ScopeLocked": _lock,
}
"""By code (learn.microsoft.com: Azure RBAC troubleshooting, lock resources, AKS node resource group lockdown)."""


def in_words(answer: Answer) -> str:
    """A refusal in a sentence, with what Azure said."""
    words = _WORDS.get(answer.code)
    return f"{words(answer.says)} ({answer.says})" if words else answer.says
