"""A session on the shared lab, and the lab as if it were a real cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from aksdisks.lab.server.process import LabState
from aksdisks.parameters import Parameters, validate
from aksdisks.session.session import Session, open_session


@pytest.fixture
def on_lab(lab: LabState, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """Default parameters, and the environment in which their target `lab` is the shared one."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    return Parameters()


@pytest.fixture
def as_aks(lab: LabState, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Callable[..., Parameters]:
    """Parameters of target `aks` that point at the shared lab, on a machine whose proxies and bundles lead nowhere."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "AKSDISKS_")) or name.lower() == "no_proxy":
            monkeypatch.delenv(name)
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.setenv(name, lab.environment()[name])
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    bundle = tmp_path / "other.pem"
    bundle.write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def parameters(**changes: object) -> Parameters:
        context = yaml.safe_load(Path(lab.kubeconfig).read_text())["current-context"]
        values = {
            "target": "aks",
            "kubeconfig": lab.kubeconfig,
            "context": context,
            "arm_endpoint": lab.arm_url,
            "authority": lab.authority,
            "ca_bundle": lab.ca_bundle,
        }
        return validate(values | changes)

    return parameters


@pytest.fixture
def session(on_lab: Parameters) -> Iterator[Session]:
    """A session in a namespace of its own, cleaned up afterwards."""
    with open_session(on_lab) as opened:
        yield opened
        assert opened.clean_up().complete
