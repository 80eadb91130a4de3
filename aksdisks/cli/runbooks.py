"""The commands about runbooks: walk through them, list them, record them, put a run on a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aksdisks.cli.options import NamesToRecord


def walk(
    folder: Annotated[Path, typer.Option(help="Working folder for copies of the runbooks.")] = Path("aksdisks-walk"),
    speed: Annotated[float, typer.Option(help="Speed of the lab, unless one runs already.")] = 10.0,
    port: Annotated[int, typer.Option(max=65535, help="JupyterLab's port.", show_default="8888, or any free one")] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser on it.")] = True,
) -> None:
    """Open JupyterLab on copies of the runbooks, beside a lab at walking speed; Ctrl-C ends both."""
    from aksdisks.cli.jupyterlab import serve

    serve(folder, speed=speed, port=port, browser=browser, say=typer.echo)


def list_runbooks() -> None:
    """List the runbooks: their names and what each promises; which run by default, and which by name or with --all."""
    from aksdisks.runner import shipped
    from aksdisks.runner.arguments import describe

    for path in shipped.runbooks():
        needed = f"; needs {needed}" if (needed := shipped.needs(path)) else ""
        how = "" if shipped.is_of_article(path) else f" (by name or --all{needed})"
        typer.echo(f"{path.stem:<18} {describe(path)}{how}")


def record(names: NamesToRecord = None) -> None:
    """Execute the runbooks on a lab of their own and keep the outputs in runbooks/ (for those who change them)."""
    from aksdisks.runner import recorder, shipped

    for path in shipped.runbooks(names or ()):
        typer.echo(f"recording {path.stem}", err=True)
        recorder.record([path])


def deploy(to: Annotated[Path | None, typer.Option(help="Write the files into this folder.")] = None) -> None:
    """List, or write out, what a run on a schedule takes: image, CronJob, roles, examples (docs/schedule.md)."""
    from aksdisks.runner import shipped

    if to is not None:
        shipped.write_deployment(to)
    for path in shipped.deployment():
        typer.echo(path.name)
