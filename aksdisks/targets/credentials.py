"""How to reach Azure Resource Manager: its URL, credentials, and options of the SDK's transport."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aksdisks.errors import ParameterError
from aksdisks.parameters import Parameters

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from aksdisks.lab.persistence.state_directory import LabState

_PUBLIC_ARM = "https://management.azure.com"
# Authorities that Entra's instance discovery knows; any other (a test endpoint, Azure Stack) must not be looked up.
_KNOWN_AUTHORITIES = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")


@dataclass(frozen=True, slots=True)
class AzureSettings:
    """How to reach Azure Resource Manager: its URL, a maker of credentials, and options of the SDK's transport."""

    arm_endpoint: str
    credential: Callable[[], TokenCredential] = field(repr=False)
    transport: Mapping[str, Any]

    @property
    def scopes(self) -> list[str]:
        """What a token is asked for."""
        return [f"{self.arm_endpoint}/.default"]


def lab_azure(lab: LabState) -> AzureSettings:
    """The Azure of a running lab, with its own credential."""
    secret = {"tenant_id": lab.tenant_id, "client_id": lab.client_id, "client_secret": lab.client_secret}
    return _azure(lab.arm_url, lab.authority, lab.ca_bundle, secret)


def aks_azure(parameters: Parameters) -> AzureSettings:
    """Azure as the parameters say, else as `aksdisks lab env` exports it, else the public cloud."""
    bundle = ca_bundle(parameters.ca_bundle)
    authority = parameters.authority or os.environ.get("AZURE_AUTHORITY_HOST", "")
    arm = parameters.arm_endpoint or os.environ.get("AKSDISKS_ARM_ENDPOINT") or _PUBLIC_ARM
    return _azure(arm, authority, bundle, {})


def ca_bundle(parameter: str = "") -> str:
    """The file of the authorities to trust: the parameter's, else AKSDISKS_CA_BUNDLE's; raises where there is none."""
    name, file = ("ca_bundle", parameter) if parameter else ("AKSDISKS_CA_BUNDLE", os.environ.get("AKSDISKS_CA_BUNDLE"))
    if file and not Path(file).is_file():
        hint = "" if parameter else "it is that of a lab that was stopped; take a new shell, or unset it"
        raise ParameterError(name, expected="a file with certificates", found=repr(file), hint=hint)
    return file or ""


def _azure(arm: str, authority: str, ca_bundle: str, secret: Mapping[str, str]) -> AzureSettings:
    """Settings with the credential of a secret, or with whatever DefaultAzureCredential finds."""
    options_of_transport = transport(arm, ca_bundle)

    def credential() -> TokenCredential:
        from azure.identity import ClientSecretCredential, DefaultAzureCredential

        host = urlsplit(authority if "://" in authority else f"https://{authority}").hostname
        options: dict[str, Any] = {"authority": authority} if authority else {}
        if authority and host not in _KNOWN_AUTHORITIES:
            options["disable_instance_discovery"] = True
        kind: Any = ClientSecretCredential if secret else DefaultAzureCredential
        found: TokenCredential = kind(**secret, **options, **options_of_transport)
        return found

    return AzureSettings(arm.rstrip("/"), credential, options_of_transport)


def transport(url: str, ca_bundle: str = "") -> dict[str, Any]:
    """Options of azure-core's transport. An explicit bundle wins over REQUESTS_CA_BUNDLE in requests itself; for a
    loopback address the environment's proxies are left aside too. Few retries: a wait asks again anyway."""
    options: dict[str, Any] = {"retry_total": 4, "retry_connect": 1, "retry_backoff_factor": 0.4}
    options |= {"connection_timeout": 10, "read_timeout": 60}
    if ca_bundle:
        options["connection_verify"] = ca_bundle
    if is_loopback(url):
        options["use_env_settings"] = False
    return options


def is_loopback(url: str) -> bool:
    """Whether a URL is one of this machine, to which no proxy leads."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
