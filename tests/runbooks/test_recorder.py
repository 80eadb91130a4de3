"""Recording: outputs that only vary stay as they were, others are replaced, and a failure is not recorded."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from aksdisks.errors import CheckFailed
from aksdisks.runner import recorder, shipped

CHECK = "from aksdisks.model.checks import check\ncheck('It holds', {holds}, '{seen}')"


def write(path: Path, source: str, *, keep: bool = True) -> Path:
    """A checkout with one runbook, which keeps the outputs that it has."""
    cell = new_code_cell(source, id="only")
    if keep and path.exists():
        cell.outputs = nbformat.read(path, as_version=4).cells[0].outputs
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": kernel, "volatile": "x"}), path)
    return path


@pytest.fixture
def runbook(tmp_path) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "tests").mkdir()
    patterns = (shipped.folder("runbooks").parent / "tests" / "nbval.cfg").read_text()
    (tmp_path / "tests" / "nbval.cfg").write_text(patterns)
    return tmp_path / "runbooks" / "00-x.ipynb"


def output(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/plain"]


def test_only_what_matters_is_recorded_anew(runbook):
    moment = "import time, uuid\nf'{uuid.uuid4()} after {time.perf_counter():.1f} s, WORD'"
    write(runbook, moment.replace("WORD", "one"))
    recorder.record([runbook])
    first = runbook.read_bytes()
    assert b"volatile" not in first
    recorder.record([runbook])
    assert runbook.read_bytes() == first

    write(runbook, moment.replace("WORD", "two"))
    recorder.record([runbook])
    assert "two" in output(runbook)


def test_a_runbook_with_a_failed_check_keeps_its_record(runbook):
    write(runbook, CHECK.format(holds=True, seen="yes"))
    recorder.record([runbook])
    write(runbook, CHECK.format(holds=False, seen="no"))
    before = runbook.read_bytes()
    with pytest.raises(CheckFailed, match=r"00-x: expected every check to pass, found failed: It holds"):
        recorder.record([runbook])
    assert runbook.read_bytes() == before
