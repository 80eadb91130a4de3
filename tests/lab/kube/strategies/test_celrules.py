"""Rules of a schema: which are taken, what they refuse, and what bounds them."""

# ruff: noqa: E501 - a row is read as a row: a rule and what is said of it

from __future__ import annotations

from typing import Any

import pytest

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.strategies import celrules
from aksdisks.lab.kube.write.api import KubeApi
from tests.lab.kube.custom import CRDS, SPEC, WIDGETS, crd, refusal, run, version, widget

RULES = "x-kubernetes-validations"
TEXTS: Object = {"type": "array", "items": {"type": "string"}}
FEW = {**TEXTS, "maxItems": 10}
SCHEMA: Object = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"}, "yes": {"type": "boolean"}, "text": {"type": "string"}, "many": TEXTS, "few": FEW, "namespace": {"type": "string"},
        "items": {"type": "array", "maxItems": 9, "items": {"type": "object", "properties": {"few": FEW, "many": TEXTS}}},
        "x-y": {"type": "integer"}, "when": {"type": "string", "format": "date-time"}, "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}  # fmt: skip


TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"


def ruled(rule: str, **more: Any) -> Object:
    return {**SCHEMA, RULES: [{"rule": rule, **more}]}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("self.a > 1", ""),
        ("self.__namespace__ == 'n' && self.x__dash__y > 0", ""),
        ("self.a >", "compilation failed: Failed to parse expression"),
        ("self.b > 1", "compilation failed: undefined field 'b'"),
        ("slef.a > 1", "compilation failed: undeclared reference to 'slef' (in container '')"),
        ("self.text.find('a') == 'a'", "compilation failed: undeclared reference to 'find' (in container '')"),
        ("ip == self.text", "compilation failed: undeclared reference to 'ip' (in container '')"),
        ("ip.isCanonical(self.text)", ""),
        ("ip(self.text)", "cel expression must evaluate to a bool"),
        ("cidr(self.text).prefixLength()", "cel expression must evaluate to a bool"),
        ("self.text == 'slef.b(1)'", ""),
        ("self.many.all(x, x != '')", ""),
        ("self.a + 1", "cel expression must evaluate to a bool"),
        ("self.text", "cel expression must evaluate to a bool"),
        ("size(self.text)", "cel expression must evaluate to a bool"),
        ("self.few.map(x, x + 'y')", "cel expression must evaluate to a bool"),
        ("self.yes", ""),
        ("has(self.a)", ""),
        ("self.text.startsWith('a' + self.text)", ""),
        ("self.few.isSorted()", ""),
        ("[self.yes, has(self.a)].exists(x, x)", ""),
        ("self.few.all(x, self.few.exists_one(y, x == y))", ""),
        ("self.few.all(x, self.few.filter(y, x == y).all(z, z == x))", ""),
        ("self.items.all(x, x.few.all(y, x.few.exists(z, y == z)))", ""),
        ("self.few.all(x, self.many.exists_one(y, x == y))", "estimated rule cost exceeds budget by factor of 1.0x"),
        (f"{TEN}.all(a, {TEN}.all(b, a != b || [a, [b, 1][0]].exists(c, c == 1)))", ""),
        (f"{TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, true))))", ""),
        (
            f"{TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, {TEN}.all(e, {TEN}.all(f, {TEN}.all(g, {TEN}.all(h, true))))))))",
            "exceeds budget by factor of 10.0x",
        ),
        ("self.text.split('').all(a, self.text.split('').all(b, a == b))", "budget by factor of more than 100x"),
        ("self.few.map(x, self.many).all(x, x.all(y, y == ''))", "budget by factor of more than 100x"),
        ("self.items.all(x, x.many.all(y, x.many.exists(z, y == z)))", "budget by factor of more than 100x"),
        ("", "rule is not specified"),
    ],
)
def test_what_does_not_compile_or_costs_too_much_is_refused(rule: str, told: str) -> None:
    found = " ".join(cause.message for cause in celrules.problems(ruled(rule), "f"))
    assert told in found if told else found == ""


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("self.a > 1", {"a": 2}, True),
        ("has(self.a)", {}, False),
        ("self.__namespace__.startsWith('k') && self.x__dash__y == 1", {"namespace": "kube", "x-y": 1}, True),
        ("self.many.all(x, x.matches('^[a-z]$'))", {"many": ["a", "B"]}, False),
        ("self.many.isSorted() && self.many.join('-') == 'a-b'", {"many": ["a", "b"]}, True),
        ("size(self.text) == 2", {"text": "ab"}, True),
        ("self.when < timestamp('2026-01-01T00:00:00Z')", {"when": "2025-12-31T23:59:59Z"}, True),
        ("self.map.all(key, self.map[key] > 0)", {"map": {"a": 1, "b": 0}}, False),
        (
            "isURL(self.text) && url(self.text).getHostname() == 'a.b' && url(self.text).getPort() == '8443'",
            {"text": "https://a.b:8443/c?d"},
            True,
        ),
        ("isURL(self.text)", {"text": "a b"}, False),
        ("isURL(self.text)", {"text": "https://a:port/"}, False),
        ("isURL(self.text)", {"text": "/%zz"}, False),
        ("isIP(self.text) && !isCIDR(self.text)", {"text": "10.0.0.1"}, True),
        ("isCIDR(self.text)", {"text": "10.0.0.1/33"}, False),
        ("isCIDR(self.text)", {"text": "10.0.0.1/+24"}, False),
        ("isCIDR(self.text)", {"text": "10.0.0.1/255.0.0.0"}, False),
        ("isCIDR(self.text)", {"text": "10.0.0.1/8"}, True),
        ("isIP(self.text)", {"text": "fe80::1%eth0"}, False),
        ("isIP(self.text)", {"text": "::ffff:10.0.0.1"}, False),
        ("ip(self.text) == ip('2001:db8::1') && string(ip(self.text)) == '2001:db8::1'",
         {"text": "2001:DB8:0::1"}, True),
        ("ip.isCanonical(self.text)", {"text": "2001:db8::1"}, True),
        ("ip.isCanonical(self.text)", {"text": "2001:DB8::1"}, False),
        ("ip(self.text).family() == 4 && ip(self.text).isLoopback() && !ip(self.text).isGlobalUnicast()",
         {"text": "127.0.0.1"}, True),
        ("ip(self.text).family() == 6 && ip(self.text).isUnspecified()", {"text": "::"}, True),
        ("ip(self.text).isLinkLocalMulticast() && !ip(self.text).isGlobalUnicast()", {"text": "224.0.0.7"}, True),
        ("ip(self.text).isLinkLocalMulticast()", {"text": "224.0.1.7"}, False),
        ("ip(self.text).isLinkLocalUnicast()", {"text": "fe80::1"}, True),
        ("ip(self.text).isGlobalUnicast()", {"text": "10.1.2.3"}, True),
        ("ip(self.text).isGlobalUnicast()", {"text": "255.255.255.255"}, False),
        ("cidr(self.text).containsIP('10.1.2.3') && cidr(self.text).containsIP(ip('10.0.0.1'))",
         {"text": "10.0.0.0/8"}, True),
        ("cidr(self.text).containsIP('2001:db8::1')", {"text": "10.0.0.0/8"}, False),
        ("cidr(self.text).containsCIDR(cidr('10.2.0.0/16'))", {"text": "10.0.0.0/8"}, True),
        ("cidr(self.text).containsCIDR('10.0.0.0/8')", {"text": "10.0.0.0/16"}, False),
        ("cidr(self.text).containsCIDR('::/0')", {"text": "10.0.0.0/16"}, False),
        ("cidr(self.text).masked() == cidr('10.0.0.0/8') && cidr(self.text).ip() == ip('10.2.3.4')",
         {"text": "10.2.3.4/8"}, True),
        ("cidr(self.text).prefixLength() == 8", {"text": "10.2.3.4/8"}, True),
        (
            "quantity(self.text).isGreaterThan(quantity('1Gi')) && quantity(self.text).asInteger() == 2147483648",
            {"text": "2048Mi"},
            True,
        ),
        ("isQuantity(self.text)", {"text": "2 disks"}, False),
        (
            "quantity(self.text) == quantity('1Gi') && quantity(self.text).compareTo(quantity('1025Mi')) == -1",
            {"text": "1024Mi"},
            True,
        ),
        ("self.text.split('').size() == 3 && self.text.replace('b', 'xx') == 'axxc'", {"text": "abc"}, True),
        ("self.text.split(',').size() == 2 && self.text.lowerAscii().indexOf('b') == 2", {"text": "A,B"}, True),
    ],
)  # fmt: skip
def test_what_a_rule_says(rule: str, value: Object, holds: bool) -> None:
    rules = celrules.compiled(ruled(rule))
    assert rules is not None
    found = rules.errors(value)
    assert [cause.message for cause in found] == ([] if holds else [f'Invalid value: "object": failed rule: {rule}'])


