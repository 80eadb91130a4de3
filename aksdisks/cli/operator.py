"""The command that runs the operator of ReplicatedStores: `aksdisks operator`."""

from __future__ import annotations

from typing import Annotated

import typer

from aksdisks.cli.options import ClusterFileOption, ContextOption, NamespaceOption, chosen

EXIT_CODES = "Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 bad input, 3 the cluster cannot be asked."


def operator(
    namespace: NamespaceOption = "",
    file: ClusterFileOption = None,
    context: ContextOption = "",
    definition: Annotated[
        bool, typer.Option("--definition", help="Print the definition of the kind for kubectl apply, and end.")
    ] = False,
    until_input_ends: Annotated[bool, typer.Option("--until-input-ends", help="End also with standard input.")] = False,
) -> None:
    """Look after the ReplicatedStores of a namespace: primary, copies, promotion, snapshots. Ctrl-C ends it.

    It needs the extra `operator` and the definition of that kind, see docs/operator.md. A second one waits.
    """
    from aksdisks.manifests import as_yaml, replicated_store
    from aksdisks.operator.serve import serve

    if definition:
        typer.echo(as_yaml(replicated_store.definition({})), nl=False)
        return
    choice = chosen(file, context)
    where = namespace or choice.namespace
    typer.echo(f"aksdisks operator: namespace {where} of {choice.name}", err=True)
    serve(choice.settings, where, lambda line: typer.echo(line, err=True), until_input_ends=until_input_ends)
