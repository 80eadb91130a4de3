"""Recording: outputs that only vary stay as they were, others are replaced, and a failure is not recorded."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from aksdisks.errors import CheckFailed
from aksdisks.inspection.run_objects import RUN_ID_VARIABLE
from aksdisks.runner import recorder, shipped

CHECK = "from aksdisks.model.checks import check\ncheck('It holds', {holds}, '{seen}')"


def write(path: Path, *sources: str) -> None:
    """A runbook, whose cells keep the outputs that they have."""
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    if path.exists():
        for cell, former in zip(cells, nbformat.read(path, as_version=4).cells, strict=True):
            cell.outputs, cell.execution_count = former.outputs, former.execution_count
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel, "volatile": "x"}), path)


@pytest.fixture
def runbook(tmp_path) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "tests").mkdir()
    patterns = (shipped.folder("runbooks").parent / "tests" / "nbval.cfg").read_text()
    (tmp_path / "tests" / "nbval.cfg").write_text(patterns)
    return tmp_path / "runbooks" / "00-x.ipynb"


def outputs(path: Path) -> list[str]:
    return [cell.outputs[0].data["text/plain"] for cell in nbformat.read(path, as_version=4).cells]


MOMENT = "import time\nf'after {time.perf_counter():.1f} s, WORD'"


def test_a_record_that_changes_nothing_but_times_leaves_the_file(runbook):
    write(runbook, MOMENT)
    recorder.record([runbook])
    first = runbook.read_bytes()
    assert b"volatile" not in first
    recorder.record([runbook])
    assert runbook.read_bytes() == first


def test_where_anything_else_changes_all_outputs_are_those_of_one_run(runbook):
    write(runbook, MOMENT, "'one'")
    recorder.record([runbook])
    before = outputs(runbook)
    write(runbook, MOMENT, "'two'")
    recorder.record([runbook])
    after = outputs(runbook)
    assert after[1] == "'two'"
    assert after[0] != before[0], "the moment is that of the run that changed the word"


def test_the_overlooked_are_three() -> None:
    assert len(recorder._patterns(shipped.folder("runbooks") / "x.ipynb")) <= 3


RUN = re.compile(r"\b\d{8}-\d{6}-[a-z0-9]{5}\b")


def test_all_runbooks_are_recorded_with_one_run_id() -> None:
    """Stitched together, a record would have an id from each run."""
    found = {name for path in shipped.runbooks() for name in RUN.findall(path.read_text())}
    assert found == {recorder.RUN_ID}


def records(folder: Path, names: tuple[str, ...]) -> list[dict[str, object]]:
    """What recording the runbooks anew, without the outputs that they have, gives, as the recorder compares it."""
    (folder / "runbooks").mkdir(parents=True)
    found = []
    for path in shipped.runbooks(names):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        copy = folder / "runbooks" / path.name
        nbformat.write(notebook, copy)
        recorder.record([copy])
        patterns = recorder._patterns(path)
        found.append(recorder._compared(nbformat.read(copy, as_version=4), patterns))
    return found


@pytest.mark.parametrize(
    ("names", "number"),
    [(("01",), 0), *(((), number) for number in range(5))],
    ids=["01", *(f"all-{number}" for number in range(5))],
)
@pytest.mark.slow
def test_records_are_equal(tmp_path, names, number):
    """In two clones, five times one after the other, all equal what is recorded: nothing but time varies."""
    committed = [
        recorder._compared(nbformat.read(path, as_version=4), recorder._patterns(path))
        for path in shipped.runbooks(names)
    ]
    assert records(tmp_path / f"clone-{number % 2}", names) == committed


def test_a_runbook_with_a_failed_check_keeps_its_record(runbook):
    write(runbook, CHECK.format(holds=True, seen="yes"))
    recorder.record([runbook])
    write(runbook, CHECK.format(holds=False, seen="no"))
    before = runbook.read_bytes()
    with pytest.raises(CheckFailed, match=r"00-x: expected every check to pass, found failed: It holds"):
        recorder.record([runbook])
    assert runbook.read_bytes() == before


def test_the_run_id_of_recorded_runbooks_is_no_other_tests() -> None:
    """Where runbooks are collected, too, runbooks/conftest.py sees every test."""
    assert RUN_ID_VARIABLE not in os.environ
