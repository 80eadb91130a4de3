"""What `import aksdisks` offers: a flat list of names, each with a docstring and on the reference page, loaded late."""

import inspect
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

import aksdisks
from tests import commands, reference


def test_the_list_is_sorted_and_every_name_is_there_with_a_docstring():
    assert list(aksdisks.__all__) == sorted(set(aksdisks.__all__)) == sorted(aksdisks._MODULE_OF)
    assert [name for name in aksdisks.__all__ if not inspect.getdoc(getattr(aksdisks, name))] == []
    assert {getattr(aksdisks, name).__name__ for name in aksdisks.__all__} == set(aksdisks.__all__)


def test_no_name_is_that_of_a_room():
    rooms = {path.stem for path in Path(aksdisks.__file__).parent.iterdir()}
    assert rooms & set(aksdisks.__all__) == set()


def test_the_reference_page_is_that_of_the_docstrings():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "python -m tests.reference writes it anew"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'aksdisks' has no attribute 'Disc'"):
        aksdisks.Disc  # noqa: B018 - the attribute is the test


def test_the_import_loads_neither_pandas_nor_a_client_nor_a_room():
    program = "import sys; before = set(sys.modules); import aksdisks; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) <= {"aksdisks", "__future__"}


def test_the_import_takes_no_time_that_a_person_notices():
    """The figure, at most 30 ms, is `python -m tests.benchmarks import`'s; a busy machine is forgiven more."""

    def seconds(program):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
        return time.perf_counter() - began

    rounds = [(seconds("pass"), seconds("import aksdisks")) for _ in range(10)]
    bare, ours = (median(times) for times in zip(*rounds, strict=True))
    assert ours - bare <= 0.1


def test_the_pages_of_causes_and_rules_are_those_of_their_files():
    for path, built in ((reference.CAUSES, reference.causes()), (reference.RULES, reference.rules())):
        assert path.read_text(encoding="utf-8") == built, "python -m tests.reference writes it anew"


def test_the_page_of_the_command_line_is_that_of_the_help():
    assert commands.PAGE.read_text(encoding="utf-8") == commands.page(), "python -m tests.reference writes it anew"


def test_every_command_and_option_has_its_help():
    found = commands.commands()
    assert [name for name, command in found.items() if not command.help] == []
    assert [f"{name} {each.name}" for name, command in found.items() for each in command.params if not each.help] == []
