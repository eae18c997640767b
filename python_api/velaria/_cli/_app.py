"""The command and its subcommands."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from .._version import __version__
from . import _errors
from ._errors import State
from ._query_commands import explain, probe, sql, vector_search
from ._run_commands import artifacts, run_group
from ._stream_commands import stream, top


class Commands(click.Group):
    """Knows ``file-sql`` as another name of ``sql``."""

    ALIASES = {"file-sql": "sql"}  # noqa: RUF012

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.ALIASES.get(cmd_name, cmd_name))


@click.group(
    cls=Commands,
    name="velaria",
    epilog=_errors.EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, "--version", message="velaria %(version)s")
def app() -> None:
    """SQL over files, streams and vectors, on this machine, in one process.

    \b
    Examples:
      velaria sql "SELECT carrier, count(*) FROM 'flights.csv' GROUP BY carrier"
      velaria probe flights.csv
      velaria sql -f parquet -o late.parquet "SELECT * FROM 'flights.csv' WHERE arr_delay > 60"
      velaria stream --source events=DIR "SELECT k, count(*) AS n FROM events GROUP BY k"
      velaria run start sql "SELECT count(*) FROM 'flights.csv'"
      velaria shell
    """


@app.command()
@click.argument("shell_name", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
def completion(shell_name: str) -> None:
    """Print the script that completes `velaria` in a shell.

    \b
    Examples:
      eval "$(velaria completion bash)"            # in ~/.bashrc
      velaria completion fish > ~/.config/fish/completions/velaria.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell_name)
    assert made is not None
    click.echo(made(app, {}, "velaria", "_VELARIA_COMPLETE").source())


@app.command("shell")
@click.pass_context
def shell(context: click.Context, /, **options: Any) -> None:
    """Type SQL and see rows. Ends with .quit or Ctrl-D; .help tells the rest.

    Statements end with a semicolon. Ctrl-C stops a query. History is kept in the workspace. When
    standard input is no terminal, its statements are run one after the other, and the first error
    ends the shell.

    \b
    Examples:
      velaria shell -t flights=flights.csv
      velaria shell < report.sql
    """
    from ._shell import run_shell

    run_shell(context.obj, **options)


def _add_options() -> None:
    from ._options import session_options, table_options

    for add in (session_options, table_options):
        add(shell)


_add_options()
for command in (sql, probe, explain, vector_search, stream, top, run_group, artifacts):
    app.add_command(command)


def _terminate(number: int, frame: object) -> None:
    raise _errors.Terminated(_errors.TERMINATED)


def run(arguments: Sequence[str] | None = None) -> int:
    """The whole command line: its exit code. Every failure becomes words or JSON here."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    state = State(_errors.asks_for_json(given))
    signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            if "_VELARIA_COMPLETE" in os.environ:
                app.main(args=given, prog_name="velaria", complete_var="_VELARIA_COMPLETE")
            # Not main(): that turns a closed pipe and Ctrl-C into exits of its own.
            with app.make_context("velaria", given, obj=state) as context:
                code = app.invoke(context)
            sys.stdout.flush()
            return code if isinstance(code, int) else _errors.OK
        except click.exceptions.Exit as ended:
            sys.stdout.flush()
            return ended.exit_code
        except _errors.Terminated:
            return _errors.TERMINATED
        except (KeyboardInterrupt, click.Abort):
            return _errors.INTERRUPTED
        except BrokenPipeError:
            raise
        except Exception as error:
            if _errors.exit_code(error) == _errors.DEFECT and "VELARIA_DEBUG" in os.environ:
                raise
            _errors.report(error, state)
            return _errors.exit_code(error)
    except BrokenPipeError:
        _errors.drop_standard_output()
        return _errors.CLOSED_PIPE
    except KeyboardInterrupt:
        return _errors.INTERRUPTED
