"""The state directory of a lab: the files in it, and the lock that says which process uses it."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import BinaryIO, Literal

from aksdisks.lab.errors import LabError

_STATE, _LOCK, _LOG, _CA, _KUBECONFIG = "lab.json", "lock", "lab.log", "ca.crt", "kubeconfig"
_ACCOUNT_KEY = "service-accounts.key"
_DATABASE = ("lab.sqlite", "lab.sqlite-wal", "lab.sqlite-shm")


@dataclass(frozen=True, slots=True)
class LabState:
    """All that a client needs to reach a running lab. Paths are absolute; `started` is RFC 3339 in UTC."""

    pid: int
    kube_url: str
    arm_url: str
    authority: str
    ca_bundle: str
    kubeconfig: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    subscription_id: str
    node_resource_group: str
    resource_group: str
    cluster_name: str
    location: str
    speed: float
    scenario: str
    kubernetes: str
    state_dir: str
    started: str

    def environment(self) -> dict[str, str]:
        """The variables that make kubectl, the Azure SDK and this project's own tools talk to the lab.

        A proxy is kept away from 127.0.0.1 whatever the user's own exceptions are; programs that read the lower-case
        variable prefer it, so it is set along wherever the user has it.
        """
        exceptions = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        hosts = [host for host in exceptions.split(",") if host.strip()]
        no_proxy = ",".join([*hosts, *(host for host in ("127.0.0.1", "localhost") if host not in hosts)])
        variables = {
            "KUBECONFIG": self.kubeconfig,
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_SECRET": self.client_secret,
            "AZURE_SUBSCRIPTION_ID": self.subscription_id,
            "AZURE_AUTHORITY_HOST": self.authority,
            "AKSDISKS_ARM_ENDPOINT": self.arm_url,
            "AKSDISKS_CA_BUNDLE": self.ca_bundle,
            "AKSDISKS_TIME_SCALE": f"{self.speed:g}",
            "NO_PROXY": no_proxy,
        }
        if "no_proxy" in os.environ:
            variables["no_proxy"] = no_proxy
        return variables

    def az_environment(self) -> dict[str, str]:
        """What the Azure CLI needs besides: a configuration of its own, the lab's authority, no look-up of instances.

        REQUESTS_CA_BUNDLE holds for every program of that shell that is written with requests.
        """
        return {
            "AZURE_CONFIG_DIR": str(Path(self.state_dir) / "az"),
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": self.ca_bundle,
        }

    def driver_config(self, machine_kind: Literal["vmss", "vmas"]) -> dict[str, str | bool]:
        """The cloud config of the real disk driver (facts I; cloud-provider-azure pkg/provider/config/azure.go).

        Without a cloud's name the driver takes the lab's addresses from `/metadata/endpoints`.
        """
        return {
            "cloud": "",
            "resourceManagerEndpoint": self.arm_url,
            "tenantId": self.tenant_id,
            "subscriptionId": self.subscription_id,
            "aadClientId": self.client_id,
            "aadClientSecret": self.client_secret,
            "resourceGroup": self.node_resource_group,
            "location": self.location,
            "vmType": "vmss" if machine_kind == "vmss" else "standard",
            "useManagedIdentityExtension": False,
            "useInstanceMetadata": False,
        }

    def az_commands(self) -> tuple[str, ...]:
        """What to type then; the secret is the variable's. A cloud's name has the port, which an address keeps."""
        name = f"aksdisks-{self.arm_url.rpartition(':')[2]}"
        return (
            f"az cloud show --name {name} --output none 2>/dev/null || "
            f"az cloud register --name {name} --endpoint-resource-manager {self.arm_url}",
            f"az cloud set --name {name} --only-show-errors",
            'az login --service-principal --username "$AZURE_CLIENT_ID" --password="$AZURE_CLIENT_SECRET" '
            '--tenant "$AZURE_TENANT_ID" --output none',
        )


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The files of one lab. The lock is held by the server as long as it lives, however it ends."""

    path: Path

    @property
    def log(self) -> Path:
        """Where a lab in the background writes."""
        return self.path / _LOG

    @property
    def authority(self) -> Path:
        """The lab's CA certificate, PEM."""
        return self.path / _CA

    @property
    def kubeconfig(self) -> Path:
        """For kubectl."""
        return self.path / _KUBECONFIG

    def prepare(self) -> None:
        """Make the directory, for its user alone; raises `LabError`."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            for file in (self.log, self.path / _LOCK):
                file.touch(mode=0o600)
                file.chmod(0o600)
        except OSError as error:
            reason = error.strerror or str(error)
            raise LabError(
                f"state directory {self.path}: expected one that can be written to, found: {reason}"
            ) from error

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Try to hold the directory; yields whether that worked, and never waits."""
        try:
            stream = _open_private(self.path / _LOCK, "a")
        except OSError as error:
            raise LabError(f"{self.path / _LOCK}: expected a file to lock, found: {error.strerror}") from error
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def publish(self, state: LabState, authority: bytes, kubeconfig: bytes) -> None:
        """Tell clients about a lab that answers; the state comes last, so whoever reads it finds the rest."""
        self._write(self.authority, authority)
        self._write(self.kubeconfig, kubeconfig)
        self._write(self.path / _STATE, json.dumps(asdict(state), indent=2).encode() + b"\n")

    def account_key(self, make: Callable[[], bytes]) -> bytes:
        """What service accounts' tokens are signed with; it stays, so that they outlive a stop."""
        path = self.path / _ACCOUNT_KEY
        if not path.exists():
            self._write(path, make())
        return path.read_bytes()

    def open_log(self, mode: Literal["w", "a"]) -> BinaryIO:
        """The log, for writing; nobody else may read it."""
        return _open_private(self.log, mode)

    def clear(self) -> bool:
        """Remove the files that a lab keeps; whether there was anything. For whoever holds the lock."""
        self.withdraw()
        found = False
        for name in (*_DATABASE, _ACCOUNT_KEY, _LOG):
            with suppress(FileNotFoundError):
                (self.path / name).unlink()
                found = found or name != _LOG
        return found

    def withdraw(self) -> None:
        """Remove what `publish` wrote."""
        for name in (_STATE, _KUBECONFIG, _CA):
            with suppress(FileNotFoundError):
                (self.path / name).unlink()

    def read(self) -> LabState | None:
        """What the lab said when it began to answer; None before that, and of a file that is not of this version."""
        try:
            values = json.loads((self.path / _STATE).read_bytes())
            return LabState(**{entry.name: values[entry.name] for entry in fields(LabState)})
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None
        except OSError as error:
            raise LabError(
                f"{self.path / _STATE}: expected a file that can be read, found: {error.strerror}"
            ) from error

    def _write(self, path: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.path, prefix=f".{path.name}.")  # mkstemp makes it 0600
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)


def _open_private(path: Path, mode: Literal["w", "a"]) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if mode == "w" else os.O_APPEND)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def default_state_dir() -> Path:
    """AKSDISKS_STATE_DIR, else `aksdisks/lab` under XDG_STATE_HOME or ~/.local/state."""
    if chosen := os.environ.get("AKSDISKS_STATE_DIR"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "aksdisks" / "lab"
