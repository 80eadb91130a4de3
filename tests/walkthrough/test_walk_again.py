"""Cells run twice, too early or too late: no harm is done, and each says what it needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aksdisks.errors import InputError
from aksdisks.lab.server.process import LabState
from aksdisks.waiting import Waiting
from aksdisks.walkthrough import progress
from aksdisks.walkthrough.walk import Walk, open_walk


@pytest.fixture
def names(lab: LabState, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A notebook's globals, as its parameters cell leaves them."""
    monkeypatch.setenv("AKSDISKS_STATE_DIR", lab.state_dir)
    return {"target": "lab", "stateful_replicas": 2}


def test_cells_run_twice_do_what_is_left_to_do(names: dict[str, Any]) -> None:
    walk = names["walk"] = open_walk(names)
    assert open_walk(names) is walk
    with pytest.raises(InputError, match=r"claim 1: .*run the cells above first"):
        walk.claim(1, True, "")
    with pytest.raises(
        InputError, match=r"pod disk-stateful-set-0: expected one, found none .*run the cells above first"
    ):
        walk.stateful_set.pod(0)

    walk.act.apply_stateful_set()
    walk.act.apply_stateful_set()
    pod = walk.stateful_set.pod(0)
    walk.act.delete_pod(pod)
    successor = walk.stateful_set.pod(0)
    assert "was deleted before; the one that has its name now is left alone" in walk.act.delete_pod(pod).text()
    assert walk.stateful_set.pod(0).uid == successor.uid != pod.uid

    names["stateful_replicas"] = 1
    other = open_walk(names)
    assert other is not walk and walk.cleaned is not None
    done = other.clean_up()
    assert "✔ passed: What this runbook made is removed" in done.text()
    assert other.clean_up() is done
    acts = other.act
    for act in (other.look, acts.apply_claim, acts.apply_stateful_set, lambda: acts.delete_claim("x")):
        with pytest.raises(InputError, match=r"found it cleaned up \(run the cell that opens it again"):
            act()
    names["walk"] = other
    again: Walk = open_walk(names)
    assert again is not other and again.namespace != other.namespace
    again.clean_up()


def test_run_all_cells_leaves_something_to_try_and_running_them_again_starts_over(
    names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = names["walk"] = open_walk(names)
    walk.act.apply_claim()
    with monkeypatch.context() as patch:
        patch.setattr(progress, "run_with_others", lambda: True)
        assert "run this cell on its own" in walk.clean_up().text()
        assert [claim.name for claim in walk.session.claims()] == ["azure-managed-disk"]
    assert "What this runbook made is removed" in walk.clean_up().text()

    walk = names["walk"] = open_walk(names)
    with monkeypatch.context() as patch:
        patch.setattr(progress, "run_with_others", lambda: True)
        walk.clean_up()
        again = open_walk(names)
    assert again is not walk and again.namespace != walk.namespace
    assert again.session.cluster.find("Namespace", walk.namespace) is None
    again.clean_up()


@pytest.mark.parametrize("asked", [True, False], ids=["somebody sits there", "headless"])
def test_progress_is_for_whoever_could_answer_a_question(monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    shown: list[Any] = []
    kernel = SimpleNamespace(get_parent=lambda: {"content": {"allow_stdin": asked}})
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    monkeypatch.setattr("IPython.display.clear_output", lambda wait: shown.append(wait))
    progress.progress(Waiting("5 pods of app <x>", "2 of 5 ready; x-0 Running", 12.0, 900.0, "no <disk>"))
    progress.progress("")
    if not asked:
        assert shown == []
        return
    before, data, after = shown
    assert (before, after) == (True, True)
    said = "… 5 pods of app <x>, 12 of 900 s; last seen: 2 of 5 ready; x-0 Running; cause: no <disk>"
    assert data["text/plain"] == said
    for part in (
        "<b>5 pods of app &lt;x&gt;</b>, 12 of 900 s",
        'value="2" max="5"',
        "last seen: 2 of 5 ready; x-0 Running",
        "cause: <b>no &lt;disk&gt;</b>",
    ):
        assert part in data["text/html"]
