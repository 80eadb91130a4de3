"""The built-in kinds of the lab, gathered from the modules in `kinds`: to add a kind is to add a file."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from aksdisks.lab.kube.schema.absent import KINDS
from aksdisks.lab.kube.schema.resource import Resource
from aksdisks.lab.kube.strategies import kinds
from aksdisks.lab.kube.strategies.defaults import Filler
from aksdisks.lab.kube.strategies.strategy import Strategy

_MODULES = tuple(import_module(f"{kinds.__name__}.{module.name}") for module in pkgutil.iter_modules(kinds.__path__))
STRATEGIES: dict[str, Strategy] = {
    strategy.resource.key: strategy
    for strategy in sorted(
        (strategy for module in _MODULES for strategy in module.STRATEGIES),
        key=lambda strategy: (strategy.resource.group, strategy.resource.plural),
    )
}
"""Every kind that can be made, by its resource's key; sorted by group and plural."""

VIEWS = {key: strategy.view for key, strategy in STRATEGIES.items() if strategy.view is not None}
"""Those of them that are another shape of a kind."""

FILLERS = {key: Filler(strategy.defaults) for key, strategy in STRATEGIES.items()}
"""Their defaults, as writes need them."""

KEPT: dict[str, Resource] = {key: strategy.resource for key, strategy in STRATEGIES.items()}
"""The resource of every kind that can be made."""

_HAD = {(resource.api_version, resource.kind) for resource in KEPT.values()}
_ABSENT = [kind for kind in KINDS if (kind.api_version, kind.kind) not in _HAD]

RESOURCES: dict[str, Resource] = KEPT | {f"{kind.plural}.{kind.version}.{kind.group}": kind for kind in _ABSENT}
"""Every kind that discovery names: the kept ones, and the absent ones by plural, version and group."""
