"""The command line put together: its commands, how it ends on an error, and its entry point."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from aksdisks.cli import (
    diagnose,
    evidence,
    explain,
    inventory,
    lab,
    lint,
    operator,
    orphans,
    parameters,
    prices,
    run,
    runbooks,
)
from aksdisks.cli.options import EXIT_CODES

# An image for the schedule is built without the lab.
_LAB_IS_THERE = importlib.util.find_spec("aksdisks.lab") is not None

# Errors of the user's machine, such as no room or no right to write.
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class _Commands(typer.core.TyperGroup):
    """Turns every error that is meant for a person into one line on stderr and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("aksdisks: interrupted", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # `aksdisks list | head`: nobody reads on, which is no error of ours.
            _drop_what_cannot_be_shown()
            raise typer.Exit(0) from None
        except Exception as error:
            # Any other error is a defect, and shows its traceback.
            if isinstance(error, OSError) and error.errno in _MACHINE:
                code = 2
                _drop_what_cannot_be_shown()
            elif isinstance(error, _errors_for_people()):
                code = error.exit_code
            else:
                raise
            from aksdisks.views.markup import printable

            typer.echo(f"aksdisks: {printable(str(error))}", err=True)
            raise typer.Exit(code) from error


def _errors_for_people() -> tuple[Any, ...]:
    """The bases of the library's errors and of the lab's, which imports nothing of the library."""
    from aksdisks.errors import AksdisksError

    if not _LAB_IS_THERE:
        return (AksdisksError,)
    from aksdisks.lab.errors import LabError

    return (AksdisksError, LabError)


app = typer.Typer(
    name="aksdisks",
    cls=_Commands,
    help="See, test and prove how dynamic Azure disks behave in AKS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
if _LAB_IS_THERE:
    app.add_typer(lab.app, name="lab")
app.add_typer(evidence.app, name="evidence")
app.add_typer(prices.app, name="prices")
app.command(epilog=EXIT_CODES)(run.run)
app.command(epilog=diagnose.EXIT_CODES)(diagnose.diagnose)
app.command(epilog=lint.EXIT_CODES)(lint.lint)
app.command(epilog=inventory.EXIT_CODES)(inventory.inventory)
app.command()(explain.explain)
app.command(epilog=orphans.EXIT_CODES)(orphans.orphans)
app.command(epilog=operator.EXIT_CODES)(operator.operator)
app.command()(runbooks.walk)
app.command(name="list")(runbooks.list_runbooks)
app.command(epilog="A flag (-p) wins over AKSDISKS_PARAM_<NAME>, that over the file, that over the default.")(
    parameters.parameters
)
app.command(epilog=EXIT_CODES)(run.check)
app.command(epilog=EXIT_CODES)(run.clean)
app.command(epilog=EXIT_CODES)(runbooks.record)
app.command()(runbooks.deploy)


def _version(wanted: bool) -> None:
    if wanted:
        from aksdisks import __version__

        typer.echo(f"aksdisks {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def main() -> None:
    """The entry point: takes Ctrl-C also as a background job of a script, and answers for all that was shown.

    A shell starts such a job with SIGINT ignored. What is still in Python's buffers is written here, because at its own
    end Python could only say that writing failed, with a traceback and exit code 120.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            app()
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        _drop_what_cannot_be_shown()
        if error.errno == errno.EPIPE:
            sys.exit(0)
        if error.errno not in _MACHINE:
            raise
        with suppress(OSError):
            print(f"aksdisks: {error}", file=sys.stderr)
        _drop_what_cannot_be_shown()
        sys.exit(2)


def _drop_what_cannot_be_shown() -> None:
    """Point a stream whose buffer cannot be written, for want of a reader or of room, at the null device."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
