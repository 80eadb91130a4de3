"""A kubeconfig, or the service account of a pod, becomes the official client of Kubernetes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aksdisks.errors import AksdisksError, InputError, NotAllowed, NotReachable, ParameterError, did_you_mean
from aksdisks.targets.credentials import is_loopback

if TYPE_CHECKING:
    from kubernetes.client import ApiClient


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


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts of a kubeconfig with their namespaces (empty: none is set), and the current one (empty: none is)."""

    where: str
    current: str = ""
    namespaces: Mapping[str, str] = field(default_factory=dict)


def contexts(file: str = "") -> Contexts:
    """Those of a file, else of KUBECONFIG's files or ~/.kube/config; raises InputError where one cannot be read."""
    from kubernetes.config import kube_config

    loader: Any = kube_config
    where = file or _usual()
    try:
        merged = loader.KubeConfigMerger(where).config
        content = merged.value if merged else {}
        found = map(_plain, content.get("contexts") or [])
        spaces = {str(each["name"]): str(_plain(each.get("context") or {}).get("namespace") or "") for each in found}
        return Contexts(where, str(content.get("current-context") or ""), spaces)
    except Exception as error:  # the merger raises its own, yaml's and whatever a list in place of a mapping leads to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(object=f"kubeconfig {where}", expected="one that can be used", cause=reason) from error


def _usual() -> str:
    """Where kubectl looks; raises InputError for a KUBECONFIG none of whose files is there: that is a slip."""
    named = os.environ.get("KUBECONFIG")
    if named and not any(Path(each).expanduser().is_file() for each in named.split(os.pathsep)):
        hint = "unset it for ~/.kube/config"
        raise InputError(object="KUBECONFIG", expected="a kubeconfig file", found=f"no file {named!r}", hint=hint)
    return named or "~/.kube/config"


def _plain(node: Any) -> dict[str, Any]:
    """The mapping in a node of the loader's."""
    value: dict[str, Any] = getattr(node, "value", node)
    return value


def api_client(file: str, context: str = "", *, in_cluster: bool = False) -> ApiClient:
    """The official client as a kubeconfig or a pod sets it up: certificates, tokens, exec plugins."""
    from kubernetes import client, config

    loader: Any = config  # parts of it have no types
    configuration = client.Configuration()
    where = "" if in_cluster else file or _usual()
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
            # Named, because the client keeps the KUBECONFIG that it found when it was imported.
            files = path or where
            names = list(contexts(files).namespaces) if context else []
            if context not in ("", *names):
                hint = did_you_mean(context, names)
                there = ", ".join(names) or f"those in {where}, which has none"
                raise ParameterError("context", expected=f"one of {there}", found=repr(context), hint=hint)
            loader.load_kube_config(files, context or None, client_configuration=configuration, persist_config=False)
    except AksdisksError:
        raise
    except Exception as error:  # the loaders raise their own, yaml's, binascii's and whatever an exec plugin does
        reason = " ".join(str(error).split()) or type(error).__name__
        if in_cluster:
            raise NotReachable(object="in-cluster", expected="a pod's service account", cause=reason) from error
        raise InputError(object=f"kubeconfig {where}", expected="one that can be used", cause=reason) from error
    finally:
        logging.getLogger().removeHandler(plugin)
    if "://" not in configuration.host:
        raise InputError(object=f"kubeconfig {where}", expected="a server's URL", found=repr(configuration.host))
    anonymous = not configuration.auth_settings() and not configuration.cert_file
    if anonymous and configuration.host.startswith("https:"):
        # All requests would be anonymous.
        found = plugin.said or "none that can be used"
        raise NotAllowed(object=f"kubeconfig {where}", expected="a user with a credential", found=f"{found}")
    if is_loopback(configuration.host):
        # The client takes HTTPS_PROXY from the environment, and would send 127.0.0.1 to it.
        configuration.proxy = None
    if not configuration.verify_ssl:
        _accept_unverified(where)
    # A watcher holds a connection for each kind; requests must not wait for one of those.
    configuration.connection_pool_maxsize = 16
    return client.ApiClient(configuration)
