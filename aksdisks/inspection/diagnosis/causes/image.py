"""The pod's image cannot be pulled; its disks are mounted.

What it is
    The kubelet pulls images after it has mounted all volumes, so the disks are fine. The image's name or tag is wrong,
    the registry wants credentials or does not answer.

How it is recognised
    States: a container waits with ErrImagePull, ImagePullBackOff, InvalidImageName, ErrImageNeverPull,
    ImageInspectError or RegistryUnavailable (kubernetes pkg/kubelet/images/types.go).

What it is not
    A program that runs and ends (`crash`).

Next
    The event Failed has the registry's answer.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/extensions/cannot-pull-image-from-acr-to-aks-cluster
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.rows import kubectl, pod_row

REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if case.kind != "Pod" or pod is None or pod.deleting:
        return None
    failing = [each for each in pod.container_states if not each.running and each.reason in REASONS]
    if not failing and pod.status not in REASONS:
        return None
    reason, message = (failing[0].reason, failing[0].message) if failing else (pod.status, "")
    container = f" of container {failing[0].name}" if failing else ""
    told = [event for event in case.seen.events_of(pod, "Failed", "BackOff") if "image" in event.message.lower()]
    words = " ".join((message or (told[-1].message if told else "")).split())[:300]
    return Match(
        because=f"the image{container} cannot be pulled ({reason})" + (f": {words}" if words else ""),
        evidence=(pod_row(pod), *map(said, told[-2:])),
        next=(kubectl(f"describe pod {pod.name}", pod, "the image's name, and the registry's answer"),),
    )


CAUSE = Cause(
    id="image",
    verdict="problem",
    rule=_rule,
    kinds=("Pod",),
    page=__doc__,
    of_pod=True,
    over=("starting", "crash", "unknown"),
)
