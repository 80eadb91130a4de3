"""What a command in a container sees: the pod's volumes at their mount paths, its variables, its host's names."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aksdisks.lab.client.interface import ApiError, KubernetesApi, Object
from aksdisks.lab.sandbox.confine import PATH, Confined, Mount, SandboxError
from aksdisks.lab.sandbox.volumes import Volumes

_TOOLS = "/.lab"
"""Where a container finds the commands that tell of the lab's disks what the machine's own cannot know."""


class Containers:
    """Reads pods, claims and volumes through the API, and their bytes from the lab's directories."""

    def __init__(
        self,
        api: KubernetesApi,
        volumes: Volumes,
        directory_of: Callable[[Object], Awaitable[str | None]],
        options: Callable[[Object], list[str]],
        df: Callable[[Object, Object], Awaitable[bytes]],
    ) -> None:
        """`directory_of`: the name of the directory behind a PersistentVolume, None where Azure has not what it names.

        `options`: those that a PersistentVolume is mounted with. `df`: the df of a pod's container, a program that
        knows the sizes of its disks.
        """
        self._api = api
        self._volumes = volumes
        self._directory_of = directory_of
        self._options = options
        self._df = df

    async def view(self, pod: Object, container: Object, *, terminal: bool) -> Confined:
        """As a command in `container` sees it. Raises `SandboxError` for what the lab has no directory for."""
        uid, name = pod["metadata"]["uid"], container["name"]
        declared = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        mounts = []
        for mount in container.get("volumeMounts") or ():
            source, writable = await self._source(pod, declared.get(mount["name"]) or {})
            sub_path = mount.get("subPath", "")
            if mount.get("subPathExpr"):
                raise SandboxError(f"volume mount {mount['mountPath']}: subPathExpr is not emulated by the lab")
            read_only = bool(mount.get("readOnly")) or not writable
            mounts.append(Mount(source, mount["mountPath"], read_only, sub_path))
        df = {"df": await self._df(pod, container)}
        mounts.append(Mount(self._volumes.files(uid, f"{name}.tools", df, executable=True), _TOOLS, read_only=True))
        settings = self._volumes.files(uid, f"{name}.etc", _settings(pod))
        hostname = (pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")
        variables = {"PATH": f"{_TOOLS}:{PATH}", "HOSTNAME": hostname, "HOME": "/tmp"}
        if terminal:
            variables["TERM"] = "xterm"
        variables |= await self._variables(pod, container)
        return Confined(hostname, mounts, settings, variables, container.get("workingDir") or "/")

    async def _source(self, pod: Object, volume: Object) -> tuple[Path, bool]:
        """The directory behind a volume, and whether it may be written to."""
        metadata = pod["metadata"]
        uid, namespace, part = metadata["uid"], metadata["namespace"], f"volume.{volume.get('name', '')}"
        if claim := volume.get("persistentVolumeClaim"):
            source, writable = await self._claimed(namespace, claim["claimName"])
            return source, writable and not claim.get("readOnly")
        if "ephemeral" in volume:
            return await self._claimed(namespace, f"{metadata['name']}-{volume['name']}")
        if "emptyDir" in volume:
            return self._volumes.pod(uid, part), True
        if "azureDisk" in volume:
            disk = {"metadata": {"name": volume["name"]}, "spec": {"azureDisk": volume["azureDisk"]}}
            return await self._directory(disk), True
        if "configMap" in volume:
            content = await self._content("configmaps", namespace, volume["configMap"].get("name", ""))
            return self._volumes.files(uid, part, _chosen(content, volume["configMap"])), False
        if "secret" in volume:
            content = await self._content("secrets", namespace, volume["secret"].get("secretName", ""))
            return self._volumes.files(uid, part, _chosen(content, volume["secret"])), False
        if "projected" in volume:
            return self._volumes.files(uid, part, await self._projected(pod, volume["projected"])), False
        # Anything else stands for a place of the node's or of the network's: the pod sees an empty directory.
        return self._volumes.files(uid, part, {}), False

    async def _claimed(self, namespace: str, claim: str) -> tuple[Path, bool]:
        try:
            name = (await self._api.get("persistentvolumeclaims", claim, namespace))["spec"].get("volumeName", "")
            volume = await self._api.get("persistentvolumes", name)
        except ApiError as error:
            raise SandboxError(f"claim {claim}: {error.message}") from error
        return await self._directory(volume), "ro" not in ",".join(self._options(volume)).split(",")

    async def _directory(self, volume: Object) -> Path:
        name = await self._directory_of(volume)
        if name is None:
            spec = volume["spec"]
            handle = (spec.get("csi") or {}).get("volumeHandle") or (spec.get("azureDisk") or {}).get("diskURI")
            text = f"expected a disk or a share of Azure's, found {handle or 'none'}"
            raise SandboxError(f"volume {volume['metadata']['name']}: {text}")
        return self._volumes.disk(name)

    async def _content(self, resource: str, namespace: str, name: str) -> dict[str, bytes]:
        """The data of a ConfigMap or Secret; nothing where there is none."""
        try:
            found = await self._api.get(resource, name, namespace)
        except ApiError:
            return {}
        encoded = found.get("data" if resource == "secrets" else "binaryData") or {}
        content = {key: base64.b64decode(value) for key, value in encoded.items()}
        if resource == "configmaps":
            content |= {key: value.encode() for key, value in (found.get("data") or {}).items()}
        return content

    async def _projected(self, pod: Object, projected: Object) -> dict[str, bytes]:
        """All sources but tokens: with no network there is nobody to show one to."""
        namespace = pod["metadata"]["namespace"]
        files: dict[str, bytes] = {}
        for source in projected.get("sources") or ():
            for resource, key in (("configmaps", "configMap"), ("secrets", "secret")):
                if key in source:
                    content = await self._content(resource, namespace, source[key].get("name", ""))
                    files |= _chosen(content, source[key])
            for item in (source.get("downwardAPI") or {}).get("items") or ():
                files[item["path"]] = _field(pod, (item.get("fieldRef") or {}).get("fieldPath", "")).encode()
        return files

    async def _variables(self, pod: Object, container: Object) -> dict[str, str]:
        """`env` and `envFrom`, with `$(NAME)` put in."""
        namespace, variables = pod["metadata"]["namespace"], dict[str, str]()
        for source in container.get("envFrom") or ():
            for resource, key in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
                if key in source:
                    content = await self._content(resource, namespace, source[key].get("name", ""))
                    prefix = source.get("prefix", "")
                    variables |= {f"{prefix}{name}": data.decode(errors="replace") for name, data in content.items()}
        for entry in container.get("env") or ():
            reference = entry.get("valueFrom") or {}
            value = _expanded(entry.get("value") or "", variables)
            for resource, key in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
                if key in reference:
                    content = await self._content(resource, namespace, reference[key].get("name", ""))
                    value = content.get(reference[key].get("key", ""), b"").decode(errors="replace")
            if "fieldRef" in reference:
                value = _field(pod, reference["fieldRef"].get("fieldPath", ""))
            variables[entry["name"]] = value
        return {name: value.replace("\0", "") for name, value in variables.items() if name and "=" not in name}


def _chosen(content: Mapping[str, bytes], source: Object) -> dict[str, bytes]:
    """The keys that `items` names, under their paths; all without it."""
    if "items" not in source:
        return dict(content)
    return {item["path"]: content[item["key"]] for item in source["items"] if item["key"] in content}


def _settings(pod: Object) -> dict[str, bytes]:
    """The files of /etc that a container runtime writes, and the names of the two users."""
    name, address = pod["metadata"]["name"], (pod.get("status") or {}).get("podIP", "")
    hosts = f"# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n{address}\t{name}\n"
    return {
        "hosts": hosts.encode(),
        "hostname": f"{name}\n".encode(),
        "passwd": b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
        "group": b"root:x:0:\nnogroup:x:65534:\n",
    }


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` of a variable that stands above; `$$(NAME)` is what it says (K third_party/forked/golang/expansion)."""

    def put_in(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^()]*)\)", put_in, text)


def _field(pod: Object, path: str) -> str:
    """A field of the pod by the downward API's path; empty where it has none."""
    key = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if key:
        return str((pod["metadata"].get(key[1]) or {}).get(key[2], ""))
    found: Any = pod
    for step in path.split("."):
        found = found.get(step, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) else ""
