"""The Azure CLI against the lab: a session as people have it, in both kinds of cluster and with a reader's rights."""

from __future__ import annotations

import dataclasses
import json
import subprocess

import pytest
import yaml

from tests import fetched
from tests.lab.az import logged_in
from tests.programs import needs

GROUP = "MC_disks_article_westeurope"
POOL = "aks-agentpool-22115152-vmss"
# One secret in 64 begins as an option does.
READER, SECRET = "11111111-2222-3333-4444-555555555555", "-reader-secret"


@pytest.fixture(scope="session")
def program(request):
    return fetched.az(request.config.cache.mkdir("az"))


@pytest.fixture(scope="session")
def az(program, lab, tmp_path_factory):
    return logged_in(program, lab, tmp_path_factory.mktemp("az"))


def good(said):
    assert said.code == 0, said.errors
    return said.json if said.output.strip() else None


def test_the_account_is_the_labs_subscription(az, lab):
    account = good(az("account show"))
    assert (account["id"], account["tenantId"]) == (lab.subscription_id, lab.tenant_id)
    assert account["user"] == {"name": lab.client_id, "type": "servicePrincipal"}


def test_a_disks_life(az):
    made = good(az(f"disk create -g {GROUP} -n az-disk --size-gb 25 --sku Premium_LRS --tags a=b"))
    assert (made["diskSizeGB"], made["sku"]["name"], made["tags"]) == (25, "Premium_LRS", {"a": "b"})
    assert good(az(f"disk update -g {GROUP} -n az-disk --size-gb 30"))["diskSizeGB"] == 30
    smaller = az(f"disk update -g {GROUP} -n az-disk --size-gb 20")
    assert smaller.code == 1
    assert smaller.errors.startswith("ERROR: (OperationNotAllowed) The disk/snapshot resource with id /subscriptions/")
    shown = good(az(f"disk show -g {GROUP.upper()} -n AZ-DISK"))
    assert (shown["name"], shown["diskState"], shown["tier"]) == ("az-disk", "Unattached", "P4")
    names = {disk["name"] for disk in good(az(f"disk list -g {GROUP}"))}
    assert "az-disk" in names
    assert len([name for name in names if "_OsDisk_1_" in name]) == 3
    assert good(az(f"disk delete -g {GROUP} -n az-disk --yes")) is None
    missing = az(f"disk show -g {GROUP} -n az-disk")
    assert missing.code == 3
    assert "(ResourceNotFound) The Resource 'Microsoft.Compute/disks/az-disk' under resource group" in missing.errors


def test_scale_sets_and_their_instances(az):
    assert good(az("vm list")) == []
    [pool] = good(az("vmss list"))
    assert (pool["name"], pool["sku"]["capacity"], pool["resourceGroup"]) == (POOL, 3, GROUP)
    instances = good(az(f"vmss list-instances -g {GROUP} -n {POOL} --expand instanceView"))
    assert [entry["instanceId"] for entry in instances] == ["0", "1", "2"]
    assert {entry["instanceView"]["statuses"][1]["code"] for entry in instances} == {"PowerState/running"}


@needs("kubectl")
def test_the_cluster_and_its_credentials(az, tmp_path):
    [cluster] = good(az("aks list"))
    shown = good(az("aks show -g disks -n article"))
    assert shown["nodeResourceGroup"] == cluster["nodeResourceGroup"] == GROUP
    assert shown["agentPoolProfiles"][0]["count"] == 3
    for options, context in (("", "article"), ("--admin", "article-admin")):
        file = tmp_path / context
        assert az(f"aks get-credentials -g disks -n article -f {file} {options}").code == 0
        assert yaml.safe_load(file.read_text())["current-context"] == context
        nodes = ["kubectl", "--kubeconfig", str(file), "get", "nodes", "-o", "name"]
        result = subprocess.run(nodes, capture_output=True, text=True, timeout=30, check=True)
        assert result.stdout.count("node/aks-agentpool-") == 3


def test_a_copy_and_who_may_make_it(az, lab):
    good(az(f"disk create -g {GROUP} -n az-source --size-gb 4"))
    good(az(f"snapshot create -g {GROUP} -n az-snapshot --incremental true --source az-source"))
    made = good(az(f"disk create -g {GROUP} -n az-copy --source az-snapshot"))
    assert made["creationData"]["sourceResourceId"].endswith("/snapshots/az-snapshot")
    good(az(f"snapshot delete -g {GROUP} -n az-snapshot"))
    for name in ("az-source", "az-copy"):
        good(az(f"disk delete -g {GROUP} -n {name} --yes"))
    [role] = good(az(f"role assignment list --assignee {lab.client_id}"))
    assert (role["principalName"], role["roleDefinitionName"]) == (lab.client_id, "Owner")


ACCOUNT = "-g disks --storage-account azfiles0"


@pytest.fixture(scope="module")
def files(az):
    """A storage account with a share, as az tells of both."""
    made = good(az("storage account create -n azfiles0 -g disks --sku Standard_LRS --tags a=b"))
    return made, good(az(f"storage share-rm create {ACCOUNT} -n data --quota 5"))