@pytest.mark.parametrize(
    ("rule", "text", "why"),
    [
        ("ip(self.text) == ip('::1')", "10.0.0", 'IP Address "10.0.0" parse error during conversion from string: '),
        ("ip(self.text) == ip('::1')", "fe80::1%eth0", 'IP address "fe80::1%eth0" with zone value is not allowed'),
        ("ip(self.text) == ip('::1')", "::ffff:10.0.0.1", 'IPv4-mapped IPv6 address "::ffff:10.0.0.1" is not allowed'),
        ("cidr(self.text) == cidr('::/0')", "10.0.0.0", "network address parse error during conversion from string: "),
    ],
)
def test_what_is_no_address_is_told_by_the_rule(rule: str, text: str, why: str) -> None:
    rules = celrules.compiled(ruled(rule))
    assert rules is not None
    [cause] = rules.errors({"text": text})
    assert why in cause.message and cause.message.endswith(f"evaluating rule: {rule}")


def test_what_a_refusal_says() -> None:
    rules = celrules.compiled(
        ruled("self.a > 1", messageExpression="'a is ' + string(self.a)", reason="FieldValueForbidden", fieldPath=".a")
    )
    assert rules is not None
    [cause] = rules.errors({"a": 1})
    assert (cause.field, cause.reason, cause.message) == ("a", "FieldValueForbidden", "Forbidden: a is 1")


