"""Azure's retail prices from a server of this machine that answers as the documentation shows, and the command."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from aksdisks.azure import retail_prices
from aksdisks.azure.retail_prices import RetailPrices
from aksdisks.cli.main import app
from aksdisks.errors import InputError, NotReachable
from aksdisks.model import Disk
from aksdisks.prices import PRODUCTS, PriceList
from tests.prices.listing import PREMIUM, STANDARD_HDD, document, item

REGIONS = ("westeurope", "eastus")
LISTED = [
    item(product, meter, price, unit, armRegionName=region, currencyCode="USD")
    for region in REGIONS
    for product, meter, price, unit in (
        (PREMIUM, "P4 LRS Disk", 5.28, "1/Month"),
        (PREMIUM, "P10 LRS Disk", 19.71, "1/Month"),
        (PREMIUM, "P10 LRS Disk Mount", 1.18, "1/Month"),
        (STANDARD_HDD, "LRS Snapshots", 0.05, "1 GB/Month"),
    )
]
A_PAGE = 2
Answer = tuple[int, dict[str, str], bytes]


class PriceServer:
    """Its pages have two items; `answers` may say something else to the n-th request, `asked` are their queries."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, str]] = []
        self.headers: list[Any] = []
        self.answers: Callable[[int, dict[str, str]], Answer | None] = lambda _number, _query: None

    def answer(self, target: str, headers: Any) -> Answer:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append(query)
        self.headers.append(headers)
        return self.answers(len(self.asked), query) or self.page(query)

    def page(self, query: dict[str, str]) -> Answer:
        wanted = dict(part.split(" eq ") for part in query["$filter"].split(" and "))
        found = [
            each
            for each in LISTED
            if each["productName"] == wanted["productName"].strip("'")
            and each["armRegionName"] in wanted.get("armRegionName", each["armRegionName"])
        ]
        skip = int(query.get("$skip", 0))
        more = f"{self.url}?$filter={query['$filter'].replace(' ', '%20')}&$skip={skip + A_PAGE}"
        following = more if len(found) > skip + A_PAGE else None
        body = document(*found[skip : skip + A_PAGE], BillingCurrency="USD", NextPageLink=following)
        return 200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(body).encode()


@pytest.fixture
def server() -> Iterator[PriceServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = listed.answer(self.path, self.headers)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        listed = PriceServer(f"http://127.0.0.1:{http.server_port}/api/retail/prices")
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield listed
        http.shutdown()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client would have waited before it asked again."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def client(server: PriceServer) -> Iterator[RetailPrices]:
    opened = RetailPrices(server.url)
    yield opened
    opened.close()


def test_all_pages_of_all_products_make_one_document(client):
    found = client.read("USD", REGIONS)
    assert sorted(map(json.dumps, found["Items"])) == sorted(map(json.dumps, LISTED))
    assert {name: value for name, value in found.items() if name != "Items"} == {
        "BillingCurrency": "USD", "CustomerEntityId": "Default", "CustomerEntityType": "Retail",
        "NextPageLink": None, "Count": len(LISTED),
    }  # fmt: skip


def test_without_regions_all_are_asked_for(server, client):
    assert len(client.read()["Items"]) == len(LISTED)
    assert not any("armRegionName" in query["$filter"] for query in server.asked)


def test_what_is_asked_for_is_in_the_words_of_the_documentation_and_without_a_credential(server, client):
    client.read("EUR", ["eastus"])
    first = [query for query in server.asked if "$skip" not in query]
    assert first == [
        {
            "api-version": "2023-01-01-preview",
            "currencyCode": "'EUR'",
            "$filter": f"serviceName eq 'Storage' and productName eq '{product}' and priceType eq 'Consumption' "
            "and armRegionName eq 'eastus'",
        }
        for product in sorted(PRODUCTS)
    ]
    assert not any(headers.get("Authorization") for headers in server.headers)


def test_a_throttled_request_is_made_again_when_azure_says(server, pauses):
    said: list[Any] = []
    server.answers = lambda number, _query: (429, {"Retry-After": "7"}, b"") if number == 1 else None
    client = RetailPrices(server.url, said.append)
    assert len(client.read()["Items"]) == len(LISTED)
    client.close()
    assert pauses == [7.0]
    assert "Azure answers 429; again in 7.0 s (try 2)" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [((500, {}, b"out of order"), "Azure answers HTTP 500"),
     ((404, {}, b""), "Azure answers HTTP 404"),
     ((302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""), "Azure answers HTTP 302"),
     ((200, {}, b"<html>Sign in to the network</html>"),
      "expected a page of prices, found '<html>Sign in to the network</html>'"),
     ((200, {}, b'{"Items": 3}'), "expected a page of prices, found '{\"Items\": 3}'"),
     ((200, {}, b"[" * 100_000), "expected a page of prices"),
     ((200, {}, json.dumps(document(NextPageLink="https://elsewhere.example/")).encode()),
      "expected a next page of the same host, found 'https://elsewhere.example/'"),
     ((200, {}, json.dumps(document(NextPageLink=["x"])).encode()), "expected a next page of the same host"),
     ((200, {}, json.dumps(document(NextPageLink="https://[x")).encode()), "expected a next page of the same host")],
    ids=["500", "404", "elsewhere", "a page of HTML", "no items", "too deep", "another host", "no link", "no URL"],
)  # fmt: skip
def test_what_is_no_price_list_is_said(server, client, pauses, answer, said):
    server.answers = lambda _number, _query: answer
    with pytest.raises(NotReachable) as refused:
        client.read()
    assert refused.value.message.startswith(server.url) and said in refused.value.message
    assert bool(pauses) == (answer[0] == 500)


