"""Requests that are not HTTP: aiohttp answers them with 400, and the log gets one line without a traceback."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


class _OneLine(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record of a request that could not be read; others stay as they are."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            first = " ".join(str(error).split())[:120]
            record.msg, record.args = f"{record.getMessage()}: {first}", ()
            record.exc_info = record.exc_text = None
        return True


_ONE_LINE = _OneLine()


def log_in_one_line() -> None:
    """From now on, in this process; more than once does no harm."""
    logging.getLogger("aiohttp.server").addFilter(_ONE_LINE)
