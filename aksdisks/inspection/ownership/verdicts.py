"""The verdict on a disk: rules in the order in which they are asked, each with its reason as a sentence; pure.

A rule takes states over words, and never takes what could not be read for gone: an `orphan` is only what no readable
fact speaks against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from aksdisks.inspection.ownership.case import Case
from aksdisks.inspection.ownership.facts import Facts
from aksdisks.inspection.ownership.owners import set_of
from aksdisks.inspection.second_look import AT_REST, NAMED_BY_UID
from aksdisks.model import CLUSTER_TAG, Claim, Disk, Unknown, Volume, Workload, id_key
from aksdisks.model.ownership import Verdict

Judgement = tuple[Verdict, str]
Rule = Callable[[Case], Judgement | None]

# Tags whose value is the name of a cluster. AKS puts the first on what it makes; cloud-provider-azure the others on
# what it makes for Services (pkg/consts), with "kubernetes" where nobody gave the cluster a name.
CLUSTER_TAGS = (CLUSTER_TAG, "k8s-azure-cluster-name", "kubernetes-cluster-name")
_NO_NAME = "kubernetes"
# What the driver, and before it the in-tree one, writes on every disk that it makes
# (CSI docs/driver-parameters.md and driver-parameters-intree.md).
_MADE_BY = ("k8s-azure-created-by", "created-by")
_DRIVER = "kubernetes-azure-dd"
_SHOWN = 2


def judge(case: Case) -> Judgement:
    """The verdict of the first rule that has one; the reason names the other volumes that stand for the same disk."""
    verdict, because = next(found for rule in RULES if (found := rule(case)))
    others = [each.name for each in case.facts.volumes_of(case.id) if each != case.volume]
    return verdict, f"{because}; also of this disk: volume {_some(others)}" if others else because


def other_cluster(facts: Facts, tags: Mapping[str, str]) -> str:
    """Why tags speak of another cluster, or may; empty where they do not."""
    for tag, name in _other_names(facts, tags):
        if isinstance(facts.cluster, Unknown):
            return f"its tag {tag} names cluster {name}; whether that is this one is {facts.cluster}"
        if not facts.cluster and not _group(facts).startswith("mc_"):
            return f"its tag {tag} names cluster {name}; what this one is called, Azure does not say"
        return f"its tag {tag} names another cluster, {name}"
    return ""


def names_another(facts: Facts, tags: Mapping[str, str]) -> bool:
    """Whether tags name another cluster, where it is known what this one is called."""
    known = bool(facts.cluster) or _group(facts).startswith("mc_")
    return known and not isinstance(facts.cluster, Unknown) and any(_other_names(facts, tags))


def _other_names(facts: Facts, tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The tags that name a cluster which is not known to be this one, with the name."""
    for tag in CLUSTER_TAGS:
        name = tags.get(tag, "")
        if name and (tag == CLUSTER_TAG or name != _NO_NAME) and not _is_ours(facts, name):
            yield tag, name


def _is_ours(facts: Facts, name: str) -> bool:
    """Whether this is our cluster's name: Azure's tag says it, else a node resource group `MC_<rg>_<cluster>_<region>`.

    A name may have underscores, so the group's cannot be taken apart, only compared.
    """
    if isinstance(facts.cluster, str) and facts.cluster:
        return facts.cluster.lower() == name.lower()
    group = _group(facts)
    return group.startswith("mc_") and group.rpartition("_")[0].endswith(f"_{name.lower()}")


def _group(facts: Facts) -> str:
    """The node resource group's name, in lower case."""
    return facts.scope.rpartition("/")[2].lower()


def _mounted(case: Case) -> Judgement | None:
    if not case.pods or not case.claim:
        return None
    ends = "; the claim is being deleted, which waits for the pod's end" if case.claim.deleting else ""
    return "in-use", f"pod {_some([pod.key for pod in case.pods])} mounts claim {case.claim.key}{ends}"


def _volumes_unread(case: Case) -> Judgement | None:
    because = case.facts.unread("PersistentVolume")
    return ("unknown", because) if because else None


def _disk_unread(case: Case) -> Judgement | None:
    if not isinstance(case.disk, Unknown):
        return None
    where = "it is outside the node resource group, and " if case.facts.is_elsewhere(case.id) else ""
    return "unknown", f"{where}{case.disk.because}; {_hangs_on(case)}"


