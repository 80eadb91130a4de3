"""Health: the checks behind /healthz, /livez and /readyz, and the texts that they answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from aksdisks.lab.kube.storage.store import Store

Check = Callable[[], bool]

_ROOTS = ("healthz", "livez", "readyz")
_HOOKS = (
    "start-system-namespaces-controller",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
)


class Health:
    """Upstream's checks that have a counterpart here, by upstream's names (apiserver: server/healthz/healthz.go)."""

    def __init__(self, store: Store) -> None:
        # A hook that has ended stays healthy whatever becomes of what it made; here all end before the server listens.
        hooks = dict.fromkeys((f"poststarthook/{name}" for name in _HOOKS), lambda: True)
        alive: dict[str, Check] = {"ping": lambda: True, "etcd": lambda: store.resource_version > 0, **hooks}
        ready = {**alive, "etcd-readiness": alive["etcd"]}
        self._checks: Mapping[str, Mapping[str, Check]] = {"healthz": alive, "livez": alive, "readyz": ready}

    def paths(self) -> list[str]:
        """Every path that `answer` knows."""
        named = [f"/{root}/{name}" for root, checks in self._checks.items() for name in checks]
        return [f"/{root}" for root in _ROOTS] + named

    def answer(self, root: str, name: str, query: Mapping[str, str], excluded: Sequence[str]) -> web.Response | None:
        """What a root, or one check of it, answers; None for a path that is none of them."""
        checks = self._checks.get(root)
        if checks is None:
            return None
        if name:
            check = checks.get(name)
            return None if check is None else _one(check)
        return _all(root, checks, excluded, verbose="verbose" in query)


def _one(check: Check) -> web.Response:
    return web.Response(text="ok") if check() else _text("internal server error: not there yet\n", 500)


def _all(root: str, checks: Mapping[str, Check], excluded: Sequence[str], *, verbose: bool) -> web.Response:
    lines, failed = [], False
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok\n")
        elif check():
            lines.append(f"[+]{name} ok\n")
        else:
            lines.append(f"[-]{name} failed: reason withheld\n")
            failed = True
    unknown = sorted({name for name in excluded if name not in checks})
    if unknown:
        named = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {named}\n")
    if failed:
        return _text(f"{''.join(lines)}{root} check failed\n", 500)
    return _text(f"{''.join(lines)}{root} check passed\n" if verbose else "ok")


def _text(text: str, code: int = 200) -> web.Response:
    return web.Response(text=text, status=code, headers={"X-Content-Type-Options": "nosniff"})
