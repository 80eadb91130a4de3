"""What is on the wire beside the objects: identity, media types, forms, watches, discovery; no rules of kinds."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aksdisks.lab import tls
from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire

CONFIG_MAPS = "/api/v1/namespaces/wire/configmaps"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


@pytest.fixture(scope="module")
def wire(lab: LabState) -> Iterator[Wire]:
    wire = Wire(lab)
    assert wire("POST", "/api/v1/namespaces", {"metadata": {"name": "wire"}}).status == 201
    yield wire
    wire("DELETE", "/api/v1/namespaces/wire")


@pytest.fixture
def config_map(wire: Wire) -> Iterator[dict[str, Any]]:
    body = {"metadata": {"name": "one", "labels": {"app": "wire"}}, "data": {"key": "value"}}
    yield wire("POST", CONFIG_MAPS, body).json()
    wire("DELETE", f"{CONFIG_MAPS}/one")


@pytest.mark.parametrize("path", ["/version", "/healthz", "/api", "/openapi/v3", CONFIG_MAPS, "/nowhere"])
def test_a_wrong_token_gets_nothing(wire: Wire, path: str) -> None:
    answer = wire("GET", path, headers={"Authorization": "Bearer wrong"})
    assert (answer.status, answer.json()["reason"], answer.json()["message"]) == (401, "Unauthorized", "Unauthorized")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic YTpi", "nonsense"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/version", 200), ("/healthz", 200), ("/api", 403), ("/openapi/v3", 403), (CONFIG_MAPS, 403), ("/nowhere", 403)],
)
def test_nobody_in_particular_sees_what_is_public(wire: Wire, authorization: str, path: str, status: int) -> None:
    answer = wire("GET", path, headers={"Authorization": authorization})
    assert answer.status == status
    assert status == 200 or 'User "system:anonymous" cannot' in answer.json()["message"]


def test_the_client_certificate_is_enough(lab: LabState, tmp_path: Path) -> None:
    wire = Wire(lab)
    for name in ("client-certificate-data", "client-key-data"):
        (tmp_path / name).write_bytes(base64.b64decode(wire.user[name]))
    wire.context.load_cert_chain(tmp_path / "client-certificate-data", tmp_path / "client-key-data")
    answer = wire(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, {"Authorization": "Bearer not-asked"}
    )
    user = answer.json()["status"]["userInfo"]
    assert user.pop("extra")["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")
    assert user == {"username": "aksdisks-admin", "groups": ["system:masters", "system:authenticated"]}


def test_a_stranger_s_certificate_is_refused_by_tls(lab: LabState, tmp_path: Path) -> None:
    stranger = tls.issue().admin
    (tmp_path / "crt").write_bytes(stranger.certificate)
    (tmp_path / "key").write_bytes(stranger.key)
    wire = Wire(lab)
    wire.context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire("GET", "/version")


@pytest.mark.parametrize(
    ("accept", "status", "media_type", "kind"),
    [
        ("", 200, "application/json", "ConfigMap"),
        ("*/*", 200, "application/json", "ConfigMap"),
        ("application/vnd.kubernetes.protobuf,application/json", 200, "application/json", "ConfigMap"),
        ("application/vnd.kubernetes.protobuf", 406, "application/json", "Status"),
        ("application/yaml", 200, "application/yaml", "ConfigMap"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", 200, "application/json", "Table"),
        ("application/json;as=Table;v=v9;g=meta.k8s.io", 406, "application/json", "Status"),
        ("application/*", 406, "application/json", "Status"),
        ("text/html", 406, "application/json", "Status"),
        ("text/html,application/json;q=0.1", 200, "application/json", "ConfigMap"),
        (
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            200,
            "application/json",
            "PartialObjectMetadata",
        ),
        ("application/json;q=0.5,application/yaml;q=0.9", 200, "application/yaml", "ConfigMap"),
    ],
)
def test_forms_of_an_answer(
    wire: Wire, config_map: dict[str, Any], accept: str, status: int, media_type: str, kind: str
) -> None:
    answer = wire("GET", f"{CONFIG_MAPS}/{config_map['metadata']['name']}", headers={"Accept": accept})
    assert (answer.status, answer.headers.get_content_type()) == (status, media_type)
    assert yaml.safe_load(answer.body)["kind"] == kind


@pytest.mark.parametrize(
    ("include", "embedded"), [("", "PartialObjectMetadata"), ("Object", "ConfigMap"), ("None", None)]
)
def test_a_table_s_rows_embed_what_was_asked_for(
    wire: Wire, config_map: dict[str, Any], include: str, embedded: str | None
) -> None:
    query = f"?includeObject={include}&fieldSelector=metadata.name=one"
    [row] = wire("GET", CONFIG_MAPS + query, headers=TABLE).json()["rows"]
    assert row["cells"][:2] == [config_map["metadata"]["name"], 1]
    assert (row["object"] or {}).get("kind") == embedded


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/yaml", "metadata: {name: two}\ndata: {when: 2019-01-14, at: 10:30, is: =}", 201),
        ("application/json", '{"metadata": {"name": "two"}}', 201),
        ("", '{"metadata": {"name": "two"}}', 201),
        ("application/cbor", "k8s", 415),
        ("application/vnd.kubernetes.protobuf", "k8s", 400),
        ("application/json", "", 400),
        ("application/json", "[1]", 400),
        ("application/yaml", "a: [", 400),
    ],
)
def test_bodies(wire: Wire, content_type: str, body: str, status: int) -> None:
    answer = wire("POST", f"{CONFIG_MAPS}?dryRun=All", body, {"Content-Type": content_type})
    assert answer.status == status, answer.body
    if "when" in body:
        assert answer.json()["data"] == {"when": "2019-01-14", "at": "10:30", "is": "="}


@pytest.mark.parametrize(
    ("method", "query", "content_type", "body", "status", "message"),
    [
        ("PATCH", "", "application/merge-patch+json", "{no", 400,
         "error decoding patch: invalid character 'n' looking for beginning of object key string"),
        ("PATCH", "", "application/strategic-merge-patch+json", "{", 400, "unexpected end of JSON input"),
        ("PATCH", "?fieldManager=m", "application/apply-patch+yaml", "a: [", 400, "error decoding YAML: "),
        ("PATCH", "?fieldManager=m", "application/apply-patch+yaml", "[1]", 400, "error decoding YAML: "),
        ("PATCH", "", "application/apply-patch+yaml", "{}", 422,
         'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'),
        ("PATCH", "?force=true", "application/merge-patch+json", "{}", 422,
         'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'),
        ("DELETE", "?dryRun=Some", "application/json", "", 422,
         'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'),
        ("DELETE", "?propagationPolicy=Some", "application/json", "", 422,
         'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Some": supported values: '
         '"Foreground", "Background", "Orphan", "nil"'),
        ("PUT", "", "application/json", "{}", 400,
         "the name of the object (one based on URL) was undeterminable: name must be provided"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_read(
    wire: Wire, config_map: dict[str, Any], method: str, query: str, content_type: str, body: str, status: int,
    message: str,
) -> None:  # fmt: skip
    path = f"{CONFIG_MAPS}/{config_map['metadata']['name']}{query}"
    answer = wire(method, path, body, {"Content-Type": content_type})
    assert (answer.status, answer.json()["message"][: len(message)]) == (status, message)


def test_a_review_must_ask_something(wire: Wire) -> None:
    answer = wire("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {}})
    assert (answer.status, answer.json()["details"]["causes"][0]["field"]) == (422, "spec.resourceAttributes")


def test_warnings_are_headers(wire: Wire) -> None:
    body = {"metadata": {"name": "three"}, "colour": 'so "red"'}
    answer = wire("POST", f"{CONFIG_MAPS}?fieldValidation=Warn&dryRun=All", body)
    assert (answer.status, answer.headers["Warning"]) == (201, '299 - "unknown field \\"colour\\""')


def test_delete_answers_with_a_status_when_the_object_is_gone(wire: Wire) -> None:
    created = wire("POST", CONFIG_MAPS, {"metadata": {"name": "four"}}).json()
    answer = wire("DELETE", f"{CONFIG_MAPS}/four", {"preconditions": {"uid": created["metadata"]["uid"]}}).json()
    assert answer["status"] == "Success"
    assert answer["details"] == {"name": "four", "kind": "configmaps", "uid": created["metadata"]["uid"]}


def test_the_url_and_the_body_must_agree(wire: Wire, config_map: dict[str, Any]) -> None:
    answer = wire("PUT", f"{CONFIG_MAPS}/other", config_map)
    assert (answer.status, answer.json()["message"]) == (
        400,
        "the name of the object (one) does not match the name on the URL (other)",
    )


def test_pages_follow_one_another(wire: Wire) -> None:
    first = wire("GET", "/apis/storage.k8s.io/v1/storageclasses?limit=5").json()
    token = first["metadata"]["continue"]
    second = wire("GET", f"/apis/storage.k8s.io/v1/storageclasses?limit=5&continue={token}").json()
    names = [item["metadata"]["name"] for item in first["items"] + second["items"]]
    assert (len(first["items"]), first["metadata"]["remainingItemCount"]) == (5, 4)
    assert (len(names), names) == (9, sorted(names))
    assert "continue" not in second["metadata"]


def test_a_watch_sends_each_change_at_once(wire: Wire) -> None:
    version = wire("GET", CONFIG_MAPS).json()["metadata"]["resourceVersion"]
    watch = wire.lines(f"{CONFIG_MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=9&labelSelector=app=watch")
    seen = []
    for step in (
        lambda: wire("POST", CONFIG_MAPS, {"metadata": {"name": "w", "labels": {"app": "watch"}}}),
        lambda: wire(
            "PATCH", f"{CONFIG_MAPS}/w", {"data": {"a": "b"}}, {"Content-Type": "application/merge-patch+json"}
        ),
        lambda: wire("DELETE", f"{CONFIG_MAPS}/w"),
    ):
        step()
        event = next(watch)
        seen.append((event["type"], event["object"]["kind"], event["object"]["metadata"]["name"]))
    watch.close()  # type: ignore[attr-defined]
    assert seen == [("ADDED", "ConfigMap", "w"), ("MODIFIED", "ConfigMap", "w"), ("DELETED", "ConfigMap", "w")]


@pytest.mark.parametrize(
    ("query", "accept", "message"),
    [
        ("", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
         "you requested PartialObjectMetadata, but the requested object is a list"),
        ("/one", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
         "you requested PartialObjectMetadataList, but the requested object is not a list"),
        ("?watch=1", "application/yaml", "only the following media types are accepted: application/json;stream=watch, "
         "application/vnd.kubernetes.protobuf;stream=watch"),
    ],
)  # fmt: skip
def test_forms_that_do_not_fit(wire: Wire, config_map: dict[str, Any], query: str, accept: str, message: str) -> None:
    del config_map
    answer = wire("GET", CONFIG_MAPS + query, headers={"Accept": accept})
    assert (answer.status, answer.json()["message"]) == (406, message)


def test_what_a_collection_s_deletion_answers_has_the_form_that_was_asked_for(wire: Wire) -> None:
    wire("POST", CONFIG_MAPS, {"metadata": {"name": "gone", "labels": {"to": "go"}}})
    answer = wire("DELETE", f"{CONFIG_MAPS}?labelSelector=to=go", headers=TABLE).json()
    assert (answer["kind"], [row["cells"][0] for row in answer["rows"]]) == ("Table", ["gone"])


def test_a_watch_may_leave_out_what_is_there(wire: Wire, config_map: dict[str, Any]) -> None:
    query = "watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0&timeoutSeconds=1"
    assert config_map["metadata"]["name"] == "one"
    assert list(wire.lines(f"{CONFIG_MAPS}?{query}")) == []


def test_a_watch_list_ends_its_first_part_with_a_bookmark(wire: Wire) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watch = wire.lines(f"/apis/storage.k8s.io/v1/storageclasses?{query}&timeoutSeconds=1")
    events = [next(watch) for _ in range(10)]
    assert [event["type"] for event in events] == ["ADDED"] * 9 + ["BOOKMARK"]
    bookmark = events[-1]["object"]
    assert (bookmark["kind"], bookmark["metadata"]["annotations"]) == (
        "StorageClass",
        {"k8s.io/initial-events-end": "true"},
    )


def test_a_watch_list_of_the_future_is_told_so(wire: Wire) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999999&timeoutSeconds=1"
    [event] = wire.lines(f"{CONFIG_MAPS}?{query}")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 504, "Timeout")
    assert event["object"]["message"].startswith("Too large resource version: 99999999, current: ")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (CONFIG_MAPS, {}),
        ("/api/v1/pods", {"spec": {"containers": None}, "status": {}}),
    ],
)
def test_a_bookmark_is_an_object_with_nothing_set(wire: Wire, path: str, expected: dict[str, Any]) -> None:
    version = wire("GET", path).json()["metadata"]["resourceVersion"]
    query = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=1"
    *_, bookmark = wire.lines(f"{path}?{query}")
    shown = bookmark["object"]
    assert (bookmark["type"], list(shown.pop("metadata"))) == ("BOOKMARK", ["resourceVersion"])
    assert {key: value for key, value in shown.items() if key not in ("kind", "apiVersion")} == expected


def test_a_watch_of_tables_gives_the_columns_once(wire: Wire) -> None:
    first, second, *_ = wire.lines("/apis/storage.k8s.io/v1/storageclasses?watch=1&timeoutSeconds=1", TABLE)
    assert [column["name"] for column in first["object"]["columnDefinitions"]][:2] == ["Name", "Provisioner"]
    assert (second["object"]["columnDefinitions"], len(second["object"]["rows"])) == (None, 1)


def test_a_version_that_is_forgotten_is_told_by_an_event(wire: Wire) -> None:
    merge = {"Content-Type": "application/merge-patch+json"}
    wire("POST", CONFIG_MAPS, {"metadata": {"name": "busy"}})
    for number in range(1001):
        answer = wire("PATCH", f"{CONFIG_MAPS}/busy", {"data": {"n": str(number)}}, merge)
        assert answer.status == 200
    [event] = wire.lines(f"{CONFIG_MAPS}?watch=1&resourceVersion=1&timeoutSeconds=1")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


@pytest.mark.parametrize("root", ["/api", "/apis"])
def test_aggregated_discovery_names_the_same_resources(wire: Wire, root: str) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    answer = wire("GET", root, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    again = wire("GET", root, headers={"Accept": accept, "If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body, again.headers["Cache-Control"]) == (304, b"", "public")
    for group in answer.json()["items"]:
        name = group["metadata"].get("name")
        for version in group["versions"]:
            path = f"/apis/{name}/{version['version']}" if name else "/api/v1"
            legacy = wire("GET", path).json()["resources"]
            names = [entry["resource"] for entry in version["resources"]]
            assert names == [entry["name"] for entry in legacy if "/" not in entry["name"]]


def test_every_openapi_document_is_whole_and_cached(wire: Wire) -> None:
    index = wire("GET", "/openapi/v3").json()["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/storage.k8s.io/v1"} <= set(index)
    for entry in index.values():
        answer = wire("GET", entry["serverRelativeURL"])
        document = answer.json()
        referred = {part.split('"')[0] for part in answer.body.decode().split("#/components/schemas/")[1:]}
        assert referred <= set(document["components"]["schemas"])
        assert "immutable" in answer.headers["Cache-Control"]
        again = wire("GET", entry["serverRelativeURL"], headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        old = wire("GET", entry["serverRelativeURL"].partition("?")[0] + "?hash=OLD")
        assert (old.status, old.headers["Location"]) == (301, entry["serverRelativeURL"])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/nowhere", "404 page not found\n"),
        ("/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshots", "404 page not found\n"),
        ("/livez/nothing", "404 page not found\n"),
        ("/openapi/v3/apis/nothing/v1", ""),
        ("/api/v2/pods", "the server could not find the requested resource"),
        ("/apis/apps/v2", "the server could not find the requested resource"),
        ("/apis/apps/v1/gadgets", "the server could not find the requested resource"),
        ("/api/v1/namespaces/default/namespaces/default", "the server could not find the requested resource"),
        ("/api/v1/namespaces/default/pods/p/status/more", "the server could not find the requested resource"),
    ],
)
def test_what_is_not_served_is_not_found(wire: Wire, path: str, told: str) -> None:
    """Where upstream has no handler, Go's own words."""
    answer = wire("GET", path)
    message = (
        answer.json()["message"] if answer.headers.get_content_type() == "application/json" else answer.body.decode()
    )
    assert (answer.status, message) == (404, told)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/livez", 200, "ok"),
        ("/readyz/etcd-readiness", 200, "ok"),
        ("/healthz/poststarthook/rbac/bootstrap-roles", 200, "ok"),
        (
            "/livez?verbose&exclude=etcd&exclude=nothing",
            200,
            "[+]ping ok\n[+]etcd excluded: ok\n[+]poststarthook/start-system-namespaces-controller ok\n"
            "[+]poststarthook/rbac/bootstrap-roles ok\n"
            "[+]poststarthook/scheduling/bootstrap-system-priority-classes ok\n"
            'warn: some health checks cannot be excluded: no matches for "nothing"\nlivez check passed\n',
        ),
    ],
)
def test_health(wire: Wire, path: str, status: int, text: str) -> None:
    answer = wire("GET", path)
    assert (answer.status, answer.body.decode()) == (status, text)


