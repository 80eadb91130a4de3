"""How long small writes take in pods, one after the other: a view, and never a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from aksdisks.manifests import MOUNT_PATH
from aksdisks.model import Unknown
from aksdisks.session.session import Session
from aksdisks.views.base import Card, Table
from aksdisks.walkthrough import proof

_TITLE = "How long a small write takes"
_TIMES = 100
# So many times 4 KiB at the end of a file, each by a command that opens, writes and closes it; with fsync among `conv`
# it waits for the storage. What is printed is the machine's time before and after, in seconds and hundredths.
_COMMAND = (
    "read from _ < /proc/uptime; i=0; "
    'while [ "$i" -lt "$2" ]; do dd if=/dev/zero of="$1" bs=4096 count=1 seek="$i" conv="$3" 2> /dev/null || exit 1; '
    'i=$((i+1)); done; read to _ < /proc/uptime; rm -f "$1"; echo "$from $to"'
)


def measured(session: Session, places: Sequence[tuple[str, str]]) -> Card | Table:
    """The mean of small writes at each place, of (words, pod); the first is a disk. Not applicable in a lab."""
    if session.disruption.in_a_lab:
        why = "in a lab disks and shares are folders of this machine: that would be measured, and not Azure"
        return Card(f"{_TITLE}: not applicable", [("why", why)])
    plain = milliseconds(_printed(session, places[0][1], "notrunc"))
    return shown(plain, [(words, milliseconds(_printed(session, pod, "notrunc,fsync"))) for words, pod in places])


def milliseconds(printed: str | Unknown | None) -> float | Unknown | None:
    """The mean of one write, of what the command printed; as `proof.command` where it printed nothing."""
    if not isinstance(printed, str):
        return printed
    try:
        before, after = map(float, printed.split())
    except ValueError:
        return Unknown(f"the command printed {printed.strip()[:40]!r}, and no two times")
    return (after - before) * 1000 / _TIMES


def shown(plain: float | Unknown | None, means: Sequence[tuple[str, float | Unknown | None]]) -> Card | Table:
    """The means with fsync at each place, less the `plain` one without it, which is the command's own start."""
    rows = []
    for words, mean in means:
        for said in (plain, mean):
            if not isinstance(said, float):
                return Card(f"{_TITLE}: not measured", [("why", proof.NO_SHELL if said is None else said.because)])
        assert isinstance(mean, float) and isinstance(plain, float)
        rows.append((words, f"{max(mean - plain, 0.0):.1f} ms"))
    note = (
        f"The mean of {_TIMES}, one after the other, once: a file is opened, 4 KiB are written, fsync, closed; "
        f"less the {plain:.1f} ms that the command takes without fsync on the disk."
    )
    return Table(_TITLE, ("on", "each"), rows, note)


def _printed(session: Session, pod: str, conversions: str) -> str | Unknown | None:
    arguments = ["sh", "-c", _COMMAND, "sh", f"{MOUNT_PATH}/{pod}.tmp", str(_TIMES), conversions]
    return proof.command(session, pod, arguments)
