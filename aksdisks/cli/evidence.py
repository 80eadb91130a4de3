"""The commands about what runs left as evidence: `aksdisks evidence …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aksdisks.cli.options import WEBHOOK

app = typer.Typer(help="What runs left as evidence: list, compare, verify, deliver.", no_args_is_help=True)
EvidenceOption = Annotated[Path, typer.Option("-o", "--output", help="The folder that has a folder for each run.")]


@app.command("keygen")
def keygen(private: Annotated[Path, typer.Argument(help="File for the private key.")]) -> None:
    """Make an Ed25519 key pair for `aksdisks run --sign` and `evidence verify --key`."""
    from aksdisks.evidence import seal

    typer.echo(f"private key {private}, public key {seal.keygen(private)}")


@app.command("verify", epilog="Exit codes: 0 as it was sealed, 1 altered, 2 no such folder or key.")
def verify(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    key: Annotated[Path | None, typer.Option(help="The public key (FILE.pub) of who should have signed.")] = None,
) -> None:
    """Name every file that was altered, added or removed since the folder was sealed."""
    from aksdisks.evidence import seal

    found = seal.verify(folder, key)
    for problem in found.problems:
        typer.echo(problem)
    typer.echo(f"{found.files} files, {'as sealed' if found.intact else 'not as sealed'}. {found.remark}")
    raise typer.Exit(0 if found.intact else 1)


@app.command("upload")
def upload(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    url: Annotated[str, typer.Argument(help="https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX")],
) -> None:
    """Deliver a run's folder to a Blob container, for the first time or again."""
    from aksdisks.evidence.delivery import Container

    typer.echo(f"{Container.of(url).upload(folder)} files delivered to {url}")


@app.command("notify")
def notify(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    webhook: Annotated[str, typer.Option(envvar=WEBHOOK, help="The URL that is told, whatever the outcome.")],
) -> None:
    """Tell a webhook how a run came out, for the first time or again."""
    from aksdisks.evidence import delivery
    from aksdisks.evidence.result import find, outcome_before

    folder = folder.resolve()
    run = find(folder.parent, str(folder))
    delivery.notify(webhook, run.document(), outcome_before(folder, run.started), str(folder))
    typer.echo(f"the webhook was told that {run.run} {run.status}")


@app.command("list")
def list_runs(output: EvidenceOption = Path("evidence")) -> None:
    """List the runs, the oldest first."""
    from aksdisks.evidence.result import runs

    for past in runs(output):
        target, status = "-", past.problem
        if past.result:
            passed = sum(book.status == "passed" for book in past.result.runbooks)
            target = past.result.target
            status = f"{past.result.status:<12} {passed} of {len(past.result.runbooks)} runbooks"
        typer.echo(f"{past.folder.name:<24} {target:<5} {status}")


@app.command("compare", epilog="Exit codes: 0 nothing changed, 1 something did, 2 no such run.")
def compare(
    before: Annotated[str, typer.Argument(help="A run's id (its beginning is enough), or its folder.")],
    after: Annotated[str, typer.Argument(help="The same of a later one.")],
    output: EvidenceOption = Path("evidence"),
) -> None:
    """Show what changed between two runs: outcome, timing, versions, parameters and disks."""
    from aksdisks.cli.console import NOTHING
    from aksdisks.evidence.result import differences, find

    changes = list(differences(find(output, before), find(output, after)))
    for what, was, now in changes:
        typer.echo(f"{what}: {was or NOTHING} -> {now or NOTHING}")
    if not changes:
        typer.echo("nothing changed")
    raise typer.Exit(1 if changes else 0)
