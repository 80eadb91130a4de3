"""Requests to a Kubernetes API through the official client's configuration and pool, raw JSON out, errors as ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from aksdisks import errors
from aksdisks.errors import AksdisksError, ApiError, Expired, NotAllowed, NotReachable
from aksdisks.waiting import Progress, seconds_left, silent

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

PAGE = 500
# The longest that one request may take, with the tries after it; real seconds.
_LONGEST_REQUEST = 180.0
_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 60.0
# A watch that is silent for longer than the server's bookmarks (about a minute) has lost its connection.
_WATCH_TIMEOUT = 90.0
_TRIES = 4
_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
# How long a server that answered before may take no connection, and the longest pause between two tries then; seconds.
_RESTART = 30.0
_LONGEST_RECONNECT = 2.0

_CAUSES = {
    "Connection refused": "connection refused",
    "CERTIFICATE_VERIFY_FAILED": "a certificate that is not trusted",
    "timed out": "no answer in time",
    "Name or service not known": "a host name that does not resolve",
    "Temporary failure in name resolution": "a host name that does not resolve",
}

Query = Mapping[str, str] | None
Raw = dict[str, Any]

# kind: (path prefix, plural, namespaced)
KINDS: dict[str, tuple[str, str, bool]] = {
    "Namespace": ("/api/v1", "namespaces", False),
    "Node": ("/api/v1", "nodes", False),
    "PersistentVolume": ("/api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims", True),
    "Pod": ("/api/v1", "pods", True),
    "Event": ("/api/v1", "events", True),
    "Service": ("/api/v1", "services", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "ReplicationController": ("/api/v1", "replicationcontrollers", True),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "Job": ("/apis/batch/v1", "jobs", True),
    "CronJob": ("/apis/batch/v1", "cronjobs", True),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses", False),
    "VolumeAttributesClass": ("/apis/storage.k8s.io/v1", "volumeattributesclasses", False),
    "VolumeAttachment": ("/apis/storage.k8s.io/v1", "volumeattachments", False),
    "CSIDriver": ("/apis/storage.k8s.io/v1", "csidrivers", False),
    "CSINode": ("/apis/storage.k8s.io/v1", "csinodes", False),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "VolumeSnapshot": ("/apis/snapshot.storage.k8s.io/v1", "volumesnapshots", True),
    "VolumeSnapshotContent": ("/apis/snapshot.storage.k8s.io/v1", "volumesnapshotcontents", False),
    "VolumeSnapshotClass": ("/apis/snapshot.storage.k8s.io/v1", "volumesnapshotclasses", False),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True),
    "ReplicatedStore": ("/apis/aksdisks.dev/v1alpha1", "replicatedstores", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
}


def path(kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The URL path of a kind's collection, object or subresource; an empty namespace means all of them."""
    prefix, plural, namespaced = KINDS[kind]
    middle = f"/namespaces/{quote(namespace, safe='')}" if namespaced and namespace else ""
    tail = "".join(f"/{quote(part, safe='')}" for part in (name, subresource) if part)
    return f"{prefix}{middle}/{plural}{tail}"


