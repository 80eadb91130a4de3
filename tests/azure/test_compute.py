"""Azure's calls against the lab, through the SDK: typed values, one disk, and Unknown instead of exceptions."""

import re
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import pytest
import requests
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from aksdisks.azure.calls import SignIn, failed
from aksdisks.azure.compute import Azure, place, same
from aksdisks.errors import StillUnknown
from aksdisks.inspection.connection import connect
from aksdisks.lab.faults import client
from aksdisks.model import NoCredential, Unknown
from aksdisks.waiting import wait


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


def test_where_no_credential_works_none_is_asked_for_again_at_once(azure):
    asked = []

    class Nobody:
        def get_token_info(self, *_scopes, **_options):
            asked.append(1)
            raise ClientAuthenticationError("no token for you")

    nobody = Azure(replace(azure._settings, credential=Nobody), azure.subscription, azure.resource_group, 1.0)
    first, second = nobody.disks(), nobody.machines()
    assert first == second == Unknown("Azure accepts no credential: no token for you; next: az login")
    assert len(asked) == 1
    nobody.close()


def test_what_is_no_answer_of_azure_s_and_what_no_credential_is_made_of_are_unknown(azure):
    group = f"/subscriptions/{azure.subscription}/resourceGroups/{azure.resource_group}"
    assert "answers something else" in azure.node_resource_group(group).because

    def malformed():
        raise ValueError("authority must be https")

    nobody = Azure(replace(azure._settings, credential=malformed), azure.subscription, azure.resource_group)
    why = "Azure accepts no credential: authority must be https; next: env | grep AZURE_"
    assert nobody.disks() == nobody.location() == NoCredential(why)


def test_provider_ids_and_ids_are_compared_without_case():
    machine = "/providers/Microsoft.Compute/virtualMachineScaleSets/v/virtualMachines/0"
    assert place(f"azure:///subscriptions/S/resourceGroups/mc_g{machine}") == ("S", "mc_g")
    assert place("aws:///i-1") is None
    assert same("/Subscriptions/S/", "/subscriptions/s")


def test_a_retry_is_said_before_it_is_made(on_lab, lab):
    said = []
    connection = connect(on_lab, said.append)
    client.switch_on(lab, "throttled", "", 1.0)
    try:
        location = connection.azure.location()
    finally:
        client.switch_off(lab, "throttled", "")
        connection.close()
    assert isinstance(location, Unknown)
    assert [line for line in said if line.startswith("Azure")] == [
        f"Azure answers 429; again in 1.0 s (try {attempt})" for attempt in (2, 3, 4)
    ]


def test_a_refused_sign_in_passes(azure, monkeypatch):
    real, tries = azure._settings.credential(), []

    class Sometimes:
        def get_token_info(self, *scopes, **options):
            tries.append(1)
            if len(tries) == 1:
                raise ClientAuthenticationError("not yet")
            return real.get_token_info(*scopes, **options)

    monkeypatch.setattr("aksdisks.azure.calls._REMEMBERED", 0.0)
    later = Azure(replace(azure._settings, credential=Sometimes), azure.subscription, azure.resource_group)
    assert isinstance(later.location(), Unknown)
    assert (later.location(), later.unknown) == ("westeurope", None)
    assert len(later.machines()) == 3
    later.close()


@pytest.mark.parametrize("defect", [TypeError, LookupError, ValueError, AttributeError])
def test_a_defect_of_ours_is_no_answer_of_azure_s(azure, monkeypatch, defect):
    def broken(_raw):
        raise defect("ours")

    monkeypatch.setattr("aksdisks.azure.compute.Machine.of", broken)
    with pytest.raises(defect, match="ours"):
        azure.machines()


@pytest.mark.parametrize(
    "page",
    [b"<html>Sign in to the proxy</html>", b"[]", b"{}", b'{"value": {}}', b'{"value": [{"id": "/x", "name": "d"}]}'],
)
def test_a_page_of_somebody_else_s_is_unknown(azure, page):
    class Proxy(HTTPAdapter):
        def send(self, request, **_options):
            answer = requests.Response()
            answer.request, answer.status_code, answer.raw = request, 200, HTTPResponse(BytesIO(page))
            answer.headers["Content-Type"] = "text/html" if page.startswith(b"<") else "application/json"
            return answer

    class Anybody:
        def get_token_info(self, *_scopes, **_options):
            return AccessTokenInfo("token", 2**40)

    session = requests.Session()
    session.mount("https://", Proxy())
    transport = {"transport": RequestsTransport(session=session, session_owner=False)}
    settings = replace(azure._settings, credential=Anybody, transport=transport)
    caught = Azure(settings, azure.subscription, azure.resource_group)
    region = "westeurope"
    looks = (caught.disks(), caught.machines(), caught.location(), caught.quotas(region), caught.offered_disks(region))
    for answer in looks:
        assert answer.because.startswith("Azure answers something else: "), answer
    caught.close()


