"""What can be known before anything is made: identity, rights, nodes, free slots, quota, dry runs, the cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from itertools import product
from typing import Any

import yaml

from aksdisks import manifests
from aksdisks.errors import AlreadyExists, ApiError, NotAllowed, NotFound, Refused
from aksdisks.inspection.connection import Target, check_storage_class, connect, reach
from aksdisks.inspection.preflight_azure import DEFAULT_SKU, azure_answers
from aksdisks.inspection.run_objects import check_prepared, new_run_id
from aksdisks.inspection.slots import attached_disks, free_slots
from aksdisks.model import Node, StorageClass, Unknown, known
from aksdisks.model.checks import Check, check
from aksdisks.parameters import Parameters
from aksdisks.prices import cost_per_day, disk_tier
from aksdisks.quantities import gib
from aksdisks.targets.target import TargetSettings
from aksdisks.waiting import Progress, silent

_WITH_NAMESPACE = [(verb, "namespaces", "") for verb in ("get", "create", "delete", "list", "watch")]
# What runbooks need beyond the article's, where the parameters let them do anything.
_MORE: Mapping[str, tuple[Callable[[Parameters], object], Sequence[str]]] = {
    "06": (lambda given: given.node_pool, ["06-clusterrole.yaml"]),
    "08": (lambda given: given.make_disks, ["08-clusterrole.yaml", "inventory-clusterrole.yaml"]),
    "09": (lambda given: given.make_disks, ["09-clusterrole.yaml"]),
}
RIGHTS = "This identity has the rights that a run needs"


def preflight(
    parameters: Parameters,
    progress: Progress = silent,
    settings: TargetSettings | None = None,
    runbooks: Collection[str] = (),
) -> tuple[Check, ...]:
    """Ask the target whether a run can pass, without making anything; raises as `connect` does, and Refused.

    `settings`: those of the run's target, where there is one already (None: as `connect` finds it). `runbooks`: the
    numbers of those that are to run, such as `09`; none for all that the parameters let do anything.
    """
    target = reach(parameters, settings, progress) if settings else connect(parameters, progress)
    try:
        storage_class = check_storage_class(target)
        objects = manifests.objects_for(parameters, {manifests.RUN_LABEL: parameters.run_id or new_run_id()})
        return (
            _identity(target),
            rights(target, runbooks),
            *_nodes(target),
            *azure_answers(target, storage_class),
            *_dry_runs(target, objects),
            cost(parameters, storage_class),
        )
    finally:
        target.close()


def cost(parameters: Parameters, storage_class: StorageClass | Unknown) -> Check:
    """What will be made and roughly costs a day; a statement of fact that never fails."""
    disks, size = 1 + parameters.stateful_replicas, gib(parameters.size)
    sku = storage_class.sku if isinstance(storage_class, StorageClass) else ""
    each = cost_per_day(sku or DEFAULT_SKU, size)
    tier = disk_tier(sku or DEFAULT_SKU, size)
    price = "price not known here" if each is None else f"about USD {disks * each:.2f} a day, approximate list price"
    seen = f"{disks} disks of {size} GiB {sku}{f', billed as {tier}' if tier else ''}: {price}"
    return check("What the run makes, and what it costs while it stays", True, seen)


def _identity(target: Target) -> Check:
    who = target.cluster.identity()
    seen = f"{target.cluster.server} {target.cluster.version()}, as {who or 'somebody'}"
    return check("The cluster answers", True, seen)


def rights(target: Target, runbooks: Collection[str] = ()) -> Check:
    """Whether this identity may do everything that a run of these runbooks does, as the API server answers."""
    create = target.parameters.namespace == "create"
    namespace = "" if create else target.parameters.namespace
    asked = [(*right, namespace) for right in rights_in("role.yaml")]
    asked += [(*right, "") for right in (*rights_in("clusterrole.yaml"), *(_WITH_NAMESPACE if create else ()))]
    for number, (given, names) in _MORE.items():
        if given(target.parameters) and (not runbooks or number in runbooks):
            asked += [(*right, "") for name in names for right in rights_in(name)]
    missing, asked = [], list(dict.fromkeys(asked))
    for verb, resource, group, where in asked:
        allowed = target.cluster.allowed(verb, resource, group, where)
        if isinstance(allowed, Unknown):
            return check(RIGHTS, allowed, "no answer")
        if not allowed:
            missing.append(f"{verb} {resource}{f'.{group}' if group else ''}")
    return check(RIGHTS, not missing, f"missing: {', '.join(missing)}" if missing else f"all {len(asked)}")


def rights_in(file: str) -> Iterator[tuple[str, str, str]]:
    """(verb, resource, API group) of each right in a manifest of `deploy`: what a run, and who looks into it, does."""
    text = (files("aksdisks") / "deploy" / file).read_text(encoding="utf-8")
    for rule in (rule for manifest in yaml.safe_load_all(text) for rule in manifest.get("rules", ())):
        yield from product(rule["verbs"], rule["resources"], rule["apiGroups"])


def _nodes(target: Target) -> Iterator[Check]:
    parameters = target.parameters
    statements = ("At least two nodes can take the pods", "There are disk slots for every disk")
    try:
        nodes, attachments = target.cluster.nodes(), target.cluster.attachments()
    except NotAllowed as error:
        yield from (check(statement, Unknown(error.message), "nothing") for statement in statements)
        return
    reasons = {node.name: why_not(node, parameters) for node in nodes}
    fit = [node for node in nodes if not reasons[node.name]]
    refused = [f"{name} {reason}" for name, reason in reasons.items() if reason]
    yield check(statements[0], len(fit) >= 2, ", ".join([f"{len(fit)} of {len(nodes)}", *refused]))
    yield _slots(target, statements[1], fit, attached_disks(attachments))


def _slots(target: Target, statement: str, fit: Sequence[Node], attached: Mapping[str, int]) -> Check:
    """Whether the nodes that fit have slots for every disk: by both counts, by Kubernetes' alone where Azure is off."""
    parameters = target.parameters
    needed = 1 + parameters.stateful_replicas
    silent_nodes = [node.name for node in fit if node.disk_slots is None]
    if silent_nodes:
        return check(statement, Unknown(f"the disk driver says nothing of {', '.join(silent_nodes)}"), "nothing")
    off = parameters.azure == "off"
    machines = () if off else target.azure.machines()
    free = free_slots(fit, attached, known(machines))
    each = ", ".join(f"{name}: {count}" for name, count in free.items())
    seen = f"{sum(free.values())} free, {needed} needed ({each})"
    if off or isinstance(machines, Unknown):
        seen += ", by Kubernetes' count alone"
    if sum(free.values()) >= needed and isinstance(machines, Unknown):
        return check(statement, machines, seen)  # Azure may count more
    return check(statement, sum(free.values()) >= needed, seen)


