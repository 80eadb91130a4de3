"""Label and field selectors, and quantities in their canonical form."""

from __future__ import annotations

import pytest

from aksdisks.lab.client.interface import ApiError
from aksdisks.lab.kube.schema import quantities, selectors
from aksdisks.lab.kube.strategies.catalog import RESOURCES


@pytest.mark.parametrize(
    ("selector", "matching", "other"),
    [
        ("a=1", {"a": "1"}, {"a": "2"}),
        ("a==1,b", {"a": "1", "b": ""}, {"a": "1"}),
        ("a!=1", {}, {"a": "1"}),
        ("!a", {"b": "1"}, {"a": ""}),
        ("a in (1, 2)", {"a": "2"}, {}),
        ("a notin (1,2)", {}, {"a": "1"}),
        ("a>5", {"a": "6"}, {"a": "x"}),
        ("x.io/a-b_c = v.1", {"x.io/a-b_c": "v.1"}, {}),
        ("a=", {"a": ""}, {"a": "1"}),
    ],
)
def test_labels(selector: str, matching: dict[str, str], other: dict[str, str]) -> None:
    requirements = selectors.parse_labels(selector)
    assert selectors.matches(requirements, matching)
    assert not selectors.matches(requirements, other)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a in 1", "unable to parse requirement: found '1' expected: '('"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("-a=b", 'unable to parse requirement: key: Invalid value: "-a": name part must consist of'),
        ("a>b", "for 'Gt', 'Lt' operators, the value must be an integer"),
    ],
)
def test_labels_that_cannot_be_read(selector: str, message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        selectors.parse_labels(selector)
    assert refusal.value.code == 400
    assert message in refusal.value.message


POD = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Pending"}}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("spec.nodeName=n", True),
        ("spec.nodeName==n,status.phase!=Running", True),
        ("status.phase=Running", False),
        ("status.podIP=", True),
        ("metadata.name!=p", False),
    ],
)
def test_fields(selector: str, selected: bool) -> None:
    holds = selectors.predicate(RESOURCES["pods"], "", selector)
    assert holds is not None
    assert holds(POD) is selected


@pytest.mark.parametrize(
    ("resource", "selector", "message"),
    [
        ("pods", "spec.colour=red", "field label not supported: spec.colour"),
        ("configmaps", "data=x", '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("pods", "status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase'"),
    ],
)
def test_fields_that_cannot_be_selected(resource: str, selector: str, message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        selectors.parse_fields(RESOURCES[resource], selector)
    assert refusal.value.message == message


def test_label_selector_objects() -> None:
    expressions = [{"key": "b", "operator": "NotIn", "values": ["2"]}, {"key": "c", "operator": "Exists"}]
    selector = {"matchLabels": {"a": "1"}, "matchExpressions": expressions}
    assert ",".join(map(str, selectors.from_label_selector(selector))) == "a=1,b notin (2),c"
    assert selectors.label_selector_matches(selector, {"a": "1", "c": ""})
    assert not selectors.label_selector_matches(selector, {"a": "1", "b": "2", "c": ""})
    assert selectors.label_selector_matches({}, None)
    assert not selectors.label_selector_matches(None, {"a": "1"})


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("25Gi", "25Gi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1000000", "1M"),
        ("512", "512"),
        ("1e3", "1e3"),
        ("0", "0"),
        ("-1.5", "-1500m"),
        ("100Ki", "100Ki"),
    ],
)
def test_quantities(given: str, canonical: str) -> None:
    assert quantities.canonical(given) == canonical
    assert quantities.parse(given) == quantities.parse(canonical)


@pytest.mark.parametrize("text", ["25GB!", "", "Gi", "1 Gi", "--1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        quantities.parse(text)
