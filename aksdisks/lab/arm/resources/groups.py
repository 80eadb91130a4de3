"""Resource groups: the cluster's two, which a scenario names, and those that clients make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from aksdisks.lab.arm import errors
from aksdisks.lab.arm.bodies import member, texts
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.persistence.records import Records

if TYPE_CHECKING:
    from aksdisks.lab.scenario import Scenario

Json = dict[str, Any]

_KIND = "azure/group"
_NAME = re.compile(r"[-\w.()]{0,89}[-\w()]", re.ASCII)


class Groups:
    """The groups of one subscription; matched without case, shown as they were written when they were made."""

    def __init__(self, records: Records, scenario: Scenario) -> None:
        """`records`: where the groups of clients, and changed tags, are kept."""
        self._records = records
        self._scenario = scenario
        self._known: dict[str, Json] = {
            name.lower(): {"name": name, "tags": {}} for name in (scenario.resource_group, scenario.node_resource_group)
        }
        self._known[scenario.node_resource_group.lower()]["tags"] = {
            "aks-managed-cluster-name": scenario.cluster_name,
            "aks-managed-cluster-rg": scenario.resource_group,
        }
        self._known |= dict(records.values(_KIND))
        self._deleting: set[str] = set()

    def name(self, name: str) -> str:
        """The group's name as it was made. Raises ResourceGroupNotFound."""
        try:
            return str(self._known[name.lower()]["name"])
        except KeyError:
            raise errors.resource_group_not_found(name) from None

    def exists(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name.lower() in self._known

    def names(self) -> list[str]:
        """All, in the order of their names."""
        return [str(self._known[key]["name"]) for key in sorted(self._known)]

    def to_json(self, name: str) -> Json:
        """The group as a GET answers it. Raises ResourceGroupNotFound."""
        name = self.name(name)
        scenario, tags = self._scenario, self._known[name.lower()]["tags"]
        body: Json = {
            "id": f"{scenario.subscription}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": scenario.location,
        }
        if name == scenario.node_resource_group:
            body["managedBy"] = scenario.cluster_id
        if tags:
            body["tags"] = dict(tags)
        state = "Deleting" if name.lower() in self._deleting else "Succeeded"
        return {**body, "properties": {"provisioningState": state}}

    def put(self, name: str, body: Json) -> bool:
        """Make it, or give it the tags of the body; whether it is new. Raises `CloudError`."""
        location = (member(body, "location", str) or "").replace(" ", "").lower()
        if not location:
            raise errors.location_required()
        if not _NAME.fullmatch(name):
            raise _name_invalid(name)
        if location != self._scenario.location:
            raise _location_refused(location, self._scenario.location, exists=self.exists(name))
        fresh = not self.exists(name)
        self._keep(name if fresh else self.name(name), texts(body, "tags") or {})
        return fresh

    def patch(self, name: str, body: Json) -> None:
        """Change its tags. Raises `CloudError`."""
        tags = texts(body, "tags")
        if tags is not None:
            self._keep(self.name(name), tags)

    def begin_deletion(self, name: str) -> None:
        """It shows that it is about to go. Raises ResourceGroupNotFound."""
        self._deleting.add(self.name(name).lower())

    def end_deletion(self, name: str, *, gone: bool) -> None:
        """It is gone, or stays after all."""
        self._deleting.discard(name.lower())
        if gone and self._known.pop(name.lower(), None) is not None:
            self._records.remove(_KIND, name.lower())

    def _keep(self, name: str, tags: dict[str, str]) -> None:
        group = {"name": name, "tags": tags}
        self._known[name.lower()] = group
        self._records.put(_KIND, name.lower(), lambda: orjson.dumps(group))


def _name_invalid(name: str) -> CloudError:
    """A resource group's name has other signs, ends with a dot or is longer than 90."""
    return CloudError(
        400,
        "InvalidResourceGroup",
        f"The provided resource group name '{name}' has these invalid characters or ends with a period, or is longer "
        "than 90. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.",
    )


def _location_refused(wanted: str, location: str, *, exists: bool) -> CloudError:
    """A group where the subscription has no location, or not where the group is."""
    if exists:
        return CloudError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{wanted}'. The Resource group already exists in location '{location}'.",
        )
    return CloudError(
        400,
        "LocationNotAvailableForResourceGroup",
        f"The provided location '{wanted}' is not available for resource group. List of available regions is "
        f"'{location}'.",
    )
