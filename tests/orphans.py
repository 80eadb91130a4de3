"""Disks that nothing needs any more, made by Azure's SDK as the driver makes a claim's; and what Azure is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.lab.breaking import Broken


def tags(claim: str, namespace: str, volume: str) -> dict[str, str]:
    """Those that the driver writes (facts E, Tags)."""
    return {
        "k8s-azure-created-by": "kubernetes-azure-dd",
        "kubernetes.io-created-for-pvc-name": claim,
        "kubernetes.io-created-for-pvc-namespace": namespace,
        "kubernetes.io-created-for-pv-name": volume,
    }


def make(lab: Broken, name: str, claim: str = "data", **changes: Any) -> Any:
    """A disk, made for a claim of the lab's namespace unless `tags` say otherwise; as Azure shows it."""
    plain = {
        "location": "westeurope",
        "sku": {"name": "Premium_LRS"},
        "tags": tags(claim, lab.namespace, name),
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 25},
    }
    return lab.azure.disks.begin_create_or_update(lab.state.node_resource_group, name, plain | changes).result()


def ids(lab: Broken) -> dict[str, str]:
    """The uniqueId of each disk that there is, by name."""
    return {each.name: each.unique_id for each in lab.azure.disks.list_by_resource_group(lab.state.node_resource_group)}


def volume(name: str, disk_id: str, **spec: Any) -> dict[str, Any]:
    """A PersistentVolume that somebody makes by hand for a disk."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "25Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "managed-csi",
            "csi": {"driver": "disk.csi.azure.com", "volumeHandle": disk_id},
            **spec,
        },
    }


@contextmanager
def changes_of_azure(monkeypatch: pytest.MonkeyPatch, *, lose: str = "") -> Iterator[list[str]]:
    """`METHOD name` of each change that this process asks Azure for; `lose`: the method whose answers do not arrive."""
    asked: list[str] = []
    send = requests.adapters.HTTPAdapter.send

    def noted(self: Any, request: Any, **options: Any) -> Any:
        change = request.method in ("PUT", "DELETE") and "/Microsoft.Compute/" in request.url
        if change:
            asked.append(f"{request.method} {request.url.partition('?')[0].rpartition('/')[2]}")
        answer = send(self, request, **options)
        if change and request.method == lose:
            answer.close()
            raise requests.exceptions.ConnectionError("Connection reset by peer")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(requests.adapters.HTTPAdapter, "send", noted)
        yield asked
