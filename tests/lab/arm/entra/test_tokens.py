"""Who gets a token, and what Resource Manager says to a wrong one."""

from __future__ import annotations

from datetime import timedelta

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError

from aksdisks.lab.arm.entra.tokens import LIFETIME

SUBSCRIPTIONS = "/subscriptions?api-version=2022-12-01"


def ask(azure, path, method="GET", **more):
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, azure.url + path, verify=azure.ca_bundle, timeout=10, **more)


def form(azure, **changes):
    fields = {
        "client_id": azure.scenario.client_id,
        "client_secret": "the-secret",
        "grant_type": "client_credentials",
        "scope": "https://management.azure.com/.default",
        "client_info": "1",
    }
    return {name: value for name, value in (fields | changes).items() if value}


def token(azure, **changes):
    return ask(azure, f"/{azure.scenario.tenant_id}/oauth2/v2.0/token", "POST", data=form(azure, **changes))


def bearer(azure, **changes):
    return {"Authorization": f"Bearer {token(azure, **changes).json()['access_token']}"}


def test_the_way_to_a_token(azure):
    found = ask(azure, f"/{azure.scenario.tenant_id.upper()}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{azure.url}/{azure.scenario.tenant_id}/oauth2/v2.0/token"
    assert found["issuer"] == f"{azure.url}/{azure.scenario.tenant_id}/v2.0"
    answer = token(azure).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", LIFETIME)
    found = ask(azure, SUBSCRIPTIONS, headers=bearer(azure)).json()
    assert [entry["subscriptionId"] for entry in found["value"]] == [azure.scenario.subscription_id]


@pytest.mark.parametrize(
    "scope",
    [
        "https://management.core.windows.net//.default",
        "https://management.core.windows.net/.default offline_access",
        "URL/.default",
    ],
)
def test_every_name_of_resource_manager_is_an_audience(azure, scope):
    headers = bearer(azure, scope=scope.replace("URL", azure.url))
    assert ask(azure, SUBSCRIPTIONS, headers=headers).status_code == 200


def assertion(**claims):
    """A token of somebody else's, as a pod's service account has it."""
    known = {"iss": "https://kubernetes.default.svc.cluster.local", "exp": 2**32, "aud": "api://AzureADTokenExchange"}
    return {
        "client_assertion": jwt.encode(known | claims, "a key of 32 bytes or more for HS256."),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_secret": "",
    }


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000216),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"client_id": "3e8b41d7-26fa-4c59-9d03-000000000000"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "https://management.azure.com/user_impersonation"}, 400, "invalid_scope", 1002012),
        (assertion(), 401, "invalid_client", 70025),
        (assertion(exp=1), 401, "invalid_client", 700024),
        (assertion(nbf=2**31), 401, "invalid_client", 700024),
        (assertion(iss="CLIENT"), 401, "invalid_client", 700027),
        ({**assertion(), "client_assertion_type": ""}, 400, "invalid_request", 900144),
        ({**assertion(), "client_assertion": "a.b.c"}, 400, "invalid_request", 50027),
    ],
)
def test_tokens_that_are_refused(azure, changes, status, error, number):
    if number == 700027:
        changes = assertion(iss=azure.scenario.client_id)
    answer = token(azure, **changes)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body["error_uri"] == f"{azure.url}/error?code={number}"


@pytest.mark.parametrize(
    ("tenant", "error", "number"),
    [
        ("nobody", "invalid_request", 900023),
        ("nobody.example", "invalid_tenant", 90002),
        ("c0a7e3b2-5d18-4f96-a4e1-000000000000", "invalid_tenant", 90002),
    ],
)
def test_an_unknown_tenant(azure, tenant, error, number):
    for path, method in (
        ("v2.0/.well-known/openid-configuration", "GET"),
        ("oauth2/v2.0/token", "POST"),
        ("discovery/keys", "GET"),
    ):
        body = ask(azure, f"/{tenant}/{path}", method, data=form(azure)).json()
        assert (body["error"], body["error_codes"]) == (error, [number])


