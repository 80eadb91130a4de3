"""Lists of the kinds that a cluster may lack, or whose reading may be refused: the values, or why there are none."""

from __future__ import annotations

from functools import partial
from typing import Any

from aksdisks.errors import ApiError, NotAllowed, NotFound
from aksdisks.kube.http import KINDS, KubernetesHttp
from aksdisks.model import (
    NotPermitted,
    NotServed,
    Unknown,
    VolumeAttributesClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
    decode,
)

_MAY_BE_LACKING = ("VolumeSnapshot", "VolumeSnapshotContent", "VolumeSnapshotClass", "VolumeAttributesClass")


class OptionalKinds(KubernetesHttp):
    """What not every cluster has: NotServed where this one does not have it, NotPermitted where it may not be read.

    Every method raises NotReachable.
    """

    def volume_snapshots(self, namespace: str) -> tuple[VolumeSnapshot, ...] | Unknown:
        """The VolumeSnapshots of a namespace (empty: of all)."""
        return self.readable("VolumeSnapshot", namespace)

    def volume_snapshot_contents(self) -> tuple[VolumeSnapshotContent, ...] | Unknown:
        """All VolumeSnapshotContents."""
        return self.readable("VolumeSnapshotContent")

    def volume_snapshot_classes(self) -> tuple[VolumeSnapshotClass, ...] | Unknown:
        """All VolumeSnapshotClasses."""
        return self.readable("VolumeSnapshotClass")

    def volume_attributes_classes(self) -> tuple[VolumeAttributesClass, ...] | Unknown:
        """All VolumeAttributesClasses, which Kubernetes has since 1.34 (facts H)."""
        return self.readable("VolumeAttributesClass")

    def readable(self, kind: str, namespace: str = "") -> tuple[Any, ...] | Unknown:
        """All typed values of a kind in a namespace (empty: in all), or why they cannot be read.

        A list of a kind that is served is never refused as not found, not even in a namespace that is not there.
        """
        prefix, plural, _ = KINDS[kind]
        absent = NotServed(f"this cluster does not serve {plural} of {prefix.removeprefix('/apis/')}")
        try:
            return tuple(self.items(kind, namespace, make=partial(decode, kind))[0])
        except NotAllowed as error:
            lacking = kind in _MAY_BE_LACKING and not self._may_be_served(prefix, plural)
            return absent if lacking else NotPermitted(error.message)
        except NotFound:
            return absent
        except ApiError as error:
            return Unknown(error.message)

    def _may_be_served(self, prefix: str, plural: str) -> bool:
        """Whether a kind that may not be listed is one that the cluster has: rights are asked for before that."""
        try:
            return plural in [each["name"] for each in self.request("GET", prefix)["resources"]]
        except NotFound:
            return False
        except (ApiError, NotAllowed):
            return True