def why_not(node: Node, parameters: Parameters) -> str:
    """Why a node cannot take the pods; empty when it can."""
    if not node.ready:
        return "is not ready"
    if not node.schedulable:
        return "is cordoned"
    for key, value in parameters.node_selector.items():
        if node.labels.get(key) != value:
            return f"lacks {key}={value}"
    for taint in node.taints:
        hard = taint.effect in ("NoSchedule", "NoExecute")
        if hard and not any(_tolerates(t, taint.key, taint.value, taint.effect) for t in parameters.tolerations):
            return f"has taint {taint.key}:{taint.effect}"
    return ""


def _tolerates(toleration: Mapping[str, Any], key: str, value: str, effect: str) -> bool:
    if toleration.get("effect") not in (None, "", effect):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", key)
    return toleration.get("key") == key and toleration.get("value", "") == value


def _dry_runs(target: Target, objects: manifests.Objects) -> Iterator[Check]:
    """Every object through the server's admission; a bare pod too, because admission policies mostly apply to pods."""
    parameters = target.parameters
    create = parameters.namespace == "create"
    # The namespace of the run does not exist yet, so its objects are tried in `default`; a dry run makes nothing.
    where = "default" if create else parameters.namespace
    if not create:
        # What the run would be refused for is said in the same words, and not by a dry run that fails.
        with suppress(NotAllowed):
            check_prepared(target.cluster, where, parameters.run_id)
    template = objects.deployment["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "aksdisks-check"}
    tried = [objects.claim, objects.deployment, objects.stateful_set, pod]
    if create:
        labels = objects.claim["metadata"]["labels"]
        tried.insert(0, manifests.namespace("aksdisks-check", labels, parameters))
    for manifest in tried:
        statement = f"A dry run admits {manifest['kind']} {manifest['metadata']['name']}"
        try:
            target.cluster.create(manifest, "" if manifest["kind"] == "Namespace" else where, dry_run=True)
        except NotAllowed as error:
            # Controllers make the pods; who runs this needs no right to.
            why = None if manifest is pod else Unknown(error.message)
            yield check(statement, why, f"not allowed to try in namespace {where}")
        except NotFound as error:
            raise Refused(object=f"namespace {where}", expected="a prepared one", found="none") from error
        except AlreadyExists:
            # Admission came first; the name is taken in `default` only, where the run makes nothing.
            yield check(statement, True, f"admitted in namespace {where}, which has one of that name")
        except ApiError as error:
            yield check(statement, False, error.message)
        else:
            yield check(statement, True, f"admitted in namespace {where}")
