"""Rules of a schema in the Common Expression Language, in upstream's words (apiextensions: apiserver/schema/cel).

The library that evaluates them is loaded by the first definition that has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aksdisks.lab.client.interface import Object
from aksdisks.lab.kube.schema.status import Cause
from aksdisks.lab.kube.schema.structural import PRESERVE, values_below
from aksdisks.lab.kube.strategies import causes, celloops
from aksdisks.lab.kube.strategies.celfunctions import FUNCTIONS, KNOWN, MACROS, library
from aksdisks.lab.kube.strategies.celloops import TEXTS, escaped

RULES = "x-kubernetes-validations"
_ABSENT = object()
_MOST_ESTIMATED, _MOST_STEPS, _MOST_EVALUATIONS = 10_000_000, 1_000_000, 20_000
"""What a rule may cost by its schema, in one evaluation, and how many evaluations one object may take."""

_VARIABLE = re.compile(rf"\.(?:{'|'.join(MACROS)})\s*\(\s*(\w+)\s*,")
_NAME = re.compile(r"(?<![\w.])(\.?)\s*([A-Za-z_]\w*)\s*(\(?)")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_PATH = re.compile(r"(?<![\w.])(?:self|oldSelf)((?:\.\w+)+)(\s*\()?")
# What is asked of the type itself; `ip` alone is no name.
_IP_METHOD = re.compile(r"(?<![\w.])ip\s*\.\s*(?=isCanonical\b)")
_WORDS = {"self", "oldSelf", "true", "false", "null", "in", "int", "uint", "double", "bool", "string", "bytes", "list"}
_WORDS |= {"map", "type", "null_type"}


@dataclass(frozen=True, slots=True)
class _Rule:
    stated: Object
    holds: Any
    message: Any
    uses_old: bool
    nests: tuple[celloops.Nest, ...]


@dataclass(slots=True)
class _Place:
    """The rules of one place in a schema, and of the places below it that have any."""

    node: Object
    rules: list[_Rule] = field(default_factory=list)
    properties: dict[str, _Place] = field(default_factory=dict)
    items: _Place | None = None
    values: _Place | None = None


class Rules:
    """All rules of a schema, compiled."""

    def __init__(self, root: _Place) -> None:
        self._root = root

    def errors(self, new: Object, old: Any = None) -> list[Cause]:
        """What the rules say of an object; `old` is what it was before, None for a new one."""
        budget = _Budget()
        return list(_errors(self._root, new, _ABSENT if old is None else old, "", budget))


@dataclass(slots=True)
class _Budget:
    left: int = _MOST_EVALUATIONS


def compiled(schema: Object) -> Rules | None:
    """The rules of a valid schema; None where it has none."""
    place = _compile(schema)
    return Rules(place) if place else None


def problems(schema: Object, at: str, *, correlates: bool = True) -> Iterator[Cause]:
    """What is wrong with the rules of a schema that stands at a field, and with those below."""
    for index, stated in enumerate(schema.get(RULES) or ()):
        yield from _wrong(stated, schema, f"{at}.{RULES}[{index}]", correlates=correlates)
    for name, below in schema.get("properties", {}).items():
        yield from problems(below, f"{at}.properties[{name}]", correlates=correlates)
    if isinstance(schema.get("items"), dict):
        told_apart = correlates and schema.get("x-kubernetes-list-type") == "map"
        yield from problems(schema["items"], f"{at}.items", correlates=told_apart)
    if (values := values_below(schema)) is not None:
        yield from problems(values, f"{at}.additionalProperties", correlates=correlates)


def _wrong(stated: Object, schema: Object, at: str, *, correlates: bool) -> Iterator[Cause]:
    rule = str(stated.get("rule", "")).strip()
    if not rule:
        yield causes.required(f"{at}.rule", "rule is not specified")
        return
    if "\n" in rule and not stated.get("message"):
        yield causes.required(f"{at}.message", "message must be specified if rule contains line breaks")
    if "optionalOldSelf" in stated:
        yield causes.forbidden(f"{at}.optionalOldSelf", "the lab knows no optional values")
    reasons = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
    if stated.get("reason") and stated["reason"] not in reasons:
        yield causes.unsupported(f"{at}.reason", stated["reason"], reasons)
    for name in ("rule", "messageExpression"):
        text = stated.get(name)
        if text and (why := _broken(text, schema)):
            yield causes.invalid(f"{at}.{name}", stated, f"compilation failed: {why}")
    if _is_no_bool(TEXTS.sub("''", rule), schema):
        yield causes.invalid(f"{at}.rule", stated, "cel expression must evaluate to a bool")
    if _uses_old(rule) and not correlates:
        yield causes.invalid(f"{at}.rule", rule, "oldSelf cannot be used on the uncorrelatable portion of the schema")
    cost = celloops.estimated(celloops.nests(rule), schema)
    if cost > _MOST_ESTIMATED:
        factor = cost / _MOST_ESTIMATED
        told = "more than 100x" if factor > 100 else f"{factor:.1f}x"
        why = (
            "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings"
        )
        yield causes.forbidden(
            f"{at}.rule", f"estimated rule cost exceeds budget by factor of {told} ({why} are declared)"
        )


def _broken(text: str, schema: Object) -> str:
    """Why an expression does not compile; empty when it does."""
    try:
        library().compile(text)
    except ValueError as error:
        return str(error)
    plain = _IP_METHOD.sub("", TEXTS.sub("''", text))
    for name in _CALL.findall(plain):
        if name not in KNOWN:
            return f"undeclared reference to '{name}' (in container '')"
    known = _WORDS | set(_VARIABLE.findall(plain))
    for dot, name, call in _NAME.findall(plain):
        if not dot and not call and name not in known:
            return f"undeclared reference to '{name}' (in container '')"
    for path, call in _PATH.findall(plain):
        steps = path.split(".")[1:]
        if name := _undefined(schema, steps[:-1] if call else steps):
            return f"undefined field '{name}'"
    return ""


_SAYS_YES_OR_NO = re.compile(r"[=!<>]=|[<>!?]|&&|\|\||\bin\b|\b(?:true|false)\b")
_LAST_CALL = re.compile(r"([A-Za-z_]\w*)\s*\((?:[^()]|\([^()]*\))*\)\s*$")
_GIVES_NO_BOOL = """
size int uint double string bytes duration timestamp type map filter split join replace substring trim charAt sum
min max indexOf lastIndexOf lowerAscii upperAscii quantity asInteger asApproximateFloat sign compareTo url getHost
getScheme getHostname getPort getEscapedPath getFullYear getMonth getDate getDayOfMonth getHours getMinutes
ip cidr family masked prefixLength
"""


def _is_no_bool(plain: str, schema: Object) -> bool:
    """Whether an expression surely gives something else than yes or no; the library checks no types."""
    if _SAYS_YES_OR_NO.search(plain):
        return False
    if (call := _LAST_CALL.search(plain)) is not None:
        return call[1] in _GIVES_NO_BOOL.split()
    if (path := re.fullmatch(r"\s*(?:self|oldSelf)((?:\.\w+)*)\s*", plain)) is None:
        return re.fullmatch(r"[\w\s.+*/%-]+", plain) is not None and re.search(r"[+*/%-]|\d", plain) is not None
    for step in path[1].split(".")[1:]:
        schema = {escaped(name): below for name, below in schema.get("properties", {}).items()}.get(step, {})
    return str(schema.get("type", "boolean")) != "boolean"


def _undefined(schema: Object, steps: Sequence[str]) -> str:
    for step in steps:
        properties = schema.get("properties")
        if properties is None or schema.get(PRESERVE):
            return ""
        named = {escaped(name): below for name, below in properties.items()}
        if step not in named:
            return "" if step in ("apiVersion", "kind", "metadata") else step
        schema = named[step]
    return ""


def _compile(schema: Object) -> _Place | None:
    place = _Place(schema, [_rule(stated) for stated in schema.get(RULES) or ()])
    for name, below in schema.get("properties", {}).items():
        if found := _compile(below):
            place.properties[name] = found
    if isinstance(schema.get("items"), dict):
        place.items = _compile(schema["items"])
    if (values := values_below(schema)) is not None:
        place.values = _compile(values)
    return place if place.rules or place.properties or place.items or place.values else None


def _rule(stated: Object) -> _Rule:
    compile_, message = library().compile, stated.get("messageExpression")
    rule = stated["rule"]
    return _Rule(stated, compile_(rule), compile_(message) if message else None, _uses_old(rule), celloops.nests(rule))


def _uses_old(rule: str) -> bool:
    return re.search(r"\boldSelf\b", TEXTS.sub("''", rule)) is not None


def _errors(place: _Place, new: Any, old: Any, at: str, budget: _Budget) -> Iterator[Cause]:
    if place.rules and new is not None:
        yield from _evaluated(place, new, old, at, budget)
    if isinstance(new, dict):
        before = old if isinstance(old, dict) else {}
        for name in sorted(new):
            below = place.properties.get(name, place.values)
            if below is not None:
                inner = f"{at}.{name}" if at else name
                yield from _errors(below, new[name], before.get(name, _ABSENT), inner, budget)
    elif isinstance(new, list) and place.items is not None:
        keys = place.node.get("x-kubernetes-list-map-keys", ()) if isinstance(old, list) else ()
        by_keys = {tuple(item.get(key) for key in keys): item for item in old} if keys else {}
        for index, item in enumerate(new):
            was = by_keys.get(tuple(item.get(key) for key in keys), _ABSENT) if keys else _ABSENT
            yield from _errors(place.items, item, was, f"{at}[{index}]", budget)


def _evaluated(place: _Place, new: Any, old: Any, at: str, budget: _Budget) -> Iterator[Cause]:
    variables = {"self": _value(new, place.node), "ip": None}
    if old is not _ABSENT:
        variables["oldSelf"] = _value(old, place.node)
    context = library().Context(variables, FUNCTIONS)
    kind = place.node.get("type", "object")
    shown = kind if kind in ("object", "array") else new
    for rule in place.rules:
        # What a rule says of a value alone has been said before, where the value is the same as before.
        if (rule.uses_old and old is _ABSENT) or (not rule.uses_old and old == new):
            continue
        budget.left -= 1
        if budget.left == 0:
            why = "validation failed due to running out of cost budget, no further validation rules will be run"
            yield causes.invalid(at, shown, why)
        if budget.left <= 0:
            return
        if max(celloops.passes(rule.nests, value) for value in (new, old)) > _MOST_STEPS:
            why = "no further validation rules will be run due to call cost exceeds limit for rule"
            yield causes.invalid(at, shown, f"'operation cancelled: actual cost limit exceeded': {why}: {_told(rule)}")
            return
        try:
            held = rule.holds.execute(context)
        except (ValueError, RuntimeError, TypeError, KeyError, ArithmeticError, LookupError) as error:
            yield causes.invalid(at, shown, f"{error} evaluating rule: {_told(rule)}")
            continue
        if held is not True:
            yield _cause(rule, context, shown, at)


def _cause(rule: _Rule, context: Any, shown: Any, at: str) -> Cause:
    where = f"{at}{rule.stated.get('fieldPath', '')}".removeprefix("." if not at else "") or "<nil>"
    said = rule.stated.get("message") or f"failed rule: {rule.stated['rule'].strip()}"
    if rule.message is not None:
        try:
            computed = rule.message.execute(context)
        except (ValueError, RuntimeError, TypeError, KeyError, ArithmeticError, LookupError):
            computed = ""
        said = computed.strip() if isinstance(computed, str) and computed.strip() and "\n" not in computed else said
    shapes: dict[str, Callable[[], Cause]] = {
        "FieldValueRequired": lambda: causes.required(where, said),
        "FieldValueForbidden": lambda: causes.forbidden(where, said),
        "FieldValueDuplicate": lambda: causes.duplicate(where, shown),
    }
    return shapes.get(rule.stated.get("reason", ""), lambda: causes.invalid(where, shown, said))()


def _told(rule: _Rule) -> str:
    return str(rule.stated.get("message") or rule.stated["rule"].strip())


def _value(value: Any, node: Object) -> Any:
    """A value as an expression sees it: names of fields escaped, times and durations as such."""
    if isinstance(value, dict):
        properties, others = node.get("properties"), values_below(node) or {}
        if properties is None:
            return {key: _value(inner, others) for key, inner in value.items()}
        return {escaped(key): _value(inner, properties.get(key, {})) for key, inner in value.items()}
    if isinstance(value, list):
        items = node.get("items") or {}
        return [_value(item, items) for item in value]
    if isinstance(value, str) and node.get("format") in ("date-time", "duration"):
        return _time(value, node["format"])
    return value


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def _time(value: str, form: str) -> datetime | timedelta:
    if form == "date-time":
        return datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)", value)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return timedelta(seconds=-seconds if value.startswith("-") else seconds)
