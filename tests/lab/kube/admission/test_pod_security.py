"""Pod security by a namespace's labels: what is refused, what is warned of, and in which words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.clock import Clock
from aksdisks.lab.ids import Ids
from aksdisks.lab.kube.storage.store import Store
from aksdisks.lab.kube.write.api import KubeApi

C: dict[str, Any] = {"name": "c", "image": "i:1"}
TIGHT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
OPEN = (
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)
MODE = "pod-security.kubernetes.io/"


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers) or [C], **spec}}


def deployment() -> dict[str, Any]:
    template = {**pod(), "metadata": {"labels": {"a": "b"}}}
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}


async def prepared(**labels: str) -> KubeApi:
    api = KubeApi(Store(), Clock(), Ids(1))
    marked = {f"{MODE}{mode.replace('_', '-')}": level for mode, level in labels.items()}
    await api.create("namespaces", {"metadata": {"name": "default", "labels": marked}})
    await api.create("serviceaccounts", {"metadata": {"name": "default"}}, "default")
    return api


@pytest.mark.parametrize(
    ("level", "obj", "problems"),
    [
        ("privileged", pod(hostNetwork=True), ""),
        ("baseline", pod(), ""),
        ("restricted", pod(), OPEN),
        ("restricted", pod({**C, "securityContext": TIGHT}, volumes=[{"name": "d", "persistentVolumeClaim": {
            "claimName": "d"}}]), ""),
        ("baseline", pod({**C, "ports": [{"containerPort": 80, "hostPort": 80}], "securityContext": {
            "privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}}}, hostNetwork=True, hostPID=True,
            volumes=[{"name": "h", "hostPath": {"path": "/"}}]),
         'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add), '
         'host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume "h"), hostPort (container "c" '
         'uses '
         'hostPort 80), privileged (container "c" must not set securityContext.privileged=true)'),
        ("baseline", pod({**C, "livenessProbe": {"tcpSocket": {"port": 1, "host": "::1"}}}, {**C, "name": "e",
            "securityContext": {"seLinuxOptions": {"type": "x", "user": "u"}}}, securityContext={
            "seccompProfile": {"type": "Unconfined"}, "sysctls": [{"name": "kernel.shmmax", "value": "1"}]}),
         'probe or lifecycle host (container "c" uses probe or lifecycle host "::1"), seLinuxOptions (container "e" '
         'set '
         'forbidden securityContext.seLinuxOptions: type "x"; user may not be set), seccompProfile (pod must not set '
         'securityContext.seccompProfile.type to "Unconfined"), forbidden sysctls (kernel.shmmax)'),
        ("restricted", pod({**C, "securityContext": {**TIGHT, "runAsNonRoot": False, "runAsUser": 0}},
                           volumes=[{"name": "h", "hostPath": {"path": "/"}}]),
         'restricted volume types (volume "h" uses restricted volume type "hostPath"), runAsNonRoot != true (container '
         '"c" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "c" must not set runAsUser=0)'),
    ],
)  # fmt: skip
def test_refusals(level: str, obj: dict[str, Any], problems: str) -> None:
    async def test() -> None:
        api = await prepared(enforce=level, enforce_version="v1.36")
        if not problems:
            await api.create("pods", obj)
            return
        with pytest.raises(ApiError) as refusal:
            await api.create("pods", obj)
        found = f'pods "p" is forbidden: violates PodSecurity "{level}:v1.36": {problems}'
        assert (refusal.value.code, refusal.value.message) == (403, found)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("labels", "resource", "obj", "warnings"),
    [
        ({"warn": "restricted"}, "pods", pod(), [f'would violate PodSecurity "restricted:latest": {OPEN}']),
        ({"enforce": "restricted"}, "deployments", deployment(),
         [f'would violate PodSecurity "restricted:latest": {OPEN}']),
        ({"enforce": "restricted", "warn": "baseline"}, "deployments", deployment(), []),
    ],
)  # fmt: skip
def test_warnings(labels: dict[str, str], resource: str, obj: dict[str, Any], warnings: list[str]) -> None:
    async def test() -> None:
        api = await prepared(**labels)
        told: list[str] = []
        await api.create(resource, obj, warnings=told)
        assert told == warnings

    asyncio.run(test())


def test_a_new_level_tells_of_the_pods_that_are_there() -> None:
    async def test() -> None:
        api = await prepared()
        await api.create("pods", pod())
        await api.create("pods", {**pod(hostNetwork=True), "metadata": {"name": "q"}})
        await api.create("pods", {**pod(), "metadata": {"name": "r"}})
        told: list[str] = []
        await api.patch(
            "namespaces", "default", {"metadata": {"labels": {f"{MODE}enforce": "restricted"}}}, warnings=told
        )
        open_ = "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"
        assert told == [
            'existing pods in namespace "default" violate the new PodSecurity enforce level "restricted:latest"',
            f"p (and 1 other pod): {open_}",
            f"q: host namespaces, {open_}",
        ]

    asyncio.run(test())


def test_labels_that_name_no_level() -> None:
    async def test() -> None:
        with pytest.raises(ApiError) as refusal:
            await prepared(enforce="strict", warn_version="1.30")
        assert refusal.value.message == (
            f'Namespace "default" is invalid: [metadata.labels[{MODE}enforce]: Invalid value: "strict": must be one of '
            f'privileged, baseline, restricted, metadata.labels[{MODE}warn-version]: Invalid value: "1.30": must be '
            '"latest" or "v1.x"]'
        )

    asyncio.run(test())
