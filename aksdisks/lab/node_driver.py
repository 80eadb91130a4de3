"""The drivers' pods on nodes, which AKS shows in kube-system: a DaemonSet each, and a running pod for each node.

A description of deploy/v1.34.5/csi-azuredisk-node.yaml of kubernetes-sigs/azuredisk-csi-driver and of
deploy/v1.34.5/csi-azurefile-node.yaml of kubernetes-sigs/azurefile-csi-driver, which AKS installs, without the latter's
init container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aksdisks.lab.agents.kubelet.pod_status import node_address, running
from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.controllers.daemonset import NAMESPACE, pinned_to, pod_on
from aksdisks.lab.controllers.pods import controller_of
from aksdisks.lab.controllers.storage import DISK_DRIVER, DRIVER_CONTAINER, DRIVER_ON_NODES, FILE_DRIVER
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.write.api import KubeApi

_IMAGES = "mcr.microsoft.com/oss/v2/kubernetes-csi"
_NO_CAPABILITIES = {"capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class NodeDriver:
    """One driver's DaemonSet: what is its own. `paths`: of the node, by the names of its volumes."""

    name: str
    paths: Mapping[str, tuple[str, str]]
    containers: Sequence[Object]
    pod: Mapping[str, object]


def _paths(driver: str, **more: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """The places of the node that every driver has, and its own."""
    own = {name.replace("_", "-"): place for name, place in more.items()}
    return {
        "socket-dir": (f"/var/lib/kubelet/plugins/{driver}", "DirectoryOrCreate"),
        "mountpoint-dir": ("/var/lib/kubelet/", "DirectoryOrCreate"),
        "registration-dir": ("/var/lib/kubelet/plugins_registry/", "DirectoryOrCreate"),
        "azure-cred": ("/etc/kubernetes/", "DirectoryOrCreate"),
        "device-dir": ("/dev", "Directory"),
        **own,
    }


async def install(api: KubeApi, now: datetime) -> None:
    """Make the DaemonSets, and their pods as a cluster that has been up for a while has them; what is there stays.

    Nodes that come later get theirs from the daemonset-controller. Raises `ApiError`.
    """
    nodes, _ = await api.list("nodes")
    for kind in (_disks(), _files()):
        await _install(api, now, kind, nodes)


async def _install(api: KubeApi, now: datetime, kind: NodeDriver, nodes: Sequence[Object]) -> None:
    await _unless_there(api, "serviceaccounts", {"metadata": {"name": f"{kind.name}-sa"}})
    await _unless_there(api, "daemonsets", _daemon_set(kind))
    daemon_set = await api.get("daemonsets", kind.name, NAMESPACE)
    pods, _ = await api.list("pods", NAMESPACE)
    served = {pod["spec"].get("nodeName") for pod in pods if (controller_of(pod) or {}).get("name") == kind.name}
    nodes = [node for node in nodes if node["metadata"]["name"] not in served]
    if not nodes:
        return
    first = await api.create("pods", pod_on(daemon_set, nodes[0]["metadata"]["name"]), NAMESPACE)
    moment, place = timestamp(now), (first["metadata"]["name"], NAMESPACE)
    status = running(first, node_address(nodes[0]), moment) | {"startTime": moment}
    first = await api.patch("pods", place[0], {"status": status}, place[1], subresource="status")
    for node in nodes[1:]:
        # All the same but for a few words: to complete and check each of five hundred would double a start's time.
        pod = _like(first, node, _free_name(api, kind.name), api.writes.ids)
        api.store.create("pods", (NAMESPACE, pod["metadata"]["name"]), pod)


async def remove(api: KubeApi) -> None:
    """Take all that away again, where the real drivers are to run. Raises `ApiError`."""
    for kind in (_disks(), _files()):
        pods, _ = await api.list("pods", NAMESPACE, label_selector=f"app={kind.name}")
        for pod in pods:
            await api.delete("pods", pod["metadata"]["name"], NAMESPACE, grace_period_seconds=0)
        for resource, name in (("daemonsets", kind.name), ("serviceaccounts", f"{kind.name}-sa")):
            try:
                await api.delete(resource, name, NAMESPACE)
            except ApiError as error:
                if error.reason != "NotFound":
                    raise


def _free_name(api: KubeApi, driver: str) -> str:
    """Of five hundred random names two are the same once in a hundred times."""
    ids, of = api.writes.ids, ("pods", NAMESPACE, f"{driver}-")
    while api.store.get("pods", (NAMESPACE, name := f"{driver}-{ids.suffix(of=of)}")) is not None:
        pass
    return name


def _like(first: Object, node: Object, name: str, ids: Ids) -> Object:
    """The driver's pod on another node; what is the same is shared, as what is stored is never changed."""
    on, address = node["metadata"]["name"], node_address(node)
    return {
        **first,
        "metadata": {**first["metadata"], "name": name, "uid": ids.uid("pods", NAMESPACE, name)},
        "spec": {**first["spec"], "nodeName": on, "affinity": pinned_to(on)},
        "status": {**first["status"], "podIP": address, "podIPs": [{"ip": address}]},
    }


async def _unless_there(api: KubeApi, resource: str, obj: Object) -> None:
    try:
        await api.create(resource, obj, NAMESPACE)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _daemon_set(kind: NodeDriver) -> Object:
    labels = {"app": kind.name}
    kept = {"addonmanager.kubernetes.io/mode": "Reconcile", "kubernetes.io/cluster-service": "true"}
    pods = {
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "serviceAccountName": f"{kind.name}-sa",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "priorityClassName": "system-node-critical",
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"operator": "Exists"}],
        "containers": list(kind.containers),
        "volumes": [
            {"name": name, "hostPath": {"path": path, "type": type_}} for name, (path, type_) in kind.paths.items()
        ],
        **kind.pod,
    }
    return {
        "metadata": {"name": kind.name, "labels": kept},
        "spec": {
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pods},
        },
    }


