"""`pods/exec` over WebSocket, worded as by API server and kubelet; attach, log, portforward and proxy are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from secrets import token_hex
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from aksdisks.lab.client.interface import ApiError, Object
from aksdisks.lab.errors import NotEmulated
from aksdisks.lab.images import has_shell
from aksdisks.lab.kube.schema.status import bad_request
from aksdisks.lab.kube.write.api import KubeApi
from aksdisks.lab.sandbox.command import STDIN, Running, Wanted, start
from aksdisks.lab.sandbox.confine import Sandbox, SandboxError, find
from aksdisks.lab.sandbox.containers import Containers

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_ERROR, _RESIZE, _CLOSE = 3, 4, 255
"""Channels beside the three standard streams (apimachinery: util/remotecommand/constants.go)."""

_MAX_COMMANDS = 64
"""Commands at a time; each may be as large as the sandbox's limits."""
_IDLE_TIMEOUT = 4 * 3600.0
"""Seconds; the kubelet's streaming-connection-idle-timeout."""
_LAST_OUTPUT_TIMEOUT = 2.0
"""Seconds for what a command's own children still write after its end."""

_REFUSALS = {
    "attach": "nothing to attach to: the lab does not run the containers' own commands",
    "log": "no logs: the lab does not run the containers' own commands",
    "portforward": "no ports: the lab does not run the containers' own commands, and pods have no network",
    "proxy": "no ports: the lab does not run the containers' own commands, and pods have no network",
}


STREAMS = frozenset(("exec", *_REFUSALS))
"""The subresources of pods that lead to a container."""


