"""What is taken out of evidence, and what stays as it was."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from aksdisks.evidence.redaction import Redactor, environment_secrets

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
KEY = b64encode(bytes(range(64))).decode()  # as long as a storage account's
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("the secret s3cr3t-v4lue, twice: s3cr3t-v4lue", "the secret [secret], twice: [secret]"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer [secret]"),
        ("https://a.blob/x?sv=1&sig=abcdefghijklmnop%3D&se=2", "https://a.blob/x?sv=1&sig=[secret]&se=2"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "[secret]"),
        (f"the key is {KEY}.", "the key is [secret]."),
        (f"azurestorageaccountkey: {b64encode(KEY.encode()).decode()}", "azurestorageaccountkey[secret]"),
        (f'"azurestorageaccountkey": "{b64encode(KEY.encode()).decode()}"', '"azurestorageaccountkey[secret]"'),
        (f"sha512 of it, in hexadecimal: {'0f' * 64}", f"sha512 of it, in hexadecimal: {'0f' * 64}"),
        (
            f"/subscriptions/{SUBSCRIPTION}/x and {SUBSCRIPTION.upper()}",
            "/subscriptions/subscription-1/x and subscription-1",
        ),
        ("as disk, not disks or disk-deploy", "as user-1, not disks or disk-deploy"),
        ("ticket ABC-1234", "ticket [ticket]"),
        ("kubectl get pods -o wide", "kubectl get pods -o wide"),
        ("pvc-f16da6de-f120-4958-84c5-ef64905fbe3b", "pvc-f16da6de-f120-4958-84c5-ef64905fbe3b"),
    ],
)
def test_secrets_go_identities_are_numbered_and_words_stay(text: str, redacted: str) -> None:
    identities = {"subscription": [SUBSCRIPTION], "user": ["disk"]}
    redactor = Redactor(["s3cr3t-v4lue", "x"], identities, {"ticket": r"\b[A-Z]{3}-\d{4}\b"})
    assert redactor.text(text) == redacted


def test_whole_documents_keep_their_shape() -> None:
    redactor = Redactor(["s3cr3t-v4lue"])
    document = {"cells": [{"data": {"image/png": "s3cr3t-v4lue", "text/plain": "s3cr3t-v4lue"}}], "n": 1, "none": None}
    assert redactor.value(document) == {
        "cells": [{"data": {"image/png": "s3cr3t-v4lue", "text/plain": "[secret]"}}],
        "n": 1,
        "none": None,
    }


def test_the_environment_s_secrets_are_known_by_their_variables() -> None:
    environment = {
        "AZURE_CLIENT_SECRET": "one-secret",
        "AZURE_CLIENT_ID": SUBSCRIPTION,
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token",
        "GITHUB_TOKEN": "two-secret",
        "SECRETARY": "no secret",
        "DB_PASSWORD": "three-secret",
        "ACCESS_KEY": "/base64+of/secret==",
    }
    found = environment_secrets(environment)
    assert found == {"one-secret", "two-secret", "three-secret", "/base64+of/secret=="}


@pytest.mark.parametrize(
    "spell", [str, repr, json.dumps, html.escape, quote, lambda s: json.dumps(s, ensure_ascii=False)]
)
def test_a_secret_goes_in_every_spelling(spell: Callable[[str], str]) -> None:
    secret = "pä\"ss <&> w'ord/1"
    redacted = Redactor([secret]).text(f"before {spell(secret)} after")
    assert redacted.startswith("before ") and redacted.endswith(" after")
    assert "ss" not in redacted
    assert "[secret]" in redacted


def test_a_leak_names_the_file_whatever_its_spelling(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text('pa"ss-word1')
    (tmp_path / "as.json").write_text('"pa\\"ss-word1"')
    (tmp_path / "token.html").write_text(f"<p>{TOKEN}</p>")
    (tmp_path / "clean.json").write_text("{}")
    assert list(Redactor(['pa"ss-word1']).leaks(tmp_path)) == ["as.json", "plain.txt", "token.html"]
