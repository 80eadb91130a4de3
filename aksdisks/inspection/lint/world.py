"""All objects that rules look at, and how they hang together: workloads, the claims they mount, the claims' classes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, takewhile
from typing import Any

from aksdisks.inspection.lint.classes import DEFAULT, Class, built_in, class_of
from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.nodes import DiskNodes
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.workloads import TEMPLATES, Mount, Workload
from aksdisks.model import DISK_DRIVERS, CSINode, Node, Volume, decode, with_drivers
from aksdisks.model.decoding import find, listed, mapping, texts

_ONE_NODE = {"ReadWriteOnce", "ReadWriteOncePod"}
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_ORDINAL = re.compile(r"^(.+)-\d+$")


@dataclass(frozen=True)
class Claim:
    """A claim, or a template of claims, as an object has it at `path`.

    `storage_class` is None where nobody knows what it is: neither the files nor AKS have it. `makes_disks` is whether
    its volume is an Azure disk, None where that cannot be told.
    """

    name: str
    manifest: Manifest
    path: Path
    raw: dict[str, Any]
    class_name: str
    storage_class: Class | None
    makes_disks: bool | None

    @property
    def access_modes(self) -> tuple[str, ...]:
        """Its access modes as they are written."""
        return texts(self.raw, "spec.accessModes")

    @property
    def on_one_node(self) -> bool:
        """Whether its volume can be on one node at a time only: one more mode, and Kubernetes attaches it to several.

        Never for what is known to be no disk: Azure Files mounts a ReadWriteOnce volume wherever it is asked to.
        """
        modes = set(self.access_modes)
        return bool(modes) and modes <= _ONE_NODE and self.makes_disks is not False

    @property
    def one_pod(self) -> bool:
        """Whether one pod alone may use it."""
        return "ReadWriteOncePod" in self.access_modes


class World:
    """The objects of files, of a cluster, or of both.

    `files` None: rules judge the cluster's objects; otherwise those of the files, and the cluster's say what these hang
    on. `live` None: no cluster was asked. What a file has stands for the cluster's object of that name. Several files
    may have an object of one name, such as the variants of an environment: what an object hangs on is then looked
    for in its own file, else in the nearest folder. `unread` are the kinds that may not be read of the cluster.
    """

    def __init__(
        self,
        files: Iterable[Manifest] | None,
        live: Iterable[Manifest] | None = None,
        unread: Iterable[str] = (),
    ) -> None:
        self.unread = frozenset(unread)
        self._files = _by_key(files or ())
        self._live = _by_key(live or ())
        self.is_live = live is not None
        kept = (found for key, found in self._live.items() if key not in self._files)
        self.manifests: tuple[Manifest, ...] = tuple(chain(*self._files.values(), *kept))
        """All of them."""
        self.judged: tuple[Manifest, ...] = tuple(chain(*(self._live if files is None else self._files).values()))
        """Those that rules are asked about."""

    @cached_property
    def _by_kind(self) -> Mapping[str, list[Manifest]]:
        found: defaultdict[str, list[Manifest]] = defaultdict(list)
        for each in self.manifests:
            found[each.kind].append(each)
        return found

    def of(self, *kinds: str) -> list[Manifest]:
        """The objects of these kinds."""
        return [each for kind in kinds for each in self._by_kind.get(kind, ())]

    def get(self, kind: str, namespace: str, name: str, near: Manifest) -> Manifest | None:
        """The object of this name that is nearest to another; None where neither a file nor the cluster has one."""
        key = (kind, namespace, name)
        return _nearest(self._files.get(key) or self._live.get(key) or (), near)

    def before(self, all_: Iterable[Manifest], manifest: Manifest) -> list[Manifest]:
        """Those before an object, and those that no rule is asked about: of two, one finding tells of both."""
        found = list(all_)
        place = next((number for number, each in enumerate(found) if each is manifest), 0)
        return found[:place] + [each for each in found[place + 1 :] if id(each) not in self._judged]

    @cached_property
    def _judged(self) -> frozenset[int]:
        return frozenset(map(id, self.judged))

    def live(self, manifest: Manifest) -> Manifest | None:
        """The object of a file as the cluster has it now; None where it has none, or was not asked."""
        return next(iter(self._live.get(_key(manifest), ())), None)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """All that runs pods by itself: what a workload of these made is counted with that."""
        return tuple(Workload(each) for each in self.of(*TEMPLATES) if _maker(each) not in TEMPLATES)

    @cached_property
    def _workloads(self) -> dict[int, Workload]:
        return {id(each.manifest): each for each in self.workloads}

    def workload(self, manifest: Manifest) -> Workload | None:
        """The workload that an object is; None for one that another made, and for other kinds."""
        return self._workloads.get(id(manifest))

    def claim(self, of: Workload, name: str) -> Claim | None:
        """A claim that a workload mounts, also one that a StatefulSet makes; None where nothing says how it is."""
        manifest = self.get("PersistentVolumeClaim", of.namespace, name, of.manifest)
        if manifest is not None:
            return self._claim(name, manifest, (), manifest.raw)
        maker, template = self._maker_of(of.namespace, name)
        return next((each for each in self.templates(maker) if each.name == template), None) if maker else None

    def _maker_of(self, namespace: str, claim: str) -> tuple[Workload | None, str]:
        """The StatefulSet that makes a claim of this name, and the template of which it makes it."""
        match = _ORDINAL.match(claim)
        return self._sets.get((namespace, match[1]), (None, "")) if match else (None, "")

    @cached_property
    def _sets(self) -> Mapping[tuple[str, str], tuple[Workload, str]]:
        """Set and template by the namespace and the name of their claims without the ordinal."""
        return {
            (each.namespace, f"{template.name}-{each.manifest.name}"): (each, template.name)
            for each in self.workloads
            for template in each.claim_templates
        }

    def claims_of(self, manifest: Manifest) -> list[Claim]:
        """The claim that an object is, or those that a StatefulSet makes for each of its pods."""
        if manifest.kind == "PersistentVolumeClaim":
            return [self._claim(manifest.name, manifest, (), manifest.raw)]
        return self.templates(workload) if (workload := self.workload(manifest)) else []

    def templates(self, workload: Workload) -> list[Claim]:
        """The claims that a StatefulSet makes for each of its pods."""
        return [self._claim(each.name, workload.manifest, each.path, each.raw) for each in workload.claim_templates]

    def mounted(self, workload: Workload) -> list[tuple[Mount, Claim]]:
        """The claims that all pods of a workload mount, as far as something says how they are."""
        found = [(mount, self.claim(workload, mount.claim)) for mount in workload.mounts]
        return [(mount, claim) for mount, claim in found if claim is not None]

    def disks(self, workload: Workload) -> list[Claim]:
        """The claims that pods of a workload mount, shared ones and their own, and that are known to be Azure disks."""
        claims = [*(claim for _, claim in self.mounted(workload)), *self.templates(workload)]
        return [claim for claim in claims if claim.makes_disks]

    @cached_property
    def _users(self) -> Mapping[tuple[int, str], list[Workload]]:
        found: defaultdict[tuple[int, str], list[Workload]] = defaultdict(list)
        for each in self.workloads:
            for mount, claim in self.mounted(each):
                users = found[id(claim.manifest), mount.claim]
                maker, _ = self._maker_of(each.namespace, mount.claim)
                users += [maker] if maker and not users else []
                users += [each] if all(each.manifest != user.manifest for user in users) else []
        return found

    def users(self, mount: Mount, claim: Claim) -> list[Workload]:
        """The workloads that use the claim of a mount, the set that made it first; variants of one count once."""
        return self._users[id(claim.manifest), mount.claim]

    def _claim(self, name: str, manifest: Manifest, path: Path, raw: dict[str, Any]) -> Claim:
        spec = mapping(raw, "spec")
        named = spec.get("storageClassName", mapping(raw, "metadata.annotations").get(_OLD_CLASS))
        class_name = self.default_class if named is None else str(named)
        storage_class = self.storage_class(class_name, manifest) if class_name else None
        return Claim(
            name, manifest, path, raw, class_name, storage_class, self._is_disk(name, manifest, spec, storage_class)
        )

    def _is_disk(
        self, claim: str, manifest: Manifest, spec: dict[str, Any], storage_class: Class | None
    ) -> bool | None:
        """Whether a claim's volume is an Azure disk: by the volume that it names, its class, or volumes that fit it."""
        volume = self.get("PersistentVolume", "", str(spec.get("volumeName") or ""), manifest)
        if volume is not None:
            return is_disk(volume.raw)
        if storage_class is not None:
            return storage_class.value.makes_disks
        fitting = (
            is_disk(each.raw)
            for each in self.of("PersistentVolume")
            if find(each.raw, "spec.storageClassName", "") == spec.get("storageClassName", "")
            and find(each.raw, "spec.claimRef.name", claim) == claim
        )
        disks = set(fitting)
        return disks.pop() if len(disks) == 1 else None

    def storage_class(self, name: str, near: Manifest) -> Class | None:
        """A class by name. Where no cluster says which it has, those that AKS makes are known; None for others."""
        found = self.get("StorageClass", "", name, near)
        if found is None:
            return None if self._has_classes else built_in(name)
        return self._classes[id(found)]

    @cached_property
    def _classes(self) -> dict[int, Class]:
        return {id(each): class_of(each) for each in self.of("StorageClass")}

    @property
    def _has_classes(self) -> bool:
        """Whether the cluster's classes were read: then there are no others."""
        return self.is_live and "StorageClass" not in self.unread

    @cached_property
    def default_class(self) -> str:
        """The class of claims that name none; empty where a cluster has no default."""
        named = (each.name for each in self._classes.values() if each.value.is_default)
        return next(named, "" if self._has_classes else DEFAULT)

    @cached_property
    def scalers(self) -> Mapping[tuple[str, str, str], list[Manifest]]:
        """The autoscalers, Kubernetes' and KEDA's, by kind, namespace and name of what they scale."""
        found: defaultdict[tuple[str, str, str], list[Manifest]] = defaultdict(list)
        for each in self.of("HorizontalPodAutoscaler", "ScaledObject"):
            target = mapping(each.raw, "spec.scaleTargetRef")
            found[str(target.get("kind", "Deployment")), each.namespace, str(target.get("name"))].append(each)
        return found

    @cached_property
    def volumes_of(self) -> Mapping[str, list[Manifest]]:
        """The PersistentVolumes by the id of their disk in lower case, as Azure compares it."""
        found: defaultdict[str, list[Manifest]] = defaultdict(list)
        for each in self.of("PersistentVolume"):
            volume: Volume = decode("PersistentVolume", each.raw)
            if volume.disk_id:
                found[volume.disk_id.lower()].append(each)
        return found

    @cached_property
    def claims_of_class(self) -> Counter[str]:
        """How many claims and templates of claims each class has, by its name."""
        made = chain(self.of("PersistentVolumeClaim"), (each.manifest for each in self.workloads))
        return Counter(claim.class_name for each in made for claim in self.claims_of(each))

    @cached_property
    def drivers(self) -> frozenset[str]:
        """The CSI drivers of which the cluster has an object or a node."""
        csi_nodes: list[CSINode] = [decode("CSINode", each.raw) for each in self.of("CSINode")]
        return frozenset(chain((each.name for each in self.of("CSIDriver")), *(each.drivers for each in csi_nodes)))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The cluster's nodes; empty without one, or where they may not be read."""
        csi_nodes = [decode("CSINode", each.raw) for each in self.of("CSINode")]
        return with_drivers([decode("Node", each.raw) for each in self.of("Node")], csi_nodes)

    @cached_property
    def disk_nodes(self) -> DiskNodes:
        """The cluster's nodes as its disks see them."""
        attachments, volumes = (
            [decode(kind, each.raw) for each in self.of(kind)] for kind in ("VolumeAttachment", "PersistentVolume")
        )
        return DiskNodes.of(self.nodes, attachments, volumes)


def is_disk(volume: dict[str, Any]) -> bool:
    """Whether a PersistentVolume is an Azure disk, today's or 2019's."""
    return bool(find(volume, "spec.azureDisk")) or find(volume, "spec.csi.driver") in DISK_DRIVERS


def _key(manifest: Manifest) -> tuple[str, str, str]:
    return (manifest.kind, manifest.namespace, manifest.name)


def _by_key(manifests: Iterable[Manifest]) -> dict[tuple[str, str, str], list[Manifest]]:
    found: defaultdict[tuple[str, str, str], list[Manifest]] = defaultdict(list)
    for each in manifests:
        found[_key(each)].append(each)
    return dict(found)


def _nearest(found: Sequence[Manifest], near: Manifest) -> Manifest | None:
    return max(found, key=lambda each: _together(each.file, near.file), default=None)


def _together(one: str, other: str) -> int:
    """How many folders and names two files have in common from the left."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _maker(manifest: Manifest) -> str:
    """The kind of the controller that made an object; empty where a person did."""
    owners = listed(manifest.live, "metadata.ownerReferences")
    return next((str(owner.get("kind", "")) for owner in owners if owner.get("controller")), "")
