"""Commands that ask once: sql, probe, explain, vector-search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .. import _velaria as core
from .._batch_query import BatchQuery
from .._frame import DataFrame
from .._progress_bar import progress_teller
from .._session import Session
from .._workspace import RunRecorder
from ._errors import Phase, State, result
from ._options import (
    OUTPUT_OPTIONS,
    json_option,
    open_session,
    output_options,
    parameters_of,
    progress_option,
    row_writer,
    session_options,
    table_options,
    text_argument,
)
from ._output import echo_json, tell_warnings

param_option = click.option(
    "-p",
    "--param",
    "parameters",
    multiple=True,
    metavar="[NAME=]VALUE",
    help="The value of a ? or $NAME in the query; JSON, else a text. May be given again.",
)


def rows_of(
    frame: DataFrame, state: State, progress: bool, recorder: RunRecorder | None = None
) -> DataFrame:
    """Runs a frame with a bar on a terminal; a recorder gets the kernel's snapshots."""
    state.phase = Phase.RUN
    if recorder is not None:
        recorder.phase = Phase.RUN
    with frame.start() as query, progress_teller(progress) as bar:
        rows = query.wait(progress=_tell(query, bar, recorder))
    return rows


def _tell(query: BatchQuery, bar: Any, recorder: RunRecorder | None) -> Callable[[Any], None]:
    def tell(moment: dict[str, Any]) -> None:
        if recorder is not None:
            recorder.add_progress(query.snapshot_json())
        if bar is not None:
            bar(moment)

    return tell


def run_script(session: Session, script: str, parameters: Any) -> DataFrame:
    """Runs all statements of a script but the last one, whose frame it gives."""
    statements = session.split_statements(script)
    if not statements:
        raise click.UsageError("there is no statement in the query")
    for statement in statements[:-1]:
        session.sql(statement)
    return session.sql(statements[-1], parameters)


@click.command()
@click.argument("query")
@table_options
@param_option
@output_options
@progress_option
@session_options
@click.pass_obj
def sql(state: State, /, query: str, **options: Any) -> None:
    """Run SQL over files and tables, and write the rows of the last statement.

    QUERY is SQL, @FILE for a file that holds it, or - for standard input. Files can stand in FROM
    as they are. Statements are separated by semicolons.

    \b
    Examples:
      velaria sql "SELECT city, avg(temp) FROM 'weather.csv' GROUP BY city"
      velaria sql -t w=weather.csv -p low=5 "SELECT * FROM w WHERE temp < $low"
      velaria sql -f csv -o cold.csv "SELECT * FROM 'weather.csv' WHERE temp < 0"
      cat weather.csv | velaria sql -t w=- --json "SELECT count(*) AS n FROM w"
      velaria sql @report.sql
    """
    writer = row_writer(*(options.pop(name) for name in OUTPUT_OPTIONS))
    parameters = parameters_of(options.pop("parameters"))
    progress = options.pop("progress")
    text = text_argument(query, "query")
    with open_session(state, options) as opened:
        query_frame = run_script(opened.session, text, parameters)
        frame = rows_of(query_frame, state, progress)
        state.phase = Phase.OUTPUT
        writer.write(frame)
        tell_warnings(query_frame.warnings)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@json_option
@click.pass_obj
def probe(state: State, paths: tuple[str, ...], as_json: bool) -> None:
    """Say what files are: format, settings, columns, and why.

    \b
    Examples:
      velaria probe flights.csv
      velaria probe --json flights.csv | jq .schema
    """
    state.phase = Phase.OPEN
    with Session() as session:
        for path in paths:
            found = session.probe(path)
            if as_json:
                echo_json({"path": path, **_json_probe(found)})
            else:
                _show_probe(path, found)


def _json_probe(found: dict[str, Any]) -> dict[str, Any]:
    out = dict(found)
    for key in ("schema", "columns"):
        if key in out:
            out[key] = [{"name": field.name, "type": field.type} for field in out[key]]
    return out


def _show_probe(path: str, found: dict[str, Any]) -> None:
    from ._tables import plain, print_facts, print_list

    click.echo(plain(path))
    tables = ("schema", "columns", "candidates", "warnings")
    facts = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in found.items()
        if name not in tables
    }
    if len(found.get("paths", ())) == 1:
        del facts["paths"]
    facts["score"] = f"{facts['score']:.2f}"
    print_facts({name: value for name, value in facts.items() if value != ""})
    print_list(("column", "type"), found["schema"])
    print_list(
        ("format", "score", "reason"),
        [[c["format"], f"{c['score']:.2f}", c["reason"]] for c in found["candidates"]],
    )
    for warning in found["warnings"]:
        click.echo(f"warning: {plain(str(warning))}")


