"""Commands in pods: what they print, why that cannot be had, and what is tried again."""

from __future__ import annotations

import json

import pytest
from kubernetes.client import ApiClient, ApiException
from kubernetes.stream.ws_client import ERROR_CHANNEL
from websocket import WebSocketBadStatusException, WebSocketConnectionClosedException

from aksdisks.kube.exec import run
from aksdisks.model import Unknown

DONE = '{"metadata": {}, "status": "Success"}'
NO_SUCH = 'exec: "sh": executable file not found in $PATH: unknown'


def failed(message, **cause):
    details = {"causes": [{"message": message} | cause]}
    return json.dumps({"status": "Failure", "message": f"Internal error occurred: {message}", "details": details})


def handshake(status, words="no"):
    """What the client raises for a handshake that was answered otherwise."""
    try:
        try:
            raise WebSocketBadStatusException(words, status)
        except WebSocketBadStatusException as error:
            raise ApiException(status=0, reason=str(error))  # noqa: B904 - as the client does
    except ApiException as wrapped:
        return wrapped


class Talk:
    """What `kubernetes.stream` gives, for a command that prints `printed`, or whose connection breaks off."""

    def __init__(self, printed="", breaks=None, last=DONE, complaint=""):
        self.printed, self.breaks, self.last, self.complaint = printed, breaks, last, complaint
        self.closed = False
        self.sock = self

    def run_forever(self, **_how):
        if self.breaks:
            raise self.breaks

    def read_channel(self, channel):
        assert channel == ERROR_CHANNEL
        return self.last

    def read_stdout(self):
        return self.printed

    def read_stderr(self):
        return self.complaint

    def is_open(self):
        return False

    def close(self):
        """As the client's own: where the command has ended, the socket stays open."""

    def shutdown(self):
        self.closed = True


@pytest.mark.parametrize(
    ("talks", "answer", "tries"),
    [
        ([Talk("a note")], "a note", 1),
        ([Talk(breaks=WebSocketConnectionClosedException("lost")), Talk(last=""), Talk("a note")], "a note", 3),
        ([Talk(breaks=TimeoutError()) for _ in range(4)], Unknown("no command runs in pod web-0: TimeoutError"), 4),
        ([Talk(last=failed(f"{'long ' * 60}{NO_SUCH}"))], None, 1),
        ([Talk(last=failed("126", reason="ExitCode"), complaint=f"OCI runtime exec failed: {NO_SUCH}")], None, 1),
        (
            [Talk(last=failed("2", reason="ExitCode"), complaint="cat: no such file")],
            Unknown("a command in pod web-0 failed: cat: no such file"),
            1,
        ),
        ([Talk(last=failed("the container has ended")), Talk("a note")], "a note", 2),
        ([ApiException(403, "Forbidden")], Unknown("no command runs in pod web-0: (403)"), 1),
        ([handshake(503), Talk("a note")], "a note", 2),
        ([handshake(403, "503 is in its words")], Unknown("no command runs in pod web-0: (0)"), 1),
        ([ApiException(0, "no route"), Talk("a note")], "a note", 2),
    ],
)
def test_a_command_is_given_again_where_its_connection_broke_off(monkeypatch, talks, answer, tries):
    said, given = [], iter(talks)

    def stream(*_call, **_wanted):
        talk = next(given)
        if isinstance(talk, ApiException):
            raise talk
        return talk

    monkeypatch.setattr("kubernetes.stream.stream", stream)
    paused = []
    monkeypatch.setattr("time.sleep", paused.append)
    assert run(ApiClient(), "n", "web-0", ["cat"], said.append) == answer
    assert (len(said), paused) == (tries - 1, [0.5, 1.0, 2.0][: tries - 1])
    assert all(talk.closed for talk in talks if isinstance(talk, Talk))


def test_an_interrupt_during_the_handshake_is_no_error_of_it(monkeypatch):
    def stream(*_call, **_wanted):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ApiException(status=0, reason="")  # noqa: B904 - as the client does

    monkeypatch.setattr("kubernetes.stream.stream", stream)
    with pytest.raises(KeyboardInterrupt):
        run(ApiClient(), "n", "web-0", ["cat"])
