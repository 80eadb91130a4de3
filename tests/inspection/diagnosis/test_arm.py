"""What Azure answered, out of the words of three generations of clients, cut off or whole."""

import pytest

from aksdisks.inspection.diagnosis.arm import ArmError, arm_error
from tests.inspection.diagnosis import test_causes_provisioning as words

SCOPE = words.SCOPE


@pytest.mark.parametrize(
    ("text", "status", "codes", "more"),
    [
        pytest.param(
            words.NOT_ALLOWED,
            403,
            ("AuthorizationFailed",),
            {"identity": "c-1", "object_id": "o-1", "action": "Microsoft.Compute/disks/write"},
            id="azcore",
        ),
        pytest.param(
            words.NOT_ALLOWED_BEFORE,
            403,
            ("AuthorizationFailed",),
            {"identity": "c-1", "scope": SCOPE},
            id="until 1.29",
        ),
        pytest.param(words.NOT_ALLOWED_2019, 403, ("AuthorizationFailed",), {"scope": SCOPE}, id="2019"),
        pytest.param(
            words.LINKED, None, (), {"action": "Microsoft.Compute/disks/write", "scope": "/linked"}, id="linked"
        ),
        pytest.param(words.POLICY, 403, ("RequestDisallowedByPolicy",), {"policy": "No public addresses"}, id="policy"),
        pytest.param(words.THROTTLED, 429, ("OperationNotAllowed", "TooManyRequests"), {}, id="without `error`"),
        pytest.param(words.THROTTLED_BEFORE, 429, ("SubscriptionRequestsThrottled",), {"retry_after": 217}, id="retry"),
        pytest.param(words.NOT_ALLOWED[:360], 403, ("AuthorizationFailed",), {}, id="cut off before its JSON"),
        pytest.param("the moon is full", None, (), {"message": ""}, id="nothing of Azure's"),
    ],
)
def test_an_answer_is_read(text: str, status: int | None, codes: tuple[str, ...], more: dict[str, object]) -> None:
    found = arm_error(text)
    assert (found.status, found.codes) == (status, codes)
    assert {name: getattr(found, name) for name in more} == more


def test_a_message_is_one_line_without_escapes() -> None:
    found = arm_error('{"error": {"code": "X", "message": "He said \\"no\\".\\r\\nAgain."}}')
    assert found == ArmError(codes=("X",), message='He said "no". Again.')
