"""The token endpoint and the metadata that lead clients to it, as Microsoft Entra ID answers them."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from typing import Any

from aksdisks.lab.arm.answers import Answer, Call
from aksdisks.lab.arm.tokens import AUDIENCES, LIFETIME, Tokens, audiences

Json = dict[str, Any]


class Authority:
    """One tenant and its service principals (facts F)."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def metadata(self, call: Call) -> Answer:
        """`GET /metadata/endpoints`: how `az cloud register --endpoint-resource-manager` finds its way."""
        login = {"loginEndpoint": call.base, "audiences": [f"{audience}/" for audience in reversed(AUDIENCES)]}
        cloud: Json = {
            "name": "AksdisksLab",
            "portal": call.base,
            "authentication": {**login, "tenant": "common", "identityProvider": "AAD"},
            "resourceManager": call.base,
            "graphAudience": call.base,
            "suffixes": {},
        }
        # Older versions of this call answer a list of clouds; ARM_CLOUD_METADATA_URL still expects one (facts F).
        return Answer(200, cloud if call.query.get("api-version", "") >= "2022-09-01" else [cloud])

    def openid_configuration(self, call: Call) -> Answer:
        """`GET /<tenant>/v2.0/.well-known/openid-configuration`."""
        tenant = call.parameters["tenant"]
        if tenant.lower() != self._tokens.tenant_id:
            return self._no_tenant(tenant)
        address = f"{call.base}/{self._tokens.tenant_id}"
        return Answer(
            200,
            {
                "issuer": f"{address}/v2.0",
                "authorization_endpoint": f"{address}/oauth2/v2.0/authorize",
                "token_endpoint": f"{address}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "jwks_uri": f"{address}/discovery/v2.0/keys",
                "tenant_region_scope": "EU",
            },
        )

    def token(self, call: Call) -> Answer:
        """`POST /<tenant>/oauth2/v2.0/token` with client_credentials."""
        tokens, form, tenant = self._tokens, call.form, call.parameters["tenant"]
        if tenant.lower() != tokens.tenant_id:
            return self._no_tenant(tenant)
        for name in ("grant_type", "client_id", "client_secret", "scope"):
            if not form.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                return self._refusal(400, "invalid_request", 900144, text)
        if form["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{form['grant_type']}'."
            return self._refusal(400, "unsupported_grant_type", 70003, text)
        principal = tokens.principal(form["client_id"])
        if principal is None:
            text = (
                f"Application with identifier '{form['client_id']}' was not found in the directory "
                f"'{tokens.tenant_id}'. This can happen if the application has not been installed by the administrator "
                "of the tenant or consented to by any user in the tenant. You may have sent your authentication "
                "request to the wrong tenant."
            )
            return self._refusal(400, "unauthorized_client", 700016, text)
        if not hmac.compare_digest(form["client_secret"].encode(), principal.client_secret.encode()):
            text = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{principal.client_id}'."
            )
            return self._refusal(401, "invalid_client", 7000215, text)
        audience = _resource(form)
        if audience.rstrip("/") not in audiences(call.base):
            text = (
                f"The resource principal named {audience} was not found in the tenant named {tokens.tenant_id}. This "
                "can happen if the application has not been installed by the administrator of the tenant or consented "
                "to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            )
            return self._refusal(400, "invalid_resource", 500011, text)
        token = tokens.issue(audience, principal)
        body = {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}
        return Answer(200, body)

    def _no_tenant(self, tenant: str) -> Answer:
        text = (
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant."
        )
        return self._refusal(400, "invalid_tenant", 90002, text)

    def _refusal(self, status: int, error: str, number: int, text: str) -> Answer:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        moment = f"{self._tokens.clock.now():%Y-%m-%d %H:%M:%SZ}"
        description = f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
        body = {
            "error": error,
            "error_description": description,
            "error_codes": [number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return Answer(status, body)


def _resource(form: Mapping[str, str]) -> str:
    """The resource in a scope; `https://x//.default` keeps the slash that belongs to the resource (facts F)."""
    scope = next((entry for entry in form["scope"].split() if entry.endswith("/.default")), form["scope"])
    return scope.removesuffix("/.default")
