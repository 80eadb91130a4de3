"""The token endpoint and the metadata that lead clients to it, as Microsoft Entra ID answers them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aksdisks.lab.arm.entra.clients import TokenRefusal, authenticated, missing
from aksdisks.lab.arm.entra.tokens import AUDIENCES, DOMAIN, LIFETIME, Tokens, audiences
from aksdisks.lab.arm.wire import headers
from aksdisks.lab.arm.wire.answers import Answer, Call, Routes
from aksdisks.lab.scenario import Principal

Json = dict[str, Any]

SHARED = ("common", "organizations")
"""What stands for whichever tenant somebody belongs to; an application belongs to none."""

NO_STORAGE = "core.not-emulated.invalid"
"""What names of storage services end with here: the lab has none that could be asked, and Azure's own must not be."""

DISCOVERED = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}


class AuthorityHandlers:
    """One tenant and its service principals (facts F)."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> Routes:
        """Method, path with parameters, handler; none needs a token."""
        yield "GET", "/metadata/endpoints", self.metadata
        yield "GET", "/common/discovery/instance", self.instance
        for version in ("/v2.0", ""):
            configuration = partial(self.openid_configuration, version)
            yield "GET", f"/{{tenant}}{version}/.well-known/openid-configuration", configuration
            yield "GET", f"/{{tenant}}/discovery{version}/keys", self.keys
            yield "POST", f"/{{tenant}}/oauth2{version}/token", partial(self.token, version)

    def metadata(self, call: Call) -> Answer:
        """`GET /metadata/endpoints`: how `az cloud register --endpoint-resource-manager` finds its way."""
        login = {"loginEndpoint": call.base, "audiences": [f"{audience}/" for audience in reversed(AUDIENCES)]}
        cloud: Json = {
            "name": "AksdisksLab",
            "portal": call.base,
            "authentication": {**login, "tenant": "common", "identityProvider": "AAD"},
            "resourceManager": call.base,
            "graphAudience": call.base,
            "microsoftGraphResourceId": f"{call.base}/",
            "suffixes": {"storage": NO_STORAGE},
        }
        # Older versions of this call answer a list of clouds; ARM_CLOUD_METADATA_URL still expects one (facts F).
        return Answer(200, cloud if call.query.get("api-version", "") >= "2022-09-01" else [cloud])

    def instance(self, call: Call) -> Answer:
        """`GET /common/discovery/instance`: whether a host is an authority of this cloud, and its other names."""
        host = urlsplit(call.base).netloc
        try:
            wanted = urlsplit(call.query.get("authorization_endpoint", ""))
        except ValueError:  # brackets around what is no address
            wanted = urlsplit("")
        if wanted.scheme != "https" or wanted.netloc.lower() != host.lower():
            refusal = TokenRefusal(400, "invalid_instance", 50049, "Unknown or invalid instance.")
            return self._refused(call, refusal)
        tenant = wanted.path.lstrip("/").partition("/")[0] or self._tokens.tenant_id
        body = {
            "tenant_discovery_endpoint": f"{call.base}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
        return Answer(200, body, DISCOVERED)

    def openid_configuration(self, version: str, call: Call) -> Answer:
        """`GET /<tenant>/v2.0/.well-known/openid-configuration`, and the one of before v2.0."""
        tokens, tenant = self._tokens, call.parameters["tenant"].lower()
        if tenant not in SHARED:
            refusal = self._tenant_refused(tenant)
            if refusal is not None:
                return self._refused(call, refusal)
            tenant = tokens.tenant_id
        address = f"{call.base}/{tenant}"
        # Who shares an address learns from the token which tenant it is of.
        issuer_tenant = "{tenantid}" if tenant in SHARED else tenant
        issuer = f"{call.base}/{issuer_tenant}/v2.0" if version else f"https://sts.windows.net/{issuer_tenant}/"
        body = {
            "token_endpoint": f"{address}/oauth2{version}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{address}/discovery{version}/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{address}/oauth2{version}/authorize",
            "device_authorization_endpoint": f"{address}/oauth2{version}/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{address}/oauth2{version}/logout",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
            "tenant_region_scope": None if tenant in SHARED else "EU",
            "cloud_instance_name": urlsplit(call.base).netloc,
        }
        return Answer(200, body, DISCOVERED)

    def keys(self, call: Call) -> Answer:
        """`GET /<tenant>/discovery/v2.0/keys`: what the tokens are signed with."""
        tenant = call.parameters["tenant"].lower()
        refusal = None if tenant in SHARED else self._tenant_refused(tenant)
        if refusal is not None:
            return self._refused(call, refusal)
        return Answer(200, {"keys": [self._tokens.public_key()]}, DISCOVERED)

    def token(self, version: str, call: Call) -> Answer:
        """`POST /<tenant>/oauth2/v2.0/token` with client_credentials; before v2.0 with `resource` for `scope`."""
        try:
            audience, principal = self._granted(version, call)
        except TokenRefusal as refusal:
            return self._refused(call, refusal)
        token = self._tokens.issue(audience, principal)
        body: Json = {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME}
        if not version:
            now = int(self._tokens.clock.now().timestamp())
            times = {"expires_on": str(now + LIFETIME), "not_before": str(now), "resource": audience}
            body = {name: str(value) for name, value in body.items()} | times
        return Answer(200, {**body, "access_token": token}, headers.TOKEN_FIXED)

    def _granted(self, version: str, call: Call) -> tuple[str, Principal]:
        form, tenant = call.form, call.parameters["tenant"].lower()
        if tenant in SHARED:
            text = (
                "No tenant-identifying information found in either the request or implied by any provided credentials."
            )
            raise TokenRefusal(400, "invalid_request", 50059, text)
        refusal = self._tenant_refused(tenant)
        if refusal is not None:
            raise refusal
        field = "scope" if version else "resource"
        for name in ("grant_type", field):
            if not form.get(name):
                raise missing(name)
        if form["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{form['grant_type']}'."
            raise TokenRefusal(400, "unsupported_grant_type", 70003, text)
        audience = _resource(form) if version else form["resource"]
        principal = authenticated(self._tokens, form, call.headers.get("Authorization", ""))
        if audience.rstrip("/") not in audiences(call.base):
            raise TokenRefusal(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {audience} was not found in the tenant named {self._tokens.tenant_id}. "
                "This can happen if the application has not been installed by the administrator of the tenant or "
                "consented to by any user in the tenant. You might have sent your authentication request to the wrong "
                "tenant.",
            )
        return audience, principal

    def _tenant_refused(self, tenant: str) -> TokenRefusal | None:
        """None for the tenant, by its id or its domain."""
        if tenant.lower() in (self._tokens.tenant_id, DOMAIN):
            return None
        try:
            uuid.UUID(tenant)
        except ValueError:
            if "." not in tenant:
                text = (
                    f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
                )
                return TokenRefusal(400, "invalid_request", 900023, text)
        text = (
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant."
        )
        return TokenRefusal(400, "invalid_tenant", 90002, text)

    def _refused(self, call: Call, refusal: TokenRefusal) -> Answer:
        trace = str(uuid.uuid4())
        correlation = call.headers.get("client-request-id") or str(uuid.uuid4())
        moment = f"{self._tokens.clock.now():%Y-%m-%d %H:%M:%SZ}"
        description = (
            f"AADSTS{refusal.number}: {refusal.text} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {moment}"
        )
        body = {
            "error": refusal.error,
            "error_description": description,
            "error_codes": [refusal.number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{call.base}/error?code={refusal.number}",
        }
        return Answer(refusal.status, body, headers.TOKEN_FIXED)


def _resource(form: Mapping[str, str]) -> str:
    """The resource in a scope; `https://x//.default` keeps the slash that belongs to the resource (facts F)."""
    scopes = [entry for entry in form["scope"].split() if entry not in ("openid", "profile", "email", "offline_access")]
    wrong = next((entry for entry in scopes if not entry.endswith("/.default")), None)
    if wrong is not None or len(scopes) != 1:
        raise TokenRefusal(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {wrong or form['scope']} is not valid. Client credential flows must have a "
            "scope value with /.default suffixed to the resource identifier (application ID URI).",
        )
    return scopes[0].removesuffix("/.default")
