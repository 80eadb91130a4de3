"""Which cells a person runs on their own: told in a real kernel, by what a front end sends and when."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def results(client: BlockingKernelClient, sent: list[str]) -> list[str]:
    found = {}
    while len(found) < len(sent):
        message = client.get_iopub_msg(timeout=20)
        if message["parent_header"].get("msg_id") in sent and message["msg_type"] == "execute_result":
            found[message["parent_header"]["msg_id"]] = message["content"]["data"]["text/plain"]
    return [found[each] for each in sent]


@pytest.mark.parametrize(
    ("attended", "pause", "together"),
    [(True, 0.0, "True"), (True, 1.2, "False"), (False, 0.0, "False")],
    ids=["all cells at once", "one cell, chosen", "headless"],
)
def test_a_cell_that_was_sent_with_others_is_known(kernel, attended, pause, together):
    first = "from aksdisks.walkthrough import progress; progress.watch_cells(); progress.watch_cells(); 1"
    cells = [first, "2", "progress.run_with_others()"]
    sent = [kernel.execute(cell, allow_stdin=attended) for cell in cells[:2]]
    if pause:
        results(kernel, sent)
        time.sleep(pause)
        sent = []
    sent.append(kernel.execute(cells[2], allow_stdin=attended))
    assert results(kernel, sent)[-1] == together
