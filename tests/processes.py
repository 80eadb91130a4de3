"""Processes that tests start: none outlives its block or its time, whatever happens in the block."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

PATIENCE = 180.0
"""Seconds until a process is killed, so that whoever reads what it says, or waits for its end, comes to an end too."""


@contextmanager
def running(command: Sequence[str], *, seconds: float = PATIENCE, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process, killed `seconds` after its start or when the block ends; `options` are those of `subprocess.Popen`.

    `Popen`'s own block waits for a process without end, and a test that failed inside never said so.
    """
    process = subprocess.Popen(command, **options)
    fence = threading.Timer(seconds, process.kill)
    fence.daemon = True
    fence.start()
    try:
        yield process
    finally:
        fence.cancel()
        process.kill()
        process.wait(timeout=10)
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()


def in_background(command: Sequence[str]) -> list[str]:
    """The command as a script starts it with `&`: SIGINT is ignored, and what it starts inherits that."""
    return ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
