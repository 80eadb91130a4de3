"""The server process of a lab: `python -m aksdisks.lab --state-dir DIR`, ended by SIGTERM, SIGINT or its parent."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import mimetypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aksdisks.lab.errors import AlreadyRunning, LabError
from aksdisks.lab.persistence.state_directory import StateDirectory, default_state_dir

_COLLECTIONS = (50_000, 4, 500)
"""Python's own are (700, 10, 10). Once in 250,000 new objects the second generation takes a tenth of a second."""

_AUTHORITIES = "SSL_CERT_FILE"

_LOCK_PATIENCE = 0.5
"""Seconds: someone who asks for the lab's status holds the lock for a moment."""


def main() -> int:
    """Serve until told to stop; the exit code is 0, or 2 when the lab cannot start."""
    options = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory = StateDirectory(options.state_dir.expanduser().absolute())
    answer = _Answer(options.ready_fd)
    if options.ready_fd is not None:
        os.setsid()  # in the background: the terminal's Ctrl-C is not for the lab
    try:
        directory.prepare()
        deadline = time.monotonic() + _LOCK_PATIENCE
        while True:
            with directory.lock() as held:
                if held:
                    asyncio.run(_serve(options, directory, answer))
                    return 0
            if time.monotonic() > deadline:
                raise AlreadyRunning(f"lab in {directory.path}: expected none, found one running")
            time.sleep(0.02)
    except LabError as error:
        print(f"aksdisks lab: {error}", file=sys.stderr)
        answer.refuse(error)
        return 2


async def _serve(options: argparse.Namespace, directory: StateDirectory, answer: _Answer) -> None:
    # Until it serves, all that is made stays: to look for cycles would be a tenth of its start.
    gc.disable()
    # Here and not above: a lab that cannot start says so before anything large is loaded.
    with _without_the_machines_files():
        from aksdisks.lab.lab import Lab
    from aksdisks.lab.persistence import settings
    from aksdisks.lab.persistence.database import NAME, Database
    from aksdisks.lab.persistence.records import Records

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.ephemeral:
        if (directory.path / NAME).exists():
            # Its disks would be taken for nobody's, and their bytes removed.
            raise LabError(f"{directory.path}: expected no kept lab where nothing is to be kept, found {NAME}")
        records = Records()
    else:
        records = Database(directory.path / NAME)
    try:
        scenario, speed = settings.settings(records, options.scenario, options.speed, options.kubernetes)
        lab = Lab(
            scenario, speed, directory, kube_port=options.kube_port, arm_port=options.arm_port, records=records,
            agents=not options.no_agents, driver=not options.no_driver, seed=options.seed,
        )  # fmt: skip
    except BaseException:
        records.close()
        raise
    watch = asyncio.create_task(_watch_parent(options.parent, stop.set)) if options.parent else None
    try:
        state = await lab.start()
        # What is there now stays: objects are trees without cycles, and to look through them all again and again for
        # cycles would cost a large cluster more than its controllers do.
        gc.freeze()
        gc.set_threshold(*_COLLECTIONS)
        gc.enable()
        answer.accept(f"aksdisks lab: Kubernetes at {state.kube_url}, Azure at {state.arm_url}; {state.kubeconfig}")
        waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(lab.run())]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
    finally:
        if watch:
            watch.cancel()
        await lab.stop()


@contextmanager
def _without_the_machines_files() -> Iterator[None]:
    """While aiohttp is loaded, let it find no certificates of authorities and no types of files.

    It reads the machine's bundle twice for its client, which the lab does not use, and a list of a thousand types for
    files that it serves, of which the lab has none: together a fifth of its start.
    """
    authorities, types = os.environ.get(_AUTHORITIES), mimetypes.knownfiles
    os.environ[_AUTHORITIES], mimetypes.knownfiles = os.devnull, []
    try:
        yield
    finally:
        mimetypes.knownfiles = types
        del os.environ[_AUTHORITIES]
        if authorities is not None:
            os.environ[_AUTHORITIES] = authorities


async def _watch_parent(parent: int, gone: Callable[[], None]) -> None:
    """Call `gone` once the process `parent` has ended."""
    try:
        if hasattr(os, "pidfd_open"):
            handle = os.pidfd_open(parent)
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(handle, ended.set)
            await ended.wait()
        else:
            while True:
                os.kill(parent, 0)
                await asyncio.sleep(0.5)
    except ProcessLookupError:
        pass
    gone()


class _Answer:
    """The one line that tells the starter how it went."""

    def __init__(self, handle: int | None) -> None:
        self._handle = handle

    def accept(self, message: str) -> None:
        if self._handle is None:
            print(message, flush=True)
        self._send(b"\n")

    def refuse(self, error: LabError) -> None:
        self._send(json.dumps({"error": type(error).__name__, "message": str(error)}).encode() + b"\n")

    def _send(self, line: bytes) -> None:
        if self._handle is not None:
            with suppress(BrokenPipeError):
                os.write(self._handle, line)
            os.close(self._handle)
            self._handle = None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m aksdisks.lab", description="Serve a lab in the foreground.")
    parser.add_argument("--state-dir", type=Path, default=default_state_dir())
    parser.add_argument("--speed", type=float, help="cluster seconds in one second; default: as before, else 100")
    parser.add_argument("--scenario", help="a name or a file; default: as before, else regional")
    parser.add_argument("--kubernetes", help="its version, as 1.36; default: as before, else the scenario's")
    parser.add_argument("--seed", type=int, help="a number that makes uids and generated names the same each time")
    parser.add_argument("--kube-port", type=int, default=0)
    parser.add_argument("--arm-port", type=int, default=0)
    parser.add_argument("--ephemeral", action="store_true", help="keep nothing beyond the lab's end")
    parser.add_argument("--no-agents", action="store_true", help="run neither nodes nor the drivers")
    parser.add_argument("--no-driver", action="store_true", help="run nodes, but no part of the drivers besides")
    parser.add_argument("--parent", type=int, help="end when the process with this id ends")
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
