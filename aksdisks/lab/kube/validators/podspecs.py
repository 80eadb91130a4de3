"""Validation of new pods and of the pods that templates describe (pkg/apis/core/validation ValidatePodSpec)."""

from __future__ import annotations

import ipaddress

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import containers, podvolumes, resources, scheduling, securitycontexts
from aksdisks.lab.kube.validators.causes import duplicate, forbidden, formed, invalid, one_of, required
from aksdisks.lab.kube.validators.meta import labels

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_INT32 = 2**31 - 1
_MAX_SERVERS, _MAX_SEARCHES, _MAX_SEARCH_TEXT = 3, 32, 2048
ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
"""What upstream says of a text that is no address."""
_COST = "controller.kubernetes.io/pod-deletion-cost"
_MIRROR = "kubernetes.io/config.mirror"


def pod(obj: Object) -> list[Cause]:
    """A new pod."""
    found = obj.get("spec", {})
    causes = metadata_and_spec(obj)
    if found.get("ephemeralContainers"):
        causes.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if found.get("nodeName") and found.get("schedulingGates"):
        why = "cannot be set until all schedulingGates have been cleared"
        causes.append(forbidden("spec.nodeName", why))
    return causes


def metadata_and_spec(obj: Object) -> list[Cause]:
    """What holds for a pod whether it is new or changed."""
    found = obj.get("spec", {})
    causes = read_annotations("metadata.annotations", obj["metadata"].get("annotations", {}), found)
    causes += spec("spec", found, obj["metadata"].get("name", ""), is_pod=True)
    for key in ("containers", "initContainers"):
        for index, container in enumerate(found.get(key, ())):
            causes += containers.image_of_pod(f"spec.{key}[{index}]", container)
    return causes


def read_annotations(at: str, found: Object, of: Object) -> list[Cause]:
    """Annotations that upstream reads; `of` is the pod's spec."""
    causes: list[Cause] = []
    if _MIRROR in found and not of.get("nodeName"):
        why = "must set spec.nodeName if mirror pod annotation is set"
        causes.append(invalid(f"{at}[{_MIRROR}]", found[_MIRROR], why))
    cost = found.get(_COST)
    if cost is not None and not _is_int32(cost):
        causes.append(invalid(f"{at}[{_COST}]", cost, "must be a 32bit integer"))
    return causes


def _is_int32(text: str) -> bool:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10 or (digits[0] == "0" and len(digits) > 1):
        return False
    return -(2**31) <= int(text) < 2**31


