"""Azure's retail price list of disks, page by page; it is public, so nobody signs in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aksdisks.azure.calls import reported_retries, why
from aksdisks.errors import InputError, NotReachable
from aksdisks.prices import PRODUCTS
from aksdisks.targets.credentials import is_loopback, transport
from aksdisks.waiting import Progress, silent

ENDPOINT = "https://prices.azure.com/api/retail/prices"
"""learn.microsoft.com, "Azure Retail Prices overview": so are the names of parameters and filters."""
_VERSION = "2023-01-01-preview"
# A page has up to 1,000 prices, and all regions together a few thousand of each product.
_MOST_PAGES = 200
_REGION, _CURRENCY = re.compile(r"[a-z0-9]+"), re.compile(r"[A-Z]{3}")


class RetailPrices:
    """A client of the price list. `close` gives its connections back."""

    def __init__(self, endpoint: str = ENDPOINT, progress: Progress = silent) -> None:
        """Raises InputError where the endpoint is none that prices may come from."""
        scheme, host, _ = _origin(endpoint)
        if not host or scheme not in (("http", "https") if is_loopback(endpoint) else ("https",)):
            expected = "an https URL, or an http one of this machine"
            raise InputError(object="the prices' endpoint", expected=expected, found=repr(endpoint))
        self._endpoint = endpoint
        self._progress = progress
        self._pipeline: Any = None

    def read(self, currency: str = "USD", regions: Sequence[str] = ()) -> dict[str, Any]:
        """The prices of disks, snapshots and shares in a document of Azure's shape; of all regions where none is given.

        Raises InputError for a region or a currency that Azure does not have, NotReachable where no answer comes or one
        that is no price list.
        """
        if not _CURRENCY.fullmatch(currency):
            raise InputError(object="currency", expected="three capitals, such as USD", found=repr(currency))
        for region in regions:
            if not _REGION.fullmatch(region):
                raise InputError(object="region", expected="a name such as westeurope", found=repr(region))
        items: list[Any] = []
        for region in dict.fromkeys(regions) or ("",):
            of_region = [item for product in sorted(PRODUCTS) for item in self._items(product, region, currency)]
            if not of_region:
                where = f"{region!r} without a price of a disk" if region else "no price of a disk"
                raise InputError(object="region", expected="one that Azure's price list has", found=where)
            items += of_region
        return {
            "BillingCurrency": currency,
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": items,
            "NextPageLink": None,
            "Count": len(items),
        }

    def close(self) -> None:
        """Give the connections back."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _items(self, product: str, region: str, currency: str) -> Iterator[Any]:
        """The prices of one product: only `eq` and `and`, which is all that the documentation shows of filters."""
        wanted = {"serviceName": "Storage", "productName": product, "priceType": "Consumption"}
        wanted |= {"armRegionName": region} if region else {}
        query = {
            "api-version": _VERSION,
            "currencyCode": f"'{currency}'",
            "$filter": " and ".join(f"{name} eq '{value}'" for name, value in wanted.items()),
        }
        asked = urlencode(query, quote_via=quote, safe="$'")
        link: str | None = f"{self._endpoint}?{asked}"
        seen: set[str] = set()
        while link:
            if link in seen or len(seen) >= _MOST_PAGES:
                found = f"that {len(seen)} of them lead to {link!r}"
                raise NotReachable(object=self._endpoint, expected="pages that come to an end", found=found)
            seen.add(link)
            self._progress(f"{product}{f' in {region}' if region else ''}, page {len(seen)}")
            page = self._page(link)
            yield from page["Items"]
            link = self._next(page.get("NextPageLink"))

    def _next(self, link: Any) -> str | None:
        """The address of the next page; raises NotReachable for one that leads elsewhere."""
        if not link:
            return None
        if not isinstance(link, str) or _origin(link) != _origin(self._endpoint):
            raise NotReachable(object=self._endpoint, expected="a next page of the same host", found=repr(link))
        return link

    def _page(self, url: str) -> dict[str, Any]:
        from azure.core.exceptions import AzureError, HttpResponseError
        from azure.core.rest import HttpRequest

        try:
            response = self._client().send_request(HttpRequest("GET", url))
            if response.status_code != 200:
                raise HttpResponseError(response=response)
        except HttpResponseError as error:
            if error.status_code == 400:  # so the list answers a currency that it does not have
                found = f"that Azure refuses it: {_text(error.response)}"
                raise InputError(object=url, expected="a request for prices", found=found) from error
            raise NotReachable(f"{self._endpoint}: {why(error)}") from error
        except AzureError as error:
            raise NotReachable(f"{self._endpoint}: {why(error)}") from error
        try:
            page = json.loads(response.content)
        except (ValueError, RecursionError):
            page = None
        if not isinstance(page, dict) or not isinstance(page.get("Items"), list):
            raise NotReachable(object=self._endpoint, expected="a page of prices", found=_text(response))
        return page

    def _client(self) -> Any:
        """azure-core's client, without a credential; its packages are imported only where prices are asked for."""
        if self._pipeline is None:
            from azure.core import PipelineClient
            from azure.core.pipeline.policies import UserAgentPolicy

            options = transport(self._endpoint)
            agent: Any = UserAgentPolicy("aksdisks")
            policies = [agent, reported_retries(self._progress, options)]
            self._pipeline = PipelineClient[Any, Any](self._endpoint, policies=policies, **options)
        return self._pipeline


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port; Azure's own links name the port that goes without saying."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _text(response: Any) -> str:
    """The beginning of an answer."""
    return repr(" ".join(response.text().split())[:80])
