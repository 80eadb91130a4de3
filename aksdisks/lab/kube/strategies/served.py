"""The kinds that one API server serves: the built-in ones, and those that its CustomResourceDefinitions describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import decoding
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.schema.status import no_such_resource
from aksdisks.lab.kube.storage.store import Store, Version
from aksdisks.lab.kube.strategies import custom
from aksdisks.lab.kube.strategies.catalog import FILLERS, RESOURCES, STRATEGIES, VIEWS
from aksdisks.lab.kube.strategies.strategy import Strategy, View


@dataclass(frozen=True, slots=True)
class _Tables:
    """The custom kinds as of one moment: all by key, and of all kinds which are another's shape, and their names."""

    strategies: Mapping[str, Strategy]
    views: Mapping[str, View]
    listed: tuple[Resource, ...]
    by_path: Mapping[tuple[str, str, str], str]
    by_kind: Mapping[tuple[str, str], str]


def _tables(strategies: Mapping[str, Strategy]) -> _Tables:
    served = {key: one.resource for key, one in strategies.items() if one.resource.kept}
    everything = {**RESOURCES, **served}
    return _Tables(
        strategies,
        VIEWS | {key: one.view for key, one in strategies.items() if one.view is not None},
        tuple(everything.values()),
        {(one.group, one.version, one.plural): key for key, one in everything.items()},
        {(one.api_version, one.kind): key for key, one in everything.items() if one.kept},
    )


_BUILT_IN = _tables({})


class Kinds:
    """What is served, always as the store's CustomResourceDefinitions now say."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[Object, custom.Strategies]] = {}
        self._tables = _BUILT_IN
        self._read()
        store.listen(custom.DEFINITIONS, self._read)

    def _read(self) -> None:
        """Read the definitions anew; a kind whose definition stayed the same stays the same.

        The watches of another end, as upstream's do (apiextensions: customresource_handler.go, removeStorage).
        """
        known: dict[str, tuple[Object, custom.Strategies]] = {}
        for (_, name), version in self._store.list(custom.DEFINITIONS):
            made_of, before = custom.made_of(version.object), self._known.get(name)
            same = before is not None and before[0] == made_of
            known[name] = before if before and same else (made_of, custom.strategies(version.object))
        for name, (_, strategies) in self._known.items():
            if strategies and known.get(name, (None, None))[1] is not strategies:
                self._store.end_watches(strategies[0][1].resource.key)
        self._known = known
        found = [pair for _, strategies in known.values() for pair in strategies]
        self._tables = _tables(dict(sorted(found, key=_order))) if found else _BUILT_IN

    def resource(self, key: str) -> Resource:
        """The kind by its key; 404 for one that is not served."""
        found = RESOURCES.get(key)
        return self.strategy(key).resource if found is None else found

    def strategy(self, key: str) -> Strategy:
        """What is particular to a kind; 404 for one that is not served."""
        found = STRATEGIES.get(key) or self._tables.strategies.get(key)
        if found is None:
            raise no_such_resource()
        return found

    def custom(self) -> dict[str, Resource]:
        """The custom kinds by the keys under which their objects are stored."""
        return {key: one.resource for key, one in self._tables.strategies.items() if key == one.resource.key}

    def listed(self) -> tuple[Resource, ...]:
        """Every kind that discovery names; the same tuple until a definition changes."""
        return self._tables.listed

    def by_path(self, group: str, version: str, plural: str) -> str | None:
        """The key of what a URL names; None when no such kind is served."""
        return self._tables.by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> str | None:
        """The key of what an object's apiVersion and kind name; None when the lab has no such kind."""
        return self._tables.by_kind.get((api_version, kind))

    def storage_key(self, key: str) -> str:
        """The store's key of a resource: the shapes of a kind share one."""
        view = self._tables.views.get(key)
        return key if view is None else view.of

    def has_views(self, key: str) -> bool:
        """Whether stored objects of the resource are to be shown in a shape of its own."""
        return key in self._tables.views

    def seen(self, key: str, version: Version) -> Version:
        """A stored version in the shape of the resource, made once; as it is where the kind has just gone."""
        view = self._tables.views.get(key)
        return version if view is None else _in_view(view, version)

    def all_seen(self, key: str, versions: Sequence[Version]) -> Sequence[Version]:
        """Stored versions in the shape of the resource, each made once."""
        return [self.seen(key, version) for version in versions] if self.has_views(key) else versions

    def to_stored(self, key: str, obj: Object) -> Object:
        """An object of the resource in the shape in which its kind is stored."""
        view = self._tables.views.get(key)
        return obj if view is None else view.to_stored(obj)

    def from_stored(self, key: str, obj: Object) -> Object:
        """The reverse of `to_stored`."""
        view = self._tables.views.get(key)
        return obj if view is None else view.from_stored(obj)

    def complete(self, key: str, obj: Object, stored: Object | None = None) -> None:
        """Fill in what is left out (pkg/apis/*/v1/defaults.go); changes `obj`, but no part shared with `stored`."""
        kind = self.resource(key)
        if kind.custom is None:
            key = self.storage_key(key)
            kind = RESOURCES[key]
            FILLERS[key].fill(obj, stored)
        decoding.complete(kind, obj, stored)


def _in_view(view: View, version: Version) -> Version:
    if version.view is None or version.view[0] is not view:
        shown = view.from_stored(version.object)
        same = shown is version.object
        version.view = (view, version if same else Version(shown, version.resource_version))
    return version.view[1]


def _order(pair: tuple[str, Strategy]) -> tuple[str, tuple[int, ...], str]:
    """By group, then the newest version, then the plural."""
    resource = pair[1].resource
    return resource.group, tuple(-part for part in custom.priority(resource.version)), resource.plural