def test_a_storage_account_and_a_share(files):
    made, share = files
    assert (made["kind"], made["provisioningState"], made["tags"]) == ("StorageV2", "Succeeded", {"a": "b"})
    assert made["primaryEndpoints"]["file"] == "https://azfiles0.file.core.windows.net/"
    assert (share["name"], share["shareQuota"]) == ("data", 5)


@pytest.mark.slow
@pytest.mark.usefixtures("files")
def test_storage_accounts_and_shares_over_their_whole_life(az):
    """The commands of AKS's page on Azure Files, and their neighbours."""
    account = "-n azfiles0 -g disks"
    taken = good(az("storage account check-name -n azfiles0"))
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert "azfiles0" in [entry["name"] for entry in good(az("storage account list -g disks"))]
    assert good(az("storage account show -n azfiles0"))["sku"]["name"] == "Standard_LRS"
    before, after = (
        good(az(f"storage account keys list {account}")),
        good(az(f"storage account keys renew {account} --key key1")),
    )
    assert [before[1]["value"]] == [key["value"] for key in after if key in before]
    text = good(az(f"storage account show-connection-string {account}"))["connectionString"]
    assert f"EndpointSuffix=core.not-emulated.invalid;AccountName=azfiles0;AccountKey={after[0]['value']};" in text
    large = good(az(f"storage account update {account} --enable-large-file-share"))
    assert large["largeFileSharesState"] == "Enabled"

    assert good(az(f"storage share-rm update {ACCOUNT} -n data --quota 6000"))["shareQuota"] == 6000
    assert good(az(f"storage share-rm show {ACCOUNT} -n data"))["shareQuota"] == 6000
    assert [entry["name"] for entry in good(az(f"storage share-rm list {ACCOUNT}"))] == ["data"]
    assert good(az(f"storage share-rm stats {ACCOUNT} -n data")) == 0
    for options, code in (
        ("-n Data", "(InvalidResourceName) The specifed resource name contains invalid characters."),
        ("-n more --quota 200000", "(InvalidHeaderValue) The value for one of the HTTP headers is not in the correct"),
        ("-n more --enabled-protocols NFS", "(FeatureNotSupportedForAccount) NfsFileShares is not supported for the"),
    ):
        refused = az(f"storage share-rm create {ACCOUNT} {options}")
        assert refused.code == 1
        assert refused.errors.startswith(f"ERROR: {code}")
    assert good(az(f"storage share-rm delete {ACCOUNT} -n data --yes")) is None
    assert good(az(f"storage share-rm exists {ACCOUNT} -n data")) == {"exists": False}
    [gone] = good(az(f"storage share-rm list {ACCOUNT} --include-deleted"))
    good(az(f"storage share-rm restore {ACCOUNT} -n data --deleted-version {gone['version']}"))
    assert good(az(f"storage share-rm show {ACCOUNT} -n data"))["shareQuota"] == 6000
    assert good(az(f"storage account delete {account} --yes")) is None
    missing = az(f"storage account show {account}")
    assert missing.code == 3
    assert "(ResourceNotFound) The Resource 'Microsoft.Storage/storageAccounts/azfiles0' under" in missing.errors


def test_resource_groups(az):
    assert [group["name"] for group in good(az("group list"))] == ["disks", GROUP]
    group = good(az(f"group show -n {GROUP}"))
    assert group["managedBy"].endswith("/managedClusters/article")
    missing = az("group show -n nowhere")
    assert "(ResourceGroupNotFound) Resource group 'nowhere' could not be found." in missing.errors


def test_availability_sets_and_a_readers_rights(program, start_lab, tmp_path):
    """Another lab, seen by a principal that may only read its machines and disks."""
    scenario = tmp_path / "vms.yaml"
    roles = [{"name": "Reader", "scope": GROUP}]
    principals = [{"client_id": READER, "client_secret": SECRET, "roles": roles}]
    scenario.write_text(json.dumps({"base": "availability-set", "principals": principals}))
    state = start_lab(scenario=str(scenario))
    reader = dataclasses.replace(state, client_id=READER, client_secret=SECRET)
    az = logged_in(program, reader, tmp_path / "az")
    machines = good(az("vm list"))
    assert [machine["name"] for machine in machines] == [f"aks-agentpool-22115152-{number}" for number in range(3)]
    shown = good(az(f"vm show -g {GROUP} -n aks-agentpool-22115152-1"))
    assert shown["hardwareProfile"]["vmSize"] == "Standard_DS2_v2"
    disk = good(az(f"disk list -g {GROUP}"))[0]["name"]
    refused = az(f"disk delete -g {GROUP} -n {disk} --yes")
    assert refused.code == 1
    assert f"(AuthorizationFailed) The client '{READER}' with object id '" in refused.errors
    assert (
        "does not have authorization to perform action 'Microsoft.Compute/disks/delete' over scope '" in refused.errors
    )
    assert "(AuthorizationFailed)" in az("aks show -g disks -n article").errors
