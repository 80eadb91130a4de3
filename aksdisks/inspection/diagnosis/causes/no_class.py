"""The claim's class is not there, or it names none and there is no default one.

What it is
    Without a class nobody makes a disk for a claim: it waits for a volume that somebody makes by hand and that fits it.
    The class's name is misspelt, was made for another cluster, or has been deleted; or the claim names none and no
    class is marked as the default; or it asks for no class at all (`storageClassName: ""`), and no volume fits it.
    Nor is a disk made where the VolumeAttributesClass that the claim names is not there.

How it is recognised
    States: the claim is Pending and names no volume; the class that it names is not among the cluster's, or it names
    none and no class has the annotation `storageclass.kubernetes.io/is-default-class`, or its storageClassName is `""`:
    then no default is taken (kubernetes pkg/controller/volume/persistentvolume, assignDefaultStorageClass).
    Words: `storageclass.storage.k8s.io "…" not found`, `no persistent volumes available for this claim and no storage
    class is set` (kubernetes pkg/controller/volume/persistentvolume/pv_controller.go);
    `volumeattributesclasses.storage.k8s.io "…" not found` (external-provisioner pkg/controller/controller.go).

What it is not
    A claim that is bound to a volume made by hand: its class need not exist. One that is bound and is to be changed to
    a VolumeAttributesClass which is not there (`modify-failed`).

Next
    `kubectl get storageclass` shows the names. A claim's class cannot be changed: make the claim anew.

Links
    https://learn.microsoft.com/azure/aks/concepts-storage#storage-classes
"""

from __future__ import annotations

from aksdisks.errors import did_you_mean
from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match, Not
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import claim_row, kubectl
from aksdisks.model import Claim, Unknown, VolumeAttributesClass, known

_YOUNG = 10.0  # cluster seconds: a claim that was just made is bound, or told of, within moments


def _rule(case: Case) -> Match | Not | None:
    claim = case.claim
    if case.kind == "PersistentVolume" or claim is None or claim.phase != "Pending" or claim.volume or claim.deleting:
        return None
    if attributes := case.says("attributes-class-not-there"):
        return _without_attributes(case, claim, attributes.evidence)
    name = claim.storage_class
    told = case.says("class-not-found") if name else None
    unset = case.seen.events_of(claim, "FailedBinding")
    words = [told.evidence] if told else [] if name else [said(event) for event in unset[-1:]]
    classes = case.seen.inventory.classes
    seen = case.seen.saw("StorageClass")
    default = not claim.refuses_classes and any(each.is_default for each in classes)
    if case.storage_class if name else default:
        return Not("its class is there now; the next attempt finds it") if words else None
    age = case.seen.age(claim.created)
    if not words and ((not seen and not claim.refuses_classes) or (age is not None and age < _YOUNG)):
        return None
    if name:
        hint = did_you_mean(name, [each.name for each in classes])
        because = f"claim {claim.name} asks for class {name}, which there is not" + (f" ({hint})" if hint else "")
    elif claim.refuses_classes:
        because = f'claim {claim.name} asks for no class (storageClassName: ""), and no volume fits it'
    else:
        because = f"claim {claim.name} names no class, no class is the default, and no volume fits it"
    return Match(
        because=because,
        evidence=(*words, claim_row(claim)),
        next=(
            Step("kubectl get storageclass", "which classes there are, and which one is the default"),
            kubectl(f"get pvc {claim.name} --output jsonpath='{{.spec.storageClassName}}'", claim, "what it asks for"),
        ),
        confidence="certain" if seen or claim.refuses_classes else "likely",
    )


def _without_attributes(case: Case, claim: Claim, told: Evidence) -> Match | Not:
    """The disk is to be made with the values of a VolumeAttributesClass that is not there."""
    name = claim.attributes_class
    found = case.seen.attributes_class(name)
    if isinstance(found, VolumeAttributesClass):
        return Not(f"VolumeAttributesClass {name} is there now; the next attempt finds it")
    hint = did_you_mean(name, [each.name for each in known(case.seen.inventory.volume_attributes_classes)])
    because = f"claim {claim.name} asks for VolumeAttributesClass {name}, which there is not"
    return Match(
        because=because + (f" ({hint})" if hint else ""),
        evidence=(told, claim_row(claim)),
        next=(Step("kubectl get volumeattributesclass", "which classes there are"),),
        confidence="likely" if isinstance(found, Unknown) else "certain",
        needs=("attributes-classes",),
    )


CAUSE = Cause(
    id="no-class",
    verdict="problem",
    rule=_rule,
    kinds=("Pod", "PersistentVolumeClaim"),
    page=__doc__,
    over=("provisioning", "no-node"),
)
