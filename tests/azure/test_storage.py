"""Storage accounts and shares over azure-core's pipeline, from answers in the shape of Azure's own examples."""

import json
from io import BytesIO

import pytest
import requests
from azure.core.credentials import AccessTokenInfo
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from aksdisks.azure.compute import Azure
from aksdisks.model import FileShare, NotPermitted, StorageAccount, Unknown
from aksdisks.targets.credentials import AzureSettings

pytestmark = pytest.mark.quick

GROUP = "/subscriptions/s/resourceGroups/MC_disks_article_westeurope"
ACCOUNTS = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
ACCOUNT = f"{ACCOUNTS}/f1"
SHARES = f"{ACCOUNT}/fileServices/default/shares"


def share(name: str, **properties):
    return {"id": f"{SHARES}/{name}", "name": name, "properties": properties}


def account(name: str, kind: str = "StorageV2"):
    return {"id": f"{ACCOUNTS}/{name}", "name": name, "kind": kind, "sku": {"name": "Standard_LRS"}, "properties": {}}


class Anybody:
    def get_token_info(self, *_scopes, **_options):
        return AccessTokenInfo("token", 2**40)


@pytest.fixture
def azure_of():
    """A client whose Azure answers by path and query: a document, or a status and a code."""
    made, asked = [], []

    def make(answers):
        class Canned(HTTPAdapter):
            def send(self, request, **_options):
                asked.append(f"{request.method} {request.path_url}")
                path, _, query = request.path_url.partition("?")
                found = answers.get(f"{path}?{query}", answers.get(path, (404, "ResourceNotFound")))
                status, body = (200, found) if isinstance(found, dict) else (found[0], {"error": {"code": found[1]}})
                answer = requests.Response()
                answer.request, answer.status_code = request, status
                answer.raw = HTTPResponse(BytesIO(json.dumps(body).encode()), preload_content=False)
                answer.headers["Content-Type"] = "application/json"
                return answer

        session = requests.Session()
        session.mount("https://", Canned())
        transport = {"transport": RequestsTransport(session=session, session_owner=False), "retry_total": 0}
        made.append(Azure(AzureSettings("https://arm", Anybody, transport), "s", GROUP.rpartition("/")[2]))
        return made[-1], asked

    yield make
    for each in made:
        each.close()


def test_accounts_and_their_shares_are_listed_in_pages_and_no_key_is_asked_for(azure_of):
    azure, asked = azure_of(
        {
            ACCOUNTS: {"value": [account("f2"), account("f1")]},
            SHARES: {"value": [share("b")], "nextLink": f"https://arm{SHARES}?$skipToken=1"},
            f"{SHARES}?$skipToken=1": {"value": [share("a", shareQuota=5, metadata={"createdby": "x"})]},
        }
    )
    first, second = azure.storage_accounts()
    assert (first.name, second.name) == ("f1", "f2")
    assert [(each.key, each.quota_gib) for each in azure.file_shares(first)] == [("f1/a", 5), ("f1/b", None)]
    assert all(line.startswith("GET ") and "listKeys" not in line for line in asked) and len(asked) == 3


@pytest.mark.parametrize("kind", ["BlobStorage", "BlockBlobStorage"])
def test_accounts_that_can_have_no_shares_are_not_asked_for_any(azure_of, kind):
    azure, asked = azure_of({})
    assert azure.file_shares(StorageAccount.of(account("b1", kind))) == () and asked == []


def test_what_may_not_be_read_is_unknown_with_its_reason_and_never_none(azure_of):
    azure, _ = azure_of({ACCOUNTS: (403, "AuthorizationFailed"), SHARES: (409, "AccountIsDisabled")})
    accounts, shares = azure.storage_accounts(), azure.file_shares(StorageAccount.of(account("f1")))
    assert isinstance(accounts, NotPermitted) and "AuthorizationFailed" in accounts.because
    assert isinstance(shares, Unknown) and "AccountIsDisabled" in shares.because
    assert isinstance(azure.storage_account(f"{GROUP}/disks/x"), Unknown)
    assert isinstance(azure.file_share(ACCOUNT), Unknown)


def test_one_account_and_one_share_are_found_by_id_and_none_where_azure_says_that_there_is_none(azure_of):
    usage = f"{SHARES}/a?api-version=2023-01-01&$expand=stats"
    azure, _ = azure_of(
        {
            ACCOUNT: account("f1"),
            f"{SHARES}/a": share("a"),
            usage: share("a", shareUsageBytes=7),
            f"{SHARES}/gone": (404, "ShareNotFound"),
            f"{ACCOUNTS}/f9/fileServices/default/shares/a": (404, "ParentResourceNotFound"),
        }
    )
    assert azure.storage_account(ACCOUNT) == StorageAccount.of(account("f1"))
    assert azure.storage_account(f"{ACCOUNTS}/f9") is None
    assert azure.file_share(f"{SHARES}/a") == FileShare.of(share("a"))
    assert azure.file_share(f"{SHARES}/a", usage=True).used_bytes == 7
    assert (
        azure.file_share(f"{SHARES}/gone") is azure.file_share(f"{ACCOUNTS}/f9/fileServices/default/shares/a") is None
    )


def test_shares_that_were_deleted_are_listed_with_what_restores_them_where_they_are_asked_for(azure_of):
    gone = share("a", deleted=True, deletedTime="2026-11-30T11:23:12.5Z", remainingRetentionDays=6, version="01D6")
    azure, asked = azure_of({SHARES: {"value": [gone]}})
    (found,) = azure.file_shares(StorageAccount.of(account("f1")), deleted=True)
    assert (found.name, found.days_left, found.version, bool(found.deleted)) == ("a", 6, "01D6", True)
    assert asked[-1].endswith("$expand=deleted")


def test_a_share_is_changed_in_the_form_that_storage_knows(azure_of):
    azure, asked = azure_of({f"{SHARES}/a": share("a")})
    assert azure.act("PUT", f"{SHARES}/a", {"properties": {"shareQuota": 5}}).accepted
    assert asked == [f"PUT {SHARES}/a?api-version=2023-01-01"]


def test_shares_are_followed_until_one_is_gone_and_one_that_may_not_be_read_is_unknown(azure_of):
    answers = {f"{SHARES}/a": share("a"), f"{SHARES}/b": (404, "ShareNotFound")}
    azure, asked = azure_of(answers)
    looks = azure.follow_shares([f"{SHARES}/a", f"{SHARES}/b"])
    assert [each.name for each in next(looks)] == ["a"]
    answers[f"{SHARES}/b"] = (403, "AuthorizationFailed")
    azure._time_scale = 100.0
    assert isinstance(next(looks), NotPermitted)
    answers[f"{SHARES}/a"] = answers[f"{SHARES}/b"] = (404, "ShareNotFound")
    assert (next(looks), len(asked)) == ((), 6)
