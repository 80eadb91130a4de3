"""Azure Resource Manager's refusals as drivers quote them: status, code, message, who may not do what, when again."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Three generations of clients word the same answer in three ways, and events cut it off after 1,024 characters, so
# that its JSON cannot be parsed: azcore `RESPONSE 403: 403 Forbidden` + `ERROR CODE: X` + JSON (drivers since 1.30),
# the provider's own `HTTPStatusCode: 403, RawError: {JSON}` (until then, CSI#2349), and go-autorest's
# `StatusCode=403 … Code="X" Message="…"` (2019, k/k#71940).
_STATUS = re.compile(r"RESPONSE (\d{3})\b|HTTPStatusCode: (\d{3})\b|Status(?:Code)?=(\d{3})\b")
_CODE = re.compile(r'ERROR CODE: (?!UNAVAILABLE)(\w+)|\bCode="(\w+)"|\\?"code\\?"\s*:\s*\\?"(\w+)')
_MESSAGE = re.compile(r'\\?"message\\?"\s*:\s*\\?"((?:[^"\\]|\\.)+)|\bMessage="((?:[^"\\]|\\.)+)')
_RETRY = re.compile(r"RetryAfter: ([1-9]\d*)s|try again after '?(\d+)'? second|Retry-After\W+(\d+)", re.IGNORECASE)
# Of a linked refusal the first action and scope are those that are allowed.
_ACTION = re.compile(r"does not have (?:authorization|permission) to perform action\(?s?\)? '([^']+)'")
_SCOPE = re.compile(r"linked scope\(s\) '([^',]+)|(?:over|on|The) scope '([^']+)(?!.*linked scope)", re.DOTALL)
_CLIENT = re.compile(r"[Tt]he client '([^']+)'(?: with object id '([^']+)')?")
_POLICY = re.compile(r'policyAssignment\W+name\W+([^"\\]+)')


@dataclass(frozen=True, slots=True)
class ArmError:
    """What a message quotes of an answer of Azure's; what it does not quote is empty or None.

    `retry_after` is in seconds. `identity` is the client that asked, `object_id` its object in Entra ID.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    message: str = ""
    retry_after: int | None = None
    identity: str = ""
    object_id: str = ""
    action: str = ""
    scope: str = ""
    policy: str = ""

    @property
    def code(self) -> str:
        """The outermost code."""
        return self.codes[0] if self.codes else ""


def arm_error(text: str) -> ArmError:
    """What a driver's message quotes of Azure's answer; an empty one where it quotes none."""
    message = _first(_MESSAGE, text)
    client = _CLIENT.search(text)
    retry, status = _first(_RETRY, text), _first(_STATUS, text)
    return ArmError(
        status=int(status) if status else None,
        codes=tuple(dict.fromkeys(filter(None, (next(filter(None, each), "") for each in _CODE.findall(text))))),
        message=" ".join(re.sub(r"\\+([\"'])|\\+[rn]", lambda escape: escape[1] or " ", message).split()),
        retry_after=int(retry) if retry else None,
        identity=client[1] if client else "",
        object_id=(client[2] or "") if client else "",
        action=_first(_ACTION, text),
        scope=_first(_SCOPE, text),
        policy=_first(_POLICY, text),
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    """The first filled group of the first place where the pattern fits."""
    match = pattern.search(text)
    return next(filter(None, match.groups()), "") if match else ""
