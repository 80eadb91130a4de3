"""Definitions of custom resources that several runs use: each marks its use, and the last one removes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aksdisks.errors import AlreadyExists, Conflict, NotFound, Refused
from aksdisks.kube.client import Cluster
from aksdisks.kube.http import path
from aksdisks.manifests import NAMESPACE_LABEL, RUN_LABEL, Manifest, made_by
from aksdisks.model import Named
from aksdisks.waiting import Progress, wait

KIND = "CustomResourceDefinition"
_MARK = "run.aksdisks.dev/"
_GONE = 60.0  # for a definition that goes to be gone; real seconds


class Definitions:
    """The definitions that one run uses: a name is there once in a cluster, whoever needs it.

    A label of each run's own says that it uses a definition which runs made. It is written and taken away on condition
    of the definition's resourceVersion, and so is the definition deleted: no run takes away what another just began to
    use. One that no run made is used as it is, and left alone.
    """

    def __init__(self, cluster: Cluster, run_id: str, namespace: str, progress: Progress) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._labels = {RUN_LABEL: run_id, NAMESPACE_LABEL: namespace, f"{_MARK}{run_id}": namespace}
        self._mark = f"{_MARK}{run_id}"
        self._progress = progress

    def use(self, manifest: Manifest) -> None:
        """Make a definition, or mark the use of the one that is there."""
        name = manifest["metadata"]["name"]
        while True:
            found = self._cluster.find(KIND, name)
            try:
                if found is None:
                    metadata = manifest["metadata"]
                    labels = {**(metadata.get("labels") or {}), **self._labels}
                    self._cluster.create({**manifest, "metadata": {**metadata, "labels": labels}})
                elif found["metadata"].get("deletionTimestamp"):
                    self._wait_until_gone(name)
                    continue
                elif made_by(found) and self._mark not in found["metadata"]["labels"]:
                    self._relabel(found, {self._mark: self._namespace})
                return
            except (AlreadyExists, Conflict, NotFound):
                continue  # somebody was faster; what is there now is looked at

    def found(self) -> tuple[Named, ...]:
        """Those that the run uses, by its label; raises NotAllowed."""
        return self._cluster.list(KIND, selector=self._mark)

    def release(self, name: str) -> str:
        """End the run's use of a definition, and delete it where nobody else's is left; else who uses it.

        Raises Refused where somebody who is no run has objects of it: they would go with it.
        """
        while (found := self._cluster.find(KIND, name)) is not None:
            labels = found["metadata"].get("labels") or {}
            others = {run: where for run, where in uses(labels) if f"{_MARK}{run}" != self._mark}
            try:
                if others:
                    run, where = next(iter(others.items()))
                    self._relabel(found, {self._mark: None, RUN_LABEL: run, NAMESPACE_LABEL: where})
                    return f"run {run} uses it"
                self._check_unused(name, found["spec"])
                self._delete(found)
            except (Conflict, NotFound):
                continue
            self._wait_until_gone(name)
        return ""

    def _relabel(self, found: Mapping[str, Any], labels: Mapping[str, str | None]) -> None:
        metadata = {"resourceVersion": found["metadata"]["resourceVersion"], "labels": labels}
        url = path(KIND, name=found["metadata"]["name"])
        self._cluster.request("PATCH", url, None, {"metadata": metadata}, "merge-patch+json")

    def _delete(self, found: Mapping[str, Any]) -> None:
        only = {key: found["metadata"][key] for key in ("uid", "resourceVersion")}
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": only}
        self._cluster.request("DELETE", path(KIND, name=found["metadata"]["name"]), body=body)

    def _check_unused(self, name: str, spec: Mapping[str, Any]) -> None:
        version = next(each["name"] for each in spec["versions"] if each.get("served"))
        listed = self._cluster.request("GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")
        others = [each["metadata"] for each in listed["items"] if each["metadata"].get("namespace") != self._namespace]
        if others:
            where = f"{others[0]['name']} in namespace {others[0].get('namespace', '')}"
            raise Refused(object=f"{KIND} {name}", expected="no objects of it but the run's", found=where)

    def _wait_until_gone(self, name: str) -> None:
        states = self._cluster.follow(KIND)
        holds = lambda found: name not in [each.name for each in found]  # noqa: E731
        wait(f"{KIND} {name} to go", states, holds, seconds=_GONE, progress=self._progress)


def uses(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The runs that use a definition, and their namespaces, by its labels."""
    return tuple((key.removeprefix(_MARK), value) for key, value in sorted(labels.items()) if key.startswith(_MARK))
