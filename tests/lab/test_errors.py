"""The lab says from one place that it does not emulate something."""

from __future__ import annotations

from pathlib import Path

import aksdisks.lab


def test_one_module_says_what_is_not_emulated() -> None:
    sources = Path(aksdisks.lab.__file__).parent
    saying = [
        str(file.relative_to(sources)) for file in sources.rglob("*.py") if '"NotImplemented"' in file.read_text()
    ]
    assert saying == ["errors.py"]
