"""The numbered claims of a runbook: what it states, how each was judged, and checks beside them."""

from __future__ import annotations

from collections.abc import Callable

from aksdisks.errors import ApiError, InputError
from aksdisks.inspection.comparison import Said, check_agreement
from aksdisks.model.checks import Check, Holds, check, refusal
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView, RefusalView
from aksdisks.views.markup import View

ABOVE = "run the cells above first"
_NOT_GIVEN = "its precondition is not given here"


class Claims:
    """Judges statements, and keeps the verdicts."""

    def __init__(self, namespace: str) -> None:
        """`namespace`: where the kubectl commands go that the reader is invited to type."""
        self.namespace = namespace
        self._statements: tuple[str, ...] = ()
        self._verdicts: dict[int, Check] = {}

    def claims(self, *statements: str) -> Table:
        """Number the statements that this runbook will judge."""
        self._statements = statements
        return Table("This runbook claims", ("", "claim"), list(enumerate(statements, 1)))

    def claim(self, number: int, holds: Holds, seen: object, *, shown: View | None = None) -> View:
        """Judge a numbered claim, below what is shown."""
        return self._judge(number, check(self._statement(number), holds, seen), shown)

    def agree(
        self,
        number: int,
        kubernetes: Said,
        azure: Said,
        *,
        count: int | None = None,
        given: Holds = True,
        shown: View | None = None,
        sides: tuple[str, str] = ("Kubernetes", "Azure"),
    ) -> View:
        """Judge a claim by both sides: they say the same, of `count` things (default: at least one).

        Where its precondition is not given, the claim is inconclusive and says why, or is not applicable (None).
        """
        made = check_agreement(self._statement(number), kubernetes, azure, count=count, sides=sides)
        if given is not True:
            made = check(made.statement, given, _NOT_GIVEN)
        return self._judge(number, made, shown)

    def unchanged(self, number: int, before: Said, after: Said, *, shown: View | None = None) -> View:
        """Judge a claim by the same word before and after, of at least one thing."""
        return self.agree(number, before, after, shown=shown, sides=("before", "after"))

    def check(self, statement: str, holds: Holds, seen: object) -> CheckView:
        """A check beside the numbered claims, such as a precondition."""
        return CheckView(check(statement, holds, seen))

    def tried(self, statement: str, words: str, done: object, holds: Holds, seen: object) -> Stack:
        """Invite the reader to type a kubectl command, and check what came of it; not applicable until it is `done`."""
        if not done:
            holds, seen = None, "not tried yet; do it, then run this cell again"
        return Stack([Card("In a terminal", typed=kubectl(self.namespace, words)), self.check(statement, holds, seen)])

    def refused(
        self, statement: str, act: Callable[..., object], *args: object, given: Holds = True, **named: object
    ) -> View:
        """Try what the API must refuse, and show its answer as a value; nothing is tried where a precondition fails."""
        if given is not True:
            return CheckView(check(statement, given, _NOT_GIVEN))
        return RefusalView(refusal(statement, ApiError, act, *args, **named))

    def verdicts(self) -> Table:
        """The claims and how they came out."""
        judged = [(n, text, self._verdicts.get(n)) for n, text in enumerate(self._statements, 1)]
        rows = [(n, text, made.status if made else "not run", made.seen if made else "") for n, text, made in judged]
        return Table("The claims and their verdicts", ("", "claim", "verdict", "seen"), rows)

    def _statement(self, number: int) -> str:
        if number > len(self._statements):
            raise InputError(object=f"claim {number}", expected="a number of its own", found="none", hint=ABOVE)
        return self._statements[number - 1]

    def _judge(self, number: int, verdict: Check, shown: View | None) -> View:
        self._verdicts[number] = verdict
        return Stack([shown, CheckView(verdict)]) if shown is not None else CheckView(verdict)


def kubectl(namespace: str, words: str) -> str:
    """The command that a person would type."""
    return f"kubectl -n {namespace} {words}"
