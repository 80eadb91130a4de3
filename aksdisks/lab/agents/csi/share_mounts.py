"""The file driver on a node: a share is mounted by SMB with the key of its account, or by NFS without one.

Source: kubernetes-sigs/azurefile-csi-driver pkg/azurefile/nodeserver.go NodeStageVolume, azurefile.go GetAccountInfo;
the kubelet's part K pkg/volume/csi/csi_attacher.go MountDevice; a mount's words k8s.io/mount-utils mount_linux.go.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from aksdisks.lab.agents.csi.common import INTERNAL, INVALID_ARGUMENT, Kept, RpcError, parameter, refusal_text
from aksdisks.lab.agents.csi.share_volumes import (
    ACCOUNT_KEY,
    ACCOUNT_NAME,
    KEY_KEPT,
    ShareAddress,
    is_nfs,
    secret_name,
    share_of,
)
from aksdisks.lab.agents.kubelet.volume_manager import StagingError
from aksdisks.lab.arm.driver.files import AzureFiles
from aksdisks.lab.arm.driver.retries import DriverError
from aksdisks.lab.arm.errors import CloudError
from aksdisks.lab.arm.storage.storage import Reason
from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.clock import Clock
from aksdisks.lab.controllers.storage import FILE_DRIVER

HOST = "file.core.windows.net"
_HELP = "\nPlease refer to http://aka.ms/filemounterror for possible causes and solutions for mount errors."

_SMB_DEFAULTS = {"file_mode": "=0777", "dir_mode": "=0777", "actimeo": "=30", "mfsymlinks": "", "nosharesock": ""}
_NFS_DEFAULTS = {"noresvport": "", "actimeo": "=30"}
"""Options that the driver adds where nobody has said otherwise."""

_SMB_SAYS: Mapping[Reason, tuple[int, str]] = {
    "account": (1, "mount error: could not resolve address for {server}: Unknown error\n"),
    "key": (32, "mount error(13): Permission denied\n{manual}"),
    "share": (32, "mount error(2): No such file or directory\n{manual}"),
}
_NFS_SAYS: Mapping[Reason, tuple[int, str]] = {
    "account": (32, "mount.nfs: Failed to resolve server {server}: Name or service not known\n"),
    "key": (32, "mount.nfs: access denied by server while mounting {source}\n"),
    "share": (
        32,
        "mount.nfs: mounting {source} failed, reason given by server: No such file or directory\n",
    ),
}
"""Exit status and output of `mount` (azurefile-csi-driver#610, #687, azure-docs#92970; nfs-utils mount/error.c)."""
_MANUAL = "Refer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)\n"


async def stage_secrets(api: KubernetesApi, volume: Object) -> dict[str, str]:
    """The content of the secret that a volume names in nodeStageSecretRef; nothing without. Raises `StagingError`."""
    reference = volume["spec"]["csi"].get("nodeStageSecretRef")
    if not reference:
        return {}
    name, namespace = str(reference.get("name", "")), str(reference.get("namespace", ""))
    try:
        return _content(await api.get("secrets", name, namespace))
    except ApiError as error:
        raise StagingError(
            f"fetching NodeStageSecretRef {namespace}/{name} failed: kubernetes.io/csi: failed to find the secret "
            f"{name} in the namespace {namespace} with error: {error.message}"
        ) from error


async def mounted_share(api: KubernetesApi, volume: Object) -> ShareAddress:
    """The share that a volume is mounted from, its account as the secret with the key may name it."""
    address, secrets = share_of(volume), {}
    try:
        secrets = await stage_secrets(api, volume)
        if not secrets and not is_nfs(volume):
            secrets = _content(await api.get("secrets", _secret_of(volume, address), address.namespace))
    except (StagingError, ApiError):
        return address
    return replace(address, account=_named(secrets, ACCOUNT_NAME, "accountname") or address.account)


class ShareMounts:
    """One for a node's driver."""

    def __init__(self, api: KubernetesApi, clock: Clock, azure: AzureFiles) -> None:
        """`azure`: also what a node reaches without Resource Manager, the file service."""
        self._api = api
        self._azure = azure
        self._keys = Kept[str](clock, KEY_KEPT)

    async def stage(self, volume: Object, fs_group: str = "") -> None:
        """Mount the share of a PersistentVolume, or find that it can be. Raises `StagingError`.

        `fs_group`: the pod's, which SMB shows as the owner of every file.
        """
        try:
            await self._stage(volume, await stage_secrets(self._api, volume), fs_group)
        except RpcError as error:
            raise StagingError(str(error)) from error

    async def _stage(self, volume: Object, secrets: Mapping[str, str], fs_group: str) -> None:
        """The driver's NodeStageVolume. Raises `RpcError`."""
        handle = str(volume["spec"]["csi"]["volumeHandle"])
        try:
            address, key = await self._account(volume, secrets)
        except ValueError as error:
            raise RpcError(INVALID_ARGUMENT, f"GetAccountInfo({handle}) failed with error: {error}") from error
        if not address.share:
            raise RpcError(INVALID_ARGUMENT, f"failed to get file share name from {handle}")
        if not address.account:
            raise RpcError(INVALID_ARGUMENT, f"failed to get account name from {handle}")
        nfs = is_nfs(volume)
        protocol = parameter(volume["spec"]["csi"].get("volumeAttributes") or {}, "protocol")
        if protocol not in ("", "smb", "nfs"):
            text = f"protocol({protocol}) is not supported, supported protocol list: [smb nfs]"
            raise RpcError(INVALID_ARGUMENT, text)
        if not nfs and not key:
            raise RpcError(INTERNAL, f"accountName({address.account}) or accountKey is empty")
        why = await self._azure.closed(address.account, address.share, None if nfs else key)
        if why is not None:
            raise RpcError(INTERNAL, mount_failure(volume, address, why, fs_group))

    async def _account(self, volume: Object, secrets: Mapping[str, str]) -> tuple[ShareAddress, str]:
        """Where the share is, and its account's key (GetAccountInfo). Raises `ValueError` in the driver's words."""
        address = share_of(volume)
        if is_nfs(volume) and address.share:
            return address, ""
        if _has_credentials(secrets):
            name, key = _named(secrets, ACCOUNT_NAME, "accountname"), _named(secrets, ACCOUNT_KEY, "accountkey")
            for value, names in ((name, f"accountname or {ACCOUNT_NAME}"), (key, f"accountkey or {ACCOUNT_KEY}")):
                if not value:
                    raise ValueError(f"could not find {names} field in secrets")
            address = replace(address, account=name)
        else:
            address, key = await self._looked_up(volume, address)
        if key:
            self._keys.put(address.account, key)
        return address, key

    async def _looked_up(self, volume: Object, address: ShareAddress) -> tuple[ShareAddress, str]:
        """The key of before, else that of the account's secret, else that which Azure gives the cluster's identity."""
        key = self._keys.get(address.account)
        if key:
            return address, key
        name = _secret_of(volume, address)
        if not name:
            return address, ""
        try:
            found = _content(await self._api.get("secrets", name, address.namespace))
        except ApiError as error:
            attributes = volume["spec"]["csi"].get("volumeAttributes") or {}
            if parameter(attributes, "getaccountkeyfromsecret").lower() == "true" or not address.account:
                raise ValueError(f"could not get secret({name}): {error.message}") from error
            return address, await self._asked(address)
        return replace(address, account=found.get(ACCOUNT_NAME, "") or address.account), found.get(ACCOUNT_KEY, "")

    async def _asked(self, address: ShareAddress) -> str:
        group, azure = address.group or self._azure.group, self._azure.of(address.subscription)
        try:
            return await azure.account_key(group, address.account)
        except (CloudError, DriverError) as error:
            path = f"{azure.id_of(group, address.account)}/listKeys"
            raise ValueError(refusal_text(error, "POST", path)) from error


def mount_failure(volume: Object, address: ShareAddress, why: Reason, fs_group: str = "") -> str:
    """What the driver says of a mount that fails."""
    handle = str(volume["spec"]["csi"]["volumeHandle"])
    server, target, source = f"{address.account}.{HOST}", staging_path(handle), mount_source(volume, address)
    kind, options = ("nfs", nfs_options(volume)) if is_nfs(volume) else ("cifs", smb_options(volume, fs_group))
    status, says = (_NFS_SAYS if kind == "nfs" else _SMB_SAYS)[why]
    masked = [] if kind == "nfs" else ["<masked>"]
    return (
        f"volume({handle}) mount {source} on {target} failed with mount failed: exit status {status}\n"
        f"Mounting command: mount\nMounting arguments: -t {kind} -o {','.join([*options, *masked])} {source} {target}\n"
        f"Output: {says.format(server=server, source=source, manual=_MANUAL)}{_HELP}"
    )


def mount_source(volume: Object, address: ShareAddress) -> str:
    """What a node mounts, as `mount` and df name it."""
    server = f"{address.account}.{HOST}"
    return f"{server}:/{address.account}/{address.share}" if is_nfs(volume) else f"//{server}/{address.share}"


def staging_path(handle: str) -> str:
    """Where a node mounts a volume before any pod has it (K csi_attacher.go makeDeviceMountPath)."""
    digest = hashlib.sha256(handle.encode()).hexdigest()
    return f"/var/lib/kubelet/plugins/kubernetes.io/csi/{FILE_DRIVER}/{digest}/globalmount"


def smb_options(volume: Object, fs_group: str = "") -> list[str]:
    """Those of the volume and what the driver adds to them (appendDefaultCifsMountOptions)."""
    options = mount_options(volume)
    if fs_group and not any(option.startswith("gid") for option in options):
        options.append(f"gid={fs_group}")
    timed = any("acregmax" in option or "acdirmax" in option for option in options)
    return options + [
        f"{name}{value}"
        for name, value in _SMB_DEFAULTS.items()
        if not any(option.startswith(name) for option in options) and not (timed and name == "actimeo")
    ]


def nfs_options(volume: Object) -> list[str]:
    """As `smb_options` (appendDefaultNfsMountOptions)."""
    options = sorted({*mount_options(volume), "vers=4,minorversion=1,sec=sys"})
    return options + [
        f"{name}{value}"
        for name, value in _NFS_DEFAULTS.items()
        if not any(option.startswith(name) for option in options)
    ]


def mount_options(volume: Object) -> list[str]:
    """Those that a volume states; the file driver mounts one that nobody may write to so (isReadOnlyFromCapability)."""
    spec = volume["spec"]
    options, modes = list(spec.get("mountOptions") or ()), spec.get("accessModes") or [""]
    shared = (spec.get("csi") or {}).get("driver") == FILE_DRIVER
    return sorted({*options, "ro"}) if shared and modes[0] == "ReadOnlyMany" else options


def _secret_of(volume: Object, address: ShareAddress) -> str:
    """The name of the secret in which the driver looks for the key; empty where nothing says."""
    named = parameter(volume["spec"]["csi"].get("volumeAttributes") or {}, "secretname")
    return named or (secret_name(address.account) if address.account else "")


def _content(secret: Object) -> dict[str, str]:
    data = secret.get("data") or {}
    return {key: base64.b64decode(value).decode(errors="replace").strip() for key, value in data.items()}


def _named(secrets: Mapping[str, str], *names: str) -> str:
    lowered = {name.lower(): value for name, value in secrets.items()}
    return next((lowered[name] for name in names if lowered.get(name)), "")


def _has_credentials(secrets: Mapping[str, str]) -> bool:
    known = ("accountname", ACCOUNT_NAME, "accountkey", ACCOUNT_KEY)
    return any(name.lower() in known for name in secrets)
