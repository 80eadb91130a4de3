"""How a write is to be done: only tried, by whom, how strictly it is read, and what is to be warned of."""

from __future__ import annotations

from itertools import islice
from typing import Any, TypedDict

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.admission import pod_security
from aksdisks.lab.kube.schema import decoding
from aksdisks.lab.kube.schema.duplicates import NOTHING, Repeated
from aksdisks.lab.kube.schema.objects import text
from aksdisks.lab.kube.storage.store import Store, Version
from aksdisks.lab.kube.strategies.catalog import STRATEGIES

_MOST_WARNINGS = 4096
"""As many as fit an answer if each were a single character (apiserver: filters/warning.go)."""


class WriteOptions(TypedDict, total=False):
    """How a write is to be done.

    `field_manager`: who is recorded as the owner of what is written; empty for the lab's own parts, of which no record
    is kept. `field_validation`: Ignore, Warn or Strict; what it warns of is added to `warnings`. `duplicates`: the
    fields that the body named twice, which its JSON no longer shows.
    """

    dry_run: bool
    field_manager: str
    field_validation: str
    warnings: list[str] | None
    duplicates: Repeated


class How(TypedDict):
    """What the rules of writing need of the options."""

    dry_run: bool
    manager: str


def strictness(options: WriteOptions) -> decoding.Strictness:
    """How a body is read."""
    return decoding.Strictness(
        options.get("field_validation", "Ignore"), options.get("warnings"), options.get("duplicates", NOTHING)
    )


def how(options: WriteOptions) -> How:
    """Whether a write is only tried, and by whom it is."""
    return {"dry_run": options.get("dry_run", False), "manager": options.get("field_manager", "")}


def warn(store: Store, resource: str, new: Version, old: Version | None, options: WriteOptions) -> None:
    """Add what upstream warns of in an object that was taken, where warnings are asked for."""
    warnings = options.get("warnings")
    if warnings is not None:
        before = old.object if old else None
        own = STRATEGIES[resource].warnings
        warnings.extend(islice(own(new.object, before), _MOST_WARNINGS) if own else ())
        warnings.extend(pod_security.warnings(store, resource, new.object, before))


def without_repeated_owners(obj: Object, options: WriteOptions) -> None:
    """Drop owners that are named twice and say so (apiserver: handlers/create.go dedupOwnerReferences)."""
    metadata: Any = obj.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    if not isinstance(owners, list):
        return
    kept: dict[str, Any] = {}
    repeated: list[str] = []
    for owner in owners:
        if kept.setdefault(text(owner), owner) is not owner:
            repeated.append(str(owner.get("uid", "")) if isinstance(owner, dict) else "")
    if not repeated:
        return
    obj["metadata"] = {**metadata, "ownerReferences": list(kept.values())}
    if (warnings := options.get("warnings")) is not None:
        warnings.append(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and "
            "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
            + ", ".join(repeated)
        )
