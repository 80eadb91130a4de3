"""The formats of names, label keys and label values, with upstream's messages."""

from __future__ import annotations

import re
from functools import cache

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"

SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
LABEL_1035_MESSAGE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_LABEL_1035}')"
)
_QUALIFIED_MESSAGE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_VALUE_MESSAGE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)


def subdomain_errors(name: str) -> list[str]:
    """What is wrong with an object's name (RFC 1123 subdomain, 253 characters)."""
    return _errors(name, 253, _SUBDOMAIN, SUBDOMAIN_MESSAGE)


def label_errors(name: str) -> list[str]:
    """What is wrong with a container's, volume's or namespace's name (RFC 1123 label, 63 characters)."""
    return _errors(name, 63, _LABEL, LABEL_MESSAGE)


def label_1035_errors(name: str) -> list[str]:
    """What is wrong with a Service's name (RFC 1035 label, 63 characters)."""
    return _errors(name, 63, _LABEL_1035, LABEL_1035_MESSAGE)


def path_segment_errors(name: str) -> list[str]:
    """What is wrong with a name that need only stand in a path, such as a role's."""
    problems = [f"may not be '{name}'"] if name in (".", "..") else []
    return problems + [f"may not contain '{part}'" for part in ("/", "%") if part in name]


def config_key_errors(key: str) -> list[str]:
    """What is wrong with a key of a ConfigMap or Secret."""
    problems = ["must be no more than 253 characters"] if len(key) > 253 else []
    if not re.fullmatch("[-._a-zA-Z0-9]+", key):
        problems.append(_KEY_MESSAGE)
    if key in (".", ".."):
        return [*problems, f"must not be '{key}'"]
    return [*problems, "must not start with '..'"] if key.startswith("..") else problems


_KEY_MESSAGE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def label_value_errors(value: str) -> list[str]:
    """What is wrong with a label's value."""
    return _errors(value, 63, _VALUE, _VALUE_MESSAGE)


def qualified_name_errors(name: str) -> list[str]:
    """What is wrong with a label or annotation key: `name` or `prefix/name`."""
    parts = name.split("/")
    if len(parts) > 2:
        return [
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            f"alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            f"'{_QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    problems: list[str] = []
    if len(parts) == 2:
        if not parts[0]:
            problems.append("prefix part must be non-empty")
        else:
            problems += [f"prefix part {problem}" for problem in subdomain_errors(parts[0])]
    if not parts[-1]:
        problems.append("name part must be non-empty")
    elif len(parts[-1]) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not _compiled(_QUALIFIED).fullmatch(parts[-1]):
        problems.append(_QUALIFIED_MESSAGE)
    return problems


_compiled = cache(re.compile)


def _errors(text: str, longest: int, pattern: str, message: str) -> list[str]:
    problems = []
    if len(text) > longest:
        problems.append(f"must be no more than {longest} bytes")
    if not _compiled(pattern).fullmatch(text):
        problems.append(message)
    return problems
