"""Service principals as Microsoft Graph names them."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture(scope="module")
def ask(azure):
    with requests.Session() as session:
        session.trust_env, session.verify = False, azure.ca_bundle
        session.headers["Authorization"] = f"Bearer {azure.tokens.issue(azure.url)}"
        yield lambda method, path, body=None: session.request(method, f"{azure.url}/v1.0{path}", json=body, timeout=10)


def test_a_principal_by_each_of_its_ids(azure, ask):
    client = azure.scenario.client_id
    [found] = ask("GET", f"/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{client}')").json()["value"]
    assert (found["appId"], found["servicePrincipalType"]) == (client, "Application")
    assert ask("GET", f"/servicePrincipals/{found['id']}").json() == found
    [stub] = ask("POST", "/directoryObjects/getByIds", {"ids": [found["id"], "other"]}).json()["value"]
    assert stub == {"@odata.type": "#microsoft.graph.servicePrincipal"} | found
    assert ask("GET", "/servicePrincipals?$filter=appId eq 'other'").json() == {"value": []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/servicePrincipals/other", 404, "Request_ResourceNotFound"),
        ("/servicePrincipals?$filter=startswith(a, 'b')", 400, "Request_UnsupportedQuery"),
        ("/users", 400, "BadRequest"),
    ],
)
def test_what_is_refused(ask, path, status, code):
    answer = ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_ids_that_are_no_list_are_refused(ask):
    answer = ask("POST", "/directoryObjects/getByIds", {"ids": 5})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")
