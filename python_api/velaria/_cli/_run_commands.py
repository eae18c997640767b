"""Runs that are kept: run start|list|show|result|diff|stop|cleanup, artifacts list|preview."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .._session import Session
from .._workspace import Run, RunRecorder, Workspace
from .._workspace._files import is_locked
from .._workspace._run import artifact_table
from ._errors import DIFFERENT, Phase, State
from ._options import (
    json_option,
    open_session,
    output_options,
    parameters_of,
    progress_option,
    row_writer,
    session_options,
    table_options,
    text_argument,
    workspace_of,
    workspace_option,
)
from ._output import RowWriter, echo_json, tell_warnings
from ._query_commands import VectorSearch, param_option, rows_of, run_script
from ._stream_commands import (
    StreamRun,
    add_sources,
    source_options,
    stream_options,
    taken_stream_options,
    top,
)

_CHILD = "VELARIA_BACKGROUND_RUN"
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.group("run", no_args_is_help=True)
def run_group() -> None:
    """Run something and keep it: inputs, plans, progress and results.

    Runs live in the workspace: $VELARIA_HOME, else ~/.velaria. RUN is a run's id, the beginning of
    it, its name, or "latest".

    \b
    Examples:
      velaria run start --name delays sql "SELECT * FROM 'flights.csv' WHERE arr_delay > 60"
      velaria run list
      velaria run result latest -f csv -o late.csv
      velaria run diff 20240501 latest
      velaria run cleanup --older-than 30d --max-size 5GB
    """


@run_group.group("start", no_args_is_help=True)
@click.option("--name", default="", help="A name to find it by.")
@click.option("--background", is_flag=True, help="Return at once; the run goes on by itself.")
@workspace_option
@json_option
@click.pass_context
def start(
    context: click.Context, name: str, background: bool, home: str | None, as_json: bool
) -> None:
    """Start a run and keep what comes out. Its kind is the next word: sql, stream, vector-search.

    \b
    Examples:
      velaria run start sql "SELECT count(*) FROM 'flights.csv'"
      velaria run start --background stream --source e=DIR "SELECT k, count(*) FROM e GROUP BY k"
    """
    context.meta["velaria.start"] = _Start(
        name, background, home, as_json or context.obj.wants_json
    )


class _Start:
    """What all kinds of `run start` share."""

    def __init__(self, name: str, background: bool, home: str | None, as_json: bool) -> None:
        self.name = name
        self.home = home
        self.as_json = as_json
        self.background = background and _CHILD not in os.environ

    @contextmanager
    def record(self, state: State, action: str, inputs: dict[str, Any]) -> Iterator[RunRecorder]:
        """A recorder that knows the command's phase, and tells the id when it has one."""
        state.phase = Phase.WORKSPACE
        recorder = workspace_of(self.home).start(action, inputs, self.name)
        state.phase = Phase.PLAN
        if _CHILD in os.environ:
            _let_go(recorder)
        try:
            with recorder:
                try:
                    yield recorder
                except BaseException:
                    recorder.phase = state.phase
                    raise
        except Exception:
            if not self.as_json:
                click.echo(f"run {recorder.run_id} failed", err=True)
            raise
        if _CHILD not in os.environ:
            self.tell(recorder.run)

    def tell(self, run: Run) -> None:
        if self.as_json:
            echo_json({"run_id": run.run_id, "run": run.record})
        else:
            _show(run)

    def in_background(self, state: State) -> bool:
        """Starts this very command again, by itself; True when that was wanted."""
        if not self.background:
            return False
        child = subprocess.Popen(
            [sys.executable, "-m", "velaria", *sys.argv[1:]],
            env={**os.environ, _CHILD: "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert child.stdout is not None
        assert child.stderr is not None
        first = child.stdout.readline()
        try:
            run_id = json.loads(first)["run_id"]
        except (ValueError, KeyError):
            sys.stdout.write(first + child.stdout.read())
            sys.stderr.write(child.stderr.read())
            raise click.exceptions.Exit(child.wait()) from None
        if self.as_json:
            echo_json({"run_id": run_id, "pid": child.pid})
        else:
            click.echo(run_id)
        return True


def _let_go(recorder: RunRecorder) -> None:
    """Tells the id to the command that started us, which then ends; later words are kept."""
    sys.stdout.write(json.dumps({"run_id": recorder.run_id}) + "\n")
    sys.stdout.flush()
    words = os.open(recorder.artifact_path("console.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.close(words)


def _start_of(context: click.Context, options: dict[str, Any]) -> _Start:
    """What `run start` was told; --json may also stand behind the kind."""
    begun: _Start = context.meta["velaria.start"]
    begun.as_json = options.pop("as_json") or begun.as_json
    return begun


@start.command("sql")
@click.argument("query")
@table_options
@param_option
@progress_option
@session_options
@json_option
@click.pass_context
def start_sql(context: click.Context, /, query: str, **options: Any) -> None:
    """Run SQL and keep the rows of the last statement. Arguments are those of `velaria sql`.

    \b
    Examples:
      velaria run start sql "SELECT carrier, count(*) AS n FROM 'flights.csv' GROUP BY carrier"
      velaria run start --name daily sql -t f=flights.csv @report.sql
    """
    state, begun = context.obj, _start_of(context, options)
    if begun.in_background(state):
        return
    given = options.pop("parameters")
    parameters, progress = parameters_of(given), options.pop("progress")
    text = text_argument(query, "query")
    with open_session(state, options) as opened:
        inputs = {"sql": text, "parameters": parameters, **opened.inputs}
        with begun.record(state, "sql", inputs) as recorder:
            frame = run_script(opened.session, text, parameters)
            recorder.write_explain(frame.explain())
            rows = rows_of(frame, state, progress, recorder)
            state.phase = Phase.OUTPUT
            recorder.write_result(rows, frame.warnings)
            tell_warnings(frame.warnings)


@start.command("vector-search")
@click.argument("table")
@click.argument("vector_column")
@click.argument("query_vector")
@click.option("-k", "--top-k", type=int, default=10, show_default=True, help="How many rows.")
@click.option("-m", "--metric", default="cosine", show_default=True, help="cosine, l2 or dot.")
@table_options
@progress_option
@session_options
@json_option
@click.pass_context
def start_vector_search(context: click.Context, /, **options: Any) -> None:
    """Search vectors and keep what is found. Arguments are those of `velaria vector-search`.

    \b
    Example:
      velaria run start vector-search docs.csv embedding "[0.1 0.9 0.3]" -k 5
    """
    state, begun = context.obj, _start_of(context, options)
    if begun.in_background(state):
        return
    progress = options.pop("progress")
    search = VectorSearch(options)
    with open_session(state, options) as opened:
        inputs = {**search.inputs(), **opened.inputs}
        with begun.record(state, "vector-search", inputs) as recorder:
            search.open(opened.session)
            recorder.write_explain(search.explain(opened.session))
            found = search.run(opened.session)
            rows = rows_of(found, state, progress, recorder)
            state.phase = Phase.OUTPUT
            recorder.write_result(rows, found.warnings)
            tell_warnings(found.warnings)


@start.command("stream")
@click.argument("query")
@source_options
@table_options
@stream_options
@session_options
@json_option
@click.pass_context
def start_stream(context: click.Context, /, query: str, **options: Any) -> None:
    """Run a streaming query and keep its rows and progress. Ctrl-C ends it as interrupted.

    `velaria top` watches it, `velaria run stop` ends one in the background.

    \b
    Examples:
      velaria run start stream --source e=DIR "SELECT k, count(*) AS n FROM e GROUP BY k"
      velaria run start --background stream --source e=DIR @windows.sql
    """
    state, begun = context.obj, _start_of(context, options)
    if begun.in_background(state):
        return
    settings = taken_stream_options(options)
    sources, follow = options.pop("sources"), options.pop("follow")
    text = text_argument(query, "query")
    with open_session(state, options) as opened:
        live = add_sources(opened.session, sources, opened.inputs, state, follow)
        inputs = {"sql": text, "stream_options": settings, **opened.inputs}
        with begun.record(state, "stream", inputs) as recorder:
            run = StreamRun(state, opened.session, text, settings)
            recorder.write_explain(run.explain())
            run.told.append(recorder.add_progress)
            started = run.query(recorder, None)
            try:
                run.follow(started, live, lambda rows: None, lambda progress: None)
            finally:
                recorder._add_warnings(started.warnings())


# ---- reading


@run_group.command("list")
@click.option(
    "--status", help="Only runs that are running, succeeded, failed, interrupted, killed."
)
@click.option("--action", help="Only runs of this kind: sql, stream, vector-search.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
)
@workspace_option
@json_option
@click.pass_obj
def list_runs(
    state: State,
    status: str | None,
    action: str | None,
    limit: int,
    home: str | None,
    as_json: bool,
) -> None:
    """List runs, the newest first."""
    state.phase = Phase.WORKSPACE
    runs = workspace_of(home).runs(status, action, limit)
    if as_json:
        echo_json({"runs": runs})
        return
    from ._tables import print_list

    if not runs:
        click.echo("no runs")
        return
    print_list(
        ("run", "name", "action", "status", "began", "ms", "rows"),
        [
            (
                run["run_id"],
                run["name"],
                run["action"],
                run["status"],
                run["created_at"][:19].replace("T", " "),
                "" if run["duration_ms"] is None else f"{run['duration_ms']:,.0f}",
                "" if run["row_count"] is None else f"{run['row_count']:,}",
            )
            for run in runs
        ],
    )


def _show(run: Run) -> None:
    from ._tables import print_facts

    record = run.record
    facts = {k: v for k, v in record.items() if k not in ("format_version", "schema", "error")}
    if record["schema"]:
        facts["columns"] = ", ".join(f"{name}: {kind}" for name, kind in record["schema"])
    if "warnings" in record:
        facts["warnings"] = "; ".join(record["warnings"])
    if record["error"]:
        facts.update(record["error"])
    facts["artifacts"] = ", ".join(artifact["name"] for artifact in run.artifacts())
    facts["folder"] = run.path
    print_facts(facts)


@run_group.command("show")
@click.argument("run_id", metavar="RUN")
@workspace_option
@json_option
@click.pass_obj
def show(state: State, run_id: str, home: str | None, as_json: bool) -> None:
    """Show a run: its record, inputs, plan and newest progress.

    \b
    Example:
      velaria run show latest --json | jq .inputs.sql
    """
    state.phase = Phase.WORKSPACE
    run = workspace_of(home).run(run_id)
    if as_json:
        echo_json(
            {
                "run": run.record,
                "inputs": run.inputs,
                "explain": run.explain,
                "progress": run.last_progress(),
                "artifacts": run.artifacts(),
            }
        )
        return
    from ._query_commands import plain_lines
    from ._tables import print_facts

    _show(run)
    for title, part in (("inputs", run.inputs), ("progress", run.last_progress() or {})):
        click.echo(f"\n{title}")
        print_facts({k: v for k, v in part.items() if v not in (None, [], {}, "")})
    if run.explain:
        click.echo("\n" + plain_lines(run.explain["text"]), nl=False)


@run_group.command("result")
@click.argument("run_id", metavar="RUN")
@output_options
@workspace_option
@click.pass_obj
def result(
    state: State,
    run_id: str,
    format_name: str | None,
    as_json: bool,
    output: str | None,
    most_rows: int | None,
    home: str | None,
) -> None:
    """Write the rows of a run again. Of a stream that goes on: what there is so far.

    \b
    Example:
      velaria run result latest -f parquet -o rows.parquet
    """
    writer = row_writer(format_name, as_json, output, most_rows)
    state.phase = Phase.WORKSPACE
    run = workspace_of(home).run(run_id)
    with Session() as session:
        frame = run.to_frame(session)
        state.phase = Phase.OUTPUT
        writer.write(frame)


@run_group.command("diff")
@click.argument("left", metavar="RUN")
@click.argument("right", metavar="RUN")
@click.option("-k", "--key", multiple=True, help="A column that names a row. May be given again.")
@workspace_option
@json_option
@click.pass_context
def diff(
    context: click.Context,
    left: str,
    right: str,
    key: tuple[str, ...],
    home: str | None,
    as_json: bool,
) -> int:
    """Compare the results of two runs: columns, row counts, values. Exit code 4: they differ.

    \b
    Examples:
      velaria run diff 20240501T12 latest
      velaria run diff RUN RUN --key id --json | jq .values.changed
    """
    context.obj.phase = Phase.WORKSPACE
    found = workspace_of(home).diff(left, right, key)
    if as_json:
        echo_json(found)
    else:
        _show_diff(found)
    return 0 if found["same"] else DIFFERENT


def _show_diff(found: dict[str, Any]) -> None:
    from ._tables import print_facts, print_list

    schema, counts, values = found["schema"], found["row_count"], found["values"]
    changed = [f"{c['column']}: {c['left']} / {c['right']}" for c in schema["changed_types"]]
    facts = {
        "left": found["left"],
        "right": found["right"],
        "result": "the same" if found["same"] else "different",
        "rows": f"{counts['left']:,} / {counts['right']:,}",
        "columns only left": ", ".join(schema["only_left"]),
        "columns only right": ", ".join(schema["only_right"]),
        "other types": ", ".join(changed),
    }
    if values is not None:
        facts["rows only left"] = values["only_left"]
        facts["rows only right"] = values["only_right"]
        if "changed" in values:
            facts["rows changed"] = values["changed"]
        moved = counts["left"] == counts["right"] and not (
            values["only_left"] or values["only_right"] or values.get("changed")
        )
        facts["order"] = "the same" if values["same_order"] else "another" if moved else ""
    print_facts({name: value for name, value in facts.items() if value != ""})
    if values is None:
        return
    for side, rows in values["examples"].items():
        if rows and side != "changed":
            click.echo(f"\n{side.replace('_', ' ')}:")
            print_list(values["columns"], rows)
        elif rows:
            others = [name for name in values["columns"] if name not in values["key"]]
            head = [*values["key"], *(n for o in others for n in (o, f"{o} (right)"))]
            click.echo("\nchanged:")
            print_list(head, rows)


@run_group.command("stop")
@click.argument("run_id", metavar="RUN")
@click.option("--timeout-ms", type=click.IntRange(0), default=10_000, show_default=True)
@workspace_option
@json_option
@click.pass_obj
def stop(state: State, run_id: str, timeout_ms: int, home: str | None, as_json: bool) -> None:
    """End a run that goes on, in whatever process; it ends as interrupted."""
    state.phase = Phase.WORKSPACE
    run = workspace_of(home).run(run_id)
    record = run.record
    if record["status"] == "running":
        # Its process holds the lock, so the id in the record is that process's.
        os.kill(record["pid"], signal.SIGTERM)
        end = time.monotonic() + timeout_ms / 1000
        while is_locked(run.path / "lock"):
            if time.monotonic() > end:
                raise click.ClickException(
                    f"run {run.run_id} has not ended after {timeout_ms} ms; its process is "
                    f"{record['pid']}"
                )
            time.sleep(0.02)
    if as_json:
        echo_json({"run": run.record})
    else:
        click.echo(f"{run.run_id} {run.status}")


def _seconds(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise click.BadParameter(f"{text!r} is no time; write 30d, 12h, 90m, 45s or 2w")
    return float(found[1]) * _SECONDS[found[2]]


@run_group.command("cleanup")
@click.option(
    "--older-than", callback=_seconds, metavar="TIME", help="Began longer ago: 30d, 12h, 90m."
)
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Keep the newest N.")
@click.option("--max-size", metavar="SIZE", help="Keep the newest that fit: 5GB, 512MiB.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@workspace_option
@json_option
@click.pass_obj
def cleanup(
    state: State,
    older_than: float | None,
    keep: int | None,
    max_size: str | None,
    dry_run: bool,
    home: str | None,
    as_json: bool,
) -> None:
    """Remove runs by age, number or size; never one that goes on.

    \b
    Examples:
      velaria run cleanup --older-than 30d
      velaria run cleanup --keep 100 --max-size 5GB --dry-run
    """
    if older_than is None and keep is None and max_size is None:
        raise click.UsageError("give --older-than, --keep or --max-size")
    state.phase = Phase.WORKSPACE
    done = workspace_of(home).cleanup(
        older_than_s=older_than, keep=keep, max_size=max_size, dry_run=dry_run
    )
    if as_json:
        echo_json({**done._asdict(), "dry_run": dry_run})
        return
    from ._live import size_text

    for run_id in done.removed:
        click.echo(run_id)
    would = "would be removed" if dry_run else "removed"
    click.echo(f"{len(done.removed)} {would}, {size_text(done.freed_bytes)}", err=True)


# ---- artifacts


@click.group("artifacts", no_args_is_help=True)
def artifacts() -> None:
    """The files that runs left.

    \b
    Examples:
      velaria artifacts list latest
      velaria artifacts preview latest result.arrow --rows 5
    """


@artifacts.command("list")
@click.argument("run_id", metavar="[RUN]", required=False)
@workspace_option
@json_option
@click.pass_obj
def list_artifacts(state: State, run_id: str | None, home: str | None, as_json: bool) -> None:
    """List the artifacts of a run, or of all runs."""
    state.phase = Phase.WORKSPACE
    workspace = workspace_of(home)
    runs = [workspace.run(run_id)] if run_id else _all_runs(workspace)
    found = [
        {"run_id": run.run_id, **artifact, "path": str(run.path / "artifacts" / artifact["name"])}
        for run in runs
        for artifact in run.artifacts()
    ]
    if as_json:
        echo_json({"artifacts": found})
        return
    from ._live import size_text
    from ._tables import print_list

    print_list(
        ("run", "artifact", "size"),
        [(entry["run_id"], entry["name"], size_text(entry["size_bytes"])) for entry in found],
    )


def _all_runs(workspace: Workspace) -> list[Run]:
    return [workspace.run(entry["run_id"]) for entry in workspace.runs()]


@artifacts.command("preview")
@click.argument("run_id", metavar="RUN")
@click.argument("name", required=False)
@click.option("--rows", "most_rows", type=click.IntRange(1), default=10, show_default=True)
@workspace_option
@json_option
@click.pass_obj
def preview(
    state: State, run_id: str, name: str | None, most_rows: int, home: str | None, as_json: bool
) -> None:
    """Show the first rows, or lines, of an artifact; of the only one when none is named."""
    state.phase = Phase.WORKSPACE
    run = workspace_of(home).run(run_id)
    if name is None:
        names = [artifact["name"] for artifact in run.artifacts()]
        if len(names) != 1:
            there = ", ".join(names) or "it has none"
            raise click.UsageError(f"name an artifact of run {run.run_id}: {there}")
        name = names[0]
    path = run.artifact(str(name))
    if path.suffix in (".arrow", ".arrows"):
        with Session() as session:
            table = artifact_table(run, path.name)
            frame = session.create_dataframe_from_arrow(table).limit(most_rows)
            state.phase = Phase.OUTPUT
            RowWriter("json" if as_json else "table", None, most_rows).write(frame)
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(most_rows), file)]
    if as_json:
        echo_json({"run_id": run.run_id, "artifact": name, "lines": lines})
        return
    from ._query_commands import plain_lines

    click.echo(plain_lines("\n".join(lines)), nl=False)


run_group.add_command(top)
