"""The command that shows parameters, and where their values come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aksdisks.cli.options import SetOption, read_parameters


def parameters(
    file: Annotated[Path | None, typer.Argument(help="Parameter file; default: parameters/lab.yaml.")] = None,
    settings: SetOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of a file, for editors.")] = False,
) -> None:
    """Show every parameter: its value and where that came from, type, unit, default and meaning."""
    import json

    from aksdisks.cli.console import show_parameters
    from aksdisks.parameters import json_schema

    if schema:
        typer.echo(json.dumps(json_schema(), indent=2))
    else:
        show_parameters(*read_parameters(file, settings))