def test_a_hook_that_ran_stays_well_whatever_becomes_of_what_it_made(wire: Wire) -> None:
    path = "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"
    found = wire("GET", path).json()
    assert wire("DELETE", path).status == 200
    try:
        assert wire("GET", "/readyz").status == 200
    finally:
        metadata = {"name": found["metadata"]["name"]}
        body = {"metadata": metadata, "value": found["value"], "description": found["description"]}
        assert wire("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body).status == 201


def test_every_answer_has_the_headers_of_upstream(wire: Wire) -> None:
    for path in ("/version", "/nowhere", CONFIG_MAPS):
        headers = wire("GET", path, headers={"Audit-ID": f"mine{path}"}).headers
        assert (headers["Audit-Id"], headers["Cache-Control"]) == (f"mine{path}", "no-cache, private")
        assert "Server" not in headers
    assert len(wire("GET", "/version", headers={"Authorization": "Bearer wrong"}).headers["Audit-Id"]) == 36


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/api/v1/configmaps"),
        ("HEAD", CONFIG_MAPS),
        ("OPTIONS", CONFIG_MAPS),
        ("POST", "/version"),
    ],
)
def test_methods_that_a_path_does_not_have(wire: Wire, method: str, path: str) -> None:
    assert wire(method, path).status == 405


