"""Where faults reach into requests to Azure. This class lets everything pass; faults/arm_requests.py does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from aksdisks.lab.scenario import Principal


class RequestInjection:
    """Every request of a client and of the disk driver passes here."""

    def drop_connection(self, request: web.BaseRequest) -> None:
        """Before anything is looked at. Raises `ConnectionResetError` once the connection is closed."""

    def check(self, action: str, scope: str, principal: Principal) -> None:
        """Let the principal's action (`Microsoft.Compute/disks/write`) on an ARM id pass, or raise `CloudError`."""
