"""The Pod Security Standards as a table, as of the newest version (k8s.io/pod-security-admission policy/check_*)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.objects import text

_CAPABILITIES = frozenset((
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
))  # fmt: skip
_SYSCTLS = frozenset(f"{family}.{name}" for family, names in (
    ("kernel", ("shm_rmid_forced",)),
    ("net.ipv4", (
        "ip_local_port_range", "tcp_syncookies", "ping_group_range", "ip_unprivileged_port_start",
        "ip_local_reserved_ports", "tcp_keepalive_time", "tcp_fin_timeout", "tcp_keepalive_intvl",
        "tcp_keepalive_probes", "tcp_rmem", "tcp_wmem",
    )),
) for name in names)  # fmt: skip
_SELINUX_TYPES = frozenset(("container_t", "container_init_t", "container_kvm_t", "container_engine_t"))
_VOLUMES = frozenset((
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
    "secret",
))  # fmt: skip
_PROFILES = frozenset(("Localhost", "RuntimeDefault"))


@dataclass(frozen=True, slots=True)
class Violation:
    """What a pod does that a level forbids: in short, and where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


@dataclass(frozen=True, slots=True)
class _Check:
    """One row: `found` gives what is forbidden in a holder, which is the pod's spec, a container or a volume.

    `detail` is filled in with `who` holds it, `values` in quotes or `plain`, and the words that depend on how many
    there are. Rows of one reason are told together; one that is `otherwise` counts where those before it found nothing.
    """

    reason: str
    holders: Literal["pod", "container", "pod or container", "volume"]
    found: Callable[[Any, Object], Iterable[str]]
    detail: str
    level: Literal["", "baseline", "restricted"] = ""
    otherwise: bool = False


def _context(holder: Object, *path: str) -> Any:
    """A value within the securityContext; None where there is none."""
    found: Any = holder.get("securityContext")
    for step in path:
        found = (found or {}).get(step)
    return found


def _outside(value: Any, allowed: Iterable[str]) -> list[str]:
    """The value, if it is given and not allowed."""
    return [] if value is None or value in allowed else [value]


def _when(holds: Any) -> list[str]:
    return [""] if holds else []


def _added(container: Object, allowed: frozenset[str]) -> list[str]:
    return sorted(set(_context(container, "capabilities", "add") or ()) - allowed)


def _selinux(holder: Object) -> list[str]:
    kind, *rest = (_context(holder, "seLinuxOptions", key) for key in ("type", "user", "role"))
    set_ = [f"{key} may not be set" for key, value in zip(("user", "role"), rest, strict=True) if value]
    return ([f'type "{kind}"'] if kind and kind not in _SELINUX_TYPES else []) + set_