def test_long_answers_are_compressed_for_those_who_ask(wire: Wire) -> None:
    path = "/openapi/v3/api/v1"
    assert "Content-Encoding" not in wire("GET", path, headers={"Accept-Encoding": "gzip"}).headers
    wire("POST", CONFIG_MAPS, {"metadata": {"name": "long"}, "data": {"a": "x" * 140_000}})
    plain = wire("GET", f"{CONFIG_MAPS}/long")
    packed = wire("GET", f"{CONFIG_MAPS}/long", headers={"Accept-Encoding": "deflate, gzip;q=1.0"})
    wire("DELETE", f"{CONFIG_MAPS}/long")
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize(
    ("query", "agent", "lines"),
    [("", "client-go", 1), ("?pretty=true", "client-go", 6), ("", "curl/8.5", 6), ("?pretty=false", "curl/8.5", 1)],
)
def test_json_is_indented_for_people(wire: Wire, query: str, agent: str, lines: int) -> None:
    answer = wire("GET", f"/apis/apps{query}", headers={"User-Agent": agent})
    assert answer.body.decode().count("\n") + 1 >= lines
    assert ("\n" in answer.body.decode()) == (lines > 1)


def test_the_root_lists_what_answers(wire: Wire) -> None:
    paths = wire("GET", "/").json()["paths"]
    assert paths == sorted(paths)
    assert {wire("GET", path).status for path in paths if not path.endswith("/v3/")} == {200}


