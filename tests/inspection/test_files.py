"""What is asked of Azure about shares: accounts that volumes name, here and elsewhere, and what may not be read."""

from datetime import UTC, datetime

import pytest

from aksdisks.inspection.files import read_files
from aksdisks.model import AzureFiles, FileShare, NotPermitted, ShareSource, StorageAccount, Unknown

pytestmark = pytest.mark.quick

REFUSED = NotPermitted("Azure answers AuthorizationFailed: no")
A1, A2 = (StorageAccount(id=f"/accounts/{name}", name=name) for name in ("a1", "a2"))
DOCS = FileShare(id="/accounts/a1/docs", name="docs", account="a1", quota_gib=5)


class Asked:
    """An Azure that notes what it is asked."""

    subscription, resource_group, unknown = "s", "mc_g", None

    def __init__(self, accounts=(A1, A2), shares=(DOCS,), elsewhere=None):
        self.accounts, self.shares, self.elsewhere, self.asked = accounts, shares, elsewhere, []

    def storage_accounts(self):
        self.asked.append("accounts")
        return self.accounts

    def storage_account(self, id_):
        self.asked.append(id_)
        return self.elsewhere

    def file_shares(self, account, *, deleted):
        self.asked.append(account.name)
        self.deleted = deleted
        return self.shares


def source(account="a1", share="docs", group="MC_g", **more):
    return ShareSource(account=account, share=share, resource_group=group, **more)


def test_without_a_volume_that_names_a_share_nothing_is_asked():
    azure = Asked()
    assert read_files(azure, [ShareSource()]) == AzureFiles() and azure.asked == []


def test_only_the_accounts_that_volumes_name_are_asked_for_their_shares_unless_all_are_wanted():
    azure = Asked()
    found = read_files(azure, [source(), source(share="gone")])
    assert azure.asked == ["accounts", "a1"]
    assert (found.share(source()), found.share(source(share="gone")), found.account("A1")) == (DOCS, None, A1)
    assert isinstance(found.share(source("a2")), Unknown) and found.account("a3") is None
    assert read_files(azure, [], everything=True).share(source("a2")) is None
    assert sorted(azure.asked[2:]) == ["a1", "a2", "accounts"]


@pytest.mark.parametrize(
    ("wanted", "answer", "id_"),
    [
        (source("x1", group="other"), A1, "/subscriptions/s/resourceGroups/other"),
        (source("x1", subscription="t"), None, "/subscriptions/t/resourceGroups/MC_g"),
        (source("x1", group="other"), REFUSED, "/subscriptions/s/resourceGroups/other"),
    ],
)
def test_an_account_elsewhere_is_asked_for_by_its_id(wanted, answer, id_):
    azure = Asked(elsewhere=answer)
    found = read_files(azure, [wanted, source("x1", group="")])
    assert f"{id_}/providers/Microsoft.Storage/storageAccounts/x1" in azure.asked
    assert found.account("x1") == answer


def test_an_account_is_gone_only_where_the_group_is_known_and_could_be_read():
    found = read_files(Asked(), [source("x1")])
    assert found.account("x1") is None and found.share(source("x1")) is None and found.unread == {}
    nobody_says = read_files(Asked(), [source("x1", group="")])
    assert "no volume tells in which it is" in nobody_says.account("x1").because
    refused = read_files(Asked(accounts=REFUSED), [source()])
    assert refused.account("a1") == refused.share(source()) == REFUSED
    assert refused.unread == {"Azure's storage accounts": REFUSED.because}
    off = Asked(accounts=Unknown("azure is off"))
    off.unknown = off.accounts
    assert read_files(off, [source(group="other")]).account("a1") == off.unknown and off.asked == ["accounts"]


def test_shares_that_may_not_be_read_are_unknown():
    found = read_files(Asked(shares=REFUSED), [source()])
    assert found.share(source()) == REFUSED and found.account("a1") == A1
    assert found.unread == {"the shares of storage account a1": REFUSED.because}
    assert isinstance(found.share(ShareSource(account="a1")), Unknown)


def test_shares_that_can_be_restored_are_told_apart_and_asked_for_where_volumes_name_their_accounts():
    moments = [datetime(2026, 11, day, tzinfo=UTC) for day in (20, 25)]
    gone = [
        FileShare(name="docs", account="a1", deleted=moment, days_left=3, version=str(moment)) for moment in moments
    ]
    azure = Asked(shares=(*gone, FileShare(name="other", account="a1")))
    found = read_files(azure, [source()])
    assert azure.deleted and found.share(source()) is None and found.restorable(source()) == gone[1]
    assert found.restorable(source(share="other")) is None
    read_files(azure, [source()], everything=True)
    assert not azure.deleted
