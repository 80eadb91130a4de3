"""The page of the ownership table as text: it fetches nothing, escapes all, and stays small however many disks."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from aksdisks.model import Unknown
from aksdisks.views.ownership import OwnershipTable
from aksdisks.views.ownership_page import FIRST, bars, chain, page
from tests.owned import HOSTILE, SHARES, owned, ownership, price, used
from tests.world import pod


def made(unseen: Any = None, namespace: str | None = None, **parts: Any) -> str:
    return page(ownership(**parts), namespace=namespace, target="https://api:443", unseen=unseen or {})


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text between the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.read = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.read += data


def test_the_page_fetches_nothing_and_only_its_own_script_may_run() -> None:
    text = made()
    found = Elements(text)
    assert not [tag for tag, has in found.all if {"src", "href", "srcset", "action", "data"} & has.keys()]
    assert not [tag for tag, has in found.all if any(name.startswith("on") for name in has)]
    assert "url(" not in text and "@import" not in text
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [has["content"] for tag, has in found.all if has.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none';") and f"script-src 'sha256-{hashed}'" in policy


def test_shares_are_a_table_with_their_chains_only_where_there_are_some() -> None:
    assert 'id="shares"' not in made() and "Shares" not in made()
    text = made(shares=SHARES)
    (table,) = re.findall('<table class="rows" id="shares".*?</table>', text, re.DOTALL)
    assert re.findall('<th scope="row">(.*?)</th>', table) == ["pvc-2", "docs"]
    links = re.findall("<i>(.*?)</i> <b>(.*?)</b>", table.partition("docs</th>")[2])
    assert [kind for kind, _ in links] == ["pod", "pod", "claim", "volume", "share", "account"]
    assert [name for _, name in links] == ["web-0", "web-1", "docs", "pvc-docs", "docs", "f1"]
    assert "5 GiB" in table and "<dt>protocol<dd>SMB" in table
    off = made(shares=Unknown("azure is off"), unseen={"Azure's storage accounts": "azure is off"})
    assert "storage accounts: azure is off" in off and "None were seen" in off


def test_names_of_others_are_text() -> None:
    space = f"{HOSTILE}\x00\x1b[2J"
    hostile = owned("x", "foreign", space, space=space, workload=HOSTILE)
    text = made(disks=(hostile,), without_disk=((HOSTILE, HOSTILE),), unseen={HOSTILE: HOSTILE})
    found = Elements(text)
    tags = [tag for tag, _ in found.all]
    assert (tags.count("script"), tags.count("img")) == (1, 0)
    assert found.read.count(HOSTILE) >= 6
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


def test_every_fact_of_a_disk_stands_on_the_page() -> None:
    read = Elements(made()).read
    (row,) = [row for row in OwnershipTable(ownership()).disks.rows if row["name"] == "pvc-data"]
    for name in ("because", "sku", "tier", "iops", "mbps", "machine", "node", "claim", "pod", "workload", "id"):
        assert str(row[name]) in read, name
    for said in ("Attached", "25 GiB", "5.28 USD", "unknown, because the list has no price of Odd_LRS",
                 "Azure answers 403 AuthorizationFailed", "it is Pending", "Read at 2026-11-23 04:25 UTC"):  # fmt: skip
        assert said in read, said


def test_a_page_of_one_namespace_says_so() -> None:
    assert "Only what belongs to claims of namespace shop." in Elements(made(namespace="shop")).read
    assert "Only what belongs" not in made()


def test_the_chain_has_every_pod_and_what_they_share() -> None:
    both = tuple(pod(name, 0, claim="data", namespace="shop") for name in ("one", "two"))
    links = [(link.kind, link.name) for link in chain(used("data", 0, pods=both))]
    assert links == [("pod", "one"), ("pod", "two"), ("claim", "data"), ("volume", "pvc-data"), ("disk", "pvc-data"),
                     ("machine", "vm_0")]  # fmt: skip
    without = replace(used("data", 0), lun=None)  # the disk that a machine starts from has none
    assert [link.state for link in chain(without)][-1] == "Standard_DS2_v2"
    assert [link.waits for link in chain(owned("left", "orphan", "left"))] == [True] * 5


def test_the_chart_has_the_dearest_namespaces_first_and_the_rest_in_one_bar() -> None:
    disks = [owned(f"d{n}", "orphan", "left", space=f"s{n:02}", price=price(float(n))) for n in range(1, 16)]
    disks += [owned("k", "kept", "kept", space="s15", price=price(5.0))]
    found = list(bars(OwnershipTable(ownership(disks=tuple(disks), snapshots=())).sums(), "USD"))
    assert [bar.namespace for bar in found] == [f"s{n:02}" for n in range(15, 3, -1)] + ["3 other namespaces"]
    assert found[0].cost == "20.00 USD"
    assert found[0].parts == [("orphan", 0.0, 75.0, "15.00"), ("kept", 75.0, 25.0, "5.00")]
    assert (found[-1].cost, found[-1].parts) == ("6.00 USD", [("orphan", 0.0, 30.0, "6.00")])


def test_what_was_not_seen_stands_at_the_top() -> None:
    text = made(unseen={"Azure's disks": "no right"}, disks=(), snapshots=(), without_disk=(), slots=())
    assert "Not seen: Azure&#x27;s disks: no right" in text
    assert "None were seen." in text and "<figure>" not in text


def test_thousands_of_disks_take_two_kibibytes_each() -> None:
    name = "pvc-01234567-89ab-cdef-0123-456789abcdef"
    disks = tuple(used(f"data-{name}-{number}", 0) for number in range(FIRST + 200))
    text = made(disks=disks)
    assert len(text.encode()) / len(disks) < 2000
    assert text.count('data-verdict="in-use"') == len(disks)
    shown, _, more = text.partition("<template>")
    assert (shown.count('data-verdict="in-use"'), more.count('data-verdict="in-use"')) == (FIRST, 200)
    assert f"first 1,000 of {len(disks):,}" in more
