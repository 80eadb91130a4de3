"""How the disk driver reads the parameters of classes (CSI pkg/azureutils/azure_disk_utils.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aksdisks.lab.agents.csi.common import INVALID_ARGUMENT, RpcError, parameter

SKUS = (
    "Premium_LRS",
    "PremiumV2_LRS",
    "Premium_ZRS",
    "Standard_LRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "UltraSSD_LRS",
)
"""In the order in which the driver lists them."""

_UNCACHED = "PremiumV2_LRS"

IOPS, MBPS = "diskiopsreadwrite", "diskmbpsreadwrite"
_NAMES = frozenset(
    (
        "attachdiskinitialdelay", "cachingmode", "csi.storage.k8s.io/pv/name", "csi.storage.k8s.io/pvc/name",
        "csi.storage.k8s.io/pvc/namespace", "diskaccessid", "diskencryptionsetid", "diskencryptiontype", IOPS, MBPS,
        "diskname", "enableasyncattach", "enablebursting", "enableperformanceplus", "fstype", "kind", "location",
        "logicalsectorsize", "maxshares", "networkaccesspolicy", "perfprofile", "publicnetworkaccess",
        "resourcegroup", "skuname", "storageaccounttype", "subscriptionid", "tags", "tagvaluedelimiter", "useragent",
        "writeacceleratorenabled", "zoned",
    )
)  # fmt: skip
_DEVICE = "device-setting/"

_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class DiskChange:
    """What a VolumeAttributesClass asks of a disk: `sku` empty, `iops` and `mbps` None where it says nothing."""

    sku: str
    iops: int | None
    mbps: int | None


def disk_change(parameters: Mapping[str, str]) -> DiskChange:
    """Raises `RpcError` for what the driver refuses before it asks Azure."""
    for name in parameters:
        if name.lower() not in _NAMES and not name.startswith(_DEVICE):
            raise _not_parsed(f"invalid parameter {name} in storage class")
    iops, mbps = performance(parameters)
    return DiskChange(sku(parameters, ""), iops, mbps)


def sku(parameters: Mapping[str, str], default: str) -> str:
    """The SKU, as Azure writes it. Raises `RpcError` for one that the driver does not know, also by its case."""
    stated = parameter(parameters, "skuname", "storageaccounttype")
    wanted, caching = stated or default, parameter(parameters, "cachingmode")
    if stated.lower() == _UNCACHED.lower() and caching.lower() not in ("", "none"):
        raise _not_parsed(f"cachingMode {caching} is not supported for {_UNCACHED}")
    if wanted not in ("", *SKUS):
        text = f"azureDisk - {wanted} is not supported sku/storageaccounttype. Supported values are [{' '.join(SKUS)}]"
        raise RpcError(INVALID_ARGUMENT, text)
    return wanted


def performance(parameters: Mapping[str, str]) -> tuple[int | None, int | None]:
    """IOPS and MB/s, None where they are left to Azure. Raises `RpcError` for what is no number."""
    return _number(parameters, IOPS), _number(parameters, MBPS)


def volume_context(parameters: Mapping[str, str], sku: str) -> dict[str, str]:
    """The parameters as a volume keeps them: a Premium SSD v2 has no cache, whether they say so or not."""
    context = dict(parameters)
    if sku == _UNCACHED:
        context[next((name for name in context if name.lower() == "cachingmode"), "cachingmode")] = "None"
    return context


def max_shares(parameters: Mapping[str, str]) -> int:
    """How many nodes may have the disk at the same time. Raises `RpcError`."""
    text = parameter(parameters, "maxshares")
    if not text:
        return 1
    problem = f"parse {text} returned with invalid value: {text}"
    if _WHOLE.fullmatch(text) is None:
        problem = f"parse {text} failed with error: {_no_number(text)}"
    elif int(text) >= 1:
        return int(text)
    raise _not_parsed(problem)


def _number(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameter(parameters, name)
    if not text and not any(given.lower() == name for given in parameters):
        return None
    if _WHOLE.fullmatch(text) is None:
        raise _not_parsed(f"parse {name}:{text} failed with error: {_no_number(text)}")
    return int(text)


def _no_number(text: str) -> str:
    return f'strconv.Atoi: parsing "{text}": invalid syntax'


def _not_parsed(problem: str) -> RpcError:
    return RpcError(INVALID_ARGUMENT, f"Failed parsing disk parameters: {problem}")
