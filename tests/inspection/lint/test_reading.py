"""Objects out of files, folders and standard input; what is none is passed over, what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aksdisks.errors import InputError
from aksdisks.inspection.lint.reading import Reading, read_files

pytestmark = pytest.mark.quick

CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: NAME}\n"


def claim(name: str) -> str:
    return CLAIM.replace("NAME", name)


def read(*names: str, stdin: bytes = b"", namespace: str = "default") -> Reading:
    return read_files(names, lambda: stdin, namespace)


def shown(reading: Reading) -> list[str]:
    return [f"{each.file}:{each.line()} {each}" for each in reading.manifests]


def test_a_folder_with_all_that_is_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {
        "b.yaml": claim("b"),
        "a/c.yml": "# first\n---\n" + claim("c1") + "---\n" + claim("c2"),
        "a/d.json": json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "d", "namespace": "shop"}}),
        "a/values.yaml": "image: web\nreplicas: 2\n",
        "a/list.yaml": "- a\n- b\n",
        "a/text.yaml": "only words\n",
        "a/compose.yaml": "version: '3'\nkind: none\n",
        "a/notes.txt": "{{ not read }}",
        ".git/e.yaml": claim("e"),
        "a/.hidden.yaml": claim("f"),
        "empty.yaml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    reading = read(".", "b.yaml")
    assert shown(reading) == [
        "b.yaml:1 PersistentVolumeClaim default/b",
        "a/c.yml:3 PersistentVolumeClaim default/c1",
        "a/c.yml:7 PersistentVolumeClaim default/c2",
        "a/d.json:1 Pod shop/d",
    ]
    assert reading.bad_files == () and len(reading.files) == 8


def test_what_cannot_be_read_is_named_and_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_bytes(b"kind: \xff\n")
    (tmp_path / "b.yaml").write_text("kind: {{ .Values.kind }}\napiVersion: v1\n")
    (tmp_path / "c.yaml").write_text("kind: Pod\napiVersion: [\n")
    (tmp_path / "d.yaml").write_bytes(b"\xef\xbb\xbf" + claim("d").replace("\n", "\r\n").encode())
    (tmp_path / "e.yaml").write_text(claim("e") + "spec: {}\nspec: {}\n")
    # No Kubernetes objects: what one repeats, and how the other is written, is their own business.
    (tmp_path / "f.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "g.json").write_text('// with comments\n{"a": 1,}\n')
    reading = read(".")
    assert shown(reading) == ["d.yaml:1 PersistentVolumeClaim default/d"]
    assert [str(each) for each in reading.bad_files] == [
        "a.yaml:1: not UTF-8 text",
        "b.yaml:1: a template, which is no YAML before it is rendered: give what `helm template` prints",
        "c.yaml:3: did not find expected node content",
        "e.yaml:5: the key 'spec' again, which line 4 has",
    ]


def test_a_chart_in_a_folder_is_one_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("web/Chart.yaml", "web/values.yaml", "web/templates/a.yaml", "web/charts/db/Chart.yaml", "b.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(claim("b") if name == "b.yaml" else "apiVersion: v1\nkind: {{ x }}\n")
    said = "which is no YAML before it is rendered: give what `helm template` prints"
    reading = read(".")
    assert (shown(reading), [str(each) for each in reading.bad_files]) == (
        ["b.yaml:1 PersistentVolumeClaim default/b"],
        [f"web/Chart.yaml: a Helm chart, {said}"],
    )
    assert [str(each) for each in read("web").bad_files] == [f"web/Chart.yaml: a Helm chart, {said}"]
    assert [str(each) for each in read("web/templates/a.yaml").bad_files] == [
        f"web/templates/a.yaml:2: a template, {said}"
    ]


def test_a_file_that_is_named_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("g.json").write_text('{"a": 1\n')
    assert [str(each) for each in read("g.json").bad_files] == ["g.json:2: did not find expected ',' or '}'"]


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(InputError, match="expected a folder that can be listed, found: Permission denied"):
        read(str(tmp_path))


def test_standard_input_with_lists_and_thousands_of_documents() -> None:
    items = "".join(f"- apiVersion: v1\n  kind: Pod\n  metadata: {{name: p{n}}}\n" for n in range(2))
    text = f"apiVersion: v1\nkind: List\nitems:\n{items}---\n" + "---\n".join(map(claim, map(str, range(2000))))
    reading = read("-", stdin=text.encode(), namespace="shop")
    assert len(reading.manifests) == 2002
    assert shown(reading)[:3] == ["-:4 Pod shop/p0", "-:7 Pod shop/p1", "-:11 PersistentVolumeClaim shop/0"]


def test_kinds_without_a_namespace_have_none() -> None:
    text = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a, namespace: wrong}\n"
    assert shown(read("-", stdin=text.encode())) == ["-:1 PersistentVolume a"]


def test_names_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml: expected a file or a folder, found neither"):
        read(str(tmp_path / "gone.yaml"))
    with pytest.raises(InputError, match=r"a folder with files that end in \.yaml, \.yml, \.json, found none"):
        read(str(tmp_path))
