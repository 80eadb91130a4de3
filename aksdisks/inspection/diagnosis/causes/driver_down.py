"""The driver's controller does nothing: claims and attachments wait, and nobody says why.

What it is
    The part of the driver that makes, attaches and detaches disks, or that makes shares of Azure Files, does not run,
    hangs, or cannot reach Kubernetes. On AKS it runs where users do not see it; a cluster that was stopped, or whose
    control plane is under way, has none.

How it is recognised
    States: a VolumeAttachment is minutes old and neither attached nor with an attachError, or being deleted for minutes
    without a detachError, and Azure does not work on the machine; or a claim is Pending, the class is the driver's, and
    Kubernetes has said ExternalProvisioning for minutes, while the provisioner has said nothing; or no CSINode at all
    lists the driver. And the driver has made and attached nothing else since.
    Words: `Waiting for a volume to be created either by the external provisioner 'disk.csi.azure.com' …` alone.

What it is not
    A driver that works and is refused: it says so, and then Azure's answer is the cause. A driver that one node lacks
    (`driver-missing`). An attach that Azure is still at (`attach-slow`, `machine-stuck`).

Next
    See whether the driver's pods run. Where they are not shown, as on AKS, see whether anything with disks works in the
    cluster, restart a stopped cluster, and ask Azure's support with the times of the evidence.

Links
    https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/storage/fail-to-mount-azure-disk-volume
    https://github.com/kubernetes-sigs/azuredisk-csi-driver/blob/master/docs/csi-debug.md
"""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.inspection.diagnosis.case import Case, said
from aksdisks.inspection.diagnosis.cause import Cause, Match
from aksdisks.inspection.diagnosis.findings import Confidence, Evidence, Step
from aksdisks.inspection.diagnosis.rows import (
    attachment_rows,
    claim_row,
    driver_app,
    driver_named,
    duration,
    machine_rows,
)
from aksdisks.model import DISK_DRIVERS, FILE_DRIVERS, Attachment, Machine

_DRIVER = DISK_DRIVERS[0]
_CLAIM, _ATTACHMENT = 180.0, 300.0
"""Cluster seconds: a disk is made within seconds; an attach of which nothing is heard may take Azure some minutes."""


def _rule(case: Case) -> Match | None:
    if case.pod is not None and (case.pod.deleting or case.seen.lost(case.pod.node)):
        return None
    return _of_claim(case) or _of_attachment(case)


def _of_claim(case: Case) -> Match | None:
    claim = case.claim
    if claim is None or claim.phase != "Pending" or claim.deleting or case.kind == "PersistentVolume":
        return None
    asked = case.seen.events_of(claim, "ExternalProvisioning")
    answered = case.seen.events_of(claim, "Provisioning", "ProvisioningFailed", "ProvisioningSucceeded")
    named = claim.provisioner or (case.storage_class.provisioner if case.storage_class else _DRIVER)
    driver = next((each[0] for each in (DISK_DRIVERS, FILE_DRIVERS) if named in each), "")
    if not asked or answered or not driver or claim.provisioner not in ("", driver):
        return None
    nowhere = _runs_nowhere(case, driver)
    since = case.seen.age(asked[0].first)
    worked = case.seen.driver_worked(driver)
    alive = worked is not None and asked[0].first is not None and worked > asked[0].first
    if alive or not (nowhere or (since is not None and since > _CLAIM)):
        return None
    long = f" for {duration(since)}" if since else ""
    return Match(
        f"{driver_named(driver)} has not answered{long}: claim {claim.name} waits for a {case.medium}, "
        "and nothing else is told",
        (said(asked[-1]), claim_row(claim), *_drivers(case, driver)),
        _steps(driver),
        "certain" if nowhere else "likely",
    )


def _of_attachment(case: Case) -> Match | None:
    if not case.waits_for_disk and not case.unwaited:
        return None
    silent = next((each for each in case.attachments if _is_silent(case, each)), None)
    if silent is None or case.users:
        return None
    machine = case.seen.machine(silent.node)
    if isinstance(machine, Machine) and machine.provisioning_state.lower() == "updating":
        return None
    since = silent.deleting or silent.created
    worked = case.seen.driver_worked(_DRIVER)
    if worked is not None and since is not None and worked > since:
        return None
    age = case.seen.age(since)
    long = f" for {duration(age)}" if age else ""
    does = f"detach it from {silent.node}" if silent.deleting else f"attach it to {silent.node}"
    sure: Confidence = "certain" if _runs_nowhere(case, _DRIVER) or isinstance(machine, Machine) else "likely"
    rows = (*attachment_rows(case), *machine_rows(machine), *_drivers(case, _DRIVER))
    return Match(
        f"the disk driver has not answered{long}: it should {does}, and says nothing", rows, _steps(_DRIVER), sure
    )


def _is_silent(case: Case, attachment: Attachment) -> bool:
    """Whether something should have been done to an attachment minutes ago, and nobody says that it was tried."""
    if attachment.driver not in ("", _DRIVER) or case.seen.lost(attachment.node):
        return False
    if attachment.deleting:
        return not attachment.detach_error and _is_long(case, attachment, case.seen.age(attachment.deleting))
    if attachment.attached or attachment.attach_error or case.unwaited:
        return False
    return attachment is case.attachment and _is_long(case, attachment, case.attaching)


def _is_long(case: Case, attachment: Attachment, age: float | None) -> bool:
    return (age is not None and age > _ATTACHMENT) or (attachment is case.attachment and _runs_nowhere(case, _DRIVER))


def _runs_nowhere(case: Case, driver: str) -> bool:
    """Whether the CSINodes were read, and none lists the driver."""
    drivers = [node.drivers for node in case.seen.inventory.nodes]
    return bool(drivers) and all(each is not None and driver not in each for each in drivers)


def _drivers(case: Case, driver: str) -> Iterator[Evidence]:
    if _runs_nowhere(case, driver):
        yield Evidence("Kubernetes", "CSINodes", f"none of {len(case.seen.inventory.nodes)} lists {driver}")


def _steps(driver: str) -> tuple[Step, ...]:
    pods, app = "kubectl get pods --namespace kube-system --output wide", f"csi-{driver_app(driver)}"
    return (
        Step(f"{pods} --selector 'app in ({app}-controller, {app}-node)'", "whether the driver runs"),
        Step("kubectl get csinodes", "on which nodes drivers are registered"),
    )


CAUSE = Cause(
    id="driver-down",
    verdict="problem",
    rule=_rule,
    page=__doc__,
    over=("attach-slow", "provisioning", "detach-pending"),
    needs=("azure",),
)