def _elsewhere(case: Case) -> Judgement | None:
    if not case.facts.is_elsewhere(case.id):
        return None
    return "unknown", f"it is outside the node resource group: who else uses it cannot be told; {_hangs_on(case)}"


def _kept(case: Case) -> Judgement | None:
    """A volume names the disk, and a claim names the volume, or the other way round; no pod mounts it."""
    if not case.volume or not case.claim:
        return None
    if because := case.facts.unread("Pod"):
        return "unknown", f"claim {case.claim.key} is there; {because}"
    held = f"; it is still attached to {_holder(case)}" if _attached(case) else ""
    return "kept", f"claim {case.claim.key} is there, and no pod mounts it{_why_no_pod(case, case.claim)}{held}"


def _without_claim(case: Case) -> Judgement | None:
    """A volume names the disk, and no claim is there."""
    if not case.volume:
        return None
    volume = case.volume
    if because := case.facts.unread("PersistentVolumeClaim"):
        return "unknown", f"volume {volume.name} names it; {because}"
    if not volume.claim_name:
        return "kept", f"volume {volume.name} names it, and no claim has taken that yet"
    if volume.phase == "Available":
        return "kept", f"volume {volume.name} is reserved for claim {volume.claim}, which is not there yet"
    return "released", f"claim {volume.claim} is gone, and {_what_then(volume)}"


def _attached_unnamed(case: Case) -> Judgement | None:
    """A machine has the disk, and no volume names it."""
    if not _attached(case) or not isinstance(case.disk, Disk):
        return None
    holder = _holder(case)
    if case.disk.os_type:
        return "foreign", f"{holder} starts from it: it has the operating system"
    if not case.made_for:
        return "foreign", f"no tag says that it was made for a claim; it is attached to {holder}"
    return "unknown", f"it is attached to {holder}, though no volume names it; it was made for {case.made_for}"


def _foreign(case: Case) -> Judgement | None:
    if not isinstance(case.disk, Disk) or case.made_for:
        return None
    if any(case.disk.tags.get(tag) == _DRIVER for tag in _MADE_BY):
        return "unknown", "the disk driver made it, and no tag says for which claim"
    return "foreign", "no tag says that it was made for a claim"


def _other_cluster(case: Case) -> Judgement | None:
    because = other_cluster(case.facts, case.disk.tags) if isinstance(case.disk, Disk) else ""
    return ("unknown", because) if because else None


def _busy(case: Case) -> Judgement | None:
    """Azure has the disk in another state than Unattached: somebody reads or writes it without a machine."""
    if not isinstance(case.disk, Disk):
        return None
    if because := case.facts.needing.get(id_key(case.id)):
        return "kept", because
    if case.disk.state != "Unattached":
        return "unknown", f"no volume names it, and Azure has it in state {case.disk.state or 'none'}"
    if case.disk.completion is not None and case.disk.completion < 100.0:
        return "unknown", f"no volume names it, and Azure is filling it: {case.disk.completion:.0f} % are there"
    if case.disk.provisioning_state not in ("", *AT_REST):
        return (
            "unknown",
            f"no volume names it, and Azure is changing it (provisioningState {case.disk.provisioning_state})",
        )
    return None


def _awaited(case: Case) -> Judgement | None:
    """The claim that the disk was made for is there, and has no other volume."""
    facts, disk = case.facts, case.disk
    if not isinstance(disk, Disk):
        return None
    if because := facts.unread("PersistentVolumeClaim"):
        return "unknown", f"no volume names it; whether claim {disk.claim or '?'} waits for it is not known: {because}"
    named = next((disk.name.removeprefix(begin) for begin in NAMED_BY_UID if disk.name.startswith(begin)), "")
    by_uid = facts.claims_by_uid.get(named)
    claim = by_uid or facts.claims.get(disk.claim)
    if claim is None:
        return None
    if claim.volume and claim.volume == disk.volume:
        named = f"it names volume {claim.volume}, which is gone, and this is its disk"
        return "kept", f"claim {claim.key} is {claim.phase}: {named}"
    if not claim.volume:
        source = f" from {claim.source_kind} {claim.source_name}" if claim.source_name else ""
        return "kept", f"claim {claim.key} is {claim.phase}: its disk is being made{source}"
    if by_uid:
        return "unknown", f"it was made for claim {claim.key}, which has volume {claim.volume} instead"
    return None


