"""The headers that go out with every answer, as Resource Manager and the compute provider set them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from aksdisks.lab.arm.errors import CloudError

FIXED: Mapping[str, str] = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
"""cloud-provider-azure pkg/azclient/diskclient/testdata/Disk.yaml."""

TOKEN_FIXED: Mapping[str, str] = {**FIXED, "Cache-Control": "no-store, no-cache"}
"""cloud-provider-azure pkg/azclient/testdata/auth.yaml."""

_GATEWAY = (
    *("AuthenticationFailed", "AuthenticationFailedInvalidHeader", "AuthenticationFailedMissingToken"),
    *("AuthorizationFailed", "ExpiredAuthenticationToken", "HttpMethodNotAllowed", "InvalidApiVersionParameter"),
    *("InvalidAuthenticationToken", "InvalidAuthenticationTokenAudience", "InvalidRequestContent"),
    *("InvalidResourceLocation", "InvalidResourceNamespace", "InvalidResourceType", "InvalidSubscriptionId"),
    *("LocationNotAvailableForResourceType", "LocationRequired", "MissingApiVersionParameter", "MissingSubscription"),
    *(
        "MissingSubscriptionRegistration",
        "NoRegisteredProviderFound",
        "ParentResourceNotFound",
        "ResourceGroupNotFound",
        "ResourceNotFound",
    ),
    *("SubscriptionNotFound", "SubscriptionRequestsThrottled", "UnsupportedMediaType"),
)
"""Refusals that Resource Manager makes by itself, before a provider is asked."""


def headers_of(asked: Mapping[str, str], location: str, now: datetime) -> dict[str, str]:
    """For any answer; `asked`: the request's headers, which may carry ids of the caller's own."""
    request_id = str(uuid.uuid4())
    correlation = asked.get("x-ms-correlation-request-id") or request_id
    headers = {
        **FIXED,
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": correlation,
        "x-ms-routing-request-id": f"{location.upper()}:{now:%Y%m%dT%H%M%SZ}:{request_id}",
    }
    client = asked.get("x-ms-client-request-id")
    if client and asked.get("x-ms-return-client-request-id", "").lower() == "true":
        headers["x-ms-client-request-id"] = client
    return headers


def headers_of_refusal(error: CloudError, authority: str) -> dict[str, str]:
    """For a refusal; `authority`: where a token is to be had, which clients find their tenant by."""
    headers: dict[str, str] = {}
    if error.code in _GATEWAY:
        headers["x-ms-failure-cause"] = "gateway"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        description = error.message
        if error.code == "AuthenticationFailed":
            description = "The authentication failed because of missing 'Authorization' header."
        headers["WWW-Authenticate"] = (
            f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{description}"'
        )
    return headers
