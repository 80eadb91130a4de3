"""One confined command under way: its streams, or its terminal, and its end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

STDIN, STDOUT, STDERR = 0, 1, 2

_CHUNK = 32 * 1024
_LARGEST = 10_000
"""Rows and columns of a terminal; more is nobody's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams a client asked for."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    terminal: bool = False


class Running:
    """A process group of its own; `kill` ends it with everything that it has started, at once."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        readers: dict[int, asyncio.StreamReader],
        writer: asyncio.WriteTransport | None,
        terminal: int | None = None,
        screen: asyncio.ReadTransport | None = None,
    ) -> None:
        self._process = process
        self._readers = readers
        self._writer = writer
        self._terminal = terminal
        self._screen = screen
        self._room = asyncio.Event()
        self._room.set()

    async def outputs(self) -> AsyncIterator[tuple[int, bytes]]:
        """What it writes, by channel, until its streams are closed."""
        queue: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(maxsize=4)

        async def follow(channel: int, reader: asyncio.StreamReader) -> None:
            with suppress(OSError):  # a terminal whose last user has gone ends with EIO
                while data := await reader.read(_CHUNK):
                    await queue.put((channel, data))
            await queue.put(None)

        tasks = [asyncio.create_task(follow(channel, reader)) for channel, reader in self._readers.items()]
        try:
            still = len(tasks)
            while still:
                found = await queue.get()
                if found is None:
                    still -= 1
                else:
                    yield found
        finally:
            for task in tasks:
                task.cancel()

    async def write(self, data: bytes) -> None:
        """To its standard input, as fast as it reads; what it does not want any more is dropped."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)
            while self._writer.get_write_buffer_size() > 2 * _CHUNK and self._process.returncode is None:
                await asyncio.sleep(0.01)

    def close_input(self) -> None:
        """Its standard input ends; for a terminal that is Ctrl-D."""
        if self._writer is None:
            return
        if self._terminal is not None:
            self._writer.write(b"\x04")
        else:
            self._writer.close()

    def resize(self, columns: int, rows: int) -> None:
        """The client's window has changed."""
        if self._terminal is not None and 0 < columns <= _LARGEST and 0 < rows <= _LARGEST:
            with suppress(OSError):
                fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> int:
        """Its exit code; 128 and the signal's number for a command that a signal ended."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    def kill(self) -> None:
        """End it, and forget its streams."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._writer is not None and not self._writer.is_closing():
            self._writer.abort()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None
        if self._screen is not None:
            self._screen.close()


async def start(arguments: Sequence[str], wanted: Wanted) -> Running:
    """Start a command whose arguments confine it. Raises OSError and ValueError for arguments that cannot be."""
    if wanted.terminal:
        return await _on_terminal(arguments, wanted)
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *arguments, env={}, stdin=pipe if wanted.stdin else null, stdout=pipe if wanted.stdout else null,
        stderr=pipe if wanted.stderr else null, start_new_session=True, umask=0o077, limit=2 * _CHUNK,
    )  # fmt: skip
    readers = {STDOUT: process.stdout, STDERR: process.stderr}
    writer = process.stdin.transport if process.stdin is not None else None
    return Running(process, {channel: reader for channel, reader in readers.items() if reader}, writer)


async def _on_terminal(arguments: Sequence[str], wanted: Wanted) -> Running:
    ours, theirs = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, env={}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, umask=0o077
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2 * _CHUNK)
    screen, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(ours), "rb", 0)
    )
    writer: asyncio.WriteTransport | None = None
    if wanted.stdin:
        writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(os.dup(ours), "wb", 0))
    return Running(process, {STDOUT: reader}, writer, ours, screen)