def _volume_of_that_name(case: Case) -> Judgement | None:
    """The volume that the disk was made for is there, and names another disk."""
    if not isinstance(case.disk, Disk) or not (volume := case.facts.volumes_by_name.get(case.disk.volume)):
        return None
    return "unknown", f"volume {volume.name}, which it was made for, is there and names another disk: {volume.disk_id}"


def _machines_unread(case: Case) -> Judgement | None:
    """A disk that is being attached says Unattached; the machine has it among its dataDisks by then (facts E)."""
    machines = case.facts.inventory.machines
    if not isinstance(machines, Unknown):
        return None
    return "unknown", f"no volume names it; whether a machine has it is {machines}"


def _left(case: Case) -> Judgement:
    """Nothing names the disk: an orphan once it is old enough."""
    facts = case.facts
    if case.since is None:
        return "unknown", f"no volume names it; it was made for {case.made_for}, and Azure does not say when"
    age = (facts.inventory.taken - case.since).total_seconds() * facts.inventory.time_scale
    text = f"it was made for {case.made_for}, no volume names it, and nothing has used it since {_moment(case.since)}"
    if age < facts.grace:
        return "young", f"{text}, less than {_span(facts.grace)} ago"
    return "orphan", text


RULES: tuple[Rule, ...] = (
    _mounted,
    _volumes_unread,
    _disk_unread,
    _elsewhere,
    _kept,
    _without_claim,
    _attached_unnamed,
    _foreign,
    _other_cluster,
    _busy,
    _awaited,
    _volume_of_that_name,
    _machines_unread,
    _left,
)
"""The first that has a verdict is right; the last always has one."""


def _attached(case: Case) -> bool:
    """Whether Azure has the disk on a machine, by the disk or by the machine."""
    return isinstance(case.disk, Disk) and bool(case.facts.nodes_of(case.disk))


def _holder(case: Case) -> str:
    return ", ".join(sorted(case.facts.nodes_of(case.disk))) if isinstance(case.disk, Disk) else ""


def _hangs_on(case: Case) -> str:
    """What Kubernetes has that names a disk."""
    claim = (
        f", of claim {case.claim.key if case.claim else case.volume.claim}" if case.volume and case.namespace else ""
    )
    return f"volume {case.volume.name}{claim} names it" if case.volume else "no volume names it"


def _why_no_pod(case: Case, claim: Claim) -> str:
    """Why a claim has no pod, as far as that can be told."""
    if claim.deleting:
        return "; the claim is being deleted"
    if found := set_of(case.facts, claim):
        if int(claim.name.rpartition("-")[2]) < found.replicas:
            return f" now, of the {found.replicas} of StatefulSet {found.name}"
        return f": StatefulSet {found.name} has {_replicas(found)}, and takes it again when it grows"
    if found := next(iter(case.facts.mounting.get(claim.key, ())), None):
        of = f" has {_replicas(found)}" if found.kind in ("Deployment", "StatefulSet") else " has no pod now"
        return f": {found.kind} {found.name}{of}"
    if ended := case.facts.ended_pods_of(claim):
        return f" any more: pod {ended[0].key} has ended"
    return ""


def _replicas(workload: Workload) -> str:
    return f"{workload.replicas} replica{'' if workload.replicas == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _what_then(volume: Volume) -> str:
    """What becomes of a volume whose claim is gone."""
    if volume.is_left and volume.reclaim_policy == "Delete":
        return f"volume {volume.name} stays: it was made by hand, and names no provisioner that would delete it"
    if volume.phase == "Failed":
        return f"volume {volume.name} could not be deleted: {volume.message or 'it is Failed'}"
    if volume.reclaim_policy == "Delete":
        by_hand = ", made by hand," if volume.by_hand else ""
        return f"volume {volume.name}{by_hand} is to be deleted with it (policy Delete)"
    return f"volume {volume.name} stays (policy {volume.reclaim_policy})"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: float) -> str:
    """A time in the largest unit that it has whole."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0 and (unit != "d" or seconds > size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
