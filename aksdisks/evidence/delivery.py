"""Sends a run's folder to Blob storage and a message to a webhook. A failed delivery does not change the outcome."""

from __future__ import annotations

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aksdisks.errors import InputError, NotReachable
from aksdisks.targets.credentials import ca_bundle

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Container:
    """A Blob container, and the prefix of names in it: `https://ACCOUNT/CONTAINER/PREFIX`, in any cloud."""

    account: str
    name: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Container:
        """The container that a URL names; raises InputError for one that names none or carries a secret."""
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        account, path = f"https://{parts.netloc}", parts.path.strip("/")
        if (parts.hostname or "").replace(".", "").isdigit() or parts.hostname == "localhost":
            # Storage at an address, such as an emulator's, has the account's name in the path.
            first, _, path = path.partition("/")
            account = f"{account}/{first}"
        name, _, prefix = path.partition("/")
        if parts.scheme != "https" or not parts.hostname or not name or parts.query or "@" in parts.netloc:
            raise InputError(
                object="Blob", expected="https://ACCOUNT/CONTAINER/PREFIX without any secret", found="another URL"
            )
        return cls(account, name, prefix)

    @property
    def url(self) -> str:
        """What `of` would take."""
        return "/".join(filter(None, (self.account, self.name, self.prefix)))

    def upload(self, folder: Path, pattern: str = "*", *, credential: Any = None, **options: Any) -> int:
        """Upload the files of a run's folder that fit `pattern`; how many there were. Raises NotReachable.

        Repeating it is harmless: blobs are overwritten with the same content. `options` go to the client.
        """
        try:
            from azure.storage.blob import ContainerClient
        except ModuleNotFoundError as error:
            raise InputError("Blob storage needs more packages: pip install 'aksdisks[blob]'") from error
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential

        if "connection_verify" not in options and (bundle := ca_bundle()):
            options["connection_verify"] = bundle
        # What each credential tried is in the log of whoever keeps one; else the one line of the error is enough.
        logging.getLogger("azure").addHandler(logging.NullHandler())
        files = sorted(path for path in folder.rglob(pattern) if path.is_file())
        if not files:
            raise InputError(object=f"{folder}", expected="a run's folder", found="no file")
        prefix = "/".join(filter(None, (self.prefix, folder.resolve().name)))
        options = {"retry_total": 3, "initial_backoff": 1, "increment_base": 2, **options}
        try:
            with ContainerClient(
                self.account, self.name, credential or DefaultAzureCredential(retry_total=1), **options
            ) as container:
                for path in files:
                    with path.open("rb") as content:
                        name = f"{prefix}/{path.relative_to(folder).as_posix()}"
                        container.upload_blob(name, content, overwrite=True)
        except AzureError as error:
            reason = str(error).splitlines()[0]
            raise NotReachable(f"{self.account}/{self.name}: the evidence was not delivered: {reason}") from error
        return len(files)


def is_to_be_notified(status: str, before: str | None) -> bool:
    """Whether the webhook is told of a run: when it did not pass, or its outcome differs from the run before."""
    return status != "passed" or before not in (None, status)


def check_webhook(url: str) -> None:
    """Raise InputError, which does not repeat it, for what cannot be a webhook's URL."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
    except ValueError:
        fits = False
    if not fits or " " in url:
        raise InputError(object="webhook", expected="an http or https URL", found="something else")


def notify(url: str, run: Mapping[str, Any], before: str | None, where: str) -> None:
    """Post the outcome that a run.json has; `text` is for Slack, the rest for programs. Raises NotReachable."""
    check_webhook(url)
    books = {book["name"]: book["status"] for book in run["runbooks"]}
    failed = ", ".join(name for name, status in books.items() if status != "passed")
    change = f" (before: {before})" if before and before != run["status"] else ""
    text = f"aksdisks {run['run']} on {run['target']}: {run['status']}{change}. "
    text += f"Not passed: {failed}. " if failed else ""
    text += f"{run['problem']}. " if run.get("problem") else ""
    findings = [{"runbook": book["name"], **each} for book in run["runbooks"] for each in book.get("findings", ())]
    text += f"{_because(findings[0])}. " if findings else ""
    left = {"failed": "left something behind", "inconclusive": "may have left something"}
    cleaned = left.get(run.get("teardown", {}).get("status", ""), "")
    text += f"The clean-up {cleaned}. " if cleaned else ""
    left_behind = run.get("teardown", {}).get("left_behind", "")
    text += f"{left_behind[:1].upper()}{left_behind[1:]} " if left_behind else ""
    body = {"text": text + where, **{key: run[key] for key in ("run", "target", "status")}}
    body |= {"before": before, "runbooks": books, "findings": findings, "evidence": where}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE):
            pass
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason: object = getattr(error, "reason", error)
        if isinstance(error, urllib.error.HTTPError):
            reason = f"{error.code} {error.reason}"
            error.close()
        # A webhook's path is its secret: the host has to do.
        raise NotReachable(f"webhook at {urlsplit(url).hostname}: the outcome was not delivered: {reason}") from error


def _because(found: Mapping[str, Any]) -> str:
    """The first finding of a runbook that failed, for a message."""
    of = found["object"]
    whom = "/".join(filter(None, (of["namespace"], of["name"])))
    return f"{found['runbook']}: {of['kind']} {whom}: {found['because']} (cause: {found['cause']})"
