"""What nbval needs beyond options when it compares a cluster with the record."""

from __future__ import annotations

import pytest

from aksdisks.model.checks import MIME_TYPE
from tests import nbval_watch as nbval_watch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A check travels as data as well, with what was seen; the text beside it has its verdict, which is compared."""
    for notebook in {item.parent for item in items}:
        notebook.skip_compare = (*notebook.skip_compare, MIME_TYPE)  # type: ignore[union-attr]
