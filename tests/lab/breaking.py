"""A lab to break: kubectl and Azure's SDK as its users have them, small manifests, and waiting for what is told."""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aksdisks.lab.faults import client
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState
from tests.processes import running
from tests.programs import require

Json = dict[str, Any]

TIMEOUT = 20
_EVENT = '{{.reason}} {{.message}}{{"\\n"}}'


@dataclass(frozen=True)
class Broken:
    """One private lab, used through one namespace."""

    state: LabState
    environment: Mapping[str, str]
    namespace: str = "default"

    def kubectl(self, *arguments: str, code: int | None = 0, stdin: object = None) -> str:
        """What it prints, on both streams; `code`: how it must end (None: either way)."""
        command = ["kubectl", "--namespace", self.namespace, *arguments]
        given = None if stdin is None else json.dumps(stdin)
        done = subprocess.run(
            command, env=dict(self.environment), input=given, capture_output=True, text=True, timeout=2 * TIMEOUT
        )
        shown = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{shown}"
        return shown

    def apply(self, *objects: Json) -> None:
        self.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": list(objects)})

    def wait(self, condition: str, *objects: str) -> None:
        self.kubectl("wait", f"--for={condition}", *objects, f"--timeout={TIMEOUT}s")

    def running(self, *pods: str) -> None:
        self.wait("condition=Ready", *(f"pod/{pod}" for pod in pods))

    def told(self, pattern: str, about: str, namespace: str = "") -> str:
        """Watch events until one about the object matches `REASON MESSAGE`."""
        name = about.rpartition("/")[2]
        return self._watched("events", pattern, _EVENT, f"--field-selector=involvedObject.name={name}", namespace)

    def shown(self, resource: str, template: str, pattern: str, namespace: str = "") -> str:
        """Watch objects until one, through the Go template, matches; `resource` is a kind, or a kind and a name.

        Even of one name a list is watched: of a single object kubectl shows what it got, and then leaves out the first
        event of its watch, which on a slow machine may be the last there is.
        """
        kind, _, name = resource.partition(" ")
        one = f"--field-selector=metadata.name={name}" if name else ""
        return self._watched(kind, pattern, template + '{{"\\n"}}', one, namespace)

    def _watched(self, resource: str, pattern: str, template: str, option: str, namespace: str) -> str:
        command = ["kubectl", "--namespace", namespace or self.namespace, "get", resource, "--watch"]
        command += [f"-o=go-template={template}", *filter(None, [option])]
        seen, end = "", time.monotonic() + TIMEOUT
        with (
            running(command, env=dict(self.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as watch,
            selectors.DefaultSelector() as readable,
        ):
            assert watch.stdout is not None
            readable.register(watch.stdout, selectors.EVENT_READ)
            while (left := end - time.monotonic()) > 0 and readable.select(left):
                data = os.read(watch.stdout.fileno(), 65536)
                seen += data.decode()
                if (found := re.search(pattern, seen)) is not None:
                    return found.group()
                if not data:
                    break
        why = "kubectl ended by itself" if time.monotonic() < end else f"{TIMEOUT} s passed"
        raise AssertionError(f"{' '.join(command)}: {why}, no {pattern!r} in\n…{seen[-2000:]}")

    def get(self, template: str, *what: str) -> str:
        return self.kubectl("get", *what, "-o", f"jsonpath={template}")

    @contextmanager
    def fault(self, name: str, target: str = "", rate: float = 1.0) -> Iterator[None]:
        """On inside, off afterwards."""
        client.switch_on(self.state, name, target, rate)
        try:
            yield
        finally:
            client.switch_off(self.state, name, target)

    def node(self, index: int) -> str:
        return f"aks-agentpool-22115152-vmss00000{index}"

    def volume(self, claim: str) -> str:
        """The volume that the claim is bound to; its disk has the same name."""
        self.wait("jsonpath={.status.phase}=Bound", f"pvc/{claim}")
        return self.get("{.spec.volumeName}", "pvc", claim)

    @cached_property
    def azure(self) -> Any:
        """Azure's compute client, which gives up at once instead of trying again."""
        from azure.core.pipeline.policies import RetryPolicy
        from azure.identity import ClientSecretCredential
        from azure.mgmt.compute import ComputeManagementClient

        state = self.state
        credential = ClientSecretCredential(
            state.tenant_id, state.client_id, state.client_secret,
            authority=state.authority, disable_instance_discovery=True, connection_verify=state.ca_bundle,
        )  # fmt: skip
        return ComputeManagementClient(
            credential, state.subscription_id, base_url=state.arm_url, connection_verify=state.ca_bundle,
            credential_scopes=["https://management.azure.com/.default"], retry_policy=RetryPolicy.no_retries(),
            polling_interval=0,
        )  # fmt: skip

    def machine(self, index: int) -> Any:
        """The instance behind a node, as Azure shows it."""
        group, scale_set = self.state.node_resource_group, "aks-agentpool-22115152-vmss"
        return self.azure.virtual_machine_scale_set_vms.get(group, scale_set, str(index))


@contextmanager
def broken_lab(directory: Path, speed: float = 500.0, scenario: str = "regional") -> Iterator[Broken]:
    require("kubectl")
    state = process.start(directory / "lab", speed, scenario, parent=os.getpid())
    try:
        yield Broken(state, os.environ | state.environment() | {"KUBECACHEDIR": str(directory / "cache")})
    finally:
        process.stop(state.state_dir)


def claim(name: str, storage_class: str = "managed-premium", mode: str = "ReadWriteOnce") -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": [mode],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "25Gi"}},
        },
    }


def pod_spec(*claims: str, node: str = "", **more: Any) -> Json:
    return {
        "containers": [{"name": "busy", "image": "busybox"}],
        "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims],
        **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
        **more,
    }


def pod(name: str, *claims: str, node: str = "", **more: Any) -> Json:
    spec = pod_spec(*claims, node=node, **more)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def workload(kind: str, name: str, replicas: int, spec: Json, *templates: Json) -> Json:
    """A Deployment or a StatefulSet of pods with that spec."""
    more: Json = {"serviceName": name, "volumeClaimTemplates": list(templates)} if kind == "StatefulSet" else {}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            **more,
        },
    }
