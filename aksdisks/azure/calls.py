"""What surrounds each call of Azure: signing in, retries that are reported, checked answers, errors in a line."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aksdisks.waiting import Progress, seconds_left

# What is refused is a value here; azure-identity would also log it, in many lines.
logging.getLogger("azure").addHandler(logging.NullHandler())

# Trying each kind of credential takes seconds, so a refusal is remembered for a while, in real seconds.
_REMEMBERED = 20.0
# The longest that one call may take, retries included, and its connecting and reading; real seconds.
_CALL, _CONNECT, _READ = 120.0, 10.0, 60.0
_AADSTS = re.compile(r"AADSTS(\d+):.*?(?=\s*(?:Trace ID:|Correlation ID:|Timestamp:)|\n|$)")
_CLI = re.compile(r"AzureCliCredential: ([^\n]+)")
# What a refused sign-in says where no answer came from who gives tokens: that may pass.
_ON_THE_WAY = re.compile(r"connection|timed? ?out|name resolution", re.IGNORECASE)
# Statuses of what may pass, as azure-core's own retries have them.
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
# What a person does next, by the number of Entra's error
# (learn.microsoft.com, "Microsoft Entra authentication and authorization error codes").
_NEXT = {
    "7000215": "az ad app credential reset --id $AZURE_CLIENT_ID, its password into AZURE_CLIENT_SECRET",
    "7000222": "az ad app credential reset --id $AZURE_CLIENT_ID, its password into AZURE_CLIENT_SECRET",
    "700016": "az ad sp show --id $AZURE_CLIENT_ID, in the tenant of AZURE_TENANT_ID",
    "90002": "az account show --query tenantId, into AZURE_TENANT_ID",
    "900023": "az account show --query tenantId, into AZURE_TENANT_ID",
    "700213": "az identity federated-credential list, whose subject has to be the service account",
}


class SignIn:
    """The credential that every call signs in with; it is made, and asked, only when a token is needed.

    `lasting`: the last refusal would be the same again: Entra names a mistake, or there is nothing to sign in with.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.lasting = False
        self._make = make
        self._credential: Any = None
        self._refusal: tuple[float, Exception] | None = None

    def get_token_info(self, *scopes: str, options: Any = None) -> Any:
        """A token (azure-core's protocol); raises ClientAuthenticationError, for a while without asking again."""
        from azure.core.credentials import AccessTokenInfo
        from azure.core.exceptions import ClientAuthenticationError

        if self._refusal and time.monotonic() < self._refusal[0]:
            raise self._refusal[1]
        self.lasting = False
        try:
            if self._credential is None:
                self._credential = self._make()
            if hasattr(self._credential, "get_token_info"):
                return self._credential.get_token_info(*scopes, options=options or {})
            token = self._credential.get_token(*scopes, **(options or {}))  # all that the protocol demanded before 2024
            return AccessTokenInfo(token.token, token.expires_on)
        except ClientAuthenticationError as error:
            self._refusal = time.monotonic() + _REMEMBERED, error
            self.lasting = _is_lasting(str(error), getattr(self._credential, "credentials", ()))
            raise
        except ValueError as error:  # so azure-identity says what settings of the environment it cannot use
            self.lasting = True
            raise ClientAuthenticationError(message=str(error)) from error


def _is_lasting(message: str, chain: Sequence[Any]) -> bool:
    """Whether asking again gives the same refusal, by its words.

    DefaultAzureCredential goes on to the next kind of credential only where one is not set up: its last kind is in the
    message when none of them is.
    """
    if refused := _AADSTS.search(message):
        return refused[1] in _NEXT
    last = re.search(rf"^\s*{type(chain[-1]).__name__}: (.*)$", message, re.MULTILINE) if chain else None
    return last is not None and not _ON_THE_WAY.search(last[1])


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure answered to a change that it was asked for once.

    `code` and `says` are a refusal's: its code, and all of it in a line. `operation` is the address that tells how a
    change goes on which was begun. `pause`: in how many real seconds Azure wants to be asked again, None for any.
    """

    status: int
    code: str = ""
    says: str = ""
    operation: str = ""
    pause: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether it was begun, or done."""
        return 200 <= self.status < 300

    @property
    def lasting(self) -> bool:
        """Whether the same would be refused again: Azure is neither throttling, nor in trouble itself."""
        return not self.accepted and self.status not in _PASSING


def answered(response: Any) -> Answer:
    """The answer to a change; raises nothing for a refusal."""
    from azure.core.exceptions import HttpResponseError

    text = response.headers.get("Retry-After", "")
    pause = float(text) if text.isdigit() else None
    try:
        response.raise_for_status()
    except HttpResponseError as error:
        code = str(error.error.code or "") if error.error else ""
        return Answer(response.status_code, code, why(error), pause=pause)
    return Answer(response.status_code, operation=response.headers.get("Azure-AsyncOperation", ""), pause=pause)


