"""Typing SQL and seeing rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from .. import _velaria as core
from .._session import Session
from .._version import __version__
from ._errors import Phase, State, message_of
from ._options import FORMATS, open_session, workspace_of
from ._output import RowWriter, tell_warnings
from ._query_commands import rows_of

_HELP = """\
Statements end with ; and may take several lines.
  .tables            tables, views, sources and sinks
  .schema TABLE      the columns of one
  .probe FILE        what a file is
  .read FILE         run the statements of a file
  .explain SQL       how a query would run
  .format NAME       how rows are shown: table, json, jsonl, csv
  .rows N            rows a table shows; 0 is all
  .timer on|off      tell how long each statement took
  .help              this
  .quit              end; so do Ctrl-D and exit
Ctrl-C stops a query, or forgets what was typed."""

KEYWORDS = """
ALL AND ANTI AS ASC BETWEEN BY CASE CAST COPY COUNT CREATE CROSS CURRENT DELETE DESC
DESCRIBE DISTINCT DROP ELSE END EVERY EXCEPT EXISTS EXPLAIN EXTRACT FALSE FILTER FIRST
FROM FULL GROUP HAVING HYBRID ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN LAST
LATERAL LEFT LIKE LIMIT METRIC NOT NULL NULLS OFFSET ON OPTIONS OR ORDER OUTER OVER
PARTITION PRECEDING QUALIFY QUERY RANGE REPLACE RIGHT ROWS SEARCH SELECT SEMI SET SHOW
SINK SLIDE SOURCE TABLE TABLES THEN TOP_K TRUE UNBOUNDED UNION UPDATE USING VALUES VIEW
WHEN WHERE WINDOW WITH
""".split()  # noqa: SIM905


def is_complete(text: str) -> bool:
    """Whether what was typed can be run: a command, or statements with an end."""
    stripped = text.strip()
    if not stripped or stripped.startswith(".") or stripped.lower() in ("exit", "quit"):
        return True
    if not stripped.endswith(";"):
        return False
    try:
        core.split_statements(stripped)
    except core.Error:
        return False  # the ; is inside of a text or a comment
    # In a comment at the end it separates nothing: then another statement behind it joins on.
    return len(core.split_statements(stripped + " x")) > len(core.split_statements(stripped))


class Shell:
    """A session and how its answers are shown."""

    def __init__(self, state: State, session: Session) -> None:
        self._state = state
        self._session = session
        self._format = "table"
        self._most_rows: int | None = None
        self._timer = False

    def run(self, text: str) -> bool:
        """Runs what was typed; False: the shell ends. Raises what a statement raises."""
        stripped = text.strip()
        if stripped.lower().rstrip(";") in ("exit", "quit"):
            return False
        if stripped.startswith("."):
            return self._command(stripped)
        for statement in self._session.split_statements(text):
            self._statement(statement)
        return True

    def _statement(self, statement: str) -> None:
        import time

        begin = time.monotonic()
        self._state.phase = Phase.PLAN
        frame = self._session.sql(statement)
        rows = rows_of(frame, self._state, progress=True)
        took = time.monotonic() - begin
        self._state.phase = Phase.OUTPUT
        RowWriter(self._format, None, self._most_rows).write(rows)
        tell_warnings(frame.warnings)
        if self._timer:
            click.echo(f"{took * 1000:,.1f} ms", err=True)

    def _command(self, line: str) -> bool:
        name, _, argument = line.partition(" ")
        argument = argument.strip().rstrip(";")
        commands: dict[str, Callable[[str], None]] = {
            ".tables": lambda _: self._statement("SHOW TABLES"),
            ".schema": self._schema,
            ".probe": self._probe,
            ".read": self._read,
            ".explain": lambda query: click.echo(self._session.explain_sql(query), nl=False),
            ".format": self._set_format,
            ".rows": self._set_rows,
            ".timer": self._set_timer,
            ".help": lambda _: click.echo(_HELP),
        }
        if name in (".quit", ".exit", ".q"):
            return False
        if name not in commands:
            raise click.UsageError(f"there is no {name}; .help lists the commands")
        commands[name](argument)
        return True

    def _schema(self, table: str) -> None:
        for name, kind in self._session.table(table).schema:
            click.echo(f"{name}  {kind}")

    def _probe(self, path: str) -> None:
        from ._query_commands import _show_probe

        _show_probe(path, self._session.probe(path))

    def _read(self, path: str) -> None:
        for statement in self._session.split_statements(Path(path).read_text(encoding="utf-8")):
            self._statement(statement)

    def _set_format(self, name: str) -> None:
        shown = [known for known in FORMATS if known not in ("arrow", "parquet")]
        if name not in shown:
            raise click.UsageError(f"format {name!r} is not one of {', '.join(shown)}")
        self._format = name

    def _set_rows(self, number: str) -> None:
        if not number.isdecimal():
            raise click.UsageError(".rows takes a number")
        self._most_rows = int(number)

    def _set_timer(self, word: str) -> None:
        if word not in ("on", "off"):
            raise click.UsageError(".timer takes on or off")
        self._timer = word == "on"

    def names(self) -> Iterable[str]:
        """Names that a statement may use: tables and their columns."""
        for table in self._session.tables():
            yield table
            try:
                yield from self._session.table(table).columns
            except core.Error:
                continue  # a sink

    def completions(self, word: str) -> Iterable[str]:
        """How a word that was begun may go on: names of the session, keywords, functions."""
        begin = word.lower()
        seen = set()
        for name in self.names():
            if name.lower().startswith(begin) and name not in seen:
                seen.add(name)
                yield name
        spelled = {name.lower() for name in seen}
        functions = sorted(filter(str.isidentifier, core.function_names()))
        for name in [*KEYWORDS, *functions]:
            if name.lower().startswith(begin) and name.lower() not in spelled:
                spelled.add(name.lower())
                yield name


def run_shell(state: State, **options: Any) -> None:
    """The shell until its end: typed on a terminal, or read from standard input."""
    with open_session(state, options) as opened:
        shell = Shell(state, opened.session)
        if sys.stdin.isatty():
            _type_in(shell)
        else:
            _read_in(shell)


def _read_in(shell: Shell) -> None:
    """Commands stand on lines of their own, between statements."""
    waiting: list[str] = []
    for line in sys.stdin:
        if line.startswith(".") and not "".join(waiting).strip():
            waiting.clear()
            if not shell.run(line):
                return
            continue
        waiting.append(line)
        text = "".join(waiting)
        if text.strip() and is_complete(text):
            waiting.clear()
            if not shell.run(text):
                return
    if "".join(waiting).strip():
        shell.run("".join(waiting))


def _type_in(shell: Shell) -> None:
    prompt = _prompt(shell)
    click.echo(f"velaria {__version__}; .help helps, .quit ends")
    while True:
        try:
            text = prompt.prompt("velaria> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        try:
            if not shell.run(text):
                return
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
        except BrokenPipeError:
            raise
        except Exception as error:
            click.echo(f"error: {message_of(error)}", err=True)


def _prompt(shell: Shell) -> Any:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import Completer, Completion
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, InMemoryHistory
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexers.sql import PostgresLexer

    class Names(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Any]:
            word = document.get_word_before_cursor()
            if word:
                for name in shell.completions(word):
                    yield Completion(name, start_position=-len(word))

    history: Any = InMemoryHistory()
    home = workspace_of(None).home
    try:
        home.mkdir(parents=True, exist_ok=True)
        history = FileHistory(str(home / "history"))
    except OSError:
        pass  # a home that cannot be written keeps no history
    session: Any = PromptSession(
        history=history,
        completer=Names(),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        lexer=PygmentsLexer(PostgresLexer),
        multiline=Condition(lambda: not is_complete(session.default_buffer.text)),
        prompt_continuation="      -> ",
    )
    return session
