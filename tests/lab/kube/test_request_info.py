"""What a request is about, read off its URL."""

from __future__ import annotations

import pytest

from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.wire.request_info import parse


@pytest.mark.parametrize(
    ("method", "path", "query", "version", "parts", "expected"),
    [
        ("GET", "/api/v1/namespaces/x/pods", {}, "v1", 1, Attributes("list", "pods", "", "x")),
        ("GET", "/api/v1/namespaces/x/pods", {"watch": "1"}, "v1", 1, Attributes("watch", "pods", "", "x")),
        ("GET", "/api/v1/namespaces/x/pods", {"watch": "True"}, "v1", 1, Attributes("watch", "pods", "", "x")),
        ("GET", "/api/v1/namespaces/x/pods", {"watch": "False"}, "v1", 1, Attributes("list", "pods", "", "x")),
        ("GET", "/api/v1/pods", {"fieldSelector": "metadata.name=a"}, "v1", 1, Attributes("list", "pods", name="a")),
        ("DELETE", "/api/v1/namespaces/x/pods", {}, "v1", 1, Attributes("deletecollection", "pods", "", "x")),
        ("HEAD", "/api/v1/namespaces/x/pods/a", {}, "v1", 2, Attributes("get", "pods", "", "x", "a")),
        ("POST", "/api/v1/namespaces/x/pods/a/eviction", {}, "v1", 3,
         Attributes("create", "pods", "", "x", "a", "eviction")),
        ("GET", "/api/v1/namespaces/x/pods/a/log/b", {}, "v1", 4, Attributes("get", "pods", "", "x", "a", "log")),
        ("GET", "/api/v1/namespaces/x", {}, "v1", 2, Attributes("get", "namespaces", "", "x", "x")),
        ("PUT", "/api/v1/namespaces/x/finalize", {}, "v1", 3,
         Attributes("update", "namespaces", "", "x", "x", "finalize")),
        ("GET", "/api/v1/namespaces/x/namespaces/y", {}, "v1", 4,
         Attributes("get", "namespaces", "", "x", "x", "namespaces")),
        ("PATCH", "//apis/apps/v2/namespaces/x/deployments/d/scale/", {}, "v2", 3,
         Attributes("patch", "deployments", "apps", "x", "d", "scale")),
        ("GET", "/apis/apps/v1", {}, "", 0, Attributes("get", path="/apis/apps/v1")),
        ("GET", "/api/v1", {}, "", 0, Attributes("get", path="/api/v1")),
        ("POST", "/version", {}, "", 0, Attributes("post", path="/version")),
        ("GET", "/a/\udcff", {}, "", 0, Attributes("get", path="/a/?")),
    ],
)  # fmt: skip
def test_a_request_is_read_off_its_url(
    method: str, path: str, query: dict[str, str], version: str, parts: int, expected: Attributes
) -> None:
    info = parse(method, path, query)
    assert (info.attributes, info.version, len(info.parts)) == (expected, version, parts)