class KubernetesHttp:
    """One cluster's HTTPS endpoint. Safe to use from several threads: the pool gives each request a connection."""

    def __init__(self, client: ApiClient, progress: Progress = silent) -> None:
        self._configuration = client.configuration
        self._pool = client.rest_client.pool_manager
        self._answered = False
        # Why nothing is asked of this cluster any more: see `give_up`.
        self.gone = ""
        self.server = str(client.configuration.host).rstrip("/")
        self.progress = progress

    def request(self, method: str, url: str, query: Query = None, body: Any = None, content: str = "json") -> Raw:
        """One request, its JSON answer; raises `errors`, in words that name the method and the path.

        Tried again on 429, 5xx and a lost connection, but not where nobody ever took a connection. That is safe for
        all that we ask: applies and scalings name the wanted state, deletes name a uid, and whoever creates or replaces
        takes AlreadyExists and Conflict for a reason to look again. `content` is the last part of the body's type.
        All of it ends with the wait around it, see `waiting.seconds_left`.
        """
        began = time.monotonic()
        ends = began + seconds_left(_LONGEST_REQUEST)
        attempt = 1
        while True:
            try:
                return self._once(method, url, query, body, content, ends)
            except (NotReachable, ApiError) as error:
                pause = self._pause(error, attempt, time.monotonic() - began)
                if self.gone or pause is None or time.monotonic() + pause >= ends:
                    raise
                attempt += 1
                self.progress(f"{error.message}; again in {pause:.1f} s (try {attempt})")
                time.sleep(pause)

    def _pause(self, error: AksdisksError, attempt: int, passed: float) -> float | None:
        """How long to wait before the next try, in seconds; None: there is none."""
        pause = _PAUSE * 2 ** min(attempt, 10)
        if isinstance(error, ApiError):
            if attempt == _TRIES or (error.status != 429 and error.status < 500):
                return None
            return pause if error.retry_after is None else min(error.retry_after, _LONGEST_PAUSE)
        # A server that restarts takes no connection for longer than a busy one sends errors.
        return min(pause, _LONGEST_RECONNECT) if self._answered and passed < _RESTART else None

    def ping(self, seconds: float) -> str:
        """Why the API server gives no answer within so many seconds, asked once; empty where it gives one."""
        try:
            self._send("GET", "/version", None, ends=time.monotonic() + seconds)
        except NotReachable as error:
            return error.message
        except ApiError as error:
            # So a load balancer says that nothing stands behind it; any other refusal is an answer.
            return error.message if error.status >= 500 else ""
        except NotAllowed:
            return ""
        return ""

    def give_up(self, problem: str) -> None:
        """Ask nothing more: from now on every request, also one that is tried again, raises NotReachable at once."""
        self.gone = problem

    def _once(self, method: str, url: str, query: Query, body: Any, content: str, ends: float) -> Raw:
        _, data = self._send(method, url, query, body, content, ends=ends)
        answer = _object(data)
        if answer is None:
            raise NotReachable(object=f"{self.server}{url}", expected="a Kubernetes API's JSON", found="something else")
        return answer

    def items(
        self, kind: str, namespace: str = "", selector: str = "", make: Callable[[Raw], Any] = dict
    ) -> tuple[list[Any], str]:
        """All objects of a kind, read in pages, and the resourceVersion to watch from.

        `make`: what to keep of an object. It is called page by page, so that no more than one is there as JSON.
        """
        found: list[Any] = []
        query = {"limit": str(PAGE), "labelSelector": selector}
        while True:
            try:
                answer = self.request("GET", path(kind, namespace), query)
            except Expired:
                # A continue token lives about five minutes; only a fresh list is consistent then.
                self.progress(f"the list of {KINDS[kind][1]} expired while it was read; reading it again")
                found, query["continue"] = [], ""
                continue
            found += map(make, answer.get("items") or [])
            meta = answer.get("metadata") or {}
            if not meta.get("continue"):
                return found, meta.get("resourceVersion", "")
            query["continue"] = meta["continue"]

    def stream(self, kind: str, namespace: str, selector: str, version: str) -> tuple[Any, Iterator[dict[str, Any]]]:
        """An open watch: the response (to shut down) and its events. Raises as `request`, Expired for 410."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true", "labelSelector": selector}
        response, _ = self._send("GET", path(kind, namespace), query, stream=True)
        return response, _lines(response)

    def _send(
        self,
        method: str,
        url: str,
        query: Query,
        body: Any = None,
        content: str = "json",
        *,
        stream: bool = False,
        ends: float | None = None,
    ) -> tuple[Any, bytes]:
        """The response, and its body unless it is a stream's."""
        import urllib3

        if self.gone:
            raise NotReachable(self.gone)
        left = seconds_left(_LONGEST_REQUEST) if ends is None else max(0.1, ends - time.monotonic())
        read = _WATCH_TIMEOUT if stream else min(_READ_TIMEOUT, left)
        headers = {"Accept": "application/json", "User-Agent": "aksdisks", "Content-Type": f"application/{content}"}
        # Asking the configuration each time lets it renew tokens that expire (exec plugins, in-cluster files).
        for setting in self._configuration.auth_settings().values():
            if setting.get("in") == "header" and setting.get("value"):
                headers[setting["key"]] = setting["value"]
        asked = urlencode({name: value for name, value in (query or {}).items() if value})
        try:
            response = self._pool.request(
                method,
                f"{self.server}{url}?{asked}",
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                preload_content=False,
                retries=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, left), read=read),
            )
            self._answered = True
            failed = response.status >= 400
            data = b"" if stream and not failed else _body(response, time.monotonic() + left)
            if failed:
                raise _error(f"{method} {url}", response, data)
            return response, data
        except urllib3.exceptions.HTTPError as error:
            # Whoever takes a connection and drops it is there.
            self._answered |= isinstance(error, urllib3.exceptions.ProtocolError)
            raise NotReachable(
                object=f"{self.server}", expected="a Kubernetes API", cause=f"{_cause(error)}"
            ) from error
        except ValueError:  # its words, and its frames, hold the token
            raise NotAllowed(
                object=f"{self.server}", expected="a token that fits in a header", found="another"
            ) from None


def _cause(error: BaseException) -> str:
    """A connection error in a few words: the innermost reason, without object addresses."""
    text = str(getattr(error, "reason", None) or error)
    words = (words for known, words in _CAUSES.items() if known in text)
    return next(words, text.rpartition(">: ")[2] or type(error).__name__)


def _body(response: Any, ends: float) -> bytes:
    """All of an answer's body, read as it comes: one that trickles in has until `ends`, by time.monotonic."""
    import urllib3

    parts = []
    while part := response.read1(2**20):
        parts.append(part)
        if time.monotonic() > ends:
            response.close()
            raise urllib3.exceptions.HTTPError("timed out")
    return b"".join(parts)


def _object(data: bytes) -> Raw | None:
    """The JSON object in an answer; None for anything else."""
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _error(asked: str, response: Any, data: bytes) -> errors.AksdisksError:
    body = _object(data) or {}
    status, reason = response.status, str(body.get("reason") or "")
    words = body.get("message") or data[:200].decode(errors="replace").strip() or f"HTTP {status}"
    message = f"{asked}: {words}"
    if status in (401, 403):
        return errors.NotAllowed(message)
    kinds: dict[int, type[ApiError]] = {404: errors.NotFound, 410: Expired, 409: errors.Conflict}
    exists = status == 409 and reason == "AlreadyExists"
    kind = errors.AlreadyExists if exists else kinds.get(status, ApiError)
    try:
        retry_after = float(response.headers.get("Retry-After", ""))
    except ValueError:
        retry_after = None
    return kind(message, status=status, reason=reason, retry_after=retry_after)


def _lines(response: Any) -> Iterator[dict[str, Any]]:
    """The JSON lines of a chunked answer as they arrive; Expired for an ERROR event of 410."""
    rest = b""
    for chunk in response.stream(2**16):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if not line.strip():
                continue
            event = json.loads(line)
            if event["type"] == "ERROR":
                status = event.get("object") or {}
                code = int(status.get("code") or 500)
                kind = Expired if code == 410 else ApiError
                raise kind(str(status.get("message")), status=code, reason=str(status.get("reason")))
            yield event
