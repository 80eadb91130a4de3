"""The kubelet changes the owner of every file on the volume, because the pod sets fsGroup.

What it is
    With `fsGroup` and the default policy the kubelet walks over all files of a volume at each start of the pod, and
    gives them the group. With millions of files that takes from minutes to hours, in which little or nothing is told.

How it is recognised
    States: the disk has been attached for minutes; the pod sets `fsGroup`, its `fsGroupChangePolicy` is not
    OnRootMismatch; no container has begun, no image is being pulled, and the kubelet reports no other failure to mount.
    Words: `Setting volume ownership for … is taking longer than expected`, later `…, processed N files` (an event
    `VolumePermissionChangeInProgress` since kubernetes 1.33), or `applyFSGroup failed for vol …`.

What it is not
    A device that is not found (`device-missing`): the kubelet says so. An image that is being pulled.

Next
    Set `fsGroupChangePolicy: OnRootMismatch`: the kubelet then looks at the volume's root only. It takes effect when
    the pod starts anew; a walk that is under way is lost by a restart, so a nearly finished one is better left alone.

Links
    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
    https://github.com/Azure/AKS/issues/3865
"""

from __future__ import annotations

from aksdisks.inspection.diagnosis.case import Case
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Evidence, Step
from aksdisks.inspection.diagnosis.rows import attachment_rows, duration, kubectl, maker, pod_row

_ROOT_ONLY = """'{"spec": {"template": {"spec": {"securityContext": {"fsGroupChangePolicy": "OnRootMismatch"}}}}}'"""
_SILENCE = 300.0
"""Cluster seconds since the attach: mounting takes seconds, and the kubelet tells of a failure within minutes."""


def _rule(case: Case) -> Match | None:
    pod = case.pod
    if pod is None or case.volume is None or pod.fs_group is None or pod.deleting or not case.attached or case.mounted:
        return None
    if case.seen.lost(pod.node):
        return None
    word = case.says("ownership")
    since = case.seen.age(case.attached_at)
    silent = since is not None and since > _SILENCE and not case.seen.events_of(pod, "FailedMount")
    if word is None and (pod.fs_group_policy == "OnRootMismatch" or not silent):
        return None
    long = f", {duration(since)} after the disk was attached" if since else ""
    policy = Evidence(
        "Kubernetes", f"Pod {pod.key}", f"fsGroup {pod.fs_group}, fsGroupChangePolicy {pod.fs_group_policy}"
    )
    proves = "the next start looks at the volume's root only; it replaces the pod, whose walk begins anew"
    if maker(pod):
        step = kubectl(f"patch {maker(pod)} --patch {_ROOT_ONLY}", pod, proves, "restarts")
    else:
        words = f"explain pod.spec.securityContext.fsGroupChangePolicy  # OnRootMismatch is to be set in {pod.name}"
        step = Step(f"kubectl {words}", "what the policy does; it counts from the next start of the pod on")
    return Match(
        because=f"the kubelet gives all files of volume {case.volume.name} to group {pod.fs_group}{long}",
        evidence=(*((word.evidence,) if word else ()), pod_row(pod), policy, *attachment_rows(case)),
        next=(
            kubectl(f"get events --field-selector involvedObject.name={pod.name}", pod, "whether it tells of progress"),
            step,
        ),
        confidence="certain" if word else "likely",
    )


CAUSE = Cause(id="fsgroup-slow", verdict="problem", rule=_rule, kinds=("Pod",), page=__doc__)
