"""Streams: stream, top."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from .._session import Session
from .._sinks import CsvFileSink, JsonFileSink, RealtimeStreamSink
from .._streaming import StreamingQuery
from .._velaria import CatalogError
from .._workspace import RunRecorder, Workspace
from ._errors import Phase, State
from ._options import (
    json_option,
    named_path,
    open_session,
    session_options,
    table_options,
    text_argument,
    workspace_of,
    workspace_option,
)
from ._output import echo_json, json_names, json_row, tell_warnings
from ._stdin_source import StandardInput

_TURN_S = 0.2

_source_option = click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME=PATH",
    help="A folder of CSV files, or one file, as a stream; NAME=- is CSV lines of standard input "
    "as they come.",
)
_follow_option = click.option(
    "--follow",
    is_flag=True,
    help="Go on with the files and rows that come to the sources later, until Ctrl-C.",
)


def source_options(command: Any) -> Any:
    """Where the rows of a stream come from."""
    return _source_option(_follow_option(command))


def stream_options(command: Any) -> Any:
    """Options of a streaming query, by the kernel's names."""
    for option in (
        click.option("--max-batches", type=click.IntRange(1), help="Stop after so many batches."),
        click.option(
            "--trigger-interval-ms", type=click.IntRange(0), help="At most one batch in so long."
        ),
        click.option("--checkpoint-path", type=click.Path(), help="Where to keep how far it is."),
        click.option(
            "--checkpoint-delivery-mode",
            type=click.Choice(["at-least-once", "best-effort"]),
            help="What a restart does: read all again, or go on behind the last checkpoint.",
        ),
        click.option(
            "--execution-mode",
            type=click.Choice(["single-process", "local-workers"]),
            help="Whether processes of their own may help, where they are faster.",
        ),
        click.option("--local-workers", type=click.IntRange(1), help="How many such processes."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any other stream option. May be given again.",
        ),
    ):
        command = option(command)
    return command


_NAMED = (
    "max_batches",
    "trigger_interval_ms",
    "checkpoint_path",
    "checkpoint_delivery_mode",
    "execution_mode",
    "local_workers",
)