@click.command()
@click.argument("query")
@table_options
@session_options
@click.option("--stream", "is_stream", is_flag=True, help="The query is one over streams.")
@click.option("--source", "sources", multiple=True, metavar="NAME=PATH", help="As in `stream`.")
@click.option("--analyze", is_flag=True, help="Run it and tell where the time went.")
@json_option
@click.pass_obj
def explain(
    state: State,
    /,
    query: str,
    is_stream: bool,
    sources: tuple[str, ...],
    analyze: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show how a query would run.

    \b
    Examples:
      velaria explain "SELECT count(*) FROM 'flights.csv' WHERE distance > 500"
      velaria explain --analyze "SELECT count(*) FROM 'flights.csv'"
      velaria explain --source events=DIR "SELECT k, count(*) FROM events GROUP BY k"
    """
    from .._workspace._recorder import explain_sections
    from ._stream_commands import add_sources

    text = text_argument(query, "query")
    if analyze and (is_stream or sources):
        raise click.UsageError("--analyze is for batch queries")
    with open_session(state, options) as opened:
        session = opened.session
        add_sources(session, sources, opened.inputs, state)
        if is_stream or sources:
            plan: str = session.explain_stream_sql(text)
        else:
            plan = session.explain_sql(text, analyze)
    state.phase = Phase.OUTPUT
    if as_json:
        echo_json({"text": plan, "sections": explain_sections(plan)})
    else:
        click.echo(plain_lines(plan), nl=False)


def plain_lines(text: str) -> str:
    """A text of lines without control characters in them."""
    from ._tables import plain

    return "".join(plain(line) + "\n" for line in text.splitlines())


@click.command("vector-search")
@click.argument("table")
@click.argument("vector_column")
@click.argument("query_vector")
@click.option("-k", "--top-k", type=int, default=10, show_default=True, help="How many rows.")
@click.option(
    "-m",
    "--metric",
    default="cosine",
    show_default=True,
    help="cosine and l2 (smallest first), dot (largest first).",
)
@click.option("--explain", "only_explain", is_flag=True, help="Show how, and search nothing.")
@table_options
@output_options
@progress_option
@session_options
@click.pass_obj
def vector_search(state: State, /, **options: Any) -> None:
    """Find the rows whose vectors are nearest: row_id and score, best first.

    TABLE is a file, or the name of a --table. QUERY_VECTOR is "[1 2 3]", @FILE or -.

    \b
    Examples:
      velaria vector-search docs.csv embedding "[0.1 0.9 0.3]" --top-k 5
      velaria vector-search -t docs=docs.parquet docs embedding @query.txt -m l2 --json
    """
    only_explain, progress = options.pop("only_explain"), options.pop("progress")
    if only_explain and options["most_rows"] is not None:
        raise click.UsageError("--rows is for rows, which --explain has none of; leave out one")
    writer = row_writer(*(options.pop(name) for name in OUTPUT_OPTIONS))
    if only_explain and writer.format_name not in ("table", "json"):
        raise click.UsageError(
            f"--explain writes text or JSON, not {writer.format_name}; give --json, --format table "
            f"or an output that ends in .txt or .json"
        )
    search = VectorSearch(options)
    with open_session(state, options) as opened:
        search.open(opened.session)
        if only_explain:
            plan = search.explain(opened.session)
            state.phase = Phase.OUTPUT
            fields = dict(line.split("=", 1) for line in plan.splitlines() if "=" in line)
            as_json = writer.format_name == "json"
            told = result({"text": plan, "fields": fields}) if as_json else plan.rstrip("\n")
            writer.write_text([told + "\n"])
            return
        found = search.run(opened.session)
        frame = rows_of(found, state, progress)
        state.phase = Phase.OUTPUT
        writer.write(frame)
        tell_warnings(found.warnings)


class VectorSearch:
    """The arguments of a vector search; takes them out of ``options``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.table: str = options.pop("table")
        self.column: str = options.pop("vector_column")
        self.top_k: int = options.pop("top_k")
        self.metric: str = options.pop("metric")
        self.vector = _numbers(text_argument(options.pop("query_vector"), "query vector"))

    def inputs(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "vector_column": self.column,
            "query_vector": self.vector,
            "top_k": self.top_k,
            "metric": self.metric,
        }

    def open(self, session: Session) -> None:
        """A table that is a file becomes one that SQL knows."""
        known = {name.lower() for name in session.tables()}
        if self.table.lower() not in known:
            from ._options import _read_table

            session.create_temp_view("searched", _read_table(session, self.table))
            self.table = "searched"

    def explain(self, session: Session) -> str:
        return session.explain_vector_search(
            self.table, self.column, self.vector, self.top_k, self.metric
        )

    def run(self, session: Session) -> DataFrame:
        return session.vector_search(self.table, self.column, self.vector, self.top_k, self.metric)


def _numbers(text: str) -> list[float]:
    inside = text.strip().removeprefix("[").removesuffix("]").replace(",", " ")
    try:
        return [float(number) for number in inside.split()]
    except ValueError as error:
        raise core.InvalidArgumentError(f"the query vector: {error}; write [1 2 3]") from None
