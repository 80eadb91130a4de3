"""The checks of the Pod Security Standards, as of the newest version (k8s.io/pod-security-admission policy/check_*)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.objects import text


@dataclass(frozen=True, slots=True)
class Violation:
    """What a pod does that a level forbids: in short, and where."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip
_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    )
)  # fmt: skip
_SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))
_VOLUMES = frozenset(
    (
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    )
)  # fmt: skip
_PROFILES = ("Localhost", "RuntimeDefault")


def violations(pod: Object, level: str) -> list[Violation]:
    """What a pod or template does against `baseline` or `restricted`, in upstream's order."""
    restricted = level == "restricted"
    checks = _BASELINE if not restricted else [*(c for c in _BASELINE if c not in _REPLACED), *_RESTRICTED]
    spec = pod.get("spec", {})
    found = (check(spec) for check in checks)
    return [one for one in found if one is not None]


def _containers(spec: Object) -> list[Object]:
    return [c for kind in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(kind, ())]


def _context(holder: Object) -> Object:
    found: Object = holder.get("securityContext") or {}
    return found


def _names(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    return [container.get("name", "") for container in _containers(spec) if bad(container)]


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(text(value) for value in values)


def _of(kind: str, found: list[str]) -> str:
    return f"{kind}{'s' if len(found) > 1 else ''} {_quoted(found)}"


def _setters(pod: bool, containers: list[str]) -> str:
    return " and ".join([*(["pod"] if pod else []), *([_of("container", containers)] if containers else [])])


def _app_armor(spec: Object) -> Violation | None:
    def bad(holder: Object) -> bool:
        profile = _context(holder).get("appArmorProfile")
        return profile is not None and profile.get("type") not in _PROFILES

    names = _names(spec, bad)
    if not bad(spec) and not names:
        return None
    holders = [holder for holder in (spec, *_containers(spec)) if bad(holder)]
    values = sorted({_context(holder)["appArmorProfile"].get("type", "") for holder in holders})
    reason = f"forbidden AppArmor profile{'s' if len(values) > 1 else ''}"
    detail = f"{_setters(bad(spec), names)} must not set AppArmor profile type to {_quoted(values)}"
    return Violation(reason, detail)


def _added(container: Object) -> set[str]:
    return set(_context(container).get("capabilities", {}).get("add") or ())


def _capabilities(spec: Object) -> Violation | None:
    names = _names(spec, lambda container: bool(_added(container) - _CAPABILITIES))
    if not names:
        return None
    values = sorted(set().union(*(_added(container) for container in _containers(spec))) - _CAPABILITIES)
    where = "in securityContext.capabilities.add"
    return Violation(
        "non-default capabilities", f"{_of('container', names)} must not include {_quoted(values)} {where}"
    )


def _host_namespaces(spec: Object) -> Violation | None:
    shared = [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None


def _host_paths(spec: Object) -> Violation | None:
    names = [volume.get("name", "") for volume in spec.get("volumes", ()) if "hostPath" in volume]
    return Violation("hostPath volumes", _of("volume", names)) if names else None


def _host_ports(spec: Object) -> Violation | None:
    def ports(container: Object) -> set[int]:
        return {port["hostPort"] for port in container.get("ports", ()) if port.get("hostPort")}

    names = _names(spec, lambda container: bool(ports(container)))
    if not names:
        return None
    found = sorted(map(str, set().union(*(ports(container) for container in _containers(spec)))))
    verb = "use" if len(names) > 1 else "uses"
    listed = f"hostPort{'s' if len(found) > 1 else ''} {', '.join(found)}"
    return Violation("hostPort", f"{_of('container', names)} {verb} {listed}")


def _hosts(container: Object) -> set[str]:
    lifecycle = container.get("lifecycle", {})
    found = [container.get(key) for key in ("livenessProbe", "readinessProbe", "startupProbe")]
    found += [lifecycle.get(key) for key in ("postStart", "preStop")]
    actions = [(one or {}).get(kind, {}) for one in found for kind in ("httpGet", "tcpSocket")]
    return {action["host"] for action in actions if action.get("host")}


def _probe_hosts(spec: Object) -> Violation | None:
    names = sorted(_names(spec, lambda container: bool(_hosts(container))))
    if not names:
        return None
    values = sorted(set().union(*(_hosts(container) for container in _containers(spec))))
    verb = "use" if len(names) > 1 else "uses"
    reason = "probe or lifecycle host"
    return Violation(reason, f"{_of('container', names)} {verb} {_of(reason, values)}")


def _privileged(spec: Object) -> Violation | None:
    names = _names(spec, lambda container: bool(_context(container).get("privileged")))
    detail = f"{_of('container', names)} must not set securityContext.privileged=true"
    return Violation("privileged", detail) if names else None


def _proc_mount(spec: Object) -> Violation | None:
    names = _names(spec, lambda container: _context(container).get("procMount", "Default") != "Default")
    if not names:
        return None
    values = {_context(container).get("procMount", "Default") for container in _containers(spec)} - {"Default"}
    detail = f"{_of('container', names)} must not set securityContext.procMount to {_quoted(sorted(values))}"
    return Violation("procMount", detail)


def _selinux(spec: Object) -> Violation | None:
    def options(holder: Object) -> Object:
        found: Object = _context(holder).get("seLinuxOptions") or {}
        return found

    def bad(holder: Object) -> bool:
        found = options(holder)
        return found.get("type", "") not in _SELINUX_TYPES or bool(found.get("user")) or bool(found.get("role"))

    names, holders = _names(spec, bad), [spec, *_containers(spec)]
    if not bad(spec) and not names:
        return None
    types = sorted({options(holder).get("type", "") for holder in holders} - _SELINUX_TYPES)
    data = [_of("type", types)] if types else []
    data += [f"{key} may not be set" for key in ("user", "role") if any(options(holder).get(key) for holder in holders)]
    detail = f"{_setters(bad(spec), names)} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}"
    return Violation("seLinuxOptions", detail)


def _profile(holder: Object) -> str | None:
    profile = _context(holder).get("seccompProfile")
    return None if profile is None else str(profile.get("type", ""))


def _seccomp(spec: Object) -> Violation | None:
    def bad(holder: Object) -> bool:
        return _profile(holder) not in (None, *_PROFILES)

    names = _names(spec, bad)
    if not bad(spec) and not names:
        return None
    values = sorted({str(_profile(holder)) for holder in (spec, *_containers(spec)) if bad(holder)})
    where = "must not set securityContext.seccompProfile.type to"
    return Violation("seccompProfile", f"{_setters(bad(spec), names)} {where} {_quoted(values)}")


def _seccomp_restricted(spec: Object) -> Violation | None:
    if _on_windows(spec):
        return None
    explicit = _seccomp(spec)
    if explicit is not None:
        return explicit
    unset = [] if _profile(spec) else _names(spec, lambda container: _profile(container) is None)
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation("seccompProfile", f"pod or {_of('container', unset)} {wanted}") if unset else None


def _sysctls(spec: Object) -> Violation | None:
    found = [entry.get("name", "") for entry in _context(spec).get("sysctls", ())]
    bad = [name for name in found if name not in _SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def _host_process(spec: Object) -> Violation | None:
    def bad(holder: Object) -> bool:
        return bool(_context(holder).get("windowsOptions", {}).get("hostProcess"))

    who = _setters(bad(spec), _names(spec, bad))
    detail = f"{who} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail) if who else None


def _on_windows(spec: Object) -> bool:
    return bool(spec.get("os", {}).get("name") == "windows")


def _escalation(spec: Object) -> Violation | None:
    names = _names(spec, lambda container: _context(container).get("allowPrivilegeEscalation") is not False)
    if not names or _on_windows(spec):
        return None
    detail = f"{_of('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def _capabilities_restricted(spec: Object) -> Violation | None:
    if _on_windows(spec):
        return None

    def keeps(container: Object) -> bool:
        return "ALL" not in (_context(container).get("capabilities", {}).get("drop") or ())

    allowed = {"NET_BIND_SERVICE"}
    keeping = _names(spec, keeps)
    adding = _names(spec, lambda container: bool(_added(container) - allowed))
    details = []
    if keeping:
        details.append(f'{_of("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        values = sorted(set().union(*(_added(container) for container in _containers(spec))) - allowed)
        where = "in securityContext.capabilities.add"
        details.append(f"{_of('container', adding)} must not include {_quoted(values)} {where}")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _volume_types(spec: Object) -> Violation | None:
    names: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes", ()):
        kinds = {key for key in volume if key != "name"} - _VOLUMES
        if kinds:
            names.append(volume.get("name", ""))
            types |= kinds
    if not names:
        return None
    verb = "use" if len(names) > 1 else "uses"
    detail = f"{_of('volume', names)} {verb} restricted volume {_of('type', sorted(types))}"
    return Violation("restricted volume types", detail)


def _non_root(spec: Object) -> Violation | None:
    def refuses(holder: Object) -> bool:
        return _context(holder).get("runAsNonRoot") is False

    who = _setters(refuses(spec), _names(spec, refuses))
    reason = "runAsNonRoot != true"
    if who:
        return Violation(reason, f"{who} must not set securityContext.runAsNonRoot=false")
    unset = _names(spec, lambda container: not _context(container).get("runAsNonRoot"))
    if _context(spec).get("runAsNonRoot") or not unset:
        return None
    return Violation(reason, f"pod or {_of('container', unset)} must set securityContext.runAsNonRoot=true")


def _user(spec: Object) -> Violation | None:
    def root(holder: Object) -> bool:
        return bool(_context(holder).get("runAsUser") == 0)

    who = _setters(root(spec), _names(spec, root))
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


_BASELINE = (
    _app_armor, _capabilities, _host_namespaces, _host_paths, _host_ports, _probe_hosts, _privileged, _proc_mount,
    _selinux, _seccomp, _sysctls, _host_process,
)  # fmt: skip
_REPLACED = (_capabilities, _host_paths, _seccomp)
"""Checks in whose place `restricted` has a stricter one."""
_RESTRICTED = (_escalation, _capabilities_restricted, _volume_types, _non_root, _user, _seccomp_restricted)
