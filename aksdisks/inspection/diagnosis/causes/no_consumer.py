"""The claim waits for the first pod that mounts it.

What it is
    Its class binds with WaitForFirstConsumer: the disk is made once a pod that mounts the claim has a node, so that it
    is made in that node's zone. Without such a pod nothing happens, for as long as it takes. That is how AKS's own disk
    classes are meant.

How it is recognised
    States: the claim is Pending, names no volume and no selected node; its class has volumeBindingMode
    WaitForFirstConsumer; no pod that has not ended mounts it.
    Words: `waiting for first consumer to be created before binding` (kubernetes
    pkg/controller/volume/persistentvolume/pv_controller.go), a Normal event of the claim.

What it is not
    A claim whose pod is there and waits for a node (`no-node`, `zone-mismatch`), or whose disk is being made
    (`provisioning`). A claim whose class is not there (`no-class`).

Next
    Make the pod. `kubectl get pods` shows whether one mounts the claim.

Links
    https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind != "PersistentVolumeClaim" or claim is None or claim.phase != "Pending":
        return None
    if claim.volume or claim.deleting:
        return None
    told = case.seen.events_of(claim, "WaitForFirstConsumer")
    binds = case.storage_class.binding_mode if case.storage_class else "WaitForFirstConsumer" if told else ""
    if binds != "WaitForFirstConsumer":
        return None
    if claim.selected_node:
        return Not(f"node {claim.selected_node} was chosen for it, so its disk is being made")
    users = [pod for pod in case.seen.pods_of(claim.key) if not pod.deleting]
    if users:
        return Not(f"pod {users[0].name} mounts it")
    rows = [claim_row(claim)]
    if case.storage_class:
        row = Evidence("Kubernetes", f"StorageClass {claim.storage_class}", f"volumeBindingMode {binds}")
        rows.append(row)
    return Match(
        because=f"no pod mounts {claim.name} yet, and its class makes the disk only then",
        evidence=(*rows, *map(said, told[-1:])),
        next=(kubectl("get pods", claim, f"whether a pod mounts {claim.name}"),),
        confidence="certain" if case.seen.saw("Pod") else "likely",
    )


CAUSE = Cause(id="no-consumer", verdict="expected", rule=_rule, kinds=("PersistentVolumeClaim",), page=__doc__)
