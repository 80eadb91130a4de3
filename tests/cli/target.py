"""A lab that is taken for a cluster: the shipped parameters for it, and what stands there by clients not ours."""

from __future__ import annotations

import re
from pathlib import Path

from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from kubernetes import client, config

from aksdisks.lab.server.process import LabState
from aksdisks.runner import shipped


def filled_in(folder: Path, **values: str) -> Path:
    """The example that is shipped, filled in as its first lines say; where Azure is comes from `lab env`."""
    text = (shipped.folder("parameters") / "aks.example.yaml").read_text()
    for name, value in values.items():
        text, found = re.subn(f"^{name}: .*$", f"{name}: {value}", text, flags=re.MULTILINE)
        assert found == 1, name
    file = folder / "my-cluster.yaml"
    file.write_text(text)
    return file


def namespaces(lab: LabState) -> list[str]:
    """The names of all namespaces."""
    core = client.CoreV1Api(config.new_client_from_config(lab.kubeconfig))
    return sorted(item.metadata.name for item in core.list_namespace().items)


def disks(lab: LabState) -> list[str]:
    """The names of the node resource group's disks."""
    credential = ClientSecretCredential(
        lab.tenant_id,
        lab.client_id,
        lab.client_secret,
        authority=lab.authority,
        disable_instance_discovery=True,
        connection_verify=lab.ca_bundle,
    )
    with ComputeManagementClient(
        credential,
        lab.subscription_id,
        base_url=lab.arm_url,
        credential_scopes=[f"{lab.arm_url}/.default"],
        connection_verify=lab.ca_bundle,
    ) as compute:
        return sorted(disk.name for disk in compute.disks.list_by_resource_group(lab.node_resource_group))
