"""The proof of bytes: what each pod was given is what it finds, and why not where it cannot be had."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from aksdisks.model import Unknown
from aksdisks.walkthrough import proof
from aksdisks.walkthrough.walk import Walk


class Pods:
    """A session whose pods have a disk each, or one for all, or cannot run commands."""

    def __init__(self, names, *, shared=False, trouble=""):
        self.names, self.trouble = names, trouble
        one: dict[str, str] = {}
        self.disks = {name: one if shared else {} for name in names}

    def pods(self, _app):
        return [SimpleNamespace(name=name) for name in self.names]

    def command(self, pod, arguments):
        if self.trouble:
            return None if self.trouble == "no shell" else Unknown(self.trouble)
        if len(arguments) == 3:
            return "".join(self.disks[pod].values())
        self.disks[pod][arguments[4]] = arguments[5]
        return ""


@pytest.mark.parametrize(("shared", "same"), [(False, True), (True, False)])
def test_a_shared_disk_shows_two_notes(monkeypatch, shared, same):
    pods = Pods(["web-0", "web-1"], shared=shared)
    monkeypatch.setattr(proof, "command", lambda session, pod, arguments: session.command(pod, arguments))
    given = proof.write(pods)
    assert len(set(given.values())) == 2
    assert (proof.read(pods, given) == given) is same


def test_what_cannot_be_had_is_unknown(monkeypatch):
    monkeypatch.setattr(proof, "command", lambda session, pod, arguments: session.command(pod, arguments))
    pods = Pods(["web-0"], trouble="no command runs in pod web-0: none may")
    assert proof.write(pods) == Unknown(pods.trouble)
    assert proof.read(pods, Unknown("no note was written")) == Unknown("no note was written")
    assert proof.read(pods, {"web-0": "x"}) == Unknown(pods.trouble)


def test_without_a_shell_the_proof_does_not_apply(monkeypatch):
    monkeypatch.setattr(proof, "command", lambda session, pod, arguments: session.command(pod, arguments))
    pods = Pods(["web-0"], trouble="no shell")
    walk = Walk(SimpleNamespace(parameters=None, namespace="walk", pods=pods.pods, command=pods.command))
    assert "because the image has no shell" in walk.notes.write().text()
    verdict = walk.notes.check().check
    assert (verdict.status, verdict.seen) == ("not applicable", "because the image has no shell")
