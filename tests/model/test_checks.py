"""Checks and refusals are values: what they say, and in which forms."""

import pytest

from aksdisks.errors import ApiError, Conflict, NotReachable
from aksdisks.model import Unknown
from aksdisks.model.checks import MIME_TYPE, check, refusal
from aksdisks.views.checks import CheckView, RefusalView


@pytest.mark.parametrize(
    ("holds", "status", "seen"),
    [
        (True, "passed", "3 nodes"),
        (False, "failed", "3 nodes"),
        (Unknown("azure is off"), "inconclusive", "3 nodes; unknown, because azure is off"),
        (None, "not applicable", "3 nodes"),
    ],
)
def test_a_check_says_how_it_came_out_and_what_was_seen(holds, status, seen):
    made = check("There are three nodes", holds, "3 nodes")
    assert made.to_dict() == {"statement": "There are three nodes", "status": status, "seen": seen}


def test_a_check_reaches_people_and_the_runner_in_one_output():
    made = check("a < b & c", True, "<seen>")
    bundle = CheckView(made)._repr_mimebundle_(include=None, exclude=None)
    assert made._repr_mimebundle_(include=None, exclude=None).items() <= bundle.items()
    assert bundle[MIME_TYPE] == {"statement": "a < b & c", "status": "passed", "seen": "<seen>"}
    assert bundle["text/plain"] == "✔ passed: a < b & c\n  seen: <seen>"
    assert "a &lt; b &amp; c" in bundle["text/html"] and "<seen>" not in bundle["text/html"]


def refuse(error: Exception) -> None:
    raise error


def test_a_refusal_is_shown_as_a_value_with_the_sentence_of_the_answer():
    answer = "PATCH /api/v1/x: claim is invalid: spec: Forbidden: immutable\n@@ -1 +1 @@\n dump"
    shown = refusal("It cannot change", ApiError, refuse, ApiError(answer, status=422, reason="Invalid"))
    assert (shown.check.status, shown.check.seen) == ("passed", "refused: 422 Invalid")
    assert (shown.request, shown.answer) == ("PATCH /api/v1/x", "claim is invalid: spec: Forbidden: immutable")
    bundle = RefusalView(shown)._repr_mimebundle_()
    assert bundle[MIME_TYPE]["status"] == "passed"
    assert bundle["text/plain"].startswith("PATCH /api/v1/x\n  claim is invalid: spec: Forbidden: immutable\n✔ passed")


def test_what_was_accepted_or_failed_otherwise_is_no_refusal():
    assert refusal("It cannot", ApiError, len, "ab").check.status == "failed"
    assert refusal("It cannot", Conflict, refuse, Conflict("DELETE /p: no", status=409)).check.status == "passed"
    with pytest.raises(NotReachable):
        refusal("It cannot", ApiError, refuse, NotReachable("no answer"))
