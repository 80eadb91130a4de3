"""Watches: one thread per kind reads the server's stream into one queue, with the time of arrival."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from aksdisks.errors import AksdisksError, ApiError, Expired, NotAllowed, NotReachable
from aksdisks.kube.http import KINDS, KubernetesHttp
from aksdisks.model import Change, decode

# How often an idle watch lets its reader look at the time, in seconds.
TICK = 0.2
# Before a watch is opened again, whatever ended it: a server that ends each at once is not asked in a loop.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# How long leaving waits for the threads, in seconds; they are daemons and hold nothing but their connection.
_PATIENCE = 1.0


class Watcher:
    """Several kinds watched at once: `with cluster.watch(["Pod", "Event"], namespace) as watcher: act; ...`.

    When the `with` is entered, each kind was listed: what existed then is in `initial`, at time 0. Iterated over, it
    yields what comes later in the order of arrival, and None about five times a second. A dropped connection is
    resumed where it stopped; after a 410 the kind is listed again and the differences are what arrives. Both are said
    through the progress callback.
    """

    def __init__(
        self, http: KubernetesHttp, kinds: Sequence[str], namespace: str, selector: str, *, lazy: bool = False
    ) -> None:
        """`lazy`: no stream is opened before changes are asked for; the lists are read on entering all the same."""
        self.initial: tuple[Change, ...] = ()
        self._http = http
        self._kinds = tuple(kinds)
        self._namespace = namespace
        self._selector = selector
        self._queue: queue.SimpleQueue[Change | AksdisksError] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._responses: dict[str, Any] = {}
        self._threads: list[threading.Thread] = []
        self._lazy = lazy
        self.began = time.monotonic()

    def __enter__(self) -> Watcher:
        self.began = time.monotonic()
        for kind in self._kinds:
            items, version = self._http.items(kind, self._where(kind), self._selector)
            self.initial += tuple(Change(0.0, "ADDED", kind, decode(kind, item)) for item in items)
            known = {_key(item): item for item in items}
            thread = threading.Thread(target=self._run, args=(kind, version, known), daemon=True, name=f"watch {kind}")
            self._threads.append(thread)
        if not self._lazy:
            self._start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        overdue = time.monotonic() + _PATIENCE
        for thread in self._threads:
            # A thread may open its stream just now: hang up until it has noticed.
            while thread.is_alive() and time.monotonic() < overdue:
                for response in list(self._responses.values()):
                    _hang_up(response)
                thread.join(timeout=0.005)

    def __iter__(self) -> Iterator[Change | None]:
        """Endless: a wait, a deadline or a break ends it. Raises what ended a watch for good (NotAllowed, …)."""
        self._start()
        while True:
            try:
                item = self._queue.get(timeout=TICK)
            except queue.Empty:
                if self._http.gone:
                    raise NotReachable(self._http.gone) from None
                yield None
                continue
            if isinstance(item, AksdisksError):
                raise item
            yield item

    @property
    def elapsed(self) -> float:
        """Seconds since the watch began, as its changes count them."""
        return round(time.monotonic() - self.began, 3)

    def _start(self) -> None:
        for thread in self._threads:
            if thread.ident is None:
                thread.start()

    def _where(self, kind: str) -> str:
        return self._namespace if KINDS[kind][2] else ""

    def _run(self, kind: str, version: str, known: dict[str, dict[str, Any]]) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stop.is_set():
            problem: AksdisksError | None = None
            try:
                response, events = self._http.stream(kind, self._where(kind), self._selector, version)
                self._responses[kind] = response
                for event in events:
                    pause = _SHORTEST_PAUSE
                    version = self._event(kind, event, known) or version
                    if self._stop.is_set():
                        return
            except Expired:
                try:
                    version = self._relist(kind, known)
                except AksdisksError as error:
                    problem = error
            except NotAllowed as error:
                self._queue.put(error)
                return
            except (NotReachable, ApiError) as error:
                problem = error
            except Exception as error:  # a read that broke off: urllib3, ssl and json each have their own
                problem = NotReachable(f"{self._http.server}: the watch broke off: {type(error).__name__}")
            if self._stop.wait(pause):
                return
            if problem is not None:
                self._http.progress(f"watching {KINDS[kind][1]}: {problem.message}; resuming")
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _event(self, kind: str, event: dict[str, Any], known: dict[str, dict[str, Any]]) -> str:
        item = event["object"]
        if event["type"] != "BOOKMARK":
            if event["type"] == "DELETED":
                known.pop(_key(item), None)
            else:
                known[_key(item)] = item
            at = self.elapsed
            self._queue.put(Change(at, event["type"], kind, decode(kind, item)))
        return str((item.get("metadata") or {}).get("resourceVersion") or "")

    def _relist(self, kind: str, known: dict[str, dict[str, Any]]) -> str:
        """List again after 410 and report the differences as changes; returns the version to go on from."""
        self._http.progress(f"watching {KINDS[kind][1]}: the server forgot where we were; listing again")
        items, version = self._http.items(kind, self._where(kind), self._selector)
        now = {_key(item): item for item in items}
        for key in known.keys() - now.keys():
            self._event(kind, {"type": "DELETED", "object": known[key]}, known)
        for key, item in now.items():
            before = known.get(key)
            if before is None or before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._event(kind, {"type": "MODIFIED" if before else "ADDED", "object": item}, known)
        return version


def _key(item: dict[str, Any]) -> str:
    # By uid: an object deleted and made again under its name is another one.
    return str(item["metadata"].get("uid"))


def _hang_up(response: Any) -> None:
    """End a stream that another thread reads: closing alone would not wake it."""
    try:
        response.shutdown()
    except (AttributeError, OSError, ValueError, RuntimeError):
        response.close()
