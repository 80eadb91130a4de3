"""Commands in pods, as `kubectl exec` runs them: what they print, or why that cannot be had."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aksdisks.model import Unknown
from aksdisks.waiting import Progress, silent

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_SECONDS = 60.0
_TRIES, _PAUSE = 4, 0.5  # real seconds before the second try, doubled before each further one
# containerd's words and runc's; CRI-O with crun names the file in between.
_NO_COMMAND = re.compile(r"executable file (`[^`]*` )?not found")


def run(
    client: ApiClient,
    namespace: str,
    pod: str,
    arguments: Sequence[str],
    progress: Progress = silent,
    tries: int = _TRIES,
    seconds: float = _SECONDS,
) -> str | Unknown | None:
    """What a command prints in a pod, or why it could not be run or failed; it may be run twice.

    None where the pod's image has no such command. `tries`: how often in all, where the trouble may pass;
    `seconds`: how long a try may take.
    """
    from kubernetes.client import CoreV1Api
    from kubernetes.stream import stream
    from kubernetes.stream.ws_client import ERROR_CHANNEL

    api = CoreV1Api(client)
    wanted: dict[str, Any] = {"stdout": True, "stderr": True, "stdin": False, "tty": False, "_preload_content": False}
    wanted["command"] = list(arguments)
    attempt = 0
    while True:
        try:
            with _closed(stream(api.connect_get_namespaced_pod_exec, pod, namespace, **wanted)) as connection:
                connection.run_forever(timeout=seconds)
                printed, complaint = connection.read_stdout(), connection.read_stderr()
                code = None if connection.is_open() else _exit_code(connection.read_channel(ERROR_CHANNEL))
            break
        except Exception as error:  # websocket's and ssl's for a broken connection, json's for a Status cut short
            if _NO_COMMAND.search(str(error)):
                return None
            # The answer to a handshake comes as text, headers and all; of it the Status's message is what matters.
            message = re.search(r'"message": ?"((?:[^"\\]|\\.)*)"', str(error))
            said = message[1] if message else f"{error}".partition("\n")[0][:200] or type(error).__name__
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error  # which the client takes for an error of the handshake
            attempt += 1
            if not _may_pass(error) or attempt >= tries:
                return Unknown(f"no command runs in pod {pod}: {said}")
            progress(f"exec in pod {pod}: {said}; again")
            time.sleep(_PAUSE * 2 ** (attempt - 1))
    if code != 0:
        if _NO_COMMAND.search(complaint):
            return None
        why = complaint.strip().partition("\n")[0] or ("no end" if code is None else f"exit code {code}")
        return Unknown(f"a command in pod {pod} failed: {why}")
    return str(printed)


@contextmanager
def _closed(connection: Any) -> Iterator[Any]:
    """The connection of an exec session, closed afterwards; its own `close` leaves the socket of one that has ended."""
    try:
        yield connection
    finally:
        connection.close()
        connection.sock.shutdown()


def _exit_code(last: str) -> int:
    """The exit code in the Status that ends an exec session; raises OSError with the reason where none started."""
    status = json.loads(last)
    if status["status"] == "Success":
        return 0
    causes = {cause.get("reason"): cause["message"] for cause in status.get("details", {}).get("causes", ())}
    if "ExitCode" not in causes:
        raise OSError(status.get("message") or "the command was not started")
    return int(causes["ExitCode"])


def _may_pass(error: Exception) -> bool:
    """Whether to try again: a server's trouble and a lost connection pass, a refusal does not.

    Both notes may be written and read twice. The client raises ApiException with status 0 for all that ends its
    handshake, and what ended it is the context of that.
    """
    from kubernetes.client.exceptions import ApiException
    from websocket import WebSocketBadStatusException

    if not isinstance(error, ApiException):
        return True
    cause = error.__context__
    status = cause.status_code if isinstance(cause, WebSocketBadStatusException) else error.status
    return not status or status == 429 or status >= 500