def _container(name: str, image: str, memory: str, **more: object) -> Object:
    requests = {"cpu": "10m", "memory": "20Mi"}
    limits = {"limits": {"memory": memory}, "requests": requests}
    return {"name": name, "image": f"{_IMAGES}/{image}", "resources": limits, **more}


def _mounts(**where: str) -> list[Object]:
    return [{"name": name.replace("_", "-"), "mountPath": path} for name, path in where.items()]


def _probe(port: str | int, **timing: int) -> Object:
    return {"httpGet": {"host": "localhost", "path": "/healthz", "port": port}, **timing}


def _liveness_probe(version: str, port: int, timeout: int) -> Object:
    return _container(
        "liveness-probe",
        f"livenessprobe:{version}",
        "100Mi",
        args=[
            "--csi-address=/csi/csi.sock",
            f"--probe-timeout={timeout}s",
            f"--http-endpoint=localhost:{port}",
            "--v=2",
        ],
        volumeMounts=_mounts(socket_dir="/csi"),
        securityContext=_NO_CAPABILITIES,
    )


def _registrar(driver: str, version: str, args: Sequence[str] = (), **more: object) -> Object:
    sockets = {
        "ADDRESS": "/csi/csi.sock",
        "DRIVER_REG_SOCK_PATH": f"/var/lib/kubelet/plugins/{driver}/csi.sock",
    }
    return _container(
        "node-driver-registrar",
        f"csi-node-driver-registrar:{version}",
        "100Mi",
        args=["--csi-address=$(ADDRESS)", "--kubelet-registration-path=$(DRIVER_REG_SOCK_PATH)", "--v=2", *args],
        env=[{"name": name, "value": value} for name, value in sockets.items()],
        volumeMounts=_mounts(socket_dir="/csi", registration_dir="/registration"),
        securityContext=_NO_CAPABILITIES,
        **more,
    )


