"""Azure Resource Manager's answers and acts, by id; what it does not tell is Unknown, with the reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from aksdisks.azure.calls import Answer, SignIn, answered, checked, failed, reported_retries, why
from aksdisks.model import NoCredential, NotPermitted, Unknown
from aksdisks.targets.credentials import AzureSettings
from aksdisks.waiting import Progress, silent

R = TypeVar("R")
# How long between two looks when ARM does not say, in cluster seconds: the pace of the Azure CLI's own waits is 30.
_PACE = 5.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 30.0  # real seconds: no wait sleeps through its deadline by more
# The forms in which resources are asked for: they have all fields that are read, and clouds that lag behind know them.
DISKS, STORAGE = "2023-10-02", "2023-01-01"
# The codes of a 404 that say that there is no such thing, a share's among them.
_NONE = ("ResourceNotFound", "NotFound", "ResourceGroupNotFound", "ShareNotFound", "ParentResourceNotFound")


class Arm:
    """What is asked of one resource group, with a sign-in and retries.

    `unknown` is the one answer of an Azure that cannot be asked; any other Unknown may pass.
    """

    def __init__(
        self,
        settings: AzureSettings | Unknown,
        subscription: str = "",
        resource_group: str = "",
        time_scale: float = 1.0,
        progress: Progress = silent,
    ) -> None:
        self.subscription = subscription
        self.resource_group = resource_group
        self.unknown = settings if isinstance(settings, Unknown) else None
        self._settings: Any = settings
        self._credential = None if isinstance(settings, Unknown) else SignIn(settings.credential)
        self._time_scale = time_scale
        self._progress = progress
        self._arm: Any = None
        self._retry_after: float | None = None

    def find(self, id_: str, **query: str) -> dict[str, Any] | Unknown | None:
        """A disk, snapshot, storage account or share as raw JSON, by its id; None where Azure says there is none."""
        return self._ask(lambda: self._found(id_, query))

    def _found(self, id_: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        from azure.core.exceptions import HttpResponseError

        try:
            return self._get(id_, _version(id_), **query)
        except HttpResponseError as error:
            if error.status_code == 404 and error.error and error.error.code in _NONE:
                return None
            raise

    def follow(self, id_: str) -> Iterator[tuple[dict[str, Any], ...] | Unknown | None]:
        """What `find` gives, again and again, no item where there is none; as `Azure.follow_disks`."""

        def look() -> tuple[dict[str, Any], ...] | Unknown:
            found = self.find(id_)
            return found if isinstance(found, Unknown) else () if found is None else (found,)

        return self._again(look)

    def act(self, method: str, id_: str, body: Mapping[str, Any] | None = None) -> Answer | Unknown:
        """Ask once for a change of what `find` finds, by its id. Unknown: nobody can say whether it has begun.

        Nothing is tried again here: by the next try another thing may have the id, so that who asks looks first.
        """
        url = f"{self._settings.arm_endpoint}{id_}" if self.unknown is None else ""
        query = {"api-version": _version(id_)}
        return self._ask(lambda: answered(self._answer(method, url, query, body, retry_total=0)))

    def failure(self, operation: str) -> str:
        """Why a change that had begun failed, by its `Answer.operation`; empty where it has not, or nobody can say."""
        if self.unknown is not None or not operation.lower().startswith(f"{self._settings.arm_endpoint.lower()}/"):
            return ""  # no other address gets a token
        answer = self._ask(lambda: self._answer("GET", operation, {}))
        return "" if isinstance(answer, Unknown) else failed(answer)

    def _again(self, look: Callable[[], R]) -> Iterator[R | None]:
        while True:
            self._retry_after = None
            yield look()
            # Retry-After is real seconds; our own pace is the cluster's and shrinks with the lab's speed.
            pause = self._retry_after or _PACE / self._time_scale
            time.sleep(min(max(_SHORTEST_PAUSE, pause), _LONGEST_PAUSE))

    @property
    def group(self) -> str:
        """The id of the node resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    def close(self) -> None:
        """Give the connections back."""
        client, self._arm = self._arm, None
        if client is not None:
            client.close()

    def _pages(self, path: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """The items of a list, a call for each page."""
        page = self._get(path, version, **query)
        yield from page["value"]
        while link := page.get("nextLink"):
            page = self._send(link, {})
            yield from page["value"]

    def _get(self, path: str, version: str, **query: str) -> dict[str, Any]:
        """An answer of ARM's as it is, raw JSON: any SDK's models take longer to import and to fill than the call."""
        return self._send(f"{self._settings.arm_endpoint}{path}", {"api-version": version, **query})

    def _send(self, url: str, query: Mapping[str, str]) -> dict[str, Any]:
        return checked(self._answer("GET", url, query))

    def _answer(
        self, method: str, url: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        from azure.core.rest import HttpRequest

        response = self._client().send_request(HttpRequest(method, url, params=dict(query), json=body), **options)
        text = response.headers.get("Retry-After", "")
        self._retry_after = float(text) if text.isdigit() else None
        return response

    def _client(self) -> Any:
        """azure-core's client, for lists of thousands and what every look asks for: ARM's JSON as it is.

        Its packages are imported only where Azure is asked.
        """
        if self._arm is None:
            from azure.core import PipelineClient
            from azure.core.pipeline.policies import BearerTokenCredentialPolicy, UserAgentPolicy

            settings = self._settings
            signed_in: Any = BearerTokenCredentialPolicy(self._credential, *settings.scopes)  # type: ignore[arg-type]
            agent: Any = UserAgentPolicy("aksdisks")
            policies = [agent, reported_retries(self._progress, settings.transport), signed_in]
            self._arm = PipelineClient[Any, Any](settings.arm_endpoint, policies=policies, **settings.transport)
        return self._arm

    def _ask(self, call: Callable[[], R]) -> R | Unknown:
        """A call's answer, or why Azure gives none: rights, throttling, no credential, no connection."""
        if self.unknown is not None:
            return self.unknown
        from azure.core.exceptions import AzureError, ClientAuthenticationError, DeserializationError

        try:
            return call()
        except ClientAuthenticationError as error:
            lasting = self._credential is not None and self._credential.lasting
            return (NoCredential if lasting else Unknown)(why(error))
        except (AzureError, DeserializationError) as error:
            return (NotPermitted if getattr(error, "status_code", None) == 403 else Unknown)(why(error))


def _version(id_: str) -> str:
    """The form in which a resource is asked for, by its id."""
    return STORAGE if "/microsoft.storage/" in id_.lower() else DISKS