def test_a_rule_that_fails_is_told() -> None:
    rules = celrules.compiled(ruled("1 / self.a > 0", message="not zero"))
    assert rules is not None
    [cause] = rules.errors({"a": 0})
    assert cause.message.endswith("evaluating rule: not zero")


def test_a_rule_that_would_take_too_long_is_not_run() -> None:
    rule = "self.few.all(x, self.few.all(y, self.few.all(z, x + y + z != '')))"
    rules = celrules.compiled(ruled(rule))
    assert rules is not None
    [cause] = rules.errors({"few": ["x"] * 101})
    assert "no further validation rules will be run due to call cost exceeds limit for rule" in cause.message


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (f"{TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, {TEN}.all(e, {TEN}.all(f, {TEN}.all(g, true)))))))", {}),
        ("self.text.split('').all(a, self.text.split('').all(b, a == b))", {"text": "x" * 1_001}),
        ("self.text.replace('x', self.text).size() > 0", {"text": "x" * 20_000}),
    ],
)
def test_what_goes_on_by_itself_is_not_run(rule: str, value: Object) -> None:
    rules = celrules.compiled(ruled(rule))
    assert rules is not None
    [cause] = rules.errors(value)
    assert "cost limit exceeded" in cause.message


def test_what_a_rule_does_not_go_through_does_not_count() -> None:
    rules = celrules.compiled(ruled("self.few.all(x, self.few.exists_one(y, x == y))"))
    assert rules is not None
    assert rules.errors({"few": ["x"], "many": ["x"] * 1_100, "map": dict.fromkeys(map(str, range(1_100)), 1)}) == []


def test_rules_without_end_in_number_are_not_run() -> None:
    schema = {
        "type": "object",
        "properties": {"l": {"type": "array", "items": {"type": "string", RULES: [{"rule": "self != ''"}]}}},
    }
    rules = celrules.compiled(schema)
    assert rules is not None
    [cause] = rules.errors({"l": ["x"] * 20_001})
    assert "running out of cost budget" in cause.message


def test_rules_of_custom_resources() -> None:
    color = {"type": "string", RULES: [{"rule": "self == oldSelf", "message": "color is immutable"}]}
    rule = {"rule": "self.size != 4 || has(self.note)", "message": "four needs a note"}
    spec = {**SPEC, "properties": {**SPEC["properties"], "color": color}, RULES: [rule]}

    async def test(api: KubeApi) -> None:
        assert await refusal(api.create(WIDGETS, widget(size=4), "n")) == (
            '422 Widget.example.com "a" is invalid: spec: Invalid value: "object": four needs a note'
        )
        assert "some validation rules were not checked" in await refusal(api.create(WIDGETS, widget(size="x"), "n"))
        await api.create(WIDGETS, widget(), "n")
        assert await refusal(api.patch(WIDGETS, "a", {"spec": {"color": "blue"}}, "n")) == (
            '422 Widget.example.com "a" is invalid: spec.color: Invalid value: "blue": color is immutable'
        )
        assert await refusal(api.patch(WIDGETS, "a", {"spec": {"size": 1}}, "n")) == ""

    run(test, crd(version(spec=spec)))


def test_a_definition_with_a_rule_that_does_not_compile_is_refused() -> None:
    async def test(api: KubeApi) -> None:
        found = await refusal(api.create(CRDS, crd(version(spec=ruled("self.b == 1")), plural="others", kind="Other")))
        assert f"properties[spec].{RULES}[0].rule: Invalid value: " in found
        assert "compilation failed: undefined field 'b'" in found

    run(test)
