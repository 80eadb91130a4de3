"""Azure's refusals: one exception that carries what goes out, and a builder for each refusal that the lab knows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

NOT_ACTIVE = "not an active Virtual Machine Scale Set VM instanceId"
"""What clients know by that an instance is gone (cloud-provider-azure pkg/consts/consts.go)."""

_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class FailedOperation:
    """A long-running operation that failed: the path of its status address, and what that answers."""

    path: str
    body: Mapping[str, Any]


class CloudError(Exception):
    """A refusal by Azure Resource Manager or the compute provider: HTTP status, code, message, target, details.

    `retry_after` (whole seconds) goes out as a header. `wrapped` is false where the answer is documented without the
    outer `error` member (facts E: compute's 429). `operation` is the long-running operation that ended with it,
    None for a refusal at once. `pause`: the cluster seconds that `retry_after` stands for, where they are known.
    `request`: method and path of what was refused, where the lab's own clients asked; None elsewhere.
    """

    pause: float | None = None
    request: tuple[str, str] | None = None

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        target: str | None = None,
        details: Sequence[Mapping[str, Any]] = (),
        *,
        retry_after: int | None = None,
        wrapped: bool = True,
        operation: FailedOperation | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = tuple(details)
        self.retry_after = retry_after
        self.wrapped = wrapped
        self.operation = operation

    def inner(self) -> dict[str, Any]:
        """What stands under `error`, in an answer and in a failed operation."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            body["target"] = self.target
        if self.details:
            body["details"] = [dict(detail) for detail in self.details]
        return body

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": self.inner()} if self.wrapped else self.inner()

    def status_line(self) -> str:
        """The status as Go's HTTP client prints it: `409 Conflict`."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def machine_is_no_more(error: Exception) -> bool:
    """Whether the driver takes an answer to a detach for: there is no such machine (CSI isInstanceNotFoundError)."""
    return isinstance(error, CloudError) and (error.status == 404 or NOT_ACTIVE in error.message)


def resource_not_found(resource: str, group: str) -> CloudError:
    """`resource` as `Microsoft.Compute/disks/X` (facts E)."""
    return CloudError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def resource_group_not_found(group: str) -> CloudError:
    """Facts E."""
    return CloudError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def check_subscription(subscription: str, own: str) -> None:
    """Raises InvalidSubscriptionId (terraform-provider-azurerm#20520), and SubscriptionNotFound for another than `own`.

    That is ARM's answer for a subscription that the caller cannot see.
    """
    if not _SUBSCRIPTION.fullmatch(subscription):
        message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
        raise CloudError(400, "InvalidSubscriptionId", message)
    if subscription.lower() != own:
        raise CloudError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def invalid_content(problem: str) -> CloudError:
    """A body that is not the JSON it should be."""
    return CloudError(
        400,
        "InvalidRequestContent",
        f"The request content was invalid and could not be deserialized: '{problem}'.",
    )


def missing_api_version() -> CloudError:
    """Every call to Resource Manager says which version it speaks."""
    return CloudError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def unsupported_media_type(media_type: str | None) -> CloudError:
    """A body that is not said to be JSON (azure-cli#10143)."""
    return CloudError(
        415,
        "UnsupportedMediaType",
        f"The content media type '{media_type or '<null>'}' is not supported. Only 'application/json' is supported.",
    )


def method_not_allowed(method: str, path: str) -> CloudError:
    """A path that the lab serves, but not with this method."""
    return CloudError(405, "HttpMethodNotAllowed", f"The HTTP method '{method}' is not supported at scope '{path}'.")


def location_required() -> CloudError:
    """A new resource without a location."""
    return CloudError(400, "LocationRequired", "The location property is required for this definition.")


def location_not_available(location: str, kind: str, available: str) -> CloudError:
    """A location that the subscription has not got; the lab has one."""
    return CloudError(
        400,
        "LocationNotAvailableForResourceType",
        f"The provided location '{location}' is not available for resource type '{kind}'. "
        f"List of available regions for the resource type is '{available}'.",
    )


def location_is_fixed(name: str, group: str, location: str, wanted: str) -> CloudError:
    """A resource cannot move."""
    return CloudError(
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{location}' in resource group '{group}'. A resource with "
        f"the same name cannot be created in location '{wanted}'. Please select a new resource name.",
    )


def missing_parameter(name: str) -> CloudError:
    """A required member of a body is not there."""
    return CloudError(400, "InvalidParameter", f"Required parameter '{name}' is missing (null).", target=name)


def bad_parameter(name: str, value: object, least: int | None = None, most: int | None = None) -> CloudError:
    """A member of a body has a value that cannot be; `least` and `most` where it is a number between these."""
    bounds = f" The value must be between '{least}' and '{most}', inclusive." if most is not None else ""
    message = f"The value '{value}' of parameter '{name}' is out of range.{bounds}"
    return CloudError(400, "InvalidParameter", message, target=name)


def not_authorised(client: str, object_id: str, action: str, scope: str) -> CloudError:
    """Facts E: the caller's role assignments do not allow the action."""
    return CloudError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{object_id}' does not have authorization to perform action '{action}' "
        f"over scope '{scope}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials.",
    )


def token_expired(expiry: datetime, now: datetime) -> CloudError:
    """Facts E."""
    return CloudError(
        401,
        "ExpiredAuthenticationToken",
        f"The access token expiry UTC time '{_token_time(expiry)}' is earlier than current UTC time "
        f"'{_token_time(now)}'.",
    )


def token_missing() -> CloudError:
    """No Authorization header."""
    return CloudError(
        401,
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
    )


def token_header_invalid() -> CloudError:
    """An Authorization header that is not `Bearer` and a token."""
    return CloudError(
        401,
        "AuthenticationFailedInvalidHeader",
        "Authentication failed. The 'Authorization' header is provided in an invalid format.",
    )


def token_invalid() -> CloudError:
    """A token that this tenant's authority did not issue."""
    return CloudError(401, "InvalidAuthenticationToken", "The access token is invalid.")


def token_audience(audience: str, expected: Sequence[str]) -> CloudError:
    """A token for another resource."""
    return CloudError(
        401,
        "InvalidAuthenticationTokenAudience",
        "The access token has been obtained for wrong audience or resource "
        f"'{audience}'. It should exactly match with one of the allowed audiences '{','.join(expected)}'.",
    )


def too_many_requests(
    target: str, retry_after: int, now: datetime | None = None, allowed: int = 0, measured: int = 0
) -> CloudError:
    """Compute's throttling, documented without the outer `error` (facts E); `retry_after` in whole seconds.

    The details tell as JSON in a text what was `allowed` and what was `measured` until `now` (aks-engine#2295).
    """
    group: dict[str, object] = {"operationGroup": target}
    if now is not None:
        times = {"startTime": now.isoformat(), "endTime": (now + timedelta(seconds=retry_after)).isoformat()}
        group |= times | {"allowedRequestCount": allowed, "measuredRequestCount": max(measured, allowed + 1)}
    return CloudError(
        429,
        "OperationNotAllowed",
        "The server rejected the request because too many requests have been received for this subscription.",
        details=[{"code": "TooManyRequests", "target": target, "message": json.dumps(group, separators=(",", ":"))}],
        retry_after=retry_after,
        wrapped=False,
    )


def subscription_throttled(subscription_id: str, operation: str, retry_after: int) -> CloudError:
    """Resource Manager's own throttling (azure-docs#105248); `retry_after` in whole seconds."""
    return CloudError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of requests for subscription '{subscription_id}' and operation '{operation}' exceeded the backend "
        f"storage limit. Please try again after '{retry_after}' seconds.",
        retry_after=retry_after,
    )


def storage_throttled(operation: str, retry_after: int) -> CloudError:
    """The storage provider's throttling (microsoft/onefuzz#2100); `retry_after` in whole seconds."""
    return CloudError(
        429,
        "TooManyRequests",
        f"The request is being throttled as the limit has been reached for operation type - {operation}. "
        "For more information, see - https://aka.ms/srpthrottlinglimits",
        retry_after=retry_after,
    )


def internal_server_error() -> CloudError:
    """Resource Manager itself fails."""
    message = "The server encountered an internal error and was unable to complete the request."
    return CloudError(500, "InternalServerError", message)


def _token_time(moment: datetime) -> str:
    return f"{moment.month}/{moment.day}/{moment:%Y} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
