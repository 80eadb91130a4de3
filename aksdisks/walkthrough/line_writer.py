"""One command in a pod that writes numbered lines to its disk, each there before the next, until it is told to end."""

from __future__ import annotations

from threading import Thread
from types import TracebackType

from aksdisks import manifests
from aksdisks.kube.exec import run
from aksdisks.model import Unknown
from aksdisks.session.session import Session
from aksdisks.walkthrough import proof

Text = str | Unknown | None
"""What a file has, why it is unknown, or None where the image has no shell that could write or read it."""

_FILE = f"{manifests.MOUNT_PATH}/lines"
# A line is on the disk before the next one begins, which no cache may delay. It ends by itself if nobody ends it.
_WRITE = (
    'rm -f "$1.end"; : > "$1"; i=0; while [ ! -e "$1.end" ] && [ $i -lt 30000 ]; do '
    'i=$((i+1)); echo "line $i" >> "$1"; sync "$1"; sleep 0.02; done'
)
_END, _READ = ': > "$1.end"', '[ ! -e "$1" ] || cat "$1"'
# As long as a snapshot may take, and as long as lines may; real seconds.
_LONGEST, _PATIENCE = 900.0, 30.0
_WAIT = (
    f'n=0; while [ $n -lt {_PATIENCE * 20:.0f} ] && ! {{ [ -e "$1" ] && [ "$(wc -l < "$1")" -ge "$2" ]; }}; do '
    f"n=$((n+1)); sleep 0.05; done; {_READ}"
)


def read(session: Session, pod: str) -> Text:
    """The lines on a pod's disk."""
    return proof.command(session, pod, ["sh", "-c", _READ, "sh", _FILE])


def settled(text: str) -> str:
    """The lines that were on the disk for sure when this was read: all but the last."""
    return "".join(text.splitlines(keepends=True)[:-1])


class LineWriter:
    """The command at work: `with LineWriter(session, pod) as writer: writer.lines(10)`; it ends with the block."""

    def __init__(self, session: Session, pod: str) -> None:
        self._session = session
        self._pod = pod
        self._outcome: list[Text] = []
        self._thread = Thread(target=self._write, name="writer of lines", daemon=True)

    def __enter__(self) -> LineWriter:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not self._outcome:
            proof.command(self._session, self._pod, ["sh", "-c", _END, "sh", _FILE])
        self._thread.join(_PATIENCE)

    def lines(self, count: int) -> Text:
        """What is written once it is at least so many lines; the pod waits for them."""
        found = proof.command(self._session, self._pod, ["sh", "-c", _WAIT, "sh", _FILE, f"{count}"])
        if isinstance(found, str) and found.count("\n") < count:
            why = next((each.because for each in self._outcome if isinstance(each, Unknown)), "the command is slow")
            return Unknown(f"{count} lines were not written within {_PATIENCE:g} s: {why}")
        return found

    def read(self) -> Text:
        """What is written."""
        return read(self._session, self._pod)

    def _write(self) -> None:
        client, arguments = self._session.connection.settings.kubernetes(), ["sh", "-c", _WRITE, "sh", _FILE]
        # Once: a second try would begin again, over what a snapshot may hold by then.
        done = run(client, self._session.namespace, self._pod, arguments, tries=1, seconds=_LONGEST)
        self._outcome.append(done)
