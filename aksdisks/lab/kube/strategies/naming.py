"""Names and conditions of CustomResourceDefinitions (apiextensions: controller/status, establish, apiapproval)."""

from __future__ import annotations

from collections.abc import Iterable

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies.custom import is_true

APPROVAL = "api-approved.kubernetes.io"
PULL = "https://github.com/kubernetes/enhancements/pull/1111"


def is_protected(group: str) -> bool:
    """Whether a group is the Kubernetes community's own, in which definitions need an approval."""
    return any(group == domain or group.endswith(f".{domain}") for domain in ("k8s.io", "kubernetes.io"))


def set_condition(status: Object, kind: str, value: str, reason: str, message: str, now: str) -> None:
    """Set a condition; its time is that of the last change of its status. Changes `status`."""
    conditions = status.setdefault("conditions", [])
    wanted = {"lastTransitionTime": now, "message": message, "reason": reason, "status": value, "type": kind}
    for index, one in enumerate(conditions):
        if one["type"] == kind:
            kept = one["lastTransitionTime"] if one["status"] == value else now
            conditions[index] = {**wanted, "lastTransitionTime": kept}
            return
    conditions.append(wanted)


def accept(crd: Object, others: Iterable[Object], now: str) -> None:
    """Accept the names that no other definition of the group has, and establish the kind; changes its status."""
    spec, status = crd["spec"], crd["status"]
    taken = [one["status"]["acceptedNames"] for one in others if one["spec"]["group"] == spec["group"]]
    resources = {name for names in taken for name in (names["plural"], names.get("singular"), *_short(names))}
    kinds = {name for names in taken for name in (names["kind"], names.get("listKind"))}
    wanted, accepted = spec["names"], dict(status.get("acceptedNames") or {"plural": "", "kind": ""})
    conflict: tuple[str, str] | None = None
    for field, used in (("plural", resources), ("singular", resources), ("kind", kinds), ("listKind", kinds)):
        name = wanted.get(field, "")
        if name != accepted.get(field, "") and name in used:
            conflict = f"{field[0].upper()}{field[1:]}Conflict", f'"{name}" is already in use'
        else:
            accepted[field] = name
    clashing = [name for name in _short(wanted) if name not in _short(accepted) and name in resources]
    if clashing:
        told = [f'"{name}" is already in use' for name in clashing]
        conflict = "ShortNamesConflict", told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    else:
        _replace(accepted, "shortNames", wanted)
    _replace(accepted, "categories", wanted)
    status["acceptedNames"] = accepted
    if conflict is None:
        set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
    else:
        set_condition(status, "NamesAccepted", "False", *conflict, now)
    if is_true(crd, "Established"):
        return
    if conflict is None:
        why = "the initial names have been accepted"
        set_condition(status, "Established", "True", "InitialNamesAccepted", why, now)
    else:
        set_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", now)


def approve(crd: Object, now: str) -> None:
    """Say of a definition in a protected group that it is approved. Changes the status of `crd`."""
    url = crd["metadata"].get("annotations", {}).get(APPROVAL, "")
    if not is_protected(crd["spec"]["group"]) or not url:
        return
    kind = "KubernetesAPIApprovalPolicyConformant"
    if url.startswith("unapproved"):
        why = f'not approved: "{url}"'
        set_condition(crd["status"], kind, "False", "UnapprovedAnnotation", why, now)
    else:
        set_condition(crd["status"], kind, "True", "ApprovedAnnotation", f"approved in {url}", now)


def _short(names: Object) -> list[str]:
    found: list[str] = names.get("shortNames") or []
    return found


def _replace(target: Object, field: str, source: Object) -> None:
    if source.get(field):
        target[field] = source[field]
    else:
        target.pop(field, None)
