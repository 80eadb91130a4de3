"""docs/article.toml has every item of the article, and what it says is shown was shown in the recorded runbooks."""

import ast
import re
from pathlib import Path

import pytest

from tests import article

ROOT = Path(__file__).parents[1]
ITEMS = [item for section in article.sections().values() for item in section]
KINDS = {"heading", "sentence", "list item", "manifest", "command", "transcript"}


MANIFEST = "So:\napiVersion: v1\n  spec:\n  - name: a\n---\n  - b\nThis is: prose"
TRANSCRIPT = "$ kubectl get pv\nNAME  AGE\npvc-1 2m\n$ kubectl get pods\nNow prose. And more"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("A claim waits. Does it?  It does: See below!", ["A claim waits.", "Does it?", "It does:", "See below!"]),
        ("A disk, i.e. Azure's, of 4.5 GiB, etc. . So.", ["A disk, i.e. Azure's, of 4.5 GiB, etc. .", "So."]),
        ("It\u2019s \u201cone\u201d\u00a0disk \u2013 no more", ['It\'s "one" disk - no more']),
        ("- Storage class\n\n  - Claim (PVC)\n", ["Storage class", "Claim (PVC)"]),
        (MANIFEST, ["So:", "apiVersion: v1 spec: - name: a --- - b", "This is: prose"]),
        (TRANSCRIPT, ["$ kubectl get pv NAME AGE pvc-1 2m", "$ kubectl get pods", "Now prose.", "And more"]),
        ("Do this:\nkubectl apply -f https://x.example/A. B", ["Do this:", "kubectl apply -f https://x.example/A. B"]),
    ],
    ids=["sentences", "abbreviations", "normalised", "list", "manifest", "transcript", "command"],
)
def test_how_a_text_is_split(text, items):
    assert article.items(text) == items


def test_no_item_is_missing_and_none_is_added():
    assert [item.hash for item in ITEMS] == article.HASHES.read_text().split()


def test_the_manifests_are_the_articles():
    files = sorted((ROOT / "tests" / "lab" / "article").glob("*.yaml"))
    found = {article.digest(article.normalised(file.read_text())) for file in files}
    assert found == {item.hash for item in ITEMS if item.kind == "manifest"}


def test_who_has_the_text_is_told_what_is_missing(tmp_path, capsys):
    text = tmp_path / "article.txt"
    text.write_text("Not of the article.\n" + (ROOT / "tests/lab/article/dynamic-with-stateful.yaml").read_text())
    assert article.main([str(text)]) == 1
    lines = capsys.readouterr().out.splitlines()
    known = article.HASHES.read_text().split()
    gone = [f"not in {text}: {each}" for each in known if each != "e92eeb483394fcdb"]
    assert lines == ["1: not in article.items: Not of the article.", *gone, f"2 items, {len(known)} expected"]


def test_a_text_that_is_not_there_is_bad_input(tmp_path, capsys):
    assert [article.main(arguments) for arguments in ([], [str(tmp_path / "no.txt")])] == [2, 2]
    assert "expected a file, found none" in capsys.readouterr().out


def test_what_is_shown_has_a_check_that_passed():
    shown = {at: article.cells(at.split("#")[0])[at.split("#")[1]] for item in ITEMS for at in item.shown}
    assert [at for at, check in shown.items() if not check or check["status"] != "passed"] == []


def test_what_is_told_has_its_cell():
    told = {at for item in ITEMS for at in item.told}
    assert [at for at in told if at.split("#")[1] not in article.cells(at.split("#")[0])] == []


def test_tests_that_are_named_are_there():
    for test in {test for item in ITEMS for test in item.tests}:
        file, name = test.split("::")
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def test_each_item_has_its_evidence_or_says_why_there_is_none():
    assert {item.kind for item in ITEMS} <= KINDS
    assert [item.says for item in ITEMS if not (item.shown or item.tests or item.note)] == []
    assert [item.says for item in ITEMS if bool(item.today) != bool(item.source)] == []
    assert all(re.match(r"https://[a-z.]+/\S+$", url) for item in ITEMS for url in item.source)


def test_the_page_is_that_of_the_table():
    assert article.PAGE.read_text() == article.page(), "python -m tests.reference writes it anew"