_ON_NODE = {"name": "KUBE_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
_ENDPOINT = {"name": "CSI_ENDPOINT", "value": "unix:///csi/csi.sock"}


def _disks() -> NodeDriver:
    driver = _container(
        DRIVER_CONTAINER,
        "azuredisk-csi:v1.34.5",
        "1000Mi",
        args=[
            "--v=5", "--endpoint=$(CSI_ENDPOINT)", "--nodeid=$(KUBE_NODE_NAME)", "--enable-perf-optimization=true",
            "--allow-empty-cloud-config=true", "--get-node-info-from-labels=false", "--metrics-address=0.0.0.0:29605",
        ],
        env=[_ENDPOINT, _ON_NODE],
        ports=[{"name": "healthz", "containerPort": 29603}, {"name": "metrics", "containerPort": 29605}],
        livenessProbe=_probe(29603, initialDelaySeconds=30, timeoutSeconds=30, periodSeconds=30, failureThreshold=5),
        volumeMounts=_mounts(
            socket_dir="/csi",
            mountpoint_dir="/var/lib/kubelet/",
            azure_cred="/etc/kubernetes/",
            device_dir="/dev",
            sys_devices_dir="/sys/bus/scsi/devices",
            sys_class="/sys/class/",
        ),
        securityContext={"privileged": True},
    )  # fmt: skip
    probe = _probe("healthz", initialDelaySeconds=20, timeoutSeconds=10, periodSeconds=20, failureThreshold=2)
    health = [{"name": "healthz", "containerPort": 29607}]
    registrar = _registrar(
        DISK_DRIVER, "v2.17.0", ["--http-endpoint=localhost:29607"], ports=health, livenessProbe=probe
    )
    scsi, classes = ("/sys/bus/scsi/devices", "Directory"), ("/sys/class/", "Directory")
    return NodeDriver(
        DRIVER_ON_NODES,
        _paths(DISK_DRIVER, sys_devices_dir=scsi, sys_class=classes),
        (_liveness_probe("v2.19.0", 29603, 10), registrar, driver),
        {},
    )


def _files() -> NodeDriver:
    image, privileged = "azurefile-csi:v1.34.5", {"privileged": True, **_NO_CAPABILITIES}
    own = {"mountpoint_dir": "/var/lib/kubelet/", "azfilesauth": "/etc/azfilesauth", "log_dir": "/var/log/"}
    driver = _container(
        "azurefile",
        image,
        "400Mi",
        args=[
            "--v=5", "--endpoint=$(CSI_ENDPOINT)", "--enable-azurefile-proxy=true",
            "--azurefile-proxy-endpoint=$(AZUREFILE_PROXY_ENDPOINT)", "--nodeid=$(KUBE_NODE_NAME)",
            "--metrics-address=0.0.0.0:29615", "--enable-kata-cc-mount=true",
        ],
        env=[
            _ENDPOINT,
            {"name": "AZUREFILE_PROXY_ENDPOINT", "value": "unix:///csi/azurefile-proxy.sock"},
            _ON_NODE,
        ],
        livenessProbe=_probe(29613, initialDelaySeconds=30, timeoutSeconds=10, periodSeconds=30, failureThreshold=5),
        volumeMounts=_mounts(
            socket_dir="/csi",
            azure_cred="/etc/kubernetes/",
            device_dir="/dev",
            kata_direct_volumes="/run/kata-containers/shared/direct-volumes",
            **own,
        ),
        securityContext=privileged,
    )  # fmt: skip
    refresh = _container(
        "azfilesrefresh",
        image,
        "100Mi",
        command=["azfilesrefresh"],
        volumeMounts=_mounts(**own),
        securityContext=privileged,
    )
    made = "DirectoryOrCreate"
    paths = _paths(
        FILE_DRIVER,
        azfilesauth=("/etc/azfilesauth", made),
        kata_direct_volumes=("/run/kata-containers/shared/direct-volumes/", made),
        log_dir=("/var/log/", made),
    )
    containers = (_liveness_probe("v2.18.0", 29613, 3), _registrar(FILE_DRIVER, "v2.16.0"), driver, refresh)
    return NodeDriver("csi-azurefile-node", paths, containers, {"hostPID": True})
