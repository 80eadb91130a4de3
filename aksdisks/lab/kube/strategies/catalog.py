"""The strategies of all kinds, gathered from the modules in `kinds`: to add a kind is to add a file."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from aksdisks.lab.kube.strategies import kinds
from aksdisks.lab.kube.strategies.strategy import Strategy

_MODULES = tuple(import_module(f"{kinds.__name__}.{module.name}") for module in pkgutil.iter_modules(kinds.__path__))
STRATEGIES: dict[str, Strategy] = {key: found for module in _MODULES for key, found in module.STRATEGIES.items()}
"""By the key into `registry.KEPT`."""
