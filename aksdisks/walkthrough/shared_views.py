"""What runbook 13 compares: a share beside a disk, who uses them where, what is attached, and what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aksdisks.inspection.comparison import Said
from aksdisks.inspection.diagnosis.multi_attach import standing_refusal
from aksdisks.model import (
    Attachment,
    AzureFiles,
    Claim,
    Disk,
    FileShare,
    KubeEvent,
    Machine,
    Pod,
    ShareSource,
    StorageAccount,
    Unknown,
    Volume,
    known,
)
from aksdisks.model.checks import Holds
from aksdisks.quantities import gib, show_gib
from aksdisks.views.base import Table

FILES, DISK, STATIC = "files", "files-disk", "files-static"
"""The names of claims and Deployments: many pods with a share, as many with a disk, one with the share by hand."""


@dataclass(frozen=True)
class Seen:
    """One moment: what Kubernetes has of the run in its namespace, and what Azure has of accounts, shares and disks."""

    namespace: str
    claims: tuple[Claim, ...]
    volumes: tuple[Volume, ...]
    pods: tuple[Pod, ...]
    events: tuple[KubeEvent, ...]
    attachments: tuple[Attachment, ...]
    files: AzureFiles
    disks: tuple[Disk, ...] | Unknown
    machines: tuple[Machine, ...] | Unknown

    @property
    def shares(self) -> tuple[FileShare, ...] | Unknown:
        """The shares of the accounts that our volumes name, as Azure lists them."""
        if unread := self.files.unread:
            return Unknown(next(iter(unread.values())))
        return tuple(share for each in self.files.shares.values() for share in known(each))

    def volume(self, claim: str) -> Volume | None:
        """The volume of one of our claims."""
        return next((each for each in self.volumes if each.claim == f"{self.namespace}/{claim}"), None)

    def pods_of(self, app: str) -> list[Pod]:
        """The pods of one of our Deployments that are not on their way out, by name."""
        own = [pod for pod in self.pods if pod.labels.get("app") == app and not pod.deleting]
        return sorted(own, key=lambda pod: pod.name)

    def made(self) -> tuple[Said, Said]:
        """(share, GiB): what the claim's volume says, and Azure's shares that are named after the claim's uid."""
        volume = self.volume(FILES)
        told = volume and volume.share and (volume.share.key, gib(volume.capacity))
        kubernetes = frozenset({told} if told else ())
        if isinstance(self.shares, Unknown):
            return kubernetes, self.shares
        uids = [each.uid for each in self.claims if each.name == FILES]
        ours = [share for share in self.shares if any(uid in share.name for uid in uids)]
        return kubernetes, frozenset((share.key, share.quota_gib) for share in ours)

    def attached(self) -> tuple[Said, Said]:
        """(disk or share, node): by Kubernetes' VolumeAttachments, and by the data disks of Azure's machines."""
        claims = {f"{self.namespace}/{each}" for each in (FILES, DISK, STATIC)}
        names = {each.name: _name(each) for each in self.volumes if each.claim in claims}
        kubernetes = frozenset((names[each.volume], each.node) for each in self.attachments if each.volume in names)
        for said in (self.disks, self.machines):
            if isinstance(said, Unknown):
                return kubernetes, said
        ours = {disk.id.lower(): disk.name for disk in known(self.disks) if disk.claim in claims}
        held = [(each.disk_id.lower(), machine.node) for machine in known(self.machines) for each in machine.data_disks]
        return kubernetes, frozenset((ours[id_], node) for id_, node in held if id_ in ours)

    def together(self) -> Holds:
        """Whether all pods run with the share, on several nodes, and of the others only those of one node."""
        shared, alone = self.pods_of(FILES), self.pods_of(DISK)
        for pods in (shared, alone):
            if len({pod.node for pod in pods}) < 2:
                return Unknown("all pods were placed on one node")
        return all(pod.ready for pod in shared) and len({pod.node for pod in alone if pod.ready}) == 1

    def words(self) -> str:
        """How many run with the share, and whether some are kept out elsewhere; the same each time where that holds."""
        shared, kept = self.pods_of(FILES), self._kept_out(DISK)
        some = "some" if kept else "none"
        return f"with the share {_ready(shared)} of {len(shared)} run; with the disk {some} are kept out"

    def let_go(self, bound: frozenset[str]) -> tuple[Said, Said]:
        """Of the shares that a volume by hand named: those that none does now, and those that Azure still has."""
        named = {each.share.key for each in self.volumes if each.share and each.claim_name == STATIC}
        there = self.shares
        kept = there if isinstance(there, Unknown) else bound & {each.key for each in there}
        return bound - named, kept

    def table(self) -> Table:
        """The claim, what it is bound to, and what Azure has of that."""
        claim = next((each for each in self.claims if each.name == FILES), Claim())
        volume = self.volume(FILES) or Volume()
        source = volume.share or ShareSource()
        share, account = self.files.share(source), self.files.account(source.account)
        size = show_gib(share.quota_gib or 0) if isinstance(share, FileShare) else ""
        told: object = "none" if share is None else share
        if isinstance(share, FileShare):
            told = f"{share.protocol}, {share.tier}"
        holder: object = "none" if account is None else account
        if isinstance(account, StorageAccount):
            holder = f"{account.kind}, {account.sku}"
        rows = (
            ("claim", f"{claim.phase}, {', '.join(claim.access_modes)}", claim.requested, claim.name),
            ("volume", f"{volume.phase}, {volume.reclaim_policy}", volume.capacity, volume.name),
            ("share in Azure", told, size, source.share),
            ("its storage account", holder, "", source.account),
        )
        return Table("The share, as both sides know it", ("", "state", "size", "name"), rows)

    def placed(self) -> Table:
        """Pods of both Deployments, each with its node."""
        rows = [
            (pod.name, f"{pod.containers_ready}/{pod.containers}", pod.status, pod.node)
            for app in (FILES, DISK)
            for pod in self.pods_of(app)
        ]
        return Table("kubectl get pods -o wide", ("NAME", "READY", "STATUS", "NODE"), rows)

    def compared(self) -> Table:
        """The two Deployments, side by side."""
        rows = []
        for words, app in (("a disk, as in runbook 02", DISK), ("a share", FILES)):
            pods, volume = self.pods_of(app), self.volume(app)
            nodes = len({pod.node for pod in pods if pod.ready})
            attached = [each.node for each in self.attachments if volume and each.volume == volume.name]
            kept = len(self._kept_out(app))
            rows.append(
                (
                    words,
                    ", ".join(volume.access_modes) if volume else "",
                    f"{_ready(pods)} of {len(pods)}, on {nodes} node{'' if nodes == 1 else 's'}",
                    f"{kept}: Multi-Attach" if kept else "none",
                    ", ".join(attached) or "no machine",
                )
            )
        columns = ("one Deployment with", "access mode", "pods that run", "pods kept out", "attached to")
        return Table("The same Deployment, twice", columns, rows)

    def _kept_out(self, app: str) -> list[Pod]:
        return [pod for pod in self.pods_of(app) if not pod.ready and standing_refusal(pod, self.events)]


def _name(volume: Volume) -> str:
    return volume.disk_name or (volume.share.key if volume.share else volume.name)


def _ready(pods: Sequence[Pod]) -> int:
    return sum(pod.ready for pod in pods)