def taken_stream_options(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the options of the query out of ``options``."""
    named = {name: options.pop(name) for name in _NAMED}
    taken = {name: value for name, value in named.items() if value is not None}
    for pair in options.pop("settings"):
        name, value = named_path(pair, "--set")
        taken[name] = value
    return taken


def add_sources(
    session: Session,
    pairs: Iterable[str],
    inputs: dict[str, Any],
    state: State,
    follow: bool = False,
) -> StandardInput | None:
    """Gives the sources of the command line their names; standard input when it is one."""
    state.phase = Phase.OPEN
    live: StandardInput | None = None
    inputs["sources"] = []
    for name, path in [named_path(pair, "--source") for pair in pairs]:
        if path == "-":
            if live is not None:
                raise click.UsageError("standard input can be one source only")
            live = StandardInput(session, sys.stdin.fileno())
            session.create_temp_view(name, session.read_realtime_stream_source(live.source))
        else:
            path = str(Path(path).absolute())
            file = Path(path).is_file()
            read = session.read_stream_csv_tail if file else session.read_stream_csv_dir
            session.create_temp_view(name, read(path, follow=follow))
        inputs["sources"].append({"name": name, "path": path, "follow": follow})
    state.phase = Phase.PLAN
    return live


class StreamRun:
    """A streaming query of the command line, from its start to its end."""

    def __init__(self, state: State, session: Session, text: str, options: dict[str, Any]) -> None:
        self._state = state
        self._session = session
        self._options = options
        statements = session.split_statements(text)
        if not statements:
            raise click.UsageError("there is no statement in the query")
        for statement in statements[:-1]:
            session.sql(statement)
        self._statement = statements[-1]
        self.inserts = self._statement[:6].upper() == "INSERT"
        self.schema: Any = None
        self.sink: RealtimeStreamSink | None = None
        self.told: list[Callable[[str], object]] = []  # they get each snapshot

    def explain(self) -> str:
        """The plan with the options that the query will have."""
        return self._session.explain_stream_sql(self._statement, **self._options)

    def query(self, recorder: RunRecorder | None, output: str | None) -> StreamingQuery:
        """The query, which is not started unless it is an INSERT."""
        if self.inserts:
            if output is not None:
                raise click.UsageError("INSERT INTO writes to its sink; --output is for SELECT")
            return self._session.start_stream_sql(self._statement, **self._options)
        frame = self._session.stream_sql(self._statement)
        self.schema = frame.schema
        sink: Any
        if recorder is not None:
            sink = recorder.stream_sink(frame.schema)
        elif output is not None and output.lower().endswith((".csv", ".tsv")):
            sink = CsvFileSink(output, delimiter="\t" if output.lower().endswith(".tsv") else ",")
        elif output is not None:
            sink = JsonFileSink(output)
        else:
            if self._options.get("checkpoint_delivery_mode") == "best-effort":
                message = (
                    "best-effort goes on behind rows that standard output may have lost with the "
                    "process; give --output FILE, INSERT INTO a sink, or at-least-once"
                )
                raise click.UsageError(message)
            sink = self.sink = self._session.create_realtime_stream_sink()
        return frame.write_stream(sink, **self._options)

    def follow(
        self,
        query: StreamingQuery,
        live: StandardInput | None,
        write: Callable[[list[list[str | None]]], None],
        show: Callable[[dict[str, Any]], None],
    ) -> None:
        """Until the query has ended: rows to ``write``, moments to ``show`` and to all others."""
        self._state.phase = Phase.RUN
        with query:
            if live is not None:
                live.start()
            ended = False
            while not ended:
                # Looked at before the turn, so that the last snapshot is of the end.
                ended = query.status in ("stopped", "failed") and (
                    self.sink is None or self.sink.closed()
                )
                self._turn(query, write)
                snapshot = query.snapshot_json()
                for tell in self.told:
                    tell(snapshot)
                show(query.progress())
            if live is not None and live.failure is not None:
                raise live.failure
            query.await_termination()
            tell_warnings(query.warnings())

    def _turn(self, query: StreamingQuery, write: Callable[[list[list[str | None]]], None]) -> None:
        if self.sink is None:
            query.await_termination(int(_TURN_S * 1000))
            return
        end = time.monotonic() + _TURN_S
        while (left := end - time.monotonic()) > 0:
            rows = self.sink._poll(left)
            if rows is not None:
                write(rows.to_texts())
            elif self.sink.closed():
                return


@click.command()
@click.argument("query")
@source_options
@table_options
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="A .csv or .jsonl file for the rows."
)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON lines, also on a terminal.")
@click.option(
    "--progress-file",
    type=click.Path(dir_okay=False),
    help="Gets the kernel's progress as JSON lines.",
)
@click.option("--view/--no-view", default=True, help="The live view; on a terminal only.")
@stream_options
@session_options
@click.pass_obj
def stream(state: State, /, query: str, **options: Any) -> None:
    """Run SQL over streams until they end, or until Ctrl-C.

    A SELECT writes its rows to standard output, as JSON lines or as a table on a terminal, or to
    --output. INSERT INTO writes to a sink of CREATE SINK TABLE. On a terminal a panel shows how it
    goes.

    \b
    Examples:
      velaria stream --source e=DIR "SELECT k, count(*) AS n FROM e GROUP BY k"
      velaria stream --source log=log.csv --follow "SELECT * FROM log WHERE level = 'ERROR'"
      tail -f log.csv | velaria stream --source log=- "SELECT * FROM log WHERE level = 'ERROR'"
      velaria stream --source e=DIR -o hours.csv \\
        "SELECT w, count(*) AS n FROM e WINDOW BY t EVERY 3600000 AS w GROUP BY w"
    """
    stream_settings = taken_stream_options(options)
    output, as_json = options.pop("output"), options.pop("as_json")
    progress_file, wants_view = options.pop("progress_file"), options.pop("view")
    if output is not None and not output.lower().endswith((".csv", ".tsv", ".jsonl", ".ndjson")):
        raise click.UsageError(f"--output {output!r}: a stream is written to .csv, .tsv or .jsonl")
    if as_json and output is not None and output.lower().endswith((".csv", ".tsv")):
        raise click.UsageError(
            f"--json and --output {output!r} are two formats; leave out one, or end it in .jsonl"
        )
    sources, follow = options.pop("sources"), options.pop("follow")
    text = text_argument(query, "query")
    with ExitStack() as stack:
        opened = stack.enter_context(open_session(state, options))
        live = add_sources(opened.session, sources, opened.inputs, state, follow)
        run = StreamRun(state, opened.session, text, stream_settings)
        if progress_file is not None:
            file = stack.enter_context(open(progress_file, "w", encoding="utf-8", buffering=1))
            run.told.append(lambda line: file.write(line + "\n"))
        started = run.query(None, output)
        view = stack.enter_context(_View(wants_view and sys.stderr.isatty()))
        rows = _rows_writer(stack, run, as_json, view)
        run.follow(started, live, rows, view.show)
    view.tell_end(started.progress())


def _rows_writer(
    stack: ExitStack, run: StreamRun, as_json: bool, view: _View
) -> Callable[[list[list[str | None]]], None]:
    if run.sink is None:
        return lambda rows: None
    if not as_json and sys.stdout.isatty():
        return view.rows_printer(run.schema)
    names, kinds = json_names(run.schema), run.schema.types
    sys.stdout.flush()
    # Buffered whatever PYTHONUNBUFFERED says: a raw write may stop half way.
    file = stack.enter_context(
        open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    )

    def write(rows: list[list[str | None]]) -> None:
        file.write("".join(json_row(names, kinds, row) + "\n" for row in rows))
        file.flush()

    return write


class _View:
    """The panel of a stream on a terminal; nothing elsewhere."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._live: Any = None

    def __enter__(self) -> _View:
        if self._visible:
            from rich.live import Live

            from ._live import StreamView
            from ._tables import console

            self._view = StreamView()
            self._live = Live(console=console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: dict[str, Any]) -> None:
        if self._live is not None:
            self._live.update(self._view.draw(progress, time.monotonic()), refresh=True)

    def rows_printer(self, schema: Any) -> Callable[[list[list[str | None]]], None]:
        """Prints rows above the panel, below names that are printed once."""
        from ._tables import console, plain

        # Where both go to one terminal, one console must do it.
        out = self._live.console if self._live is not None else console()
        widths: list[int] = []

        def line(cells: Iterable[str]) -> str:
            return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))

        def write(rows: list[list[str | None]]) -> None:
            shown = [[plain("NULL" if text is None else text) for text in row] for row in rows]
            if not widths and shown:
                columns = zip(schema.names, *shown)
                widths.extend(min(40, max(map(len, column))) for column in columns)
                out.print(line(schema.names), style="bold", highlight=False, markup=False)
            for row in shown:
                out.print(line(row), highlight=False, markup=False)

        return write

    def tell_end(self, progress: dict[str, Any]) -> None:
        """One line for people, when the panel is gone."""
        if self._visible:
            click.echo(
                f"{progress['status']}: {progress['rows_in']:,} rows in, "
                f"{progress['rows_out']:,} out, {progress['batches_processed']:,} batches",
                err=True,
            )