def test_a_review_has_no_form_but_its_own(wire: Wire) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    body = {"spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}}
    table = wire("POST", path, body, {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    assert (table.status, table.json()["reason"]) == (406, "NotAcceptable")
    assert wire("POST", path, {"kind": "ConfigMap", "apiVersion": "v1", **body}).status == 400
    assert wire("POST", path, body, {"Accept": "application/yaml"}).headers.get_content_type() == "application/yaml"


def test_a_body_that_is_too_large_is_refused(wire: Wire) -> None:
    answer = wire("POST", CONFIG_MAPS, json.dumps({"data": {"a": "x" * 4_000_000}}))
    assert (answer.status, answer.json()["reason"]) == (413, "RequestEntityTooLarge")


LIST = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: '


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("resourceVersion=x", 400, 'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint'),
        ("resourceVersion=99999999", 504, "Too large resource version: 99999999, current: "),
        ("resourceVersionMatch=Exact", 422, LIST + "Forbidden: resourceVersionMatch is forbidden unless resourceVers"),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422, LIST + 'Forbidden: resourceVersionMatch "exact" is forb'),
        ("resourceVersion=1&resourceVersionMatch=Any", 422, LIST + 'Unsupported value: "Any": supported values: "Exac'),
        ("continue=nonsense", 400, "invalid continue token: continue key is not valid"),
        ("continue=%21%21", 400, "invalid continue token: continue key is not valid"),
        ("continue=e30", 400, "invalid continue token: continue key is not valid"),
        ("watch=1&sendInitialEvents=true", 422, LIST + "Forbidden: sendInitialEvents requires setting resourceVersio"),
        ("watch=1&resourceVersionMatch=NotOlderThan", 422, LIST + "Forbidden: resourceVersionMatch is forbidden for w"),
        ("limit=many", 400, 'strconv.ParseInt: parsing "many": invalid syntax'),
        ("timeoutSeconds=long", 400, 'strconv.ParseInt: parsing "long": invalid syntax'),
    ],
)
def test_moments_that_a_list_cannot_be_of(wire: Wire, query: str, status: int, message: str) -> None:
    answer = wire("GET", f"{CONFIG_MAPS}?{query}")
    assert (answer.status, answer.json()["message"][: len(message)]) == (status, message)


