"""A kubeconfig, or the service account of a pod, becomes the official client of Kubernetes."""

from __future__ import annotations

import logging
import os
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


def api_client(file: str, context: str = "", *, in_cluster: bool = False) -> ApiClient:
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
            # Named, because the client keeps the KUBECONFIG that it found when it was imported.
            files = path or where
            merged = loader.kube_config.KubeConfigMerger(files).config
            names = [entry["name"] for entry in (merged.value.get("contexts") or [])] if context and merged else []
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