class Streams:
    """Answers `pods/exec`, and says why the other streams have no answer here."""

    def __init__(self, api: KubeApi, containers: Containers, sandbox: Sandbox) -> None:
        self._api = api
        self._containers = containers
        self._sandbox = sandbox
        self._running = 0

    async def handle(self, request: web.Request, namespace: str, name: str, subresource: str) -> web.StreamResponse:
        """Answer one request. Raises `ApiError` and `NotEmulated`; nothing was started then."""
        query = request.query
        pod = await self._api.get("pods", name, namespace)
        container = _container(pod, query.get("container", ""))
        if subresource != "exec":
            raise NotEmulated(f"pod {name}: {_REFUSALS[subresource]}")
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {name} does not have a host assigned")
        command = query.getall("command", [])
        wanted = Wanted(*(_flag(query.get(option, "")) for option in ("stdin", "stdout", "stderr", "tty")))
        if not command:
            raise bad_request("you must specify at least 1 command for the container")
        if not (wanted.stdin or wanted.stdout or wanted.stderr):
            raise bad_request("you must specify at least one of stdin, stdout, stderr")
        if not _runs(pod, container["name"]):
            # The kubelet's own answer, which is no Status: clients put "unable to upgrade connection: " before it.
            return web.Response(status=404, text=f'container not found ("{container["name"]}")\n')
        await self._check_node(pod["spec"]["nodeName"])
        arguments = await self._arguments(pod, container, command, wanted)
        _check_upgrade(request)
        if self._running >= _MAX_COMMANDS:
            raise ApiError(429, "TooManyRequests", f"pod {name}: the lab runs {_MAX_COMMANDS} commands already")
        self._running += 1
        try:
            return await self._serve(request, pod, container, arguments, wanted, command)
        finally:
            self._running -= 1

    async def _check_node(self, name: str) -> None:
        """500 for a node whose kubelet is lost, at once; upstream waits some seconds for it."""
        status = (await self._api.get("nodes", name)).get("status") or {}
        ready = [entry.get("status") for entry in status.get("conditions") or () if entry.get("type") == "Ready"]
        if ready == ["Unknown"]:
            addresses = [entry["address"] for entry in status.get("addresses") or () if entry["type"] == "InternalIP"]
            where = f"{addresses[0] if addresses else name}:10250"
            raise ApiError(500, "", f"error dialing backend: dial tcp {where}: i/o timeout")

    async def _arguments(self, pod: Object, container: Object, command: list[str], wanted: Wanted) -> list[str]:
        if any("\0" in part for part in command):
            raise bad_request("command: expected text, found a zero byte")
        try:
            confined = await self._containers.view(pod, container, terminal=wanted.terminal)
            return await self._sandbox.command(confined, command, terminal=wanted.terminal)
        except SandboxError as error:
            raise NotEmulated(f"pod {pod['metadata']['name']}: {error}") from None

    async def _serve(
        self,
        request: web.Request,
        pod: Object,
        container: Object,
        arguments: list[str],
        wanted: Wanted,
        command: list[str],
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=_PROTOCOLS, compress=False)
        if not (has_shell(container["image"]) and find(command[0])):
            await socket.prepare(request)
            await _finish(socket, _not_found(command[0]))
            return socket
        try:
            running = await start(arguments, wanted)
        except (OSError, ValueError) as error:
            raise bad_request(f"command: {error}") from error
        tasks: list[asyncio.Task[Any]] = []
        try:
            await socket.prepare(request)
            # The handshake is answered first: clients take it for the sign that the command runs.
            output = asyncio.create_task(self._output(socket, running))
            ended = asyncio.create_task(running.wait())
            tasks = [
                output,
                ended,
                asyncio.create_task(_input(socket, running)),
                asyncio.create_task(self._until_stopped(pod)),
            ]
            await asyncio.wait([ended, *tasks[2:]], timeout=_IDLE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                running.kill()
            code = await ended
            await asyncio.wait([output], timeout=_LAST_OUTPUT_TIMEOUT)
            await _finish(socket, _result(code, command))
        except ConnectionError:
            pass  # the client has gone; nothing is left to tell it
        finally:
            running.kill()
            for task in tasks:
                task.cancel()
        return socket

    async def _output(self, socket: web.WebSocketResponse, running: Running) -> None:
        async with aclosing(running.outputs()) as outputs:  # type: ignore[type-var]
            async for channel, data in outputs:
                await socket.send_bytes(bytes([channel]) + data)

    async def _until_stopped(self, pod: Object) -> None:
        """Until the pod is gone or its containers have ended: a command ends with its container."""
        namespace, uid = pod["metadata"]["namespace"], pod["metadata"]["uid"]
        selector = f"metadata.name={pod['metadata']['name']}"
        while True:
            # The pod's own version may be forgotten: after a restart, or a thousand changes of other pods later.
            found, version = await self._api.list("pods", namespace, field_selector=selector)
            if all(_is_over(now, uid) for now in found):
                return
            events = self._api.watch("pods", namespace, resource_version=version, field_selector=selector)
            try:
                async for event in events:
                    if event.type == "DELETED" or _is_over(event.object, uid):
                        return
            except ApiError as error:
                if error.code != 410:
                    raise


def _is_over(pod: Object, uid: str) -> bool:
    """Another pod of the name, or one whose containers have ended."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return ended or bool(pod["metadata"]["uid"] != uid)


async def _input(socket: web.WebSocketResponse, running: Running) -> None:
    """What the client sends, until it closes the connection."""
    async for message in socket:
        # The Python client sends text as text, which upstream reads as bytes all the same.
        sent = message.data.encode() if message.type is WSMsgType.TEXT else message.data
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT) or not sent:
            continue
        channel, data = sent[0], sent[1:]
        if channel == STDIN:
            await running.write(data)
        elif channel == _RESIZE:
            running.resize(*_size(data))
        elif channel == _CLOSE and data[:1] == bytes([STDIN]):
            running.close_input()


def _size(data: bytes) -> tuple[int, int]:
    """Columns and rows; 0 when the message is not a size."""
    try:
        size = json.loads(data)
        return int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0, 0


def _container(pod: Object, wanted: str) -> Object:
    """The container that is meant (K pkg/registry/core/pod/strategy.go validateContainer)."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    every = [*spec["containers"], *(spec.get("initContainers") or ())]
    if wanted:
        found: Object | None = next((entry for entry in every if entry["name"] == wanted), None)
        if found is None:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return found
    if len(spec["containers"]) == 1:
        only: Object = spec["containers"][0]
        return only
    message = f"a container name must be specified for pod {name}, choose one of: [{_names(spec['containers'])}]"
    if spec.get("initContainers"):
        message += f" or one of the init containers: [{_names(spec['initContainers'])}]"
    raise bad_request(message)


def _names(containers: list[Object]) -> str:
    return " ".join(entry["name"] for entry in containers)


def _runs(pod: Object, container: str) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(entry["name"] == container and "running" in entry["state"] for entry in statuses)


def _check_upgrade(request: web.Request) -> None:
    upgrade = request.headers.get("Upgrade", "")
    if not upgrade:
        raise bad_request("Upgrade request required")
    if upgrade.lower() != "websocket":
        raise bad_request(
            f"unable to upgrade: expected a WebSocket, which kubectl asks for since 1.31, found {upgrade[:40]}"
        )
    offered = [entry.strip() for entry in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not set(offered) & set(_PROTOCOLS):
        raise bad_request(f"unable to upgrade: expected one of the protocols {', '.join(_PROTOCOLS)}")


def _result(code: int, command: list[str]) -> Mapping[str, Any]:
    """What the error channel says in the end (K kubelet/pkg/cri/streaming/remotecommand/exec.go; containerd)."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    why = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {why}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _not_found(command: str) -> Mapping[str, Any]:
    """The same for a command that the image lacks: the messages of kubelet, containerd and runc, nested."""
    why = f"stat {command}: no such file or directory" if "/" in command else "executable file not found in $PATH"
    outer = f'error executing command in container: failed to exec in container: failed to start exec "{token_hex(32)}"'
    inner = f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{command}"'
    message = f"{outer}: {inner}: {why}: unknown"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {message}",
        "reason": "InternalError",
        "details": {"causes": [{"message": message}]},
        "code": 500,
    }


async def _finish(socket: web.WebSocketResponse, result: Mapping[str, Any]) -> None:
    if not socket.closed:
        await socket.send_bytes(bytes([_ERROR]) + orjson.dumps(result))
        await socket.close()


def _flag(text: str) -> bool:
    return text.lower() in ("1", "t", "true")
