"""What the lab's API says is wrong with an object or a change, one line for each field."""

from __future__ import annotations

import asyncio

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


async def _prepared() -> KubeApi:
    api = KubeApi(Store(), Clock(), Ids(1))
    await api.create("namespaces", {"metadata": {"name": "default"}})
    await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
    return api


def of_new(resource: str, obj: Object) -> list[str]:
    """What is wrong with a new object; empty when it is taken."""

    async def test() -> list[str]:
        api = await _prepared()
        try:
            await api.create(resource, obj)
        except ApiError as refusal:
            return _lines(refusal)
        return []

    return asyncio.run(test())


def of_change(
    resource: str, base: Object, change: Object, *before: Object, subresource: str | None = None
) -> list[str]:
    """What is wrong with a merge patch; `before`: patches of the status that come first."""

    async def test() -> list[str]:
        api = await _prepared()
        name = base["metadata"]["name"]
        await api.create(resource, base)
        for status in before:
            await api.patch(resource, name, {"status": status}, subresource="status")
        try:
            await api.patch(resource, name, change, subresource=subresource)
        except ApiError as refusal:
            return _lines(refusal)
        return []

    return asyncio.run(test())


def _lines(refusal: ApiError) -> list[str]:
    assert refusal.code == 422, refusal.message
    assert refusal.details is not None
    return [f"{cause['field']}: {cause['message']}" for cause in refusal.details["causes"]]
