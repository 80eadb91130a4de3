"""Kubeconfigs: a context becomes an address, a TLS context and a token, as agents need them; the lab writes its own."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aksdisks.lab import yamls
from aksdisks.lab.errors import LabError
from aksdisks.lab.scenario import Scenario
from aksdisks.lab.tls import Certificates

_PLUGINS = ("exec", "auth-provider")


@dataclass(frozen=True)
class Cluster:
    """Where a Kubernetes API answers and as whom to ask it; `token` gives what is good now, for it may rotate."""

    server: str
    tls: ssl.SSLContext = field(repr=False)
    token: Callable[[], str] = field(repr=False)


def load(path: Path | str, context: str = "") -> Cluster:
    """The cluster of a context, of the current one unless named. Raises `LabError` for what cannot be used.

    Certificates, tokens and token files are read; plugins that are to be run (exec, auth-provider) are refused.
    """
    file = Path(path).expanduser().absolute()
    config = _document(file)
    name = context or str(config.get("current-context") or "")
    if not name:
        raise LabError(f"kubeconfig {file}: expected a current-context or --context, found neither")
    chosen = _named(file, config, "contexts", "context", name)
    cluster = _named(file, config, "clusters", "cluster", str(chosen.get("cluster", "")))
    user = _named(file, config, "users", "user", str(chosen.get("user", ""))) if chosen.get("user") else {}
    server = str(cluster.get("server") or "").rstrip("/")
    if not server.startswith("https://"):
        raise LabError(f"kubeconfig {file}: expected a server that begins with https://, found {server!r}")
    for plugin in _PLUGINS:
        if user.get(plugin):
            raise LabError(f"kubeconfig {file}: expected a certificate or a token for {name}, found an {plugin} plugin")
    return Cluster(server, _tls(file, cluster, user), _token(file, user))


def of_cluster(scenario: Scenario, server: str, certificates: Certificates, token: str, name: str) -> bytes:
    """As `az aks get-credentials --admin` writes it: one context, the administrator's certificate and token.

    `name`: clusterAdmin or clusterUser, which in a cluster without Entra ID is the same administrator.
    """
    user = f"{name}_{scenario.resource_group}_{scenario.cluster_name}"

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": scenario.cluster_name,
                "cluster": {"server": server, "certificate-authority-data": encoded(certificates.authority)},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": encoded(certificates.admin.certificate),
                    "client-key-data": encoded(certificates.admin.key),
                    "token": token,
                },
            }
        ],
        "contexts": [{"name": scenario.cluster_name, "context": {"cluster": scenario.cluster_name, "user": user}}],
        "current-context": scenario.cluster_name,
    }
    return yaml.dump(config, Dumper=yamls.DUMPER, sort_keys=False).encode()


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(file.read_bytes(), yamls.LOADER)
    except OSError as error:
        raise LabError(f"kubeconfig {file}: expected a file that can be read, found: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise LabError(f"kubeconfig {file}: expected YAML, found {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise LabError(f"kubeconfig {file}: expected a mapping, found {type(document).__name__}")
    return document


def _named(file: Path, config: Mapping[str, Any], plural: str, kind: str, name: str) -> Mapping[str, Any]:
    entries = {
        str(entry.get("name")): entry.get(kind) or {} for entry in config.get(plural) or () if isinstance(entry, dict)
    }
    if name not in entries:
        listed = ", ".join(entries) or "none at all"
        raise LabError(f"kubeconfig {file}: expected {kind} {name!r} among {listed}, found no such {kind}")
    entry: Mapping[str, Any] = entries[name]
    return entry


def _tls(file: Path, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        authority = _data(file, cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificate, key = (_data(file, user, name) for name in ("client-certificate", "client-key"))
        if certificate and key:
            # OpenSSL reads a client's own pair from files only; mkstemp makes them its user's alone.
            handle, name = tempfile.mkstemp()
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(certificate + b"\n" + key)
                context.load_cert_chain(name)
            finally:
                Path(name).unlink()
    except (OSError, ValueError) as error:
        raise LabError(f"kubeconfig {file}: expected certificates that can be used, found: {error}") from error
    return context


def _data(file: Path, section: Mapping[str, Any], name: str) -> bytes:
    """A PEM text, inline or in a file; paths are relative to the kubeconfig, as kubectl reads them."""
    if inline := section.get(f"{name}-data"):
        try:
            return base64.b64decode(str(inline), validate=True)
        except binascii.Error as error:
            raise ValueError(f"{name}-data: {error}") from error
    return (file.parent / str(section[name])).read_bytes() if section.get(name) else b""


def _token(file: Path, user: Mapping[str, Any]) -> Callable[[], str]:
    if user.get("tokenFile"):
        path = file.parent / str(user["tokenFile"])
        if not path.is_file():
            raise LabError(f"kubeconfig {file}: expected a token file, found no file {path}")
        return lambda: path.read_text().strip()
    token = str(user.get("token") or "")
    return lambda: token
