"""The proof of bytes: a note of its own on the disk of each pod, written and read by commands in the pods."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from aksdisks import manifests
from aksdisks.inspection.comparison import Said
from aksdisks.kube.exec import run
from aksdisks.model import Unknown
from aksdisks.model.checks import Holds
from aksdisks.session.session import Session

Notes = Mapping[str, str] | Unknown | None
"""A note for each pod, why they are unknown, or None where the image has no shell that could write them."""

NO_SHELL = "because the image has no shell"

# One file a pod, and all of them read: a disk that two pods shared would show two notes.
_WRITE = 'printf %s "$2" > "$1"'
_READ = f"cat {manifests.MOUNT_PATH}/*.note"


def write(session: Session) -> Notes:
    """Give each pod of the StatefulSet a note: what each was given, or why that cannot be had or does not apply."""
    given = {}
    for pod in session.pods(manifests.STATEFUL_APP):
        given[pod.name] = note = secrets.token_hex(8)
        done = write_one(session, pod.name, note)
        if not isinstance(done, str):
            return done
    return given


def write_one(session: Session, pod: str, note: str) -> str | Unknown | None:
    """Write a note on a pod's disk, in a file of the pod's name; as `command`."""
    return command(session, pod, ["sh", "-c", _WRITE, "sh", f"{manifests.MOUNT_PATH}/{pod}.note", note])


def read_one(session: Session, pod: str) -> str | Unknown | None:
    """All notes on a pod's disk, one after the other; as `command`."""
    return command(session, pod, ["sh", "-c", _READ])


def said(text: str | Unknown | None) -> Said:
    """What `read_one` gave, as it is compared: empty where the image has no shell."""
    if isinstance(text, Unknown):
        return text
    return frozenset() if text is None else frozenset({text})


def read(session: Session, given: Notes) -> Notes:
    """All that the pods of the same names find now, each on its disk."""
    if given is None or isinstance(given, Unknown):
        return given
    found = {}
    for pod in given:
        text = read_one(session, pod)
        if not isinstance(text, str):
            return text
        found[pod] = text
    return found


def command(session: Session, pod: str, arguments: Sequence[str]) -> str | Unknown | None:
    """What a command prints in a pod of the session's namespace, or why it could not be run or failed.

    None where the pod's image has no such command.
    """
    client = session.connection.settings.kubernetes()
    return run(client, session.namespace, pod, arguments, session.progress)


class OneNote:
    """A note on one disk, which one pod writes and another reads; `given`: whether a runbook may make such a disk."""

    def __init__(self) -> None:
        self.given: Holds = None
        self._written: Said | None = frozenset()  # None: the image has no shell
        self._read: Said = frozenset()

    @property
    def notes(self) -> tuple[Said, Said]:
        """What was written to the disk by the first pod, and what was read from it by the second."""
        return frozenset() if self._written is None else self._written, self._read

    @property
    def readable(self) -> Holds:
        """Whether notes can be written and read here; None, for not applicable, where the image has no shell."""
        return self.given if self.given is not True else None if self._written is None else True

    def _write_note(self, session: Session, pod: str) -> None:
        note = secrets.token_hex(8)
        done = write_one(session, pod, note)
        self._written = frozenset({note}) if isinstance(done, str) else done

    def _read_note(self, session: Session, pod: str) -> None:
        self._read = said(read_one(session, pod))