def _moments(workspace: Workspace, run_id: str | None, all_runs: bool) -> list[Any]:
    if run_id is not None:
        run = workspace.run(run_id)
        return [(run.record, run.last_progress())]
    status = None if all_runs else "running"
    moments = []
    for entry in workspace.runs(status, limit=50):
        with suppress(CatalogError):  # deleted just now
            moments.append((entry, workspace.run(entry["run_id"]).last_progress()))
    return moments


@click.command()
@click.argument("run_id", required=False)
@click.option("--all", "all_runs", is_flag=True, help="Also runs that have ended.")
@click.option("--once", is_flag=True, help="Show one moment and end.")
@click.option(
    "--interval", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Seconds."
)
@workspace_option
@json_option
@click.pass_obj
def top(
    state: State,
    run_id: str | None,
    all_runs: bool,
    once: bool,
    interval: float,
    home: str | None,
    as_json: bool,
) -> None:
    """Watch the runs that go on, of all processes. Ctrl-C ends it.

    On a pipe, or with --json, it shows one moment.

    \b
    Examples:
      velaria top
      velaria top latest
      velaria top --json | jq '.runs[].progress.rows_in'
    """
    state.phase = Phase.WORKSPACE
    workspace = workspace_of(home)
    if as_json:
        moments = _moments(workspace, run_id, all_runs)
        echo_json({"runs": [{**run, "progress": progress} for run, progress in moments]})
        return
    from rich.live import Live

    from ._live import runs_table
    from ._tables import console

    if once or not sys.stdout.isatty():
        console().print(runs_table(_moments(workspace, run_id, all_runs), console().width))
        return
    with Live(console=console(), auto_refresh=False, screen=True) as live:
        while True:
            moments = _moments(workspace, run_id, all_runs)
            live.update(runs_table(moments, live.console.width), refresh=True)
            time.sleep(interval)
