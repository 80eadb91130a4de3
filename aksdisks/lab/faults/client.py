"""Switches faults of a running lab on and off, over the lab's own HTTPS path, with the administrator's kubeconfig."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from aksdisks.lab.errors import FaultError, LabError
from aksdisks.lab.fault_catalogue import KINDS, FaultSwitch
from aksdisks.lab.faults.registry import Faults
from aksdisks.lab.persistence.state_directory import LabState

_PATH = "/aksdisks/v1/faults"
_TIMEOUT = 10.0
"""Seconds; the lab is on this machine."""


def switch_on(state: LabState, name: str, object: str = "", rate: float = 1.0) -> FaultSwitch:
    """Switch a fault on. Raises `FaultError` for what there is not, `LabError` for a lab that does not answer."""
    # A name that does not exist is refused here already, in the words of the registry.
    Faults().on(name, object, rate)
    return _switches(_call(state, "PUT", f"/{name}", {"object": object, "rate": rate}))[0]


def switch_off(state: LabState, name: str = "", object: str = "") -> tuple[FaultSwitch, ...]:
    """Switch a fault off, for an object or altogether; no name: all. What was on. Raises as `switch_on`."""
    if name and name not in KINDS:
        Faults().off(name)
    path = f"/{quote(name)}" if name else ""
    return _switches(_call(state, "DELETE", f"{path}?{urlencode({'object': object})}" if object else path))


def switched_on(state: LabState) -> tuple[FaultSwitch, ...]:
    """What is on. Raises `LabError`."""
    return _switches(_call(state, "GET", ""))


def _switches(answer: Any) -> tuple[FaultSwitch, ...]:
    return tuple(FaultSwitch(**entry) for entry in answer["faults"])


def _call(state: LabState, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        token = yaml.safe_load(Path(state.kubeconfig).read_bytes())["users"][0]["user"]["token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{state.kube_url}{_PATH}{path}", data, headers, method=method)
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=state.ca_bundle))
        # The user's proxy, whatever it is, does not lead to this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(request, timeout=_TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        message = json.load(error).get("message", error.reason)
        raise (FaultError if error.code == 400 else LabError)(message) from error
    except OSError as error:
        raise LabError(f"lab at {state.kube_url}: expected an answer, found: {error}") from error
