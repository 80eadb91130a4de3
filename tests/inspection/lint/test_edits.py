"""A change of an object as a diff of its file: whatever way the file is written in, or no diff at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aksdisks.inspection.lint.documents import Text
from aksdisks.inspection.lint.edits import Edit, edited, fix
from aksdisks.inspection.lint.reading import Manifest, objects, read_files
from tests.programs import require

pytestmark = pytest.mark.quick

HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
RECREATE = Edit(("spec", "strategy"), {"type": "Recreate"})


def applied(diff: str, path: Path) -> str:
    """The file after `patch -p1` and, beside it, after `git apply`, which have to agree."""
    require("patch")
    before = path.read_bytes()
    folder = path.parent
    (folder / "fix.diff").write_bytes(diff.encode())
    subprocess.run(["git", "apply", "fix.diff"], cwd=folder, check=True, timeout=60)
    after = path.read_bytes()
    path.write_bytes(before)
    subprocess.run(["patch", "-s", "-p1", "-i", "fix.diff"], cwd=folder, check=True, timeout=60)
    assert path.read_bytes() == after
    return after.decode()


@pytest.mark.parametrize(
    ("spec", "edit", "after"),
    [
        ("spec:\n  a: 1\n  b: 2\n", RECREATE, "spec:\n  a: 1\n  strategy:\n    type: Recreate\n  b: 2\n"),
        ("spec:\n  a: 1", RECREATE, "spec:\n  a: 1\n  strategy:\n    type: Recreate"),
        ("spec: {a: 1} # x\n", RECREATE, 'spec: {"strategy": {"type": "Recreate"}, a: 1} # x\n'),
        ("spec: {}\n", RECREATE, 'spec: {"strategy": {"type": "Recreate"}}\n'),
        ("spec:\n", RECREATE, "spec:\n  strategy:\n    type: Recreate\n"),
        ("spec: null # x\n", RECREATE, "spec:\n  strategy:\n    type: Recreate # x\n"),
        ("spec:\n  strategy:\n    type: X\n    y:\n    - 1\n  # b\n  b: 2\n", RECREATE,
         "spec:\n  strategy:\n    type: Recreate\n  # b\n  b: 2\n"),
        ("spec:\n  strategy: {type: X} # x\n", RECREATE, 'spec:\n  strategy: {"type": "Recreate"} # x\n'),
        ("spec:\n  - &a\n    a: 1\n", RECREATE, None),
        ("spec:\n  a: |\n    text\n\n  b: 2\n", RECREATE,
         "spec:\n  a: |\n    text\n  strategy:\n    type: Recreate\n\n  b: 2\n"),
        ("spec:\n  a: 1 # one\n", Edit(("spec", "a"), "x: y"), "spec:\n  a: 'x: y' # one\n"),
        ('spec:\n  a: "1"\n', Edit(("spec", "a"), "x"), 'spec:\n  a: "x"\n'),
        ("spec:\n  a: >-\n    long\n    text\n  b: 2\n", Edit(("spec", "a"), 3), "spec:\n  a: 3\n  b: 2\n"),
        ("spec:\n  a:\n  - b: 1\n    c: 2\n  - d\n", Edit(("spec", "a", 0, "x"), 3),
         "spec:\n  a:\n  - b: 1\n    x: 3\n    c: 2\n  - d\n"),
        ("spec:\n  a:\n  - b: 1\n  - c: 2\n    d: 3\n  - e\n", Edit(("spec", "a", 1), None),
         "spec:\n  a:\n  - b: 1\n  - e\n"),
        ("spec:\n  a: 1\n  b:\n    c: 2\n", Edit(("spec", "b"), None), "spec:\n  a: 1\n"),
        ("spec: {a: 1, b: 2}\n", Edit(("spec", "b"), None), "spec: {a: 1}\n"),
        ("spec: {a: 1, b: 2}\n", Edit(("spec", "a"), None), "spec: {b: 2}\n"),
        ("spec:\n  a: 1\n", Edit(("spec", "a"), None), None),
        ("spec:\n  a: &x {b: 1}\n  c: *x\n", Edit(("spec", "a", "b"), 2), None),
        ("spec:\n  a: &x {b: 1}\n  c: {<<: *x, d: 1}\n", Edit(("spec", "c", "b"), 2), None),
        ("spec:\n  a: &x {b: 1}\n  c: *x\n", Edit(("spec", "d"), 2),
         "spec:\n  a: &x {b: 1}\n  d: 2\n  c: *x\n"),
        ("? spec\n: a: 1\n", RECREATE, "? spec\n: a: 1\n  strategy:\n    type: Recreate\n"),
    ],
)  # fmt: skip
def test_a_file_says_what_is_meant_or_there_is_no_diff(
    spec: str, edit: Edit, after: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "f.yaml"
    path.write_text(HEAD + spec)
    (manifest,) = read_files(["f.yaml"], bytes).manifests
    diff = fix(manifest, [edit])
    if after is None:
        assert diff == ""
        return
    assert applied(diff, path) == HEAD + after
    (mended,) = read_files(["f.yaml"], bytes).manifests
    assert mended.raw == edited(manifest.raw, [edit])


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_only_the_lines_around_it_are_in_the_diff(
    newline: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = (HEAD + "spec:\n  a: 1\n  b: 2\n").replace("\n", newline)
    path = tmp_path / "f.yaml"
    path.write_bytes(("---" + newline).join([one, one, one]).encode())
    manifest = read_files(["f.yaml"], bytes).manifests[1]
    diff = fix(manifest, [RECREATE])
    assert diff.splitlines()[:3] == ["--- a/f.yaml", "+++ b/f.yaml", "@@ -10,6 +10,8 @@"]
    assert len(diff.splitlines()) == 11
    after = applied(diff, path)
    assert after.splitlines()[12:14] == ["  strategy:", "    type: Recreate"]
    assert after.count(newline) == after.count("\n") == path.read_bytes().count(b"\n")


def test_json_stays_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "f.json"
    path.write_text('{"kind": "Pod", "apiVersion": "v1", "spec": {"a": [1, {"b": 2}]}}')
    (manifest,) = read_files(["f.json"], bytes).manifests
    diff = fix(manifest, [Edit(("spec", "a", 1, "b"), "yes"), RECREATE])
    wanted = '{"kind": "Pod", "apiVersion": "v1", "spec": {"strategy": {"type": "Recreate"}, "a": [1, {"b": "yes"}]}}'
    assert applied(diff, path) == wanted


def test_an_item_of_a_list_whose_anchor_others_use_is_left_alone() -> None:
    item = "- apiVersion: v1\n  kind: Pod\n  spec: "
    text = f"apiVersion: v1\nkind: List\nitems:\n{item}&s\n    a: 1\n{item}*s\n"
    first, second = objects(Text("f.yaml", text))
    assert [fix(each, [RECREATE]) for each in (first, second)] == ["", ""]


@pytest.mark.parametrize(
    ("edit", "operation"),
    [
        (RECREATE, '{"op": "add", "path": "/spec/strategy", "value": {"type": "Recreate"}}'),
        (Edit(("spec", "a", "b", "c"), 1), '{"op": "add", "path": "/spec/a", "value": {"b": {"c": 1}}}'),
        (Edit(("spec", "list", 0, "x/y"), 1), '{"op": "add", "path": "/spec/list/0/x~1y", "value": 1}'),
        (Edit(("spec", "list"), None), '{"op": "remove", "path": "/spec/list"}'),
    ],
)
def test_an_object_of_a_cluster_is_patched(edit: Edit, operation: str) -> None:
    live = Manifest("Deployment", "shop", "web", live={"kind": "Deployment", "spec": {"list": [{"name": "x"}]}})
    assert fix(live, [edit]) == f"kubectl patch deployment web -n shop --type json -p '[{operation}]'"


def test_what_the_api_server_does_not_change_is_a_diff_of_the_manifest() -> None:
    metadata = {"name": "fast", "uid": "1", "resourceVersion": "2"}
    live = Manifest("StorageClass", "", "fast", live={"kind": "StorageClass", "metadata": metadata, "status": {}})
    diff = fix(live, [Edit(("volumeBindingMode",), "WaitForFirstConsumer")], patchable=False)
    assert diff.splitlines() == [
        "--- a/storageclass-fast.yaml",
        "+++ b/storageclass-fast.yaml",
        "@@ -1,3 +1,4 @@",
        " kind: StorageClass",
        " metadata:",
        "   name: fast",
        "+volumeBindingMode: WaitForFirstConsumer",
    ]
