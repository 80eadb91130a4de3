"""Validation of what may change in a pod and in its status (pkg/apis/core/validation ValidatePodUpdate)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema import names
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.validators import containers, godiff, podspecs, scheduling, securitycontexts
from aksdisks.lab.kube.validators.causes import NULL, Struct, duplicate, forbidden, formed, immutable, invalid, required

_MAX_INT32 = 2**31 - 1
_MIRROR = "kubernetes.io/config.mirror"
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_update(new: Object, old: Object) -> list[Cause]:
    """A changed pod: images, deadline, more tolerations, and fewer gates are all that may differ."""
    after, before = new["spec"], old["spec"]
    causes = podspecs.metadata_and_spec(new) + _annotations(new, old)
    for key in ("containers", "initContainers"):
        found = after.get(key, ())
        if len(found) != len(before.get(key, ())):
            causes.append(forbidden(f"spec.{key}", "pod updates may not add or remove containers"))
            return causes
        for index, container in enumerate(found):
            at = f"spec.{key}[{index}]"
            causes += [] if container.get("image") else [required(f"{at}.image")]
            causes += containers.image_of_pod(at, container)
    deadline, stop = _deadline_update(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    causes += deadline
    if stop:
        return causes
    causes += _tolerations_update(after.get("tolerations", ()), before.get("tolerations", ()))
    gates = [gate.get("name") for gate in before.get("schedulingGates", ())]
    for index, gate in enumerate(after.get("schedulingGates", ())):
        if gate.get("name") not in gates:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            causes.append(forbidden(f"spec.schedulingGates[{index}].name", why))
    munged = _munged(after, before)
    if gates:
        causes += _gated_update(munged, before)
    if munged != before:
        change = godiff.between(godiff.pod_spec(before), godiff.pod_spec(munged))
        causes.append(forbidden("spec", f"{_MUTABLE}\n{change}"))
    return causes


def _annotations(new: Object, old: Object) -> list[Cause]:
    """Annotations that say what a pod is stay as they are."""
    after, before = (one["metadata"].get("annotations", {}) for one in (new, old))
    causes: list[Cause] = []
    for key in [*before, *(key for key in after if key not in before)]:
        if after.get(key) == before.get(key):
            continue
        did = "remove or update" if key in before else "add"
        if key.startswith(_APP_ARMOR):
            causes.append(forbidden(f"metadata.annotations[{key}]", f"may not {did} AppArmor annotations"))
        if key == _MIRROR:
            causes.append(forbidden(f"metadata.annotations[{key}]", f"may not {did} mirror pod annotation"))
    return causes + podspecs.read_annotations("metadata.annotations", after, new["spec"])


def _deadline_update(new: int | None, old: int | None) -> tuple[list[Cause], bool]:
    """What is wrong, and whether nothing more is looked at."""
    field = "spec.activeDeadlineSeconds"
    if new is None:
        why = "must not update from a positive integer to nil value"
        return ([] if old is None else [invalid(field, NULL, why)]), False
    if not 0 <= new <= _MAX_INT32:
        return [invalid(field, new, f"must be between 0 and {_MAX_INT32}, inclusive")], True
    if old is not None and old < new:
        return [invalid(field, new, "must be less than or equal to previous value")], True
    return [], False


def _tolerations_update(new: Iterable[Object], old: Iterable[Object]) -> list[Cause]:
    kept = {_without_seconds(toleration) for toleration in new}
    if any(_without_seconds(toleration) not in kept for toleration in old):
        why = "existing toleration can not be modified except its tolerationSeconds"
        return [forbidden("spec.tolerations", why)]
    return scheduling.tolerations("spec.tolerations", new)


def _without_seconds(toleration: Object) -> frozenset[tuple[str, str]]:
    return frozenset((key, value) for key, value in toleration.items() if key != "tolerationSeconds")


_FREE = ("tolerations", "activeDeadlineSeconds", "schedulingGates")


def _munged(after: Object, before: Object) -> Object:
    """The new spec with what may be changed as it was."""
    munged: Object = {key: value for key, value in after.items() if key not in _FREE}
    for key in _FREE:
        if key in before:
            munged[key] = before[key]
    for key in ("containers", "initContainers"):
        if key in munged:
            pairs = zip(munged[key], before[key], strict=True)
            munged[key] = [{**container, "image": was.get("image", "")} for container, was in pairs]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return munged


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _gated_update(munged: Object, before: Object) -> list[Cause]:
    """A pod that waits at a gate may still be held to fewer nodes; changes `munged` as if it had not been."""
    causes: list[Cause] = []
    chosen, was = munged.get("nodeSelector", {}), before.get("nodeSelector", {})
    if any(chosen.get(key) != value for key, value in was.items()):
        why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        causes.append(invalid("spec.nodeSelector", chosen or None, why))
    _as_before(munged, before, "nodeSelector")
    new, old = (one.get("affinity", {}).get("nodeAffinity") for one in (munged, before))
    if new != old:
        causes += _affinity_additions(new or {}, old or {})
        affinity = {key: value for key, value in munged.get("affinity", {}).items() if key != "nodeAffinity"}
        if old is not None:
            affinity["nodeAffinity"] = old
        if affinity or "affinity" in before:
            munged["affinity"] = affinity
        else:
            munged.pop("affinity", None)
    return causes


def _as_before(munged: Object, before: Object, key: str) -> None:
    if key in before:
        munged[key] = before[key]
    else:
        munged.pop(key, None)


def _affinity_additions(new: Object, old: Object) -> list[Cause]:
    terms, before = (one.get(_REQUIRED, {}).get("nodeSelectorTerms", []) for one in (new, old))
    at = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    if not before:
        return []
    if len(terms) != len(before):
        why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [invalid(at, [_term(term) for term in terms] or None, why)]
    why = "only additions are allowed (no mutations or deletions)"
    pairs = enumerate(zip(terms, before, strict=True))
    return [invalid(f"{at}[{index}]", _term(term), why) for index, (term, was) in pairs if not _only_added(term, was)]


def _only_added(term: Object, was: Object) -> bool:
    kinds = ("matchExpressions", "matchFields")
    if not any(was.get(kind) for kind in kinds):
        return not any(term.get(kind) for kind in kinds)
    return all(term.get(kind, [])[: len(was.get(kind, []))] == was.get(kind, []) for kind in kinds)


def _term(term: Object) -> Struct:
    def shown(kind: str) -> list[Struct] | None:
        found = [Struct(Key=e.get("key", ""), Operator=e.get("operator", ""), Values=e.get("values"))
                 for e in term.get(kind, ())]  # fmt: skip
        return found or None

    return Struct(MatchExpressions=shown("matchExpressions"), MatchFields=shown("matchFields"))


_SYSTEM_CONDITIONS = ("Initialized", "PodScheduled", "Ready")


def pod_status_update(new: Object, old: Object) -> list[Cause]:
    """A changed status: a pod's quality of service and its node stay, what has ended stays so."""
    after, before = new.get("status", {}), old.get("status", {})
    causes = _annotations(new, old)
    for index, condition in enumerate(after.get("conditions", ())):
        if condition.get("type") not in _SYSTEM_CONDITIONS:
            at = f"metadata.conditions[{index}].Type"
            causes += formed(at, condition.get("type", ""), names.qualified_name_errors)
    nominated = after.get("nominatedNodeName", "")
    if nominated and nominated != before.get("nominatedNodeName", ""):
        causes += formed("status.nominatedNodeName", nominated, names.subdomain_errors)
    causes += immutable("status.qosClass", after.get("qosClass", ""), before.get("qosClass", ""))
    policy = old["spec"].get("restartPolicy")
    sidecars = {c.get("name") for c in old["spec"].get("initContainers", ()) if c.get("restartPolicy") == "Always"}
    for key, restarts, exempt in (
        ("containerStatuses", policy, set()),
        ("initContainerStatuses", policy, sidecars),
        ("ephemeralContainerStatuses", "Never", set()),
    ):
        causes += _still_ended(f"status.{key}", after.get(key, ()), before.get(key, ()), restarts, exempt)
    causes += _addresses("status.podIPs", after.get("podIPs", []), "")
    causes += _addresses("status.hostIPs", after.get("hostIPs", []), after.get("hostIP", ""))
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for index, entry in enumerate(after.get(key, ())):
            user = entry.get("user", {}).get("linux") or {}
            for name in ("uid", "gid"):
                causes += securitycontexts.identity(f"status.{key}[{index}].linux.{name}", user.get(name))
    return causes


