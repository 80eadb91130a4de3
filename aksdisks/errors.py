"""The error tree; each error names the object, what was expected and what was found, and carries the exit code.

AksdisksError               1
├── InputError              2   what a person wrote cannot be meant
│   ├── ParameterError          a parameter's name or value
│   ├── TargetMismatch          `expect` names another cluster
│   └── Refused                 a rail: foreign objects, a class that retains, a class that does not exist
├── CannotRun               3   nothing is proven either way
│   ├── NotReachable            no answer from an endpoint, or no lab runs
│   ├── NotAllowed              401, 403, no credential
│   ├── NamespaceBusy           another run holds the Lease
│   └── StillUnknown            a wait ended, and all that was seen last is why nothing can be known
├── WaitTimeout             1   a wait's deadline passed
├── CheckFailed             1   a statement did not hold
└── ApiError                1   an API answered with an error; only statuses that someone handles have a class
    ├── NotFound                404
    ├── AlreadyExists           409 AlreadyExists
    ├── Conflict                409, other reasons
    └── Expired                 410, a resourceVersion or continue token too old
"""

# The classes are named for what happened (NotFound, WaitTimeout), as the tree above reads.
# ruff: noqa: N818

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AksdisksError(Exception):
    """Any error that the library means to tell a person; `str()` is one line.

    `object` is the thing, `expected` what it should be, `found` what it is, or `cause` what another program said of it;
    `hint` says what to do next. A field is empty where the error does not have it; `message` is always there.
    """

    exit_code = 1

    def __init__(
        self,
        message: str = "",
        *,
        object: str = "",
        expected: str = "",
        found: str = "",
        cause: str | None = None,
        hint: str = "",
    ) -> None:
        """`message`: the line, where it is not put together from the fields: `object: expected …, found …`."""
        said = f" {found}" if cause is None else f": {cause}"
        self.message = message or f"{object}: expected {expected}, found{said}"
        super().__init__(self.message)
        self.object, self.expected, self.found = object, expected, found
        self.cause, self.hint = cause or "", hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows (IPython's protocol): the line that is meant for a person, none of our frames."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


class InputError(AksdisksError):
    """Raised when a file, a flag or a parameter cannot be meant as written."""

    exit_code = 2


class ParameterError(InputError):
    """Raised for an unknown, missing or misspelt parameter and for a value outside its range."""

    def __init__(self, name: str, *, expected: str, found: str, hint: str = "") -> None:
        super().__init__(object=name, expected=expected, found=found, hint=hint)


class TargetMismatch(InputError):
    """Raised before anything is made when `expect` does not name the cluster that answers."""


class Refused(InputError):
    """Raised when a rail stops the run: foreign objects under our names, a class that retains or does not exist."""


class CannotRun(AksdisksError):
    """Raised when the run can prove nothing: the roll-up is inconclusive."""

    exit_code = 3


class NotReachable(CannotRun):
    """Raised when an endpoint does not answer, its certificate is not trusted, or no lab runs."""


class NotAllowed(CannotRun):
    """Raised for 401 and 403, and where no credential was found."""


class NamespaceBusy(CannotRun):
    """Raised when another run holds the prepared namespace's Lease."""


class StillUnknown(CannotRun):
    """Raised when a wait ended and nobody could say how things stand; `because` says why.

    `seconds` is the deadline that passed; None where asking again until then would not have changed the answer.
    """

    def __init__(self, awaited: str, *, seconds: float | None, because: str) -> None:
        within = "" if seconds is None else f" within {seconds:.0f} s"
        message = f"{awaited}: not known{within}, because {because}"
        super().__init__(message, object=awaited, cause=because)
        self.because = because


class WaitTimeout(AksdisksError):
    """Raised when a wait's deadline passed: what was awaited, what was last seen, and what was found out then."""

    def __init__(self, awaited: str, *, seconds: float, last_seen: str, found_out: str = "") -> None:
        why = f"; {found_out}" if found_out else ""
        message = f"{awaited}: not within {seconds:.0f} s; last seen: {last_seen or 'nothing'}{why}"
        super().__init__(message, object=awaited, found=last_seen, cause=found_out)


class CheckFailed(AksdisksError):
    """Raised when a checked statement did not hold and the run must not go on."""


class ApiError(AksdisksError):
    """Raised when an API answered with an error: `status` is HTTP's, `reason` Kubernetes' or ARM's code."""

    def __init__(self, message: str, *, status: int, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class NotFound(ApiError):
    """Raised for 404."""


class AlreadyExists(ApiError):
    """Raised for 409 with reason AlreadyExists."""


class Conflict(ApiError):
    """Raised for 409 with any other reason: a precondition or a resourceVersion did not hold."""


class Expired(ApiError):
    """Raised for 410: the resourceVersion or continue token is too old, list again."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` when a known name is near, else empty."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
