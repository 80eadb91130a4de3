"""Checks what a run is asked for before anything is made, and tells what a runbook promises."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from aksdisks.errors import InputError


def describe(runbook: Path) -> str:
    """A runbook's promise: the first line of prose under its title."""
    try:
        content = json.loads(runbook.read_text(encoding="utf-8"))
        lines = "".join(content["cells"][0]["source"]).splitlines()
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"cannot be read: {error}"
    return next((line.strip("*_ ") for line in lines if line.strip() and not line.startswith("#")), "")


def check_output(output: Path) -> None:
    """Refuse a folder that cannot be written before anything is made."""
    existing = next(path for path in (output, *output.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(object=f"-o {output}", expected="a folder that can be written", found=f"{existing}")


def check_runbooks(runbooks: Sequence[Path]) -> None:
    """Refuse what was edited until it is no notebook, before anything is made."""
    import nbformat

    for path in runbooks:
        try:
            content = json.loads(path.read_bytes())
            if content["nbformat"] != 4:
                raise ValueError(f"nbformat {content['nbformat']}, not 4")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # cells without an id get one
                nbformat.validate(content)
            json.dumps(content, ensure_ascii=False).encode()  # as it is saved
            if not any("parameters" in cell["metadata"].get("tags", ()) for cell in content["cells"]):
                raise ValueError("no cell tagged parameters, so that none could be set")
        except Exception as error:  # the schema's, json's, and whatever a document of another shape brings about
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise InputError(object=f"{path}", expected="a notebook", cause=reason) from error
