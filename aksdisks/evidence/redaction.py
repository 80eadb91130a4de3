"""Takes out of everything written what must not be read there: secrets always, identities where evidence is shared.

Equal things stay equal: the first subscription becomes `subscription-1` wherever it stands, so that a redacted
notebook still reads. Only whole known values and unmistakable shapes are replaced, never ordinary words.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

# A value shorter than this says nothing and would be found in ordinary words.
_SHORTEST = 8
# Variables whose values are secrets, whoever set them.
_SECRET_NAME = re.compile(
    r"(SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|ACCESS_KEY|CREDENTIAL|PRIVATE_KEY|SAS)(_|$)", re.IGNORECASE
)
_SECRET_SHAPES = (
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    re.compile(r"(?<=[?&]sig=)[A-Za-z0-9%+/=]{16,}"),
    re.compile(r"(?<=\bBearer )[A-Za-z0-9._~+/=-]{16,}"),
    re.compile(r"\bAccountKey=[A-Za-z0-9+/=]{16,}"),
    # A storage account's key, 64 bytes, and what of a Secret with one is read under its name.
    re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"),
    re.compile(r"(?<=azurestorageaccountkey)\W{1,8}[A-Za-z0-9+/=]{16,}"),
)
_SECRET = "[secret]"
_GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


class Redactor:
    """Replaces secrets, and where `identities` are given (kind → values, such as subscription) these as well.

    `patterns` (name → regular expression) are replaced by their names; for what only the user knows to be private.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        identities: Mapping[str, Iterable[str]] | None = None,
        patterns: Mapping[str, str] | None = None,
    ) -> None:
        known = {form for value in secrets if len(value) >= _SHORTEST for form in _forms(value)}
        self._secrets = sorted(known, key=len, reverse=True)
        words: dict[str, str] = {}
        for kind, values in (identities or {}).items():
            for number, value in enumerate(sorted({v for v in values if len(v) > 2}), 1):
                words.setdefault(value.lower(), f"{kind}-{number}")
        self._words = words
        ordered = sorted(words, key=len, reverse=True)
        # Bounded on both sides: a user called `disk` must not turn disks into people.
        self._known = (
            re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ordered))})(?![\w-])", re.I) if words else None
        )
        self._patterns = [(re.compile(expression), f"[{name}]") for name, expression in (patterns or {}).items()]

    def text(self, text: str) -> str:
        """The text without what must not be read."""
        for secret in self._secrets:
            text = text.replace(secret, _SECRET)
        for shape in _SECRET_SHAPES:
            text = shape.sub(_SECRET, text)
        for pattern, word in self._patterns:
            text = pattern.sub(word, text)
        return self._known.sub(lambda hit: self._words[hit[0].lower()], text) if self._known else text

    def value(self, value: Any) -> Any:
        """The same for every text in a JSON-like value, names of members included; pictures pass as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): inner if str(key).startswith("image/") else self.value(inner)
                for key, inner in value.items()
            }
        return [self.value(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def leaks(self, folder: Path, pattern: str = "*") -> Iterator[str]:
        """Files below a folder that fit a pattern and in which a secret stands all the same."""
        # What writes a file may have spelt a spelling anew.
        forms = {form for secret in self._secrets for form in _forms(secret)}
        for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
            content = path.read_bytes().decode("utf-8", "replace")
            if any(form in content for form in forms) or any(shape.search(content) for shape in _SECRET_SHAPES):
                yield path.relative_to(folder).as_posix()


def _forms(secret: str) -> set[str]:
    """A secret, and the other words in which JSON, HTML, URLs and Python's repr write some of its characters."""
    written = {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    pages = {html.escape(secret), html.escape(secret, quote=False)}
    return {secret, repr(secret)[1:-1], quote(secret), quote(secret, "")} | written | pages


def environment_secrets(environment: Mapping[str, str] | None = None) -> set[str]:
    """The values of the environment's variables that by their names hold secrets."""
    found = os.environ if environment is None else environment
    # A file's name or an identifier is no secret, though its variable's name sounds so (AZURE_FEDERATED_TOKEN_FILE).
    return {
        value
        for name, value in found.items()
        if _SECRET_NAME.search(name) and not _is_path(name, value) and not _GUID.fullmatch(value)
    }


def _is_path(name: str, value: str) -> bool:
    """Whether a value is a file's name; base64 may begin with a slash as well."""
    return value.startswith("/") and (name.upper().endswith(("_FILE", "_PATH", "_DIR")) or os.access(value, os.F_OK))
