"""The namespaces, types and api-versions that an address may name, and Resource Manager's refusals of all others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from aksdisks.lab.arm.errors import CloudError, method_not_allowed
from aksdisks.lab.errors import NotEmulated

_DISKS = (
    *("2026-03-02", "2025-01-02", "2024-03-02", "2023-10-02", "2023-04-02", "2023-01-02", "2022-07-02", "2022-03-02"),
    *("2021-12-01", "2021-08-01", "2021-04-01", "2020-12-01", "2020-09-30", "2020-06-30", "2020-05-01", "2019-11-01"),
    *("2019-07-01", "2019-03-01", "2018-09-30", "2018-06-01", "2018-04-01", "2017-03-30", "2016-04-30-preview"),
)
_MACHINES = (
    *("2026-04-01", "2025-04-01", "2024-11-01", "2024-07-01", "2024-03-01", "2023-09-01", "2023-07-01", "2023-03-01"),
    *("2022-11-01", "2022-08-01", "2022-03-01", "2021-11-01", "2021-07-01", "2021-04-01", "2021-03-01", "2020-12-01"),
    *("2020-06-01", "2019-12-01", "2019-07-01", "2019-03-01", "2018-10-01", "2018-06-01", "2018-04-01", "2017-12-01"),
    *("2017-03-30", "2016-04-30-preview", "2016-03-30", "2015-06-15"),
)
_SKUS = ("2021-07-01", "2019-04-01", "2017-09-01")
_CLUSTERS = (
    *("2026-06-01", "2025-10-01", "2025-07-01", "2025-05-01", "2025-02-01", "2025-01-01", "2024-09-01", "2024-05-01"),
    *("2024-02-01", "2024-01-01", "2023-10-01", "2023-08-01", "2023-05-01", "2023-01-01", "2022-09-01", "2022-04-01"),
    *("2021-10-01", "2021-07-01", "2021-05-01", "2020-12-01", "2020-09-01", "2020-06-01", "2020-01-01", "2019-08-01"),
    *("2018-03-31", "2017-08-31"),
)
_RESOURCES = (
    *("2025-04-01", "2025-03-01", "2024-11-01", "2024-07-01", "2024-03-01", "2023-07-01", "2022-12-01", "2022-09-01"),
    *("2022-06-01", "2022-05-01", "2022-01-01", "2021-04-01", "2021-01-01", "2020-10-01", "2020-09-01", "2020-08-01"),
    *("2020-06-01", "2020-01-01", "2019-11-01", "2019-10-01", "2019-05-10", "2018-05-01", "2017-05-10", "2016-09-01"),
    *("2016-06-01", "2016-02-01", "2015-11-01", "2015-01-01", "2014-04-01"),
)
_ROLES = ("2022-05-01-preview", "2022-04-01", "2020-04-01-preview", "2018-07-01", "2018-01-01-preview", "2015-07-01")

_STORAGE = (
    *("2026-09-01", "2025-08-01", "2025-06-01", "2025-01-01", "2024-01-01", "2023-05-01", "2023-04-01", "2023-01-01"),
    *("2022-09-01", "2022-05-01", "2021-09-01", "2021-08-01", "2021-06-01", "2021-04-01", "2021-02-01", "2021-01-01"),
    *("2019-06-01", "2019-04-01", "2018-11-01", "2018-07-01", "2018-02-01", "2017-10-01", "2017-06-01", "2016-12-01"),
    *("2016-05-01", "2016-01-01", "2015-06-15", "2015-05-01-preview"),
)

_DENY_ASSIGNMENTS = ("2022-04-01", "2018-07-01-preview")
_LOCKS = ("2020-05-01", "2017-04-01", "2016-09-01", "2015-01-01")

EMPTY = (
    *("images", "galleries", "diskEncryptionSets", "diskAccesses", "proximityPlacementGroups", "sshPublicKeys"),
    *("capacityReservationGroups", "hostGroups", "restorePointCollections"),
)
"""Types of the compute provider of which this subscription has nothing."""

NAMESPACES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Microsoft.Compute": {
        "disks": _DISKS,
        "snapshots": _DISKS,
        "availabilitySets": _MACHINES,
        **dict.fromkeys(EMPTY, _MACHINES),
        "virtualMachines": _MACHINES,
        "virtualMachineScaleSets": _MACHINES,
        "virtualMachineScaleSets/virtualMachines": _MACHINES,
        "locations": _MACHINES,
        "locations/DiskOperations": _DISKS,
        "locations/operations": _MACHINES,
        "locations/usages": _MACHINES,
        "locations/vmSizes": _MACHINES,
        "skus": _SKUS,
    },
    "Microsoft.ContainerService": {
        "managedClusters": _CLUSTERS,
        "managedClusters/agentPools": _CLUSTERS,
        "locations": _CLUSTERS,
    },
    "Microsoft.Storage": {
        "storageAccounts": _STORAGE,
        "storageAccounts/fileServices": _STORAGE,
        "storageAccounts/fileServices/shares": _STORAGE,
        "storageAccounts/blobServices": _STORAGE,
        "storageAccounts/queueServices": _STORAGE,
        "storageAccounts/tableServices": _STORAGE,
        "storageAccounts/managementPolicies": _STORAGE,
        "checkNameAvailability": _STORAGE,
        "locations": _STORAGE,
        "locations/asyncoperations": _STORAGE,
        "locations/usages": _STORAGE,
    },
    "Microsoft.Resources": {
        "subscriptions": _RESOURCES,
        "subscriptions/resourceGroups": _RESOURCES,
        "tenants": _RESOURCES,
        "tags": _RESOURCES,
        "deployments": _RESOURCES,
    },
    "Microsoft.Authorization": {
        "permissions": _ROLES,
        "roleAssignments": _ROLES,
        "roleDefinitions": _ROLES,
        "denyAssignments": _DENY_ASSIGNMENTS,
        "locks": _LOCKS,
    },
}
"""What the lab has something of, newest api-version first (the specifications' folders in azure-rest-api-specs)."""

UNREGISTERED = (
    *("Microsoft.ContainerRegistry", "Microsoft.Insights", "Microsoft.KeyVault", "Microsoft.ManagedIdentity"),
    *("Microsoft.Monitor", "Microsoft.Network", "Microsoft.OperationalInsights"),
)
"""Namespaces that Azure has and this subscription does not use."""

LOCAL = ("skus", "locations", "checkNameAvailability")
"""What is a list of the provider's, not a type of resources."""

_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(-[a-zA-Z.0-9]+)?")


def check_version(parts: Sequence[str], version: str, location: str, now: datetime) -> None:
    """Refuse a version that cannot be one of the type's: no date, before its first one, or of the future.

    Any date in between passes: which of them exist changes faster than the lab, and clients must not be held up by it.
    """
    namespace, kind, named = _type(parts)
    if namespace is None:
        if not _possible(version, _RESOURCES, now):
            supported = ",".join(_RESOURCES)
            message = f"The api-version '{version}' is invalid. The supported versions are '{supported}'."
            raise CloudError(400, "InvalidApiVersionParameter", message)
        return
    versions = NAMESPACES.get(namespace, {}).get(kind, ())
    if not versions or _possible(version, versions, now):
        return
    supported = ", ".join(versions)
    if named:
        raise CloudError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{location}' and API version '{version}' for type "
            f"'{kind}'. The supported api-versions are '{supported}'. The supported locations are '{location}'.",
        )
    raise CloudError(
        404,
        "InvalidResourceType",
        f"The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        f"The supported api-versions are '{supported}'.",
    )


