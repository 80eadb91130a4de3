"""Disks that nothing needs any more, made by Azure's SDK as the driver makes a claim's; and what Azure is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from aksdisks.azure.compute import Azure
from aksdisks.lab import scenario as scenarios
from aksdisks.model import Disk, Unknown
from aksdisks.model.ownership import OwnedDisk
from aksdisks.session.disk_removal import DiskRemoval, journal_of
from aksdisks.targets import credentials
from tests.lab.arm.conftest import SECRET, AzureServer
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


def remove_all(lab: Broken, begins: str) -> None:
    """The disks and snapshots whose names begin so."""
    group = lab.state.node_resource_group
    for kind in (lab.azure.disks, lab.azure.snapshots):
        names = [each.name for each in kind.list_by_resource_group(group)]
        begun = [kind.begin_delete(group, name) for name in names if name.startswith(begins)]
        for poller in begun:
            poller.result()


def ids(lab: Broken, begins: str) -> dict[str, str]:
    """The uniqueId of each disk whose name begins so, by name."""
    found = lab.azure.disks.list_by_resource_group(lab.state.node_resource_group)
    return {each.name: each.unique_id for each in found if each.name.startswith(begins)}


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


@contextmanager
def azure_alone(folder: Path, **changes: Any) -> Iterator[tuple[AzureServer, Callable[..., Azure]]]:
    """Azure without a cluster, and what makes a client of it: by a principal's id, else the owner's."""
    scenario = replace(scenarios.load("regional"), **changes)
    server = AzureServer(scenario, 500.0, folder / "ca.crt")
    opened: list[Azure] = []

    def client(client_id: str = "", secret: str = SECRET) -> Azure:
        who = {"tenant_id": scenario.tenant_id, "client_id": client_id or scenario.client_id, "client_secret": secret}
        settings = credentials._azure(server.url, server.url, server.ca_bundle, who)
        opened.append(Azure(settings, scenario.subscription_id, scenario.node_resource_group, 500.0))
        return opened[-1]

    try:
        yield server, client
    finally:
        for each in opened:
            each.close()
        server.close()


def orphan_in(server: AzureServer, name: str) -> OwnedDisk:
    """A disk that the cluster itself has made, whatever others may, as the first look sees it."""
    group = server.scenario.node_resource_group
    body: dict[str, Any] = {
        "location": "westeurope",
        "tags": tags("data", "default", name),
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    }

    async def make() -> Any:
        server.cloud.disks.put(group, name, body)
        made = server.cloud.disks.get(group, name)
        made.provisioning_state = "Succeeded"
        return made.to_json()

    disk = Disk.of(server.run(make()))
    return OwnedDisk(id=disk.id, disk=disk, verdict="orphan", because="nothing names it", price=Unknown("no list"))


def removal_in(azure: Azure, folder: Path, *, save: bool) -> DiskRemoval:
    """What deletes there, beside a cluster that has nothing."""
    cluster: Any = SimpleNamespace(claims=lambda _space: (), volumes=lambda: (), volume_snapshot_contents=lambda: ())
    return DiskRemoval(cluster, azure, journal_of(folder, azure), save, 500.0)
