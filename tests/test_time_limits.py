"""No test waits without end: what it starts has a deadline, and a test that has none is ended from outside."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
STARTS = {"run", "check_call", "check_output", "call", "Popen"}
"""Of `subprocess`: what waits until a process ends, at once or when its block does (`tests.processes` is for that)."""
WAITS = {"communicate", "wait", "join"}
"""Of processes, threads and events."""


def _waits(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that wait and name no end. Those that only make an awaitable are left to the limit that every test has."""
    nodes = list(ast.walk(tree))
    given = {id(argument) for node in nodes if isinstance(node, ast.Call) for argument in node.args}
    given |= {id(node.value) for node in nodes if isinstance(node, ast.Await)}
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and id(node) not in given:
            bounded = any(keyword.arg == "timeout" for keyword in node.keywords)
            starts = ast.unparse(node.func.value) == "subprocess" and node.func.attr in STARTS
            if (starts or (node.func.attr in WAITS and not node.args)) and not bounded:
                yield node


def test_every_wait_of_a_test_names_its_end() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call.func)}"
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("processes.py", "__main__.py") and path.parent.name != "benchmarks"
        for call in _waits(ast.parse(path.read_text()))
    }
    assert found == set()


def test_a_test_that_waits_for_ever_is_ended_and_named(tmp_path: Path) -> None:
    (tmp_path / "test_stuck.py").write_text("import threading\n\ndef test_stuck():\n    threading.Event().wait()\n")
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-p", "no:cacheprovider", "-n0"]
    command = [sys.executable, "-m", "pytest", *options, "-o", "faulthandler_timeout=2", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Timeout (0:00:02)!" in done.stderr
    assert "in test_stuck" in done.stderr
