"""What stands on a lab that is taken for a cluster, by clients that are not ours."""

from __future__ import annotations

from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from kubernetes import client, config

from aksdisks.lab.server.process import LabState


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
