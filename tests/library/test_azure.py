"""Azure's calls against the lab, through the SDK: typed values, one disk, and Unknown instead of exceptions."""

from dataclasses import replace

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError

from aksdisks.azure import Azure, place, same
from aksdisks.lab import faults_client
from aksdisks.model import Unknown
from aksdisks.session_connect import connect


@pytest.fixture
def azure(on_lab):
    connection = connect(on_lab)
    yield connection.azure
    connection.close()


def test_machines_and_disks_are_typed_and_belong_together(azure, lab):
    machines, disks = azure.machines(), azure.disks()
    assert [machine.kind for machine in machines] == ["vmss"] * 3
    assert all(machine.node.startswith("aks-") and machine.size for machine in machines)
    # Other tests of the same lab may be giving their claims' disks back just now.
    settled = [disk for disk in disks if not disk.claim_name]
    assert [(disk.size_gib > 0, disk.sku, disk.state) for disk in settled] == [(True, "Premium_LRS", "Attached")] * 3
    assert (azure.subscription, azure.resource_group) == (lab.subscription_id, lab.node_resource_group.lower())


def test_what_azure_refuses_is_unknown_with_its_code(azure):
    other = Azure(azure._settings, azure.subscription, "MC_nowhere", 1.0)
    disks = other.disks()
    assert isinstance(disks, Unknown) and "ResourceGroupNotFound" in disks.because
    other.close()


def test_an_endpoint_that_does_not_answer_is_unknown(azure):
    class Anybody:
        def get_token_info(self, *_scopes, **_options):
            return AccessTokenInfo("token", 2**40)

    settings = replace(azure._settings, arm_endpoint="https://127.0.0.1:9", credential=Anybody)
    nobody = Azure(settings, azure.subscription, azure.resource_group, 1.0)
    assert "does not answer" in nobody.machines().because
    nobody.close()


def test_where_no_credential_works_none_is_asked_for_again(azure):
    asked = []

    class Nobody:
        def get_token_info(self, *_scopes, **_options):
            asked.append(1)
            raise ClientAuthenticationError("no token for you")

    nobody = Azure(replace(azure._settings, credential=Nobody), azure.subscription, azure.resource_group, 1.0)
    first, second = nobody.disks(), nobody.machines()
    assert first == second == Unknown("Azure accepts no credential: no token for you")
    assert len(asked) == 1
    nobody.close()


def test_what_is_no_answer_of_azure_s_and_what_no_credential_is_made_of_are_unknown(azure):
    group = f"/subscriptions/{azure.subscription}/resourceGroups/{azure.resource_group}"
    assert "answers something else" in azure.node_resource_group(group).because

    def malformed():
        raise ValueError("authority must be https")

    nobody = Azure(replace(azure._settings, credential=malformed), azure.subscription, azure.resource_group)
    assert nobody.disks().because.endswith("authority must be https")
    assert nobody.location().because.endswith("authority must be https")


def test_provider_ids_and_ids_are_compared_without_case():
    machine = "/providers/Microsoft.Compute/virtualMachineScaleSets/v/virtualMachines/0"
    assert place(f"azure:///subscriptions/S/resourceGroups/mc_g{machine}") == ("S", "mc_g")
    assert place("aws:///i-1") is None
    assert same("/Subscriptions/S/", "/subscriptions/s")


def test_a_retry_is_said_before_it_is_made(on_lab, lab):
    said = []
    connection = connect(on_lab, said.append)
    faults_client.switch_on(lab, "throttled", "", 1.0)
    try:
        location = connection.azure.location()
    finally:
        faults_client.switch_off(lab, "throttled", "")
        connection.close()
    assert isinstance(location, Unknown)
    assert [line for line in said if line.startswith("Azure")] == [
        f"Azure answers 429; again in 1.0 s (try {attempt})" for attempt in (2, 3, 4)
    ]
