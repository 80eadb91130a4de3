"""Objects, lists and watch events as bytes: as they are, as tables or as metadata only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

import orjson

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.kube.printers import tables
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import bad_request
from aksdisks.lab.kube.storage.store import Version
from aksdisks.lab.kube.storage.watch import VersionEvent
from aksdisks.lab.kube.strategies.columns import Column
from aksdisks.lab.kube.strategies.strategy import Strategy
from aksdisks.lab.kube.wire.negotiation import YAML, Representation, encode
from aksdisks.lab.kube.write.api import Page


@dataclass(frozen=True, slots=True)
class Renderer:
    """One resource in the form that one client asked for.

    `strategy` is None for a kind that the lab does not have; `scale`: its scales are shown. `include` is what a
    table's rows embed.
    """

    kind: Resource
    strategy: Strategy | None
    scale: bool
    form: Representation
    include: tables.IncludeObject
    now: datetime

    @property
    def _columns(self) -> Sequence[Column]:
        return tables.SCALE if self.scale else tables.of(self.strategy)

    @property
    def _meta_version(self) -> str:
        return f"meta.k8s.io/{self.form.version}"

    def one(self, version: Version) -> bytes:
        """One object."""
        if self.form.kind == "Table":
            metadata = {"resourceVersion": version.object["metadata"].get("resourceVersion", "")}
            return encode(self._table([version.object], metadata), self.form.media_type)
        if self.form.kind == "PartialObjectMetadataList":
            raise _not_a_list("PartialObjectMetadataList", "is not")
        if self.form.kind == "PartialObjectMetadata":
            return encode(tables.partial_metadata(version.object, self._meta_version), self.form.media_type)
        return encode(version.object, YAML) if self.form.media_type == YAML else version.json

    def page(self, page: Page) -> bytes:
        """A list."""
        metadata: Object = {"resourceVersion": page.resource_version}
        if page.continue_token:
            metadata["continue"] = page.continue_token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
        if self.form.kind == "Table":
            return encode(self._table(page.items, metadata), self.form.media_type)
        if self.form.kind == "PartialObjectMetadata":
            raise _not_a_list("PartialObjectMetadata", "is")
        if self.form.kind == "PartialObjectMetadataList":
            items = [tables.partial_metadata(item, self._meta_version) for item in page.items]
            head = {"kind": "PartialObjectMetadataList", "apiVersion": self._meta_version, "metadata": metadata}
            return encode({**head, "items": items}, self.form.media_type)
        return self._list(page.versions, metadata)

    def event(self, event: VersionEvent, *, first: bool) -> bytes:
        """One line of a watch; a table's columns are in the first line only."""
        if self.form.kind == "Table":
            metadata = {"resourceVersion": event.version.object["metadata"].get("resourceVersion", "")}
            shown = [] if event.type == "BOOKMARK" else [event.version.object]
            table = self._table(shown, metadata)
            if not first:
                table["columnDefinitions"] = None
            body = orjson.dumps(table)
        elif self.form.kind.startswith("PartialObjectMetadata"):
            body = orjson.dumps(tables.partial_metadata(event.version.object, self._meta_version))
        else:
            body = event.version.json
        return b'{"type":"%s","object":%s}\n' % (event.type.encode(), body)

    def _list(self, versions: Sequence[Version], metadata: Object) -> bytes:
        head: Object = {
            "kind": self.kind.list_kind,
            "apiVersion": self.kind.api_version,
            "metadata": metadata,
        }
        if self.form.media_type == YAML:
            return encode({**head, "items": list(map(orjson.loads, self._items(versions)))}, YAML)
        # Each object's bytes exist already: a list is only their concatenation.
        return orjson.dumps(head)[:-1] + b',"items":[' + b",".join(self._items(versions)) + b"]}"

    def _items(self, versions: Sequence[Version]) -> Iterator[bytes]:
        """Items of built-in kinds do not say their kind; those of custom ones do, as upstream's list of unstructured
        objects has them.
        """
        if self.kind.custom is not None:
            return (version.json for version in versions)
        return (version.item_json for version in versions)

    def _table(self, items: Sequence[Object], metadata: Object) -> Object:
        strategy = None if self.scale else self.strategy
        return {
            "kind": "Table",
            "apiVersion": self._meta_version,
            "metadata": metadata,
            "columnDefinitions": tables.column_definitions(self._columns),
            "rows": tables.rows(self._columns, strategy, items, self.now, self.include, self._meta_version),
        }


def _not_a_list(wanted: str, whether: str) -> ApiError:
    return ApiError(406, "NotAcceptable", f"you requested {wanted}, but the requested object {whether} a list")


def include_object(value: str) -> Literal["None", "Metadata", "Object"]:
    """The parameter `includeObject`; 400 for a value that does not exist."""
    if value in ("", "Metadata", "None", "Object"):
        return cast(tables.IncludeObject, value or "Metadata")
    raise bad_request(f'unrecognized includeObject value: "{value}"')