def test_what_a_body_says_twice(wire: Wire) -> None:
    body = '{"metadata":{"name":"twice"},"data":{"a":"1","a":"2"},"tea":{}}'
    strict = wire("POST", f"{CONFIG_MAPS}?fieldValidation=Strict&dryRun=All", body)
    assert (strict.status, strict.json()["message"]) == (
        400,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", '
        'unknown field "tea"',
    )
    warned = wire("POST", f"{CONFIG_MAPS}?dryRun=All", body)
    assert warned.headers.get_all("Warning") == [
        '299 - "duplicate field \\"data.a\\""', '299 - "unknown field \\"tea\\""',
    ]  # fmt: skip
    assert warned.json()["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [("application/merge-patch+json", '{"apiVersion":'), ("application/strategic-merge-patch+json", "map[tea:green]")],
)
def test_a_patch_that_does_not_fit(wire: Wire, config_map: dict[str, Any], content_type: str, shown: str) -> None:
    path = f"{CONFIG_MAPS}/{config_map['metadata']['name']}?fieldValidation=Strict"
    answer = wire("PATCH", path, {"tea": "green"}, {"Content-Type": content_type}).json()
    (cause,) = answer["details"]["causes"]
    assert (answer["code"], cause["field"]) == (422, "patch")
    assert cause["message"].startswith(f'Invalid value: "{shown}'.replace('{"', '{\\"').replace('":', '\\":'))
    assert cause["message"].endswith('strict decoding error: unknown field "tea"')


def test_a_dry_run_leaves_everything_as_it_was(wire: Wire, config_map: dict[str, Any]) -> None:
    path = f"{CONFIG_MAPS}/{config_map['metadata']['name']}"
    assert wire("DELETE", f"{path}?dryRun=All").status == 200
    assert wire("DELETE", path, {"dryRun": ["All"]}).status == 200
    assert wire("PUT", f"{path}?dryRun=All", {**config_map, "data": {"other": "x"}}).json()["data"] == {"other": "x"}
    assert wire("DELETE", path, {"preconditions": {"uid": "other"}}).status == 409
    assert wire("GET", path).json() == config_map