def _still_ended(
    at: str, new: Iterable[Object], old: Iterable[Object], policy: str | None, exempt: set[str]
) -> list[Cause]:
    if policy == "Always":
        return []
    causes: list[Cause] = []
    running = {entry.get("name") for entry in new if "terminated" not in entry.get("state", {})}
    for index, entry in enumerate(old):
        ended = entry.get("state", {}).get("terminated")
        if ended is None or entry.get("name") in exempt:
            continue
        if ended.get("exitCode", 0) != 0 and policy == "OnFailure":
            continue
        if entry.get("name") in running:
            causes.append(forbidden(f"{at}[{index}].state", "may not be transitioned to non-terminated state"))
    return causes


def _addresses(at: str, entries: list[Object], first: str) -> list[Cause]:
    found = [entry.get("ip", "") for entry in entries]
    causes: list[Cause] = []
    if at.endswith("hostIPs") and found and found[0] != first:
        causes.append(invalid(f"{at}[0].ip", found[0], "must be equal to `hostIP`"))
    problems = [cause for index, ip in enumerate(found) for cause in podspecs.address(f"{at}[{index}]", ip)]
    causes += problems
    if len(found) < 2 or problems:
        return causes
    families = {ipaddress.ip_address(ip).version for ip in found}
    if len(families) < 2 or len(found) > 2:
        shown = [Struct(IP=ip) for ip in found]
        causes.append(invalid(at, shown, "may specify no more than one IP for each IP family"))
    first_at = {ip: index for index, ip in reversed(list(enumerate(found)))}
    repeated = [index for index, ip in enumerate(found) if first_at[ip] < index]
    return causes + [duplicate(f"{at}[{index}]", Struct(IP=found[index])) for index in repeated]