def spec(at: str, found: Object, pod_name: str = "", *, is_pod: bool = False) -> list[Cause]:
    """A pod's spec below a field; a template's pods have no name yet."""
    grace = found.get("terminationGracePeriodSeconds")
    good, causes = podvolumes.volumes(f"{at}.volumes", found.get("volumes", []), pod_name, is_pod=is_pod)
    if grace is None:
        causes.insert(0, required(f"{at}.terminationGracePeriodSeconds"))
    claims = frozenset(claim["name"] for claim in found.get("resourceClaims", ()) if claim.get("name"))
    host_users = found.get("hostUsers", True)
    policy = found.get("restartPolicy", "")
    causes += containers.containers(at, found, containers.PodContext(good, grace, policy, host_users, claims))
    causes += _host_network(at, found, is_pod=is_pod)
    causes += one_of(f"{at}.restartPolicy", policy, _RESTART)
    causes += one_of(f"{at}.dnsPolicy", found.get("dnsPolicy"), _DNS)
    causes += labels(f"{at}.nodeSelector", found.get("nodeSelector", {}))
    causes += securitycontexts.of_pod(f"{at}.securityContext", found.get("securityContext", {}), found)
    causes += scheduling.affinity(f"{at}.affinity", found.get("affinity", {}))
    causes += _dns(f"{at}.dnsConfig", found.get("dnsConfig"), found.get("dnsPolicy", ""))
    for index, gate in enumerate(found.get("readinessGates", ())):
        kind = gate.get("conditionType", "")
        causes += formed(f"{at}.readinessGates[{index}].conditionType", kind, names.qualified_name_errors)
    causes += _gates(f"{at}.schedulingGates", found.get("schedulingGates", ()))
    causes += scheduling.spread(f"{at}.topologySpreadConstraints", found.get("topologySpreadConstraints", ()))
    if not host_users:
        why = "when `pod.Spec.HostUsers` is false"
        shown = (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC"))
        causes += [forbidden(f"{at}.{name}", why) for key, name in shown if found.get(key)]
    return causes + _rest(at, found)


def _rest(at: str, found: Object) -> list[Cause]:
    causes: list[Cause] = []
    for key in ("serviceAccountName", "nodeName"):
        causes += formed(f"{at}.{key}", found[key], names.subdomain_errors) if found.get(key) else []
    deadline = found.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        why = f"must be between 1 and {_MAX_INT32}, inclusive"
        causes.append(invalid(f"{at}.activeDeadlineSeconds", deadline, why))
    for key in ("hostname", "subdomain"):
        causes += formed(f"{at}.{key}", found[key], names.label_errors) if found.get(key) else []
    causes += scheduling.tolerations(f"{at}.tolerations", found.get("tolerations", ()))
    for index, alias in enumerate(found.get("hostAliases", ())):
        field = f"{at}.hostAliases[{index}]"
        causes += address(f"{field}.ip", alias.get("ip", ""))
        for number, host in enumerate(alias.get("hostnames", ())):
            causes += formed(f"{field}.hostnames[{number}]", host, names.subdomain_errors)
    if found.get("priorityClassName"):
        causes += formed(f"{at}.priorityClassName", found["priorityClassName"], names.subdomain_errors)
    if "runtimeClassName" in found:
        causes += formed(f"{at}.runtimeClassName", found["runtimeClassName"], names.subdomain_errors)
    if "preemptionPolicy" in found:
        allowed = ("PreemptLowerPriority", "Never")
        causes += one_of(f"{at}.preemptionPolicy", found["preemptionPolicy"], allowed)
    if "overhead" in found:
        causes += resources.requirements(f"{at}.overhead", {"limits": found["overhead"]})
    if "os" in found:
        named = [
            (f"{at}.{key}[{index}]", container)
            for key in ("initContainers", "containers", "ephemeralContainers")
            for index, container in enumerate(found.get(key, ()))
        ]
        causes += securitycontexts.of_system(at, found, named)
    return causes


def _host_network(at: str, found: Object, *, is_pod: bool) -> list[Cause]:
    if not found.get("hostNetwork"):
        return []
    causes: list[Cause] = []
    for index, container in enumerate(found.get("containers", ())):
        for number, port in enumerate(container.get("ports", ())):
            on_host = port.get("hostPort", 0)
            if (is_pod or on_host) and on_host != port.get("containerPort", 0):
                why = "must match `containerPort` when `hostNetwork` is true"
                causes.append(invalid(f"{at}.containers[{index}].ports[{number}].hostPort", on_host, why))
    return causes


def _dns(at: str, config: Object | None, policy: str) -> list[Cause]:
    if policy == "None":
        if config is None:
            return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.get("nameservers"):
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [required(f"{at}.nameservers", why)]
    servers, searches = (config or {}).get("nameservers", []), (config or {}).get("searches", [])
    causes: list[Cause] = []
    if len(servers) > _MAX_SERVERS:
        causes.append(invalid(f"{at}.nameservers", servers, f"must not have more than {_MAX_SERVERS} nameservers"))
    for index, server in enumerate(servers):
        causes += address(f"{at}.nameservers[{index}]", server)
    if len(searches) > _MAX_SEARCHES:
        causes.append(invalid(f"{at}.searches", searches, f"must not have more than {_MAX_SEARCHES} search paths"))
    if len(" ".join(searches)) > _MAX_SEARCH_TEXT:
        why = f"must not have more than {_MAX_SEARCH_TEXT} characters (including spaces) in the search list"
        causes.append(invalid(f"{at}.searches", searches, why))
    for index, search in enumerate(searches):
        if search != ".":
            causes += formed(f"{at}.searches[{index}]", search.removesuffix("."), names.search_path_errors)
    for index, option in enumerate((config or {}).get("options", ())):
        causes += [] if option.get("name") else [required(f"{at}.options[{index}]", "must not be empty")]
    return causes


def _gates(at: str, gates: list[Object] | tuple[()]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name", "")
        causes += formed(f"{at}[{index}]", name, names.qualified_name_errors)
        causes += [duplicate(f"{at}[{index}]", name)] if name in seen else []
        seen.add(name)
    return causes


def address(field: str, value: str) -> list[Cause]:
    """An IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return [invalid(field, value, ADDRESS)]
    return []


def pod_template(obj: Object) -> list[Cause]:
    """A PodTemplate."""
    return template("template", obj.get("template", {}))


def pod_template_update(new: Object, old: Object) -> list[Cause]:
    """A changed PodTemplate, to which the rules of a new one apply."""
    del old
    return pod_template(new)


def template(at: str, found: Object) -> list[Cause]:
    """A pod template below a field, whatever owns it (ValidatePodTemplateSpec)."""
    spec_, meta = found.get("spec", {}), found.get("metadata", {})
    causes = read_annotations(f"{at}.annotations", meta.get("annotations", {}), spec_) + spec(f"{at}.spec", spec_)
    if spec_.get("ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        causes.append(forbidden(f"{at}.spec.ephemeralContainers", why))
    return causes
