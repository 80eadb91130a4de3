"""The errors of a lab that a person is told in one line; the command line ends with exit code 2 for each.

LabError
├── AlreadyRunning   a lab holds the state directory
├── NotRunning       no lab holds it
├── PortInUse        a port that was asked for is taken
├── StartFailed      the server process ended or did not answer in time
├── ScenarioError    a scenario that cannot be used; a ValueError too
├── FaultError       a fault that cannot be switched so; a ValueError too
└── NotEmulated      Kubernetes or Azure has it, the lab has not
"""

# The classes are named for what happened, as the tree above reads.
# ruff: noqa: N818

from __future__ import annotations


class LabError(Exception):
    """Something about a lab is not as it must be; the message is one line: the thing, what was expected and found."""

    exit_code = 2


class AlreadyRunning(LabError):
    """A lab holds the state directory."""


class NotRunning(LabError):
    """No lab holds the state directory."""


class PortInUse(LabError):
    """A port that was asked for is taken."""


class StartFailed(LabError):
    """The server process ended or did not answer in time; the message ends with the last line of its log."""


class ScenarioError(LabError, ValueError):
    """A scenario that cannot be used; the message names the key, what was expected and what was found."""


class FaultError(LabError, ValueError):
    """A fault that cannot be switched so; the message is one line: what was expected and what was found."""


class NotEmulated(LabError):
    """Kubernetes or Azure has it, the lab has not; both servers answer with `code` and `reason`, and the message."""

    code, reason = 501, "NotImplemented"
