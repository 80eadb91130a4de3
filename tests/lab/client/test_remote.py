"""The API over HTTPS gives agents what the one in process gives, and turns every failure into its refusals."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

from aksdisks.lab.client import kubeconfig, remote
from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.client.remote import RemoteApi
from aksdisks.lab.clock import Clock
from aksdisks.lab.errors import LabError
from aksdisks.lab.kube.strategies.catalog import RESOURCES
from aksdisks.lab.server import process
from aksdisks.lab.server.process import LabState

SPACE = "remote"


def talk(state: LabState, story: Callable[[RemoteApi], Awaitable[None]], config: Path | None = None) -> None:
    async def whole() -> None:
        async with RemoteApi(kubeconfig.load(config or state.kubeconfig), Clock(state.speed), RESOURCES) as api:
            await story(api)

    asyncio.run(whole())


@pytest.fixture
def space(lab: LabState) -> Any:
    async def make(api: RemoteApi) -> None:
        await api.create("namespaces", {"metadata": {"name": SPACE}})

    async def remove(api: RemoteApi) -> None:
        marked = await api.delete("namespaces", SPACE)
        version = marked["metadata"]["resourceVersion"]
        watch = api.watch("namespaces", resource_version=version, field_selector=f"metadata.name={SPACE}")
        async with aclosing(watch) as events:  # type: ignore[type-var]
            async for event in events:
                if event.type == "DELETED":
                    return

    talk(lab, make)
    yield
    talk(lab, remove)


def settings(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"by": "test"}}, "data": data}


@pytest.mark.usefixtures("space")
def test_objects_are_made_changed_listed_watched_and_deleted(lab: LabState) -> None:
    async def story(api: RemoteApi) -> None:
        made = await api.create("configmaps", settings("a", x="1"), SPACE)
        assert (made["kind"], made["metadata"]["namespace"]) == ("ConfigMap", SPACE)
        await api.create("configmaps", settings("b"), SPACE)
        changed = await api.update("configmaps", {**made, "data": {"x": "2"}})
        assert changed["data"] == {"x": "2"}
        with pytest.raises(ApiError) as refused:
            await api.update("configmaps", {**made, "data": {"x": "3"}})
        assert (refused.value.code, refused.value.reason) == (409, "Conflict")
        assert (await api.patch("configmaps", "a", {"data": {"y": "4"}}, SPACE))["data"] == {"x": "2", "y": "4"}
        replace = [{"op": "replace", "path": "/data/y", "value": "5"}]
        patched = await api.patch("configmaps", "a", replace, SPACE, patch_type="json")
        assert await api.get("configmaps", "a", SPACE) == patched
        found, version = await api.list("configmaps", SPACE, label_selector="by=test")
        assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in found] == [
            ("ConfigMap", "v1", "a"),
            ("ConfigMap", "v1", "b"),
        ]
        await api.delete("configmaps", "a", SPACE, uid=made["metadata"]["uid"])
        events = api.watch("configmaps", SPACE, resource_version=version)
        event = await anext(events)
        assert (event.type, event.object["metadata"]["name"]) == ("DELETED", "a")
        await events.aclose()  # type: ignore[attr-defined]
        with pytest.raises(ApiError) as missing:
            await api.get("configmaps", "a", SPACE)
        assert missing.value.reason == "NotFound"

    talk(lab, story)


@pytest.mark.usefixtures("space")
def test_long_lists_come_page_by_page(lab: LabState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAGE", 2)

    async def story(api: RemoteApi) -> None:
        for name in "abcde":
            await api.create("configmaps", settings(name), SPACE)
        found, _ = await api.list("configmaps", SPACE, label_selector="by=test")
        assert [item["metadata"]["name"] for item in found] == list("abcde")

    talk(lab, story)


@pytest.mark.usefixtures("space")
def test_pods_are_bound_and_their_status_is_written(lab: LabState) -> None:
    async def story(api: RemoteApi) -> None:
        spec = {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i"}]}
        pod = await api.create("pods", {"metadata": {"name": "p"}, "spec": spec}, SPACE)
        await api.bind(SPACE, "p", "of-no-agent")
        status = {"status": {"message": "written"}}
        written = await api.patch("pods", "p", status, SPACE, subresource="status")
        assert (written["spec"]["nodeName"], written["status"]["message"]) == ("of-no-agent", "written")
        gone = await api.delete("pods", "p", SPACE, grace_period_seconds=0, uid=pod["metadata"]["uid"])
        assert gone["metadata"]["uid"] == pod["metadata"]["uid"]

    talk(lab, story)


def test_a_watch_from_too_long_ago_is_410(start_lab: Callable[..., LabState]) -> None:
    process.stop(start_lab().state_dir)
    lab = start_lab()  # which does not remember what was told before

    async def story(api: RemoteApi) -> None:
        with pytest.raises(ApiError) as expired:
            async for _ in api.watch("leases", resource_version="1"):
                pass
        assert (expired.value.code, expired.value.reason) == (410, "Expired")

    talk(lab, story)


def test_a_server_that_is_not_there_is_503(lab: LabState, tmp_path: Path) -> None:
    async def story(api: RemoteApi) -> None:
        for call in (api.get("nodes", "n"), api.list("nodes"), anext(api.watch("nodes", resource_version="1"))):
            with pytest.raises(ApiError) as refused:
                await call
            assert refused.value.code == 503

    with socket.socket() as deaf:  # bound, so that nobody else answers there, but not listening
        deaf.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        talk(lab, story, changed(lab, tmp_path, lambda c: c["clusters"][0]["cluster"].update(server=server)))


def changed(lab: LabState, folder: Path, change: Callable[[Any], object]) -> Path:
    config = yaml.safe_load(Path(lab.kubeconfig).read_text())
    change(config)
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def user(config: Any) -> Any:
    return config["users"][0]["user"]


def only(config: Any, **parts: Any) -> None:
    config["users"][0]["user"] = parts


def as_files(config: Any, folder: Path) -> None:
    """Certificates as files with paths relative to the kubeconfig, which kubectl allows."""
    for section, names in (
        (config["clusters"][0]["cluster"], ["certificate-authority"]),
        (user(config), ["client-certificate", "client-key"]),
    ):
        for name in names:
            (folder / name).write_bytes(base64.b64decode(section.pop(f"{name}-data")))
            section[name] = name
    del user(config)["token"]


@pytest.mark.parametrize("kind", ["certificate", "token", "token file", "files"])
def test_who_asks_is_read_from_the_kubeconfig(lab: LabState, tmp_path: Path, kind: str) -> None:
    def change(config: Any) -> None:
        token = user(config)["token"]
        (tmp_path / "token").write_text(f"{token}\n")
        if kind == "certificate":
            del user(config)["token"]
        elif kind == "token":
            only(config, token=token)
        elif kind == "token file":
            only(config, tokenFile="token")
        else:
            as_files(config, tmp_path)

    async def story(api: RemoteApi) -> None:
        assert await api.get("namespaces", "default")

    talk(lab, story, changed(lab, tmp_path, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: only(c, exec={"command": "kubelogin"}),
            "expected a certificate or a token for .*, found an exec plug",
        ),
        (lambda c: only(c, **{"auth-provider": {"name": "azure"}}), "found an auth-provider plugin"),
        (lambda c: only(c, tokenFile="nowhere"), "expected a token file, found no file .*nowhere"),
        (lambda c: c.update({"current-context": ""}), "expected a current-context or --context, found neither"),
        (lambda c: c.update({"current-context": "x"}), "expected context 'x' among article, found no such context"),
        (lambda c: c.update({"clusters": []}), "expected cluster 'article' among none at all"),
        (lambda c: c["clusters"][0]["cluster"].update(server="http://h"), "a server that begins with https://, found"),
        (lambda c: user(c).update({"client-key-data": "!"}), "expected certificates that can be used, found: client-k"),
        (lambda c: user(c).update({"client-key-data": "AAAA"}), "expected certificates that can be used, found: "),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    lab: LabState, tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(LabError, match=message) as refused:
        kubeconfig.load(changed(lab, tmp_path, change))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "found: No such file"), (": [", "expected YAML, found"), ("- a", "expected a mapping, found list")],
)
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "config").write_text(text)
    with pytest.raises(LabError, match=message):
        kubeconfig.load(tmp_path / "config")