@pytest.mark.parametrize(
    ("variables", "because"),
    [
        pytest.param(
            {"AZURE_CLIENT_SECRET": "wrong"},
            r"Azure accepts no credential: AADSTS7000215: Invalid client secret provided\.[^\n]*; "
            r"next: az ad app credential reset --id \$AZURE_CLIENT_ID, its password into AZURE_CLIENT_SECRET",
            id="a wrong secret",
        ),
        pytest.param(
            {"AZURE_CLIENT_ID": "9f1d6bd8-5c0e-4f0e-8b8e-2f6d6f3c3c11"},
            r"Azure accepts no credential: AADSTS700016: Application with identifier[^\n]*; next: az ad sp show .*",
            id="no such application",
        ),
        pytest.param(
            {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": ""},
            r"Azure accepts no credential: AzureCliCredential: Azure CLI not found on path; next: az login",
            id="nothing to sign in with",
        ),
    ],
)
def test_a_refused_sign_in_is_one_line_with_its_cause_and_the_next_command(
    as_aks, monkeypatch, capsys, variables, because
):
    parameters = as_aks()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    connection = connect(parameters)
    answer = connection.azure.location()
    connection.close()
    assert re.fullmatch(because, answer.because), answer.because
    assert answer.lasting
    assert ("Trace ID" in answer.because, capsys.readouterr().err) == (False, "")


@pytest.mark.parametrize(
    ("message", "lasting"),
    [
        ("Attempted credentials:\n\tFirst: not configured\n\tLast: not found on path\nSee https://aka.ms/x", True),
        ("Attempted credentials:\n\tFirst: Failed to establish a new connection", False),
        ("Attempted credentials:\n\tFirst: not configured\n\tLast: the connection timed out", False),
        ("\tFirst: AADSTS7000222: The provided client secret keys for app 'x' are expired.", True),
        ("\tFirst: AADSTS90033: A transient error has occurred. Please try again.", False),
    ],
)
def test_a_refusal_is_lasting_where_entra_names_a_mistake_or_nothing_is_set_up(message, lasting):
    first, last = type("First", (), {})(), type("Last", (), {})()

    def refuse(*_scopes, **_options):
        raise ClientAuthenticationError(message)

    sign_in = SignIn(lambda: SimpleNamespace(credentials=(first, last), get_token_info=refuse))
    with pytest.raises(ClientAuthenticationError):
        sign_in.get_token_info("scope")
    assert sign_in.lasting is lasting


def test_a_call_ends_with_the_wait_around_it(azure, lab, monkeypatch):
    monkeypatch.setattr("aksdisks.waiting._SHORTEST_CALL", 0.5)
    client.switch_on(lab, "throttled", "", 1.0)  # with Retry-After: 1
    try:
        said = []
        azure._progress = said.append
        with pytest.raises(StillUnknown):
            wait("disks", azure.follow_disks(), lambda _: False, seconds=0.5)
    finally:
        client.switch_off(lab, "throttled", "")
    assert said == []


def test_a_machine_that_is_not_there_is_neither_stopped_nor_started(azure, lab):
    group = f"/subscriptions/{lab.subscription_id}/resourceGroups/{lab.node_resource_group}"
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/nobody"
    for answer in (azure.stop(machine), azure.start(machine), next(azure.follow_machine(machine))):
        assert isinstance(answer, Unknown) and "ResourceNotFound" in answer.because, answer


def test_one_disk_is_read_by_its_id_in_whatever_case_and_one_that_is_gone_is_none(azure):
    known = azure.disks()[0]
    assert azure.disk(known.id) == azure.disk(known.id.upper()) == known
    assert azure.disk(f"{known.id}-gone") is None
    assert azure.disk(known.id.replace(known.resource_group, "nowhere")) is None
    for id_ in ("", "https://account.blob.core.windows.net/vhds/data.vhd", known.managed_by, f"{known.id}/more"):
        assert azure.disk(id_) == Unknown(f"{id_!r} is no id of a managed disk")
        assert azure.snapshot(id_) == Unknown(f"{id_!r} is no id of a snapshot")
    assert azure.snapshot(known.id.replace("/disks/", "/snapshots/")) is None
    hidden = azure.disk(known.id.replace(azure.subscription, "00000000-0000-0000-0000-000000000000"))
    assert isinstance(hidden, Unknown), "of a subscription that one may not see nothing is known to be gone"


def test_the_cluster_s_name_and_snapshots_are_the_node_resource_group_s(azure, lab):
    assert (azure.cluster_name(), azure.snapshots()) == (lab.cluster_name, ())
    other = Azure(azure._settings, azure.subscription, "MC_nowhere", 1.0)
    assert "ResourceGroupNotFound" in other.cluster_name().because
    other.close()


@pytest.fixture
def other(azure):
    """A client of its own."""
    made = Azure(azure._settings, azure.subscription, azure.resource_group)
    yield made
    made.close()


@contextmanager
def sent(monkeypatch):
    """The methods and paths of requests, those of retries too."""
    seen, send = [], HTTPAdapter.send

    def noted(self, request, **options):
        seen.append(f"{request.method} {request.path_url.partition('?')[0]}")
        return send(self, request, **options)

    with monkeypatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", noted)
        yield seen


@pytest.mark.parametrize(
    ("fault", "object", "status", "code"),
    [
        ("throttled", "", 429, "OperationNotAllowed"),
        ("server-errors", "server/azure", 500, "InternalServerError"),
    ],
)
def test_a_change_is_asked_for_once_whatever_azure_answers(other, lab, monkeypatch, fault, object, status, code):
    id_ = f"{other.group}/providers/Microsoft.Compute/disks/nobody-s"
    client.switch_on(lab, fault, object, 1.0)
    try:
        with sent(monkeypatch) as seen:
            answer = other.act("DELETE", id_)
    finally:
        client.switch_off(lab, fault, object)
    assert [line for line in seen if line.startswith("DELETE")] == [f"DELETE {id_}"]
    assert (answer.status, answer.accepted, answer.lasting) == (status, False, False) and code in answer.says


def test_a_change_that_azure_refuses_would_be_refused_again(other):
    id_ = f"{other.group}/providers/Microsoft.Compute/disks/nobody-s"
    assert other.act("DELETE", id_).accepted  # there is none of that name
    wrong = other.act("PUT", id_, {"location": "nowhere"})
    assert (wrong.status, wrong.lasting) == (400, True) and wrong.code in wrong.says


def test_a_change_without_an_answer_may_have_begun(other, monkeypatch):
    def lost(*_given, **_options):
        raise requests.exceptions.ConnectionError("reset")

    assert other.location() == "westeurope"  # signed in before the connection is lost
    monkeypatch.setattr(HTTPAdapter, "send", lost)
    answer = other.act("DELETE", f"{other.group}/providers/Microsoft.Compute/disks/x")
    assert isinstance(answer, Unknown) and "does not answer" in answer.because and not answer.lasting


def test_what_is_not_there_is_told_from_what_nobody_says(other):
    group = f"{other.group}/providers/Microsoft.Compute"
    assert other.find(f"{group}/disks/nobody-s") is None
    assert next(other.follow(f"{group}/snapshots/nobody-s")) == ()
    elsewhere = group.replace(other.subscription, "00000000-0000-0000-0000-000000000000")
    assert isinstance(other.find(f"{elsewhere}/disks/x"), Unknown)
    (disk, *_) = other.disks()
    assert other.find(disk.id.upper().replace("SUBSCRIPTIONS", "subscriptions"))["name"] == disk.name


def test_why_an_operation_failed_is_asked_of_azure_alone(other, monkeypatch):
    with sent(monkeypatch) as seen:
        assert other.failure("https://elsewhere/operations/1") == other.failure("") == ""
    assert seen == []
    url = f"{other._settings.arm_endpoint}/subscriptions/{other.subscription}/providers/Microsoft.Compute/locations"
    assert other.failure(f"{url}/westeurope/DiskOperations/none?api-version=2023-10-02") == ""


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"status": "Failed", "error": {"code": "Conflict", "message": "later"}}', "Azure answers Conflict: later"),
        (b'{"status": "InProgress"}', ""),
        (b'{"status": "Succeeded", "error": {"code": "x"}}', ""),
        (b"<html>", ""),
        (b"[]", ""),
    ],
)
def test_only_a_failed_operation_has_failed(content, why):
    assert failed(SimpleNamespace(content=content)) == why
