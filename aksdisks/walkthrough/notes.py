"""Notes on disks: each pod of the StatefulSet is given one, and a later check asks each for what it finds."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks import manifests
from aksdisks.inspection.comparison import check_agreement
from aksdisks.model import Unknown
from aksdisks.model.checks import Holds, check
from aksdisks.session.session import Session
from aksdisks.views.base import Card
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough import proof
from aksdisks.walkthrough.claims import kubectl


class Notes:
    """Shows what `proof` writes and reads."""

    def __init__(self, session: Callable[[], Session]) -> None:
        """`session` gives the open session, or raises."""
        self._session = session
        self._given: proof.Notes = Unknown("no note was written")

    def write(self) -> Card:
        """Write a note of its own on each pod's disk, through the pod; where that cannot be had, say why."""
        self._given = written = proof.write(self._session())
        if written is None:
            return Card("No note is written", [("why", proof.NO_SHELL)])
        if isinstance(written, Unknown):
            return Card("No note could be written", [("because", written.because)])
        pod = manifests.stateful_pod(0)
        typed = f"exec {pod} -- sh -c 'echo NOTE > {manifests.MOUNT_PATH}/{pod}.note'"
        title = f"Each of {len(written)} pods has a note of its own on its disk"
        return Card(title, typed=kubectl(self._session().namespace, typed))

    def check(self, given: Holds = True) -> CheckView:
        """The check that each pod finds on its disk the note that was written there, and no other.

        Where its precondition is not `given`, nothing is read.
        """
        statement = "Each pod finds on its disk the note that was written there, and no other"
        if given is not True:
            return CheckView(check(statement, given, "no note was written"))
        written, found = self._given, proof.read(self._session(), self._given)
        if written is None or found is None:
            return CheckView(check(statement, None, proof.NO_SHELL))
        sides = [said if isinstance(said, Unknown) else frozenset(said.items()) for said in (written, found)]
        return CheckView(check_agreement(statement, sides[0], sides[1], sides=("written", "read")))