def failed(response: Any) -> str:
    """Why an operation failed, by the answer of its address (facts E, LRO); empty where it has not."""
    try:
        status = json.loads(response.content)
    except ValueError:
        return ""
    error = status.get("error") if isinstance(status, dict) and status.get("status") in ("Failed", "Canceled") else None
    return f"Azure answers {error.get('code')}: {error.get('message')}" if isinstance(error, dict) else ""


def reported_retries(progress: Progress, options: Mapping[str, Any]) -> Any:
    """The SDK's own retries, each reported before it is made, within the time of the wait around them.

    They do no harm: what is tried again only reads, or asks for what may be asked for twice. `Azure.act` has none.
    """
    from azure.core.pipeline.policies import RetryPolicy

    class Reported(RetryPolicy[Any, Any]):
        def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
            left = seconds_left(_CALL)
            options.update(timeout=left, connection_timeout=min(_CONNECT, left), read_timeout=min(_READ, left))
            return {**super().configure_retries(options), "ends": time.monotonic() + left}

        def increment(self, settings: dict[str, Any], response: Any = None, error: Any = None) -> bool:
            again = super().increment(settings, response, error)
            if again:
                if error is None:
                    why, asked = f"Azure answers {response.http_response.status_code}", self.get_retry_after(response)
                else:
                    why, asked = f"Azure does not answer: {_first_line(error)}", None
                pause = asked or self.get_backoff_time(settings)
                if time.monotonic() + pause >= settings["ends"]:
                    return False
                progress(f"{why}; again in {pause:.1f} s (try {len(settings['history']) + 1})")
            return again

    return Reported(**options)


def checked(response: Any) -> dict[str, Any]:
    """The JSON of an answer that has the form of Azure's: a proxy's page with status 200 has not.

    Raises azure-core's HttpResponseError for a status that is an error, DecodeError for another form.
    """
    from azure.core.exceptions import DecodeError

    response.raise_for_status()
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    if not _has_form(answer):
        raise DecodeError(f"no resource of Azure's: {response.text()[:60].strip()!r}", response=response)
    found: dict[str, Any] = answer
    return found


def checked_answers() -> Any:
    """A policy of azure-core's pipeline that takes an answer of the SDK's client as `checked` does."""
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Checked(SansIOHTTPPolicy[Any, Any]):
        def on_response(self, request: Any, response: Any) -> None:  # noqa: ARG002 - the SDK's signature
            if response.http_response.status_code == 200:
                checked(response.http_response)

    return Checked()


def _has_form(answer: Any) -> bool:
    """Whether it is one item of Azure's, or a list of them."""
    items = answer.get("value", [answer]) if isinstance(answer, dict) else None
    return isinstance(items, list) and all(isinstance(item, dict) and _is_item(item) for item in items)


def _is_item(item: dict[str, Any]) -> bool:
    """Whether it is a resource, with an id of ARM's and a name, a SKU that is offered, or the usage of a quota."""
    name = item.get("name")
    if isinstance(name, dict):
        return isinstance(name.get("value"), str) and all(
            isinstance(item.get(key), int) for key in ("currentValue", "limit")
        )
    path = re.match(r"/subscriptions/[^/]+/resourceGroups/[^/]+", str(item.get("id")), re.IGNORECASE)
    known = path is not None or isinstance(item.get("resourceType"), str)
    return known and isinstance(name, str) and isinstance(item.get("properties", {}), dict)


def field(answer: dict[str, Any], *path: str) -> str:
    """A text in an answer of Azure's; raises azure-core's DecodeError where it has none there."""
    from azure.core.exceptions import DecodeError

    value: Any = answer
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise DecodeError(f"a resource without {'.'.join(path)}")
    return value


def why(error: Exception) -> str:
    """An error of the SDK's in a line: what Azure said, or that it said nothing; of a sign-in also what to do next."""
    from azure.core.exceptions import ClientAuthenticationError, DecodeError, DeserializationError, HttpResponseError

    if isinstance(error, DecodeError | DeserializationError):
        return f"Azure answers something else: {_first_line(error)}"
    if isinstance(error, HttpResponseError) and error.error:
        return f"Azure answers {error.error.code}: {' '.join(str(error.error.message or error.reason).split())}"
    if isinstance(error, ClientAuthenticationError):
        return _refused_sign_in(error)
    if isinstance(error, HttpResponseError):
        return f"Azure answers HTTP {error.status_code}: {_first_line(error)}"
    return f"Azure does not answer: {_first_line(error)}"


def _refused_sign_in(error: Exception) -> str:
    """The cause of a refused sign-in and the next command; DefaultAzureCredential tells of each kind that it tried."""
    text, then = str(error), "env | grep AZURE_" if isinstance(error.__cause__, ValueError) else "az login"
    if refused := _AADSTS.search(text):
        cause, then = refused[0], _NEXT.get(refused[1], then)
    elif of_cli := _CLI.search(text):
        cause = of_cli[0].strip()
    else:
        cause = _first_line(error)
    return f"Azure accepts no credential: {cause}; next: {then}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].partition(" Trace ID:")[0]
