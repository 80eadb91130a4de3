"""PostgreSQL does not start on an SMB share.

What it is
    A container whose image is PostgreSQL's has its data directory on a claim of Azure Files that is mounted by SMB, and
    the mount options do not give that directory to its user, with a mode that PostgreSQL accepts.

Why it hurts
    On such a share all files have the owner and the mode of the mount: root's and 0777, if nobody says otherwise, and
    no `chown` or `chmod` of the container's changes that. PostgreSQL starts only in a directory of its own user's that
    nobody else writes to: `initdb: could not change permissions of directory`, `data directory has wrong ownership`.
    What options can mend is not enough either: up to PostgreSQL 15 it makes hard links, which SMB mounts do not have
    (`could not link file … Operation not supported`).

Instead
    A disk: `accessModes: [ReadWriteOnce]` and a class such as `managed-csi-premium`, in a StatefulSet. What several
    pods need, such as dumps, may stand on the share beside it.

Not meant
    Shares by NFS, mounts with `uid=` and `dir_mode=0700` or `0750`, containers that tell by a reference where their
    data is (PGDATA), and other mounts of the same container.

Opposed by
    No check that we know of.

Links
    https://github.com/docker-library/postgres/issues/548
    https://github.com/Azure/azurefile-dockervolumedriver/issues/65
    https://learn.microsoft.com/azure/aks/concepts-storage#azure-files
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aksdisks.inspection.lint.documents import Path
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import Workload, image_parts
from aksdisks.inspection.lint.world import Claim, World
from aksdisks.model import Volume, decode
from aksdisks.model.decoding import listed, mapping, texts

_IMAGES = frozenset({"postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha"})
# Where these images keep their data: Docker's until PostgreSQL 17 and since 18, Bitnami's, Red Hat's, Timescale's.
_DATA = (
    "/var/lib/postgresql/data",
    "/var/lib/postgresql/18/docker",
    "/bitnami/postgresql/data",
    "/var/lib/pgsql/data/userdata",
    "/home/postgres/pgdata/data",
)
_PRIVATE = {f"dir_mode={mode}" for mode in ("0700", "0750", "700", "750")}


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None:
        return
    for container in listed(workload.pod, "containers"):
        name = image_parts(container)[-1]
        volume, path = _data_mount(container) if name in _IMAGES else ("", "")
        found = _claim(world, workload, volume) if volume else None
        if found and (options := _smb_options(world, found[1])) is not None and not _fits(options):
            by = "as root's" if not any(each.startswith("uid=") for each in options) else "open to everybody"
            because = f"{name} has its data at {path} on claim {found[1].name}, a share that is mounted by SMB, {by}"
            yield Hit(because=because, place=found[0])


def _data_mount(container: dict[str, Any]) -> tuple[str, str]:
    """The volume that holds a container's data directory, and where it is mounted; empty where none does."""
    told = [each for each in listed(container, "env") if each.get("name") == "PGDATA"]
    if any(not isinstance(each.get("value"), str) for each in told):
        return "", ""  # it stands in a Secret or a ConfigMap
    wanted = [each["value"].rstrip("/") for each in told] or _DATA
    mounts = [(str(each.get("mountPath", "")).rstrip("/"), each) for each in listed(container, "volumeMounts")]
    holding = [(path, each) for path, each in mounts if path and any(f"{d}/".startswith(f"{path}/") for d in wanted)]
    # A mount within another covers it.
    path, mount = max(holding, key=lambda found: len(found[0]), default=("", {}))
    return str(mount.get("name", "")), path


def _claim(world: World, workload: Workload, volume: str) -> tuple[Path, Claim] | None:
    """The claim that is mounted as the volume of this name, with its place in the workload."""
    for template, claim in zip(workload.claim_templates, world.templates(workload), strict=True):
        if template.name == volume:
            return template.path, claim
    mounted = ((mount.path, claim) for mount, claim in world.mounted(workload) if mount.volume == volume)
    return next(mounted, None)


def _smb_options(world: World, claim: Claim) -> tuple[str, ...] | None:
    """The options with which a share is mounted by SMB; None for what is not known to be one."""
    name = str(mapping(claim.raw, "spec").get("volumeName") or "")
    manifest = world.get("PersistentVolume", "", name, claim.manifest)
    if manifest is not None:
        volume: Volume = decode("PersistentVolume", manifest.raw)
        return _split(manifest, "spec.mountOptions") if volume.share and volume.share.protocol == "smb" else None
    known = claim.storage_class
    if known is None or not known.value.makes_shares:
        return None
    raw = known.manifest.raw if known.manifest else {}
    said = {key.lower(): str(value).lower() for key, value in mapping(raw, "parameters").items()}
    by_smb = said.get("protocol", "smb") == "smb" and said.get("fstype", "") in ("", "cifs", "smb")
    return (_split(known.manifest, "mountOptions") if known.manifest else ()) if by_smb else None


def _split(manifest: Manifest, place: str) -> tuple[str, ...]:
    """Mount options, each by itself; several may stand in one text."""
    return tuple(option.strip() for text in texts(manifest.raw, place) for option in text.split(","))


def _fits(options: tuple[str, ...]) -> bool:
    """Whether they give the directory to a user that is not root, and to nobody else."""
    owners = {each.partition("=")[2] for each in options if each.startswith("uid=")}
    return bool(owners - {"0", ""}) and bool(_PRIVATE & set(options))


RULE = Rule(
    id="postgres-on-smb",
    level="error",
    judge=_judge,
    kinds=("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Pod"),
    page=__doc__,
)
