"""Service accounts of a lab, as clients that were given one use them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from aksdisks.lab.server.process import LabState
from tests.lab.kube.wire import Wire


def token(wire: Wire, namespace: str, account: str, **spec: Any) -> str:
    """A token by TokenRequest."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    answer = wire("POST", path, {"spec": spec})
    assert answer.status == 201, answer.json()
    return str(answer.json()["status"]["token"])


def kubeconfig(lab: LabState, bearer: str, file: Path) -> Path:
    """A kubeconfig whose only user has that token."""
    authority = base64.b64encode(Path(lab.ca_bundle).read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": lab.kube_url, "certificate-authority-data": authority}}],
        "users": [{"name": "account", "user": {"token": bearer}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "account"}}],
        "current-context": "lab",
    }
    file.write_text(yaml.safe_dump(config))
    return file
