"""A target's name becomes two endpoints, credentials, the expected cluster and a time scale."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aksdisks.errors import AksdisksError, InputError, NotAllowed, NotReachable, ParameterError, did_you_mean
from aksdisks.model import Unknown
from aksdisks.parameters import Parameters
from aksdisks.targets.lab import lab_in, labs

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from kubernetes.client import ApiClient

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


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """Where a run happens; nothing is connected yet. `time_scale`: cluster seconds in one real second, 1 on AKS."""

    kubernetes: Callable[[], ApiClient] = field(repr=False)
    azure: AzureSettings | Unknown
    time_scale: float
    expected: str
    state_dir: Path


def open_target(parameters: Parameters) -> TargetSettings:
    """The target that the parameters name. Raises NotReachable where no lab runs, InputError for a bad kubeconfig."""
    if parameters.target == "lab":
        lab = _running_lab()
        client, azure, scale = partial(_client, lab.kubeconfig), partial(_lab_azure, lab), lab.speed
    else:
        client = partial(
            _client, parameters.kubeconfig, parameters.context, in_cluster=parameters.cluster == "in-cluster"
        )
        azure, scale = partial(_aks_azure, parameters), 1.0
    settings = Unknown("azure is off") if parameters.azure == "off" else azure()
    return TargetSettings(client, settings, scale, parameters.expect, state_dir())


def server(parameters: Parameters) -> str:
    """The URL of the parameters' API server as the kubeconfig has it; empty where that cannot be told."""
    try:
        return str(open_target(parameters).kubernetes().configuration.host)
    except AksdisksError:
        return ""


def is_shared(parameters: Parameters) -> bool:
    """Whether others live there too and somebody pays: then a run asks first whether it may, and says what it makes."""
    return parameters.target != "lab"


@contextmanager
def prepared(parameters: Parameters) -> Iterator[dict[str, str]]:
    """Make the target ready for a run and yield the environment that its kernels need beyond ours.

    A lab target gets a private lab on free ports in a temporary directory, which ends with this process whatever
    happens; meanwhile AKSDISKS_STATE_DIR is set here too. A real cluster needs nothing. Raises InputError for a bad
    scenario, NotReachable when the lab does not start.
    """
    if is_shared(parameters):
        yield {}
        return
    with labs():
        from aksdisks.lab.errors import ScenarioError
        from aksdisks.lab.scenario import load

        try:
            load(parameters.scenario)
        except ScenarioError as error:
            raise InputError(f"scenario: {error}") from error
    with tempfile.TemporaryDirectory(prefix="aksdisks-") as folder:
        before = os.environ.get("AKSDISKS_STATE_DIR")
        with lab_in(folder, parameters.speed, parameters.scenario, ephemeral=True):
            os.environ["AKSDISKS_STATE_DIR"] = folder
            try:
                yield {"AKSDISKS_STATE_DIR": folder}
            finally:
                del os.environ["AKSDISKS_STATE_DIR"]
                if before is not None:
                    os.environ["AKSDISKS_STATE_DIR"] = before


def state_dir() -> Path:
    """Where journals are kept: AKSDISKS_STATE_DIR, else aksdisks under XDG_STATE_HOME or ~/.local/state."""
    own = os.environ.get("AKSDISKS_STATE_DIR")
    if own:
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "aksdisks"


def _running_lab() -> LabState:
    with labs() as process:
        folder = process.default_state_dir()
        state: LabState | None = process.status(folder)
    if state is None:
        raise NotReachable(f"lab in {folder}: expected one that runs, found none", hint="aksdisks lab start")
    return state


def _lab_azure(lab: LabState) -> AzureSettings:
    secret = {"tenant_id": lab.tenant_id, "client_id": lab.client_id, "client_secret": lab.client_secret}
    return _azure(lab.arm_url, lab.authority, lab.ca_bundle, secret)


