"""What every runbook has in common: anatomy, size, what cells may not do, and outputs that were really recorded."""

import ast
import re
from pathlib import Path
from statistics import median

import nbformat
import papermill
import pytest

from aksdisks.model.checks import MIME_TYPE
from aksdisks.parameters import Parameters
from aksdisks.runner import shipped

RUNBOOKS = sorted(shipped.folder("runbooks").glob("*.ipynb"))
SECTIONS = (
    "Words", "Parameters", "Open the session", "What is claimed", "A deliberate refusal", "Try it yourself", "Clean up",
    "Recap",
)  # fmt: skip

pytestmark = pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)


def read(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook, [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_code_cell_was_executed_in_order(path):
    _, code = read(path)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        counts = [output.execution_count for output in cell.outputs if output.output_type == "execute_result"]
        assert counts == ([] if "parameters" in cell.metadata.get("tags", []) else [cell.execution_count]), cell.id


def test_cells_are_few_and_short(path):
    notebook, code = read(path)
    lines = [len(cell.source.splitlines()) for cell in code]
    assert 20 <= len(notebook.cells) <= 40
    assert max(lines) <= 8
    assert max(len(line) for cell in code for line in cell.source.splitlines()) <= 110, "cut off on a laptop's screen"
    assert 1 <= median(lines) <= 3


def test_cells_call_and_the_library_defines(path):
    _, code = read(path)
    for cell in code:
        tree = ast.parse(cell.source)  # a magic, known or not, is no Python
        for node in ast.walk(tree):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Try), cell.id
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert ast.unparse(node) == "from aksdisks.walkthrough import open_walk"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.match(r"\.{0,2}/", node.value), f"{cell.id}: a path"
        assert "sleep" not in cell.source


def test_each_cell_ends_in_something_to_look_at(path):
    _, code = read(path)
    for cell in code:
        if "parameters" not in cell.metadata.get("tags", []):
            assert isinstance(ast.parse(cell.source).body[-1], ast.Expr), cell.id
            assert [output.output_type for output in cell.outputs] == ["execute_result"], cell.id


def test_the_anatomy(path):
    notebook, code = read(path)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    title, promise, *_ = filter(None, prose[0].splitlines())
    assert re.fullmatch(rf"# {path.stem[:2]} · .+", title)
    assert 40 <= len(promise) <= 160 and promise.endswith(".")
    assert [row.split("|")[1].strip() for row in prose[0].splitlines() if row.startswith("| ")][1:] == [
        "Article", "Side effects", "Duration", "Cost",
    ]  # fmt: skip
    headings = [line.removeprefix("## ") for text in prose for line in text.splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)
    assert sum("**Predict:**" in text for text in prose) >= 3
    assert "kubectl" in " ".join(prose)
    assert code[-1].id == "clean-up"


def test_the_parameters_cell_holds_defaults_of_the_schema(path):
    _, code = read(path)
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    inspected = papermill.inspect_notebook(str(path))
    assert len(inspected) == len(tagged[0].source.splitlines())
    defaults = Parameters()
    for name, parameter in inspected.items():
        assert ast.literal_eval(parameter["default"]) == getattr(defaults, name)
        assert parameter["inferred_type_name"] == type(getattr(defaults, name)).__name__


def test_every_claim_is_judged_and_every_check_passed(path):
    _, code = read(path)
    claims = next(cell for cell in code if cell.id == "claims").outputs[0].data["text/plain"]
    numbered = re.findall(r"^(\d)  (.+)$", claims, flags=re.MULTILINE)
    checks = {cell.id: output.data[MIME_TYPE] for cell in code for output in cell.outputs if MIME_TYPE in output.data}
    # What the reader is invited to do is done by nobody here.
    assert checks.pop("try-it")["status"] == "not applicable"
    assert {statement for _, statement in numbered} <= {check["statement"] for check in checks.values()}
    assert {check["status"] for check in checks.values()} == {"passed"}
    assert len(numbered) >= 3


def test_outputs_are_for_people(path):
    """No raw values, nothing fetched from elsewhere, no metadata that changes by itself."""
    notebook, code = read(path)
    assert sorted(notebook.metadata) == ["kernelspec", "language_info"]
    assert {tuple(cell.metadata) for cell in notebook.cells} == {(), ("tags",)}
    for cell in code:
        for output in cell.outputs:
            html = output.data.get("text/html", "")
            assert not re.search(r"<script|<link|(src|href)=", html), cell.id
            assert not re.search(r"<\w[\w.]* object|^\{|^\[", output.data["text/plain"]), cell.id
            assert len(output.data["text/plain"].splitlines()) <= 60, cell.id


def test_cells_have_names_that_stay(path):
    notebook, _ = read(path)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", name) for name in ids)


def test_it_names_the_next_one(path):
    notebook, _ = read(path)
    links = re.findall(r"\]\(([^)]+)\)", notebook.cells[-1].source)
    assert links and all((path.parent / link).exists() for link in links)
