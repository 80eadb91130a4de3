"""Commands in pods that read and write a replica's log; a name appears there only after its bytes are on the disk.

Files are linked under their names, which fails where the name is taken: so of two operators that write at once neither
can change what the other wrote, and what a write came to is told by reading afterwards. The first name that another
took ends a write: so no write stands there twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

from aksdisks.manifests.replicated_store import FOLDER
from aksdisks.model import Unknown
from aksdisks.operator.logs import Copy, Disk, Lines

Command = Callable[[str, Sequence[str]], "str | Unknown | None"]
"""Runs a command in the pod of this name; as `aksdisks.kube.exec.run`."""

# The shell's own `read` and `printf`: no other program is started for a file.
_READ = """
for file in "$dir"/[0-9]*/[0-9]*; do
  [ -f "$file" ] || continue
  IFS= read -r line < "$file" || :
  printf '%s %s\\n' "${file#"$dir"/}" "$line"
done
"""
_WRITE = """
set -e
dir=$1 term=$2 mark=$3 source=$4 carried=$5
shift 5
mkdir -p "$dir/$term"
number=1
while [ "$number" -le "$carried" ]; do
  name=$(printf %08d "$number")
  [ -e "$dir/$term/$name" ] || ln "$dir/$source/$name" "$dir/$term/$name" 2> /dev/null || :
  number=$((number + 1))
done
if [ $# -gt 0 ]; then
  names=
  while [ $# -gt 0 ]; do
    printf '%s\\n' "$2" > "$dir/.$mark.$1"
    names="$names $1"
    shift 2
  done
  sync "$dir/.$mark."* 2> /dev/null || sync
  for name in $names; do
    ln "$dir/.$mark.$name" "$dir/$term/$name" 2> /dev/null && continue
    IFS= read -r ours < "$dir/.$mark.$name" || :
    IFS= read -r there < "$dir/$term/$name" || :
    [ "$there" = "$ours" ] || break
  done
  rm -f "$dir/.$mark."*
fi
sync "$dir/.." "$dir" "$dir/$term" 2> /dev/null || sync
"""
_FORGET = """
for folder in "$1"/[0-9]*; do
  [ "${folder##*/}" -ge "$2" ] || rm -rf "$folder"
done
rm -f "$1"/.[0-9a-f]*.*
"""
# Of the arguments of one command, in characters; they travel in a URL.
_LONGEST = 12_000


class Disks:
    """The disks of a store's pods, through commands in their first containers."""

    def __init__(self, command: Command, mount_path: str) -> None:
        self._command = command
        self._folder = f"{mount_path.rstrip('/')}/{FOLDER}"

    def read(self, pod: str) -> Disk | Unknown:
        """What a pod's disk holds, or why that cannot be told."""
        return self._run(pod, f"dir=$1{_READ}")

    def write(self, pod: str, term: int, wanted: Copy) -> Disk | Unknown:
        """Add to the log of a term, each file durably before it has its name; what the disk holds then."""
        found: Disk | Unknown = Unknown("nothing was written")
        for part in _parts(wanted):
            mark, numbers = secrets.token_hex(8), (str(wanted.source), str(wanted.carried))
            found = self._run(pod, f"{_WRITE}{_READ}", str(term), mark, *numbers, *part)
            if isinstance(found, Unknown) or not _has(found.logs.get(term, ()), part):
                break  # what follows another's file would stand in an order that nobody wanted
        return found

    def forget(self, pod: str, term: int) -> None:
        """Remove the folders of terms before this one, and what a command that was killed left unfinished."""
        self._command(pod, ["sh", "-c", _FORGET, "sh", self._folder, str(term)])

    def _run(self, pod: str, script: str, *arguments: str) -> Disk | Unknown:
        said = self._command(pod, ["sh", "-c", script, "sh", self._folder, *arguments])
        if said is None:
            return Unknown(f"the image of pod {pod} has no shell")
        return said if isinstance(said, Unknown) else Disk.of(said)


def _has(log: Lines, part: Sequence[str]) -> bool:
    """Whether a log has the files of a part."""
    return all(log[int(name) - 1 : int(name)] == (line,) for name, line in zip(part[::2], part[1::2], strict=True))


def _parts(wanted: Copy) -> Iterator[list[str]]:
    """The arguments for the missing files, in as many commands as they need; one at least."""
    part: list[str] = []
    for generation, line in wanted.missing:
        if part and sum(map(len, part)) + len(line) > _LONGEST:
            yield part
            part = []
        part += [f"{generation:08d}", line]
    yield part
