"""The disk driver's pods on nodes, which AKS shows in kube-system: its DaemonSet, and a running pod for each node.

A description of deploy/v1.34.5/csi-azuredisk-node.yaml of kubernetes-sigs/azuredisk-csi-driver, which AKS installs.
"""

from __future__ import annotations

from datetime import datetime

from aksdisks.lab.agents.kubelet.pod_status import node_address, running
from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.clock import timestamp
from aksdisks.lab.controllers.daemonset import NAMESPACE, pinned_to, pod_on
from aksdisks.lab.controllers.pods import controller_of
from aksdisks.lab.controllers.storage import DISK_DRIVER, DRIVER_CONTAINER
from aksdisks.lab.controllers.storage import DRIVER_ON_NODES as NAME
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.write.api import KubeApi

_ACCOUNT = f"{NAME}-sa"
_IMAGES = "mcr.microsoft.com/oss/v2/kubernetes-csi"
_PLUGIN = f"/var/lib/kubelet/plugins/{DISK_DRIVER}"
_HOST_PATHS = {
    "socket-dir": (_PLUGIN, "DirectoryOrCreate"),
    "mountpoint-dir": ("/var/lib/kubelet/", "DirectoryOrCreate"),
    "registration-dir": ("/var/lib/kubelet/plugins_registry/", "DirectoryOrCreate"),
    "azure-cred": ("/etc/kubernetes/", "DirectoryOrCreate"),
    "device-dir": ("/dev", "Directory"),
    "sys-devices-dir": ("/sys/bus/scsi/devices", "Directory"),
    "sys-class": ("/sys/class/", "Directory"),
}
_NO_CAPABILITIES = {"capabilities": {"drop": ["ALL"]}}


async def install(api: KubeApi, now: datetime) -> None:
    """Make the DaemonSet, and its pods as a cluster that has been up for a while has them; what is there stays.

    Nodes that come later get theirs from the daemonset-controller. Raises `ApiError`.
    """
    await _unless_there(api, "serviceaccounts", {"metadata": {"name": _ACCOUNT}})
    await _unless_there(api, "daemonsets", _daemon_set())
    daemon_set = await api.get("daemonsets", NAME, NAMESPACE)
    pods, _ = await api.list("pods", NAMESPACE)
    served = {pod["spec"].get("nodeName") for pod in pods if (controller_of(pod) or {}).get("name") == NAME}
    nodes = [node for node in (await api.list("nodes"))[0] if node["metadata"]["name"] not in served]
    if not nodes:
        return
    first = await api.create("pods", pod_on(daemon_set, nodes[0]["metadata"]["name"]), NAMESPACE)
    moment, place = timestamp(now), (first["metadata"]["name"], NAMESPACE)
    status = running(first, node_address(nodes[0]), moment) | {"startTime": moment}
    first = await api.patch("pods", place[0], {"status": status}, place[1], subresource="status")
    for node in nodes[1:]:
        # All the same but for a few words: to complete and check each of five hundred would double a start's time.
        pod = _like(first, node, api.writes.ids)
        api.store.create("pods", (NAMESPACE, pod["metadata"]["name"]), pod)


async def remove(api: KubeApi) -> None:
    """Take all that away again, where the real driver is to run. Raises `ApiError`."""
    pods, _ = await api.list("pods", NAMESPACE, label_selector=f"app={NAME}")
    for pod in pods:
        await api.delete("pods", pod["metadata"]["name"], NAMESPACE, grace_period_seconds=0)
    for resource, name in (("daemonsets", NAME), ("serviceaccounts", _ACCOUNT)):
        try:
            await api.delete(resource, name, NAMESPACE)
        except ApiError as error:
            if error.reason != "NotFound":
                raise


def _like(first: Object, node: Object, ids: Ids) -> Object:
    """The driver's pod on another node; what is the same is shared, as what is stored is never changed."""
    on, address = node["metadata"]["name"], node_address(node)
    name = f"{NAME}-{ids.suffix(of=('pods', NAMESPACE, f'{NAME}-'))}"
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


def _daemon_set() -> Object:
    labels = {"app": NAME}
    kept = {"addonmanager.kubernetes.io/mode": "Reconcile", "kubernetes.io/cluster-service": "true"}
    pods = {
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "serviceAccountName": _ACCOUNT,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "priorityClassName": "system-node-critical",
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"operator": "Exists"}],
        "containers": [_liveness_probe(), _registrar(), _driver()],
        "volumes": [
            {"name": name, "hostPath": {"path": path, "type": kind}} for name, (path, kind) in _HOST_PATHS.items()
        ],
    }
    return {
        "metadata": {"name": NAME, "labels": kept},
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


def _liveness_probe() -> Object:
    return _container(
        "liveness-probe",
        "livenessprobe:v2.19.0",
        "100Mi",
        args=["--csi-address=/csi/csi.sock", "--probe-timeout=10s", "--http-endpoint=localhost:29603", "--v=2"],
        volumeMounts=_mounts(socket_dir="/csi"),
        securityContext=_NO_CAPABILITIES,
    )


def _registrar() -> Object:
    socket = {"ADDRESS": "/csi/csi.sock", "DRIVER_REG_SOCK_PATH": f"{_PLUGIN}/csi.sock"}
    return _container(
        "node-driver-registrar",
        "csi-node-driver-registrar:v2.17.0",
        "100Mi",
        args=[
            "--csi-address=$(ADDRESS)", "--kubelet-registration-path=$(DRIVER_REG_SOCK_PATH)", "--v=2",
            "--http-endpoint=localhost:29607",
        ],
        env=[{"name": name, "value": value} for name, value in socket.items()],
        ports=[{"name": "healthz", "containerPort": 29607}],
        livenessProbe=_probe(
            "healthz", initialDelaySeconds=20, timeoutSeconds=10, periodSeconds=20, failureThreshold=2
        ),
        volumeMounts=_mounts(socket_dir="/csi", registration_dir="/registration"),
        securityContext=_NO_CAPABILITIES,
    )  # fmt: skip


def _driver() -> Object:
    return _container(
        DRIVER_CONTAINER,
        "azuredisk-csi:v1.34.5",
        "1000Mi",
        args=[
            "--v=5", "--endpoint=$(CSI_ENDPOINT)", "--nodeid=$(KUBE_NODE_NAME)", "--enable-perf-optimization=true",
            "--allow-empty-cloud-config=true", "--get-node-info-from-labels=false", "--metrics-address=0.0.0.0:29605",
        ],
        env=[
            {"name": "CSI_ENDPOINT", "value": "unix:///csi/csi.sock"},
            {"name": "KUBE_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
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