def test_an_application_belongs_to_no_shared_tenant(azure):
    found = ask(azure, "/common/v2.0/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{azure.url}/{{tenantid}}/v2.0"
    assert ask(azure, "/common/oauth2/v2.0/token", "POST", data=form(azure)).json()["error_codes"] == [50059]


def test_before_v2_a_resource_is_asked_for(azure):
    found = ask(azure, "/aksdisks.example/.well-known/openid-configuration").json()
    assert found["issuer"] == f"https://sts.windows.net/{azure.scenario.tenant_id}/"
    path = found["token_endpoint"].removeprefix(azure.url)
    fields = form(azure, resource="https://management.azure.com/", scope="")
    answer = ask(azure, path, "POST", data=fields).json()
    assert (answer["resource"], answer["expires_in"]) == ("https://management.azure.com/", str(LIFETIME))
    assert int(answer["expires_on"]) - int(answer["not_before"]) == LIFETIME
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert ask(azure, SUBSCRIPTIONS, headers=headers).status_code == 200


def test_a_secret_may_come_as_basic_authentication(azure):
    fields = form(azure, client_id="", client_secret="")
    for secret, status in (("the-secret", 200), ("wrong", 401)):
        path = f"/{azure.scenario.tenant_id}/oauth2/v2.0/token"
        answer = ask(azure, path, "POST", data=fields, auth=(azure.scenario.client_id, secret))
        assert answer.status_code == status


def test_tokens_are_signed_with_the_published_key(azure):
    configuration = ask(azure, f"/{azure.scenario.tenant_id}/v2.0/.well-known/openid-configuration").json()
    [key] = ask(azure, configuration["jwks_uri"].removeprefix(azure.url)).json()["keys"]
    claims = jwt.decode(
        token(azure).json()["access_token"],
        jwt.PyJWK(key, "RS256").key,
        algorithms=["RS256"],
        audience="https://management.azure.com",
    )
    assert (claims["appid"], claims["tid"]) == (azure.scenario.client_id, azure.scenario.tenant_id)


def test_clients_may_ask_whether_this_is_an_authority(azure):
    path = "/common/discovery/instance?api-version=1.1&authorization_endpoint="
    authorize = f"{azure.scenario.tenant_id}/oauth2/v2.0/authorize"
    found = ask(azure, f"{path}{azure.url}/{authorize}").json()
    assert found["tenant_discovery_endpoint"].startswith(f"{azure.url}/{azure.scenario.tenant_id}/v2.0/")
    assert found["metadata"][0]["aliases"] == [azure.url.removeprefix("https://")]
    other = ask(azure, f"{path}https://login.example/{authorize}").json()
    assert (other["error"], other["error_codes"]) == ("invalid_instance", [50049])
    assert ask(azure, f"{path}https://[").json()["error"] == "invalid_instance"
    assert ask(azure, path + azure.url).json()["tenant_discovery_endpoint"] == found["tenant_discovery_endpoint"]


def test_the_sdk_understands_a_wrong_secret(azure):
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret provided"):
        list(azure.client(secret="wrong").disks.list())


def test_another_subscription_is_not_found(azure):
    with pytest.raises(ResourceNotFoundError) as caught:
        list(azure.client(subscription="00000000-0000-0000-0000-000000000000").disks.list())
    assert caught.value.error.code == "SubscriptionNotFound"


def test_wrong_tokens_get_401(azure):
    good = bearer(azure)["Authorization"]
    other = good.removesuffix(good[-6:]) + "AAAAAA"
    rows = [
        ({}, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
        ({"Authorization": "Bearer nothing"}, "InvalidAuthenticationToken", "The access token is invalid."),
        ({"Authorization": "Bearer ünï"}, "InvalidAuthenticationToken", "The access token is invalid."),
        (
            {"Authorization": good.replace("Bearer", "Basic")},
            "AuthenticationFailedInvalidHeader",
            "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        ),
        ({"Authorization": "Bearer "}, "AuthenticationFailedInvalidHeader", "Authentication failed. The"),
        ({"Authorization": other}, "InvalidAuthenticationToken", "The access token is invalid."),
    ]
    for headers, code, message in rows:
        encoded = {name: value.encode() for name, value in headers.items()}
        answer = ask(azure, SUBSCRIPTIONS, headers=encoded)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (401, code)
        assert error["message"].startswith(message)
        tenant = f'Bearer authorization_uri="{azure.url}/{azure.scenario.tenant_id}", error="invalid_token", '
        assert answer.headers["WWW-Authenticate"].startswith(tenant)
        assert answer.headers["x-ms-failure-cause"] == "gateway"


def test_a_token_for_another_resource_is_not_for_this_one(azure):
    foreign = azure.tokens.issue("https://graph.microsoft.com")
    answer = ask(azure, SUBSCRIPTIONS, headers={"Authorization": f"Bearer {foreign}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_expires(azure):
    headers = bearer(azure)
    azure.clock.ahead = timedelta(seconds=LIFETIME + 1)
    try:
        answer = ask(azure, SUBSCRIPTIONS, headers=headers)
    finally:
        azure.clock.ahead = timedelta()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "ExpiredAuthenticationToken")
    assert error["message"].startswith("The access token expiry UTC time '")
    assert ask(azure, SUBSCRIPTIONS, headers=headers).status_code == 200


def test_metadata_needs_no_token(azure):
    found = ask(azure, "/metadata/endpoints?api-version=2022-09-01").json()
    assert found["resourceManager"] == found["authentication"]["loginEndpoint"] == azure.url
    assert found["authentication"]["audiences"][0] == "https://management.core.windows.net/"
    assert ask(azure, "/metadata/endpoints?api-version=2019-05-01").json()[0] == found
