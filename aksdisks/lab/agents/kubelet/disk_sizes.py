"""`df` in a container: the sizes of the pod's disks and shares, which a directory of the machine's does not have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.controllers.storage import DISK_DRIVER, attachment_name, driver_and_handle
from aksdisks.lab.kube.schema.quantities import parse

_FIRST_LUN = 2
"""An Azure machine has its own disk at /dev/sda and its temporary one at /dev/sdb; LUN 0 comes next."""
_UNKNOWN = "-"


Row = tuple[str, str, int]
"""What df tells of a volume: device, type of file system, bytes."""


async def df_script(
    api: KubernetesApi, share: Callable[[Object], Awaitable[Row | None]], pod: Object, container: Object
) -> bytes:
    """A df that knows the claims which `container` mounts; `share`: the row of a volume that is a share, else None."""
    namespace, claims = pod["metadata"]["namespace"], _claims(pod)
    rows = []
    for mount in container.get("volumeMounts") or ():
        if claim := claims.get(mount["name"]):
            path = mount["mountPath"].rstrip("/")
            if "\n" not in path and "\t" not in path:
                bound = await api.get("persistentvolumeclaims", claim, namespace)
                volume = await api.get("persistentvolumes", bound["spec"].get("volumeName", ""))
                row = await share(volume) or await _disk(api, bound, volume, pod["spec"].get("nodeName", ""))
                rows.append("\t".join((*map(str, row), path)))
    return _script().replace("@CLAIMS@\n", "".join(f"{row}\n" for row in rows)).encode()


async def _disk(api: KubernetesApi, claim: Object, volume: Object, node: str) -> Row:
    """Of a disk; the size is the claim's, as last expanded."""
    capacity = ((claim.get("status") or {}).get("capacity") or volume["spec"]["capacity"])["storage"]
    fstype = (volume["spec"].get("csi") or volume["spec"].get("azureDisk") or {}).get("fsType") or "ext4"
    _, handle = driver_and_handle(volume) or ("", "")
    return await _device(api, handle, node), str(fstype), int(parse(capacity))


async def _device(api: KubernetesApi, handle: str, node: str) -> str:
    """Where the machine has the disk, by its LUN; unknown for a disk that no VolumeAttachment tells of."""
    try:
        attachment = await api.get("volumeattachments", attachment_name(handle, DISK_DRIVER, node))
        lun = int(attachment["status"]["attachmentMetadata"]["LUN"])
    except (ApiError, KeyError, TypeError, ValueError):
        return _UNKNOWN
    first, second = divmod(lun + _FIRST_LUN, 26)
    return f"/dev/sd{chr(ord('a') + first - 1) if first else ''}{chr(ord('a') + second)}"


def _claims(pod: Object) -> dict[str, str]:
    """The claim behind each of the pod's volumes that has one."""
    claims = {}
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            claims[volume["name"]] = str(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            claims[volume["name"]] = f"{pod['metadata']['name']}-{volume['name']}"
    return claims


@cache
def _script() -> str:
    return (resources.files(__package__) / "df.sh").read_text()
