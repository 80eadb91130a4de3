"""The client of a token request: how it proves who it is, and Microsoft Entra ID's refusals."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from aksdisks.lab.arm.entra.tokens import Tokens
from aksdisks.lab.scenario import Principal

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenRefusal(Exception):  # noqa: N818 - what happened, as in the lab's other errors
    """An error of the token endpoint: HTTP status, OAuth's code, the number after AADSTS, and the words."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.number = number
        self.text = text


def missing(name: str) -> TokenRefusal:
    """A field of the form that has to be there."""
    text = f"The request body must contain the following parameter: '{name}'."
    return TokenRefusal(400, "invalid_request", 900144, text)


def authenticated(tokens: Tokens, form: Mapping[str, str], authorization: str) -> Principal:
    """The principal that the form, or the Authorization header, proves to be. Raises `TokenRefusal`."""
    client, secret = _named(form, authorization)
    if not client:
        raise missing("client_id")
    principal = tokens.principal(client)
    if principal is None:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client}' was not found in the directory '{tokens.tenant_id}'. This can "
            "happen if the application has not been installed by the administrator of the tenant or consented to by "
            "any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    if form.get("client_assertion"):
        raise _assertion_refused(principal, form, tokens.clock.now())
    if not secret:
        text = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."
        raise TokenRefusal(401, "invalid_client", 7000216, text)
    if not hmac.compare_digest(secret.encode(), principal.client_secret.encode()):
        raise TokenRefusal(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{principal.client_id}'.",
        )
    return principal


def _named(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """Client id and secret: of the form, or as HTTP's basic authentication gives them (RFC 6749, 2.3.1)."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic" and "client_secret" not in form:
        try:
            client, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return form.get("client_id", ""), ""
        return unquote_plus(client), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _assertion_refused(principal: Principal, form: Mapping[str, str], now: datetime) -> TokenRefusal:
    """Principals here have secrets only: no certificate and no federated credential can be the right one."""
    if not form.get("client_assertion_type"):
        return missing("client_assertion_type")
    parts = form["client_assertion"].split(".")
    header, claims = (_json(part) for part in (*parts, "", "")[:2])
    if form["client_assertion_type"] != JWT_BEARER or len(parts) != 3 or header is None or claims is None:
        return TokenRefusal(400, "invalid_request", 50027, "JWT token is invalid or malformed.")
    expires, begins = _moment(claims.get("exp")), _moment(claims.get("nbf"))
    if not begins <= now < expires:
        return TokenRefusal(
            401,
            "invalid_client",
            700024,
            f"Client assertion is not within its valid time range. Current time: {_precise(now)}, assertion valid from "
            f"{_precise(begins)}, expiry time of assertion {_precise(expires)}. Review the documentation at "
            "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        )
    if str(claims.get("iss", "")).lower() == principal.client_id.lower():
        return TokenRefusal(
            401,
            "invalid_client",
            700027,
            "Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used "
            f"by client: '{header.get('x5t', '')}'].",
        )
    text = f"The client '{principal.client_id}' has no configured federated identity credentials."
    return TokenRefusal(401, "invalid_client", 70025, text)


def _json(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _moment(claim: object) -> datetime:
    seconds = claim if isinstance(claim, int | float) and 0 <= claim < 2**40 else 0
    return datetime.fromtimestamp(min(seconds, 253402300799), UTC)


def _precise(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"
