"""The aksdisks command, which notes each change that it asks Azure for: `python -m tests.cli.recorded FILE …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import requests

from aksdisks.cli.main import main


def record(file: Path) -> None:
    """Append `METHOD name` of each PUT and DELETE to the file."""
    send = requests.adapters.HTTPAdapter.send

    def noted(self: Any, request: Any, **options: Any) -> Any:
        if request.method in ("PUT", "DELETE") and "/Microsoft.Compute/" in request.url:
            with file.open("a") as stream:
                stream.write(f"{request.method} {request.url.partition('?')[0].rpartition('/')[2]}\n")
        return send(self, request, **options)

    setattr(requests.adapters.HTTPAdapter, "send", noted)  # noqa: B010 - mypy takes no assignment to a method


if __name__ == "__main__":
    record(Path(sys.argv.pop(1)))
    sys.argv[0] = "aksdisks"
    main()
