"""Serves `aksdisks walk`: JupyterLab on copies of the runbooks, beside a lab that its kernels and terminals reach."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from aksdisks.errors import CannotRun, InputError
from aksdisks.runner import shipped
from aksdisks.targets.lab import lab_in

_PORT, _FIRST = 8888, "/lab/tree/00-overview.ipynb"
_PORTS = 5  # that we try, should others take each just before JupyterLab does
_SETTINGS = Path(__file__).parent.parent / "jupyter"
_PATIENCE = 60.0  # seconds for JupyterLab to answer: its first start on a slow disk takes a while
# It ends when its standard input does, which is when we do, by whatever signal.
_SERVER = """
import os, signal, sys, threading
end = lambda: os.read(0, 1) or os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end, daemon=True).start()
from jupyterlab.labapp import main
sys.exit(main())
"""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_END_PATIENCE = 10.0  # seconds for it to end its kernels


def serve(folder: Path, *, speed: float, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve JupyterLab on the runbooks in `folder` until it is shut down or interrupted; then all that it took ends.

    `port` 0: 8888, or any free one. Raises InputError, and CannotRun where the lab or JupyterLab does not start.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise InputError(
            object="jupyterlab", expected="it beside aksdisks", found="none", hint="pip install jupyterlab"
        )
    _free(port)  # before anything is copied or started
    for name in copy(folder):
        say(f"{folder / name} differs from the runbook of that name and was kept; delete it to have it as shipped.")
    for number in _ENDING:
        signal.signal(number, _end)
    with lab_in(None, speed) as (lab, ours), TemporaryDirectory(prefix="aksdisks-walk-") as own:
        run = f"runs at speed {lab.speed:g}" + (" and ends with the walk" if ours else "; it was there and stays")
        token = secrets.token_urlsafe(24)
        reach = {"AKSDISKS_STATE_DIR": lab.state_dir, "JUPYTER_TOKEN": token, **lab.environment()}
        try:
            with _jupyterlab(folder, port, browser, Path(own), _environment(reach)) as (server, taken):
                say(f"The lab {run}. JupyterLab: http://127.0.0.1:{taken}{_FIRST}?token={token}")
                if not shutil.which("kubectl"):
                    say("A terminal in it has no kubectl: none is installed here.")
                say("Ctrl-C ends it.")
                server.wait()
        except KeyboardInterrupt:
            pass  # the way to end it
    say("JupyterLab has ended" + (", and the lab with it." if ours else "; the lab goes on: aksdisks lab stop."))


def _end(*_: object) -> NoReturn:
    """End by the first signal; what is left takes a moment, and another would only keep it from being done."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def copy(folder: Path) -> list[str]:
    """Copy the runbooks into a folder, without the outputs that would tell the end; give the names that were kept.

    A notebook that is there already is never written to, and is among those kept if its cells are not the runbook's.
    """
    import nbformat

    def cells(path: Path) -> list[tuple[str, str]] | None:
        try:
            return [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
        except Exception:  # whatever was made of it, it is the user's
            return None

    kept = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for runbook in shipped.runbooks():
            target = folder / runbook.name
            if target.exists():
                kept += [target.name] if cells(runbook) != cells(target) else []
                continue
            notebook: Any = nbformat.read(runbook, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.update(outputs=[], execution_count=None)
            target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            object=f"{folder}", expected="a folder to copy the runbooks to", cause=f"{error.strerror}"
        ) from error
    return kept


def _free(port: int) -> int:
    """The port, if nothing listens there; for 0 the usual one, or any."""
    if port:
        if _is_free(port):
            return port
        raise InputError(
            object=f"port {port}", expected="one that is free", found="it taken", hint="leave out --port for any"
        )
    if _is_free(_PORT):
        return _PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _environment(lab: Mapping[str, str]) -> dict[str, str]:
    """What JupyterLab, its kernels and its terminals get: the lab, this environment's kernel and programs first.

    Our settings keep it from asking whether to fetch news, and terminals from being login shells, which forget PATH.
    """
    ours = {"PATH": Path(sys.executable).parent, "JUPYTER_PATH": _SETTINGS, "JUPYTER_CONFIG_PATH": _SETTINGS}
    paths = {name: os.pathsep.join(filter(None, [str(path), os.environ.get(name)])) for name, path in ours.items()}
    return {**os.environ, **lab, **paths}


@contextmanager
def _jupyterlab(
    folder: Path, wanted: int, browser: bool, own: Path, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """JupyterLab in a session of its own, so that Ctrl-C is ours to handle, and its port; once it answers.

    A port may be taken after we found it free and before JupyterLab listens there: then it ends, and we choose again.
    """
    log = own / "jupyterlab.log"
    for _ in range(_PORTS):
        port = _free(wanted)
        settings = {
            "ServerApp.root_dir": folder.absolute(), "ServerApp.ip": "127.0.0.1", "ServerApp.port": port,
            "ServerApp.port_retries": 0, "ServerApp.open_browser": browser, "ServerApp.allow_root": os.geteuid() == 0,
            "LabApp.default_url": _FIRST, "LabApp.workspaces_dir": own / "workspaces",
        }  # fmt: skip
        command = [sys.executable, "-c", _SERVER, *(f"--{name}={value}" for name, value in settings.items())]
        with log.open("wb") as output:
            streams: Any = {"stdin": subprocess.PIPE, "stdout": output, "stderr": output}
            server = subprocess.Popen(command, env=dict(environment), start_new_session=True, **streams)
        try:
            if _answers(server, port, environment["JUPYTER_TOKEN"]):
                yield server, port
                return
        finally:
            try:
                server.communicate(timeout=_END_PATIENCE)  # ends its standard input
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        said = log.read_text(errors="replace").strip()
        # Whoever took it may have ended since.
        if _is_free(port) and f"port {port} is not available" not in said:
            break
    last = (said.splitlines() or ["it said nothing"])[-1]
    raise CannotRun(object="jupyterlab", expected=f"an answer on port {port}", cause=f"{last}")


def _answers(server: subprocess.Popen[bytes], port: int, token: str) -> bool:
    """Whether JupyterLab came to answer; one that does not know the token is not ours."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    status = urllib.request.Request(f"http://127.0.0.1:{port}/api/status", headers={"Authorization": f"token {token}"})
    deadline = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            opener.open(status, timeout=5).close()
            return True
        except OSError:
            time.sleep(0.2)
    return False