def test_a_refused_currency_is_bad_input_in_azures_words(server, client):
    server.answers = lambda _number, _query: (400, {}, b'{"Error":{"Message":"Invalid currency"}}')
    with pytest.raises(InputError, match=r"Azure refuses it: .*Invalid currency"):
        client.read("XYZ")


@pytest.mark.parametrize("ever", ["the same", "another"])
def test_pages_without_an_end_come_to_one(server, client, monkeypatch, ever):
    monkeypatch.setattr(retail_prices, "_MOST_PAGES", 5)

    def answers(number: int, _query: dict[str, str]) -> Answer:
        link = f"{server.url}?n={0 if ever == 'the same' else number}"
        return 200, {}, json.dumps(document(NextPageLink=link)).encode()

    server.answers = answers
    with pytest.raises(NotReachable, match=r"expected pages that come to an end, found that [1-5] of them lead to"):
        client.read()
    assert len(server.asked) <= 5


@pytest.mark.parametrize(
    ("currency", "regions", "said"),
    [("usd", [], "currency: expected three capitals, such as USD, found 'usd'"),
     ("USD", ["west' or 1 eq 1"], "region: expected a name such as westeurope, found \"west' or 1 eq 1\""),
     ("USD", ["westeuropa"], "region: expected one that Azure's price list has, found 'westeuropa' without a price")],
)  # fmt: skip
def test_what_azure_does_not_have_is_named(client, currency, regions, said):
    with pytest.raises(InputError) as refused:
        client.read(currency, regions)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("url", ["http://prices.example/", "ftp://127.0.0.1/", "prices", "", "https://[x"])
def test_an_endpoint_that_could_be_anybodys_is_refused(url):
    with pytest.raises(InputError, match="expected an https URL, or an http one of this machine"):
        RetailPrices(url)


def test_the_ports_that_go_without_saying_are_the_same_host():
    one, other = "https://prices.azure.com:443/api/retail/prices?$skip=1000", retail_prices.ENDPOINT
    assert RetailPrices(other)._next(one) == one


def update(server: PriceServer, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["prices", "update", *arguments], env={"AKSDISKS_PRICES_ENDPOINT": server.url})


def test_the_command_writes_a_file_that_prices_disks(server, tmp_path):
    path = tmp_path / "prices.json"
    path.write_text("what was before")
    done = update(server, "--region", "West Europe", "-o", str(path))
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == f"{path}: 3 prices of 1 regions, USD"
    assert PriceList.read(path).disk(Disk(sku="Premium_LRS", size_gib=25, location="westeurope")).a_month == 5.28
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["--region", "westeuropa"], 2, "region: expected one that Azure's price list has, found 'westeuropa'"),
     (["--currency", "euros"], 2, "currency: expected three capitals"),
     (["--endpoint", "http://prices.example/"], 2, "the prices' endpoint: expected an https URL"),
     (["-o", "{dir}/absent/prices.json"], 2, "--output: expected a file in a folder that exists"),
     (["-o", "{dir}"], 2, "--output: expected a file in a folder that exists"),
     (["--currency", "EUR"], 2, "Azure's price list: expected prices in one currency, found \"EUR\", \"USD\"")],
)  # fmt: skip
def test_the_command_refuses_bad_input_in_a_line_and_writes_nothing(server, tmp_path, arguments, code, said):
    (tmp_path / "prices.json").write_text("what was before")
    arguments = [each.format(dir=tmp_path) for each in arguments]
    done = update(server, "-o", str(tmp_path / "prices.json"), *arguments)
    assert (done.exit_code, said in done.stderr.splitlines()[-1]) == (code, True), done.output
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"prices.json": "what was before"}


@pytest.fixture
def heeds_sigint():
    """A job that a script starts in the background ignores SIGINT, and so would these tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("pauses", "heeds_sigint")
@pytest.mark.parametrize("by", ["an error", "Ctrl-C"])
def test_what_ends_between_two_pages_leaves_the_file_as_it_was(server, tmp_path, by):
    path = tmp_path / "prices.json"
    path.write_text("what was before")

    def answers(number: int, _query: dict[str, str]) -> Answer | None:
        if number < 3:
            return None
        if by == "Ctrl-C":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return 503, {}, b""

    server.answers = answers
    done = update(server, "-o", str(path))
    assert done.exit_code == (130 if by == "Ctrl-C" else 3)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"prices.json": "what was before"}