def _probe_hosts(container: Object) -> list[str]:
    lifecycle = container.get("lifecycle", {})
    handlers = [container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")]
    handlers += [lifecycle.get(key) for key in ("postStart", "preStop")]
    actions = [(one or {}).get(kind, {}) for one in handlers for kind in ("httpGet", "tcpSocket")]
    return [action["host"] for action in actions if action.get("host")]


_CHECKS = (
    _Check("forbidden AppArmor profile{s}", "pod or container",
           lambda one, _: _outside(_context(one, "appArmorProfile", "type"), _PROFILES),
           "{who} must not set AppArmor profile type to {values}"),
    _Check("non-default capabilities", "container", lambda one, _: _added(one, _CAPABILITIES),
           "{who} must not include {values} in securityContext.capabilities.add", "baseline"),
    _Check("host namespaces", "pod",
           lambda one, _: [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if one.get(key)], "{plain}"),
    _Check("hostPath volumes", "volume", lambda one, _: _when("hostPath" in one), "{who}", "baseline"),
    _Check("hostPort", "container",
           lambda one, _: [str(port["hostPort"]) for port in one.get("ports", ()) if port.get("hostPort")],
           "{who} {use} hostPort{s} {plain}"),
    _Check("probe or lifecycle host", "container", lambda one, _: _probe_hosts(one),
           "{who} {use} probe or lifecycle host{s} {values}"),
    _Check("privileged", "container", lambda one, _: _when(_context(one, "privileged")),
           "{who} must not set securityContext.privileged=true"),
    _Check("procMount", "container", lambda one, _: _outside(_context(one, "procMount"), ("Default",)),
           "{who} must not set securityContext.procMount to {values}"),
    _Check("seLinuxOptions", "pod or container", lambda one, _: _selinux(one),
           "{who} set forbidden securityContext.seLinuxOptions: {parts}"),
    _Check("seccompProfile", "pod or container",
           lambda one, _: _outside(_context(one, "seccompProfile", "type"), _PROFILES),
           "{who} must not set securityContext.seccompProfile.type to {values}", "baseline"),
    _Check("forbidden sysctls", "pod",
           lambda one, _: [entry["name"] for entry in _context(one, "sysctls") or () if entry["name"] not in _SYSCTLS],
           "{plain}"),
    _Check("hostProcess", "pod or container", lambda one, _: _when(_context(one, "windowsOptions", "hostProcess")),
           "{who} must not set securityContext.windowsOptions.hostProcess=true"),
    _Check("allowPrivilegeEscalation != false", "container",
           lambda one, _: _when(_context(one, "allowPrivilegeEscalation") is not False),
           "{who} must set securityContext.allowPrivilegeEscalation=false", "restricted"),
    _Check("unrestricted capabilities", "container",
           lambda one, _: _when("ALL" not in (_context(one, "capabilities", "drop") or ())),
           '{who} must set securityContext.capabilities.drop=["ALL"]', "restricted"),
    _Check("unrestricted capabilities", "container", lambda one, _: _added(one, frozenset(("NET_BIND_SERVICE",))),
           "{who} must not include {values} in securityContext.capabilities.add", "restricted"),
    _Check("restricted volume types", "volume", lambda one, _: sorted(one.keys() - _VOLUMES),
           "{who} {use} restricted volume type{s} {values}", "restricted"),
    _Check("runAsNonRoot != true", "pod or container", lambda one, _: _when(_context(one, "runAsNonRoot") is False),
           "{who} must not set securityContext.runAsNonRoot=false", "restricted"),
    _Check("runAsNonRoot != true", "container",
           lambda one, pod: _when(not _context(pod, "runAsNonRoot") and not _context(one, "runAsNonRoot")),
           "pod or {who} must set securityContext.runAsNonRoot=true", "restricted", otherwise=True),
    _Check("runAsUser=0", "pod or container", lambda one, _: _when(_context(one, "runAsUser") == 0),
           "{who} must not set runAsUser=0", "restricted"),
    _Check("seccompProfile", "pod or container",
           lambda one, _: _outside(_context(one, "seccompProfile", "type"), _PROFILES),
           "{who} must not set securityContext.seccompProfile.type to {values}", "restricted"),
    _Check("seccompProfile", "container",
           lambda one, pod: _when(not (_context(pod, "seccompProfile") or _context(one, "seccompProfile"))),
           'pod or {who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
           "restricted", otherwise=True),
)  # fmt: skip
"""In upstream's order. Those of no level hold in both; in place of those of `baseline`, `restricted` has others."""


def violations(pod: Object, level: str) -> list[Violation]:
    """What a pod or template does against `baseline` or `restricted`; `privileged` forbids nothing."""
    spec = pod.get("spec", {})
    told: list[Violation] = []
    for check in _CHECKS if level != "privileged" else ():
        last = told[-1] if told and told[-1].reason == check.reason else None
        if check.level not in ("", level) or (check.otherwise and last):
            continue
        found = _violation(check, spec)
        if found and last:
            told[-1] = Violation(last.reason, f"{last.detail}; {found.detail}")
        elif found:
            told.append(found)
    return told


def _violation(check: _Check, spec: Object) -> Violation | None:
    pod = False
    names: list[str] = []
    values: list[str] = []
    for name, holder in _holders(check.holders, spec):
        found = list(check.found(holder, spec))
        if found:
            values += found
            pod, names = pod or holder is spec, names if holder is spec else [*names, name]
    if not values:
        return None
    kind = "volume" if check.holders == "volume" else "container"
    values = list(dict.fromkeys(values))
    who = [*(["pod"] if pod else []), *([f"{kind}{'s' if len(names) > 1 else ''} {_quoted(names)}"] if names else [])]
    words = {
        "who": " and ".join(who),
        "values": _quoted(values),
        "plain": ", ".join(values),
        "parts": "; ".join(values),
        "s": "s" if len(values) > 1 else "",
        "use": "use" if len(names) > 1 else "uses",
    }
    return Violation(check.reason.format(**words), check.detail.format(**words))


def _holders(kinds: str, spec: Object) -> Iterator[tuple[str, Object]]:
    if "pod" in kinds:
        yield "", spec
    if "container" in kinds:
        for key in ("initContainers", "containers", "ephemeralContainers"):
            yield from ((one.get("name", ""), one) for one in spec.get(key, ()))
    if kinds == "volume":
        yield from ((one.get("name", ""), one) for one in spec.get("volumes", ()))


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(text(value) for value in values)