def unknown(parts: Sequence[str], version: str) -> CloudError:
    """The refusal of a path that the lab does not serve (azure-cli#28372, azure-powershell#12059)."""
    namespace, kind, _ = _type(parts)
    if not parts or parts[0].lower() not in ("subscriptions", "providers"):
        return CloudError(
            404,
            "MissingSubscription",
            "The request did not have a subscription or a valid tenant level resource provider.",
        )
    if kind in NAMESPACES.get(namespace or "", {}):
        return _not_emulated(f"'{parts[-1]}' of '{namespace}/{kind}'")
    if namespace is None or namespace in NAMESPACES:
        return CloudError(
            404,
            "InvalidResourceType",
            f"The resource type could not be found in the namespace '{namespace or 'Microsoft.Resources'}' for api "
            f"version '{version}'.",
        )
    if namespace in UNREGISTERED:
        return CloudError(
            409,
            "MissingSubscriptionRegistration",
            f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for "
            "how to register subscriptions.",
        )
    return invalid_namespace(namespace)


def unknown_method(parts: Sequence[str], method: str) -> CloudError:
    """The refusal of what the lab does not do with a path that it serves, and of what nobody does with a list."""
    namespace, kind, named = _type(parts)
    if named:
        return _not_emulated(f"{method} of '{namespace}/{kind}'")
    return method_not_allowed(method, "/" + "/".join(parts))


def _not_emulated(what: str) -> CloudError:
    return CloudError(NotEmulated.code, NotEmulated.reason, f"The lab does not emulate {what}.")


def invalid_namespace(namespace: str) -> CloudError:
    """A provider that Azure has not got."""
    return CloudError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")


def _type(parts: Sequence[str]) -> tuple[str | None, str, bool]:
    """Namespace (None: Resource Manager's own), type as Azure writes it, and whether one resource is named."""
    lower = [part.lower() for part in parts]
    if "providers" not in lower or lower.index("providers") + 1 >= len(parts):
        return None, "", False
    start = len(lower) - 1 - lower[::-1].index("providers")
    after = parts[start + 1 :]
    if not after:
        return None, "", False
    known = {name.lower(): name for name in (*NAMESPACES, *UNREGISTERED)}
    namespace = known.get(after[0].lower(), after[0])
    if len(after) == 1:
        return None, "", False
    names = after[1:]
    kinds = {kind.lower(): kind for kind in NAMESPACES.get(namespace, {})}
    for end in range(len(names), 0, -1):
        kind = kinds.get("/".join(names[:end:2]).lower())
        if kind is not None:
            return namespace, kind, len(names) > len(kind.split("/")) * 2 - 1 and kind not in LOCAL
    return namespace, "/".join(names[::2]), False


def _possible(version: str, versions: Sequence[str], now: datetime) -> bool:
    found = _VERSION.fullmatch(version)
    if found is None:
        return False
    try:
        day = date.fromisoformat(found[1])
    except ValueError:
        return False
    return date.fromisoformat(versions[-1][:10]) <= day <= max(now.date(), date.fromisoformat(versions[0][:10]))
