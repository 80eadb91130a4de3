"""YAML as kubectl reads it, each field with its line, and what is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.inspection.lint.documents import NotYamlError, Text, checked, locate, plain

pytestmark = pytest.mark.quick

# Each alias stands for ten of those before it: 10 to the power of 6 values after six lines.
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7)
)
# One level more with each line.
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 900))


def read(text: str) -> list[Any]:
    source = Text("f.yaml", text)
    found = []
    for node in source.documents():
        checked(source, node)
        found.append(plain(node))
    return found


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", True), ("on", True), ("y", True), ("n", False), ("Off", False), ("truE", "truE"),
        ("", None), ("~", None), ("null", None),
        ("0777", 511), ("0o17", 15), ("0x1F", 31), ("1_000", 1000), ("-3", -3), ("08", 8.0), ("1e3", 1000.0),
        ("12345678901234567890123", 1.2345678901234568e22), ("9" * 5000, float("inf")), ("1:30", "1:30"),
        ("2026-11-30", "2026-11-30"), ("2026-11-30T04:25:00Z", "2026-11-30T04:25:00Z"), ("25Gi", "25Gi"),
        ("'1'", "1"), ("!!str 1", "1"), ("!!int x", "x"), ("!custom 1", "1"), ("!!python/object:os.system x", "x"),
        ("|\n  two\n  lines\n", "two\nlines\n"), ('"\\ud83d\\ude00"', "\U0001f600"), ("=", "="),
    ],
)  # fmt: skip
def test_a_scalar_is_what_kubectl_takes_it_for(written: str, meant: object) -> None:
    assert read(f"value: {written}") == [{"value": meant}]


def test_documents_anchors_and_merge_keys() -> None:
    text = "---\n---\na: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n---\n# nothing\n---\n- {<<: [{x: 1}, {x: 2, z: 4}]}\n"
    assert read(text) == [
        None,
        {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}},
        None,
        [{"x": 1, "z": 4}],
    ]


def test_an_anchor_twice_is_the_later_one_from_there_on() -> None:
    assert read("a: &x 1\nb: *x\nc: &x {d: &y 2}\ne: [*x, *y]\n---\nf: &x 3\n") == [
        {"a": 1, "b": 1, "c": {"d": 2}, "e": [{"d": 2}, 2]},
        {"f": 3},
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: [\n", 3, "did not find expected node content"),
        ("a: 1\n\tb: 2\n", 2, "a tab character that violates indentation"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "the key 'c' again, which line 3 has"),
        ("a:\n  - {<<: {x: 1}, <<: {y: 1}, x: 2, x: 3}\n", 2, "the key 'x' again, which line 2 has"),
        ("a: 1\n[x]: 2\n", 2, "a key that is no text"),
        ("a: {{ .Values.a }}\n", 1, "a template, which is no YAML before it is rendered"),
        ("a: 1\n{{- if .Values.b }}\nb: 1\n{{- end }}\n", 2, "give what `helm template` prints"),
        ("a: &a\n  - b: *a\n", 1, "an alias of itself"),
        (BOMB, 6, "aliases that stand for more than 1,000,000 values"),
        ("a: *b\n", 1, "found undefined alias"),
        ("a: 1\nb: \x00\n", 2, "not allowed"),
        ("[" * 5000, 1, "maximum nesting depth"),
        ("a: 1\nb: " + "[" * 900 + "]" * 900, 2, "values that are nested more than 200 deep"),
        (CHAIN, 200, "values that are nested more than 200 deep"),
        ("a: '\u2028\x85'\nb: ]\n", 2, "did not find expected node content"),
    ],
    ids=["open", "tab", "key-twice", "key-twice-in-flow", "key-is-a-list", "template", "template-lines", "own-alias",
         "bomb", "no-anchor", "control-character", "deep", "nested", "alias-in-alias", "more-line-ends"],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(NotYamlError) as raised:
        read(text)
    assert (raised.value.line, problem in raised.value.problem) == (line, True), raised.value


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_each_field_knows_its_line(newline: str) -> None:
    lines = ["a: é", "b:", "- c: 1", "  d: {e: 2}", "", "# f", "g:", "  h: |", "    \u2028", "  i: 3"]
    text = Text("f.yaml", newline.join(lines))
    (node,) = text.documents()
    paths: list[tuple[str | int, ...]] = [
        ("a",), ("b", 0, "c"), ("b", 0, "d", "e"), ("b", 1), ("b", 0, "x", "y"), ("g", "h"), ("g", "i"), ("z",)
    ]  # fmt: skip
    found = [locate(node, path) for path in paths]
    seen = [(text.line((each.key or each.value).start_mark.index), each.parts) for each in found]
    assert seen == [(1, 1), (3, 3), (4, 4), (2, 1), (3, 2), (8, 2), (10, 2), (1, 0)]
    assert [text.content(number) for number in (0, 3, 10, 11)] == ["", "- c: 1", "  i: 3", ""]