def _aks_azure(parameters: Parameters) -> AzureSettings:
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
    transport = _transport(arm, ca_bundle)

    def credential() -> TokenCredential:
        from azure.identity import ClientSecretCredential, DefaultAzureCredential

        host = urlsplit(authority if "://" in authority else f"https://{authority}").hostname
        options: dict[str, Any] = {"authority": authority} if authority else {}
        if authority and host not in _KNOWN_AUTHORITIES:
            options["disable_instance_discovery"] = True
        kind: Any = ClientSecretCredential if secret else DefaultAzureCredential
        found: TokenCredential = kind(**secret, **options, **transport)
        return found

    return AzureSettings(arm.rstrip("/"), credential, transport)


def _transport(url: str, ca_bundle: str) -> dict[str, Any]:
    """Options of azure-core's transport. An explicit bundle wins over REQUESTS_CA_BUNDLE in requests itself; for a
    loopback address the environment's proxies are left aside too. Few retries: a wait asks again anyway."""
    options: dict[str, Any] = {"retry_total": 4, "retry_connect": 1, "retry_backoff_factor": 0.4}
    options |= {"connection_timeout": 10, "read_timeout": 60}
    if ca_bundle:
        options["connection_verify"] = ca_bundle
    if _is_loopback(url):
        options["use_env_settings"] = False
    return options


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class _Heard(logging.Handler):
    """What the kubeconfig's loader only logs: why its exec plugin failed."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said = " ".join(record.getMessage().split())


def _accept_unverified(where: str) -> None:
    """Let requests pass without a warning each, and say once what the kubeconfig asks for."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    _warn_once(f"kubeconfig {where}: insecure-skip-tls-verify is set; whoever answers is taken for the cluster")


@cache
def _warn_once(text: str) -> None:
    """A line on stderr, unless the program has logging of its own."""
    logging.getLogger(__name__).warning(text)


def _client(file: str, context: str = "", *, in_cluster: bool = False) -> ApiClient:
    """The official client as a kubeconfig or a pod sets it up: certificates, tokens, exec plugins."""
    from kubernetes import client, config

    loader: Any = config  # parts of it have no types
    configuration = client.Configuration()
    where = file or os.environ.get("KUBECONFIG") or "~/.kube/config"
    path = str(Path(file).expanduser()) if file else None
    if path and not Path(path).is_file():
        raise ParameterError("kubeconfig", expected="a kubeconfig file", found=f"no file {file!r}")
    plugin = _Heard(logging.ERROR)
    logging.getLogger().addHandler(plugin)
    try:
        if in_cluster:
            loader.load_incluster_config(client_configuration=configuration)
        else:
            # Not list_kube_config_contexts, which insists on a current context.
            merged = loader.kube_config.KubeConfigMerger(path or os.environ.get("KUBECONFIG", "~/.kube/config")).config
            names = [entry["name"] for entry in (merged.value.get("contexts") or [])] if context and merged else []
            if context not in ("", *names):
                hint = did_you_mean(context, names)
                there = ", ".join(names) or f"those in {where}, which has none"
                raise ParameterError("context", expected=f"one of {there}", found=repr(context), hint=hint)
            loader.load_kube_config(path, context or None, client_configuration=configuration, persist_config=False)
    except AksdisksError:
        raise
    except Exception as error:  # the loaders raise their own, yaml's, binascii's and whatever an exec plugin does
        reason = " ".join(str(error).split()) or type(error).__name__
        if in_cluster:
            raise NotReachable(f"in-cluster: expected a pod's service account, found: {reason}") from error
        raise InputError(f"kubeconfig {where}: expected one that can be used, found: {reason}") from error
    finally:
        logging.getLogger().removeHandler(plugin)
    if "://" not in configuration.host:
        raise InputError(f"kubeconfig {where}: expected a server's URL, found {configuration.host!r}")
    anonymous = not configuration.auth_settings() and not configuration.cert_file
    if anonymous and configuration.host.startswith("https:"):
        # All requests would be anonymous.
        found = plugin.said or "none that can be used"
        raise NotAllowed(f"kubeconfig {where}: expected a user with a credential, found {found}")
    if _is_loopback(configuration.host):
        # The client takes HTTPS_PROXY from the environment, and would send 127.0.0.1 to it.
        configuration.proxy = None
    if not configuration.verify_ssl:
        _accept_unverified(where)
    # A watcher holds a connection for each kind; requests must not wait for one of those.
    configuration.connection_pool_maxsize = 16
    return client.ApiClient(configuration)
