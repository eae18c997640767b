"""Options that several commands share, and what they mean."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import _velaria as core
from .._session import Session
from .._workspace import Workspace
from ._errors import Phase, State
from ._output import RowWriter, endings_of

Command = TypeVar("Command")

FORMATS = ("table", "json", "jsonl", "csv", "arrow", "parquet")
_BY_ENDING = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".parquet": "parquet",
    ".txt": "table",
    "": "table",
}


def _stack(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


session_options = _stack(
    click.option(
        "--threads",
        type=click.IntRange(1, core.MOST_THREADS),
        help="How many threads work.",
    ),
    click.option(
        "--memory-limit", metavar="SIZE", help="Such as 2GB or 512MiB; over it, rows go to disk."
    ),
    click.option(
        "--temp-dir", type=click.Path(file_okay=False), help="Where rows go that do not fit."
    ),
)

table_options = _stack(
    click.option(
        "-t",
        "--table",
        "tables",
        multiple=True,
        metavar="NAME=PATH",
        help="A file as a table: any text file that `probe` knows, or a pattern or folder of them, "
        ".parquet, .arrow, .xlsx; NAME=- reads standard input. May be given again.",
    ),
    click.option(
        "--init",
        "scripts",
        multiple=True,
        metavar="SQL|@FILE",
        help="Statements to run first, such as CREATE TABLE ... OPTIONS(...). May be given again.",
    ),
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON instead of text for people."
)

output_options = _stack(
    click.option(
        "-f",
        "--format",
        "format_name",
        type=click.Choice(FORMATS),
        help="How rows are written; the default is by the ending of the output's name, else table.",
    ),
    click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
    click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False),
        help="A file to write to. CSV is compressed where the name ends in .gz or .zst.",
    ),
    click.option(
        "--rows",
        "most_rows",
        type=click.IntRange(0),
        metavar="N",
        help="Rows a table shows at most; on a terminal 50, 0 is all. Only for tables.",
    ),
)

# In the order that row_writer takes them.
OUTPUT_OPTIONS = ("format_name", "as_json", "output", "most_rows")

workspace_option = click.option(
    "--home",
    type=click.Path(file_okay=False),
    help="The workspace; $VELARIA_HOME, else ~/.velaria.",
)

progress_option = click.option(
    "--progress/--no-progress",
    default=True,
    help="A bar for queries that take long; on a terminal only.",
)


def workspace_of(home: str | None) -> Workspace:
    return Workspace(home)


def chosen_format(format_name: str | None, as_json: bool, output: str | None) -> str:
    """The format that was asked for, by whichever option."""
    if as_json:
        if format_name not in (None, "json"):
            raise click.UsageError(f"--json and --format {format_name} are two formats")
        return "json"
    if format_name is not None:
        return format_name
    if output is not None:
        shown, ending, compressed = endings_of(output)
        if ending not in _BY_ENDING or (compressed and not ending):
            known = ", ".join(name for name in _BY_ENDING if name)
            raise click.UsageError(
                f"the ending {shown!r} of --output says no format; give --format, or one of {known}"
            )
        return _BY_ENDING[ending]
    return "table"


def row_writer(
    format_name: str | None, as_json: bool, output: str | None, most_rows: int | None
) -> RowWriter:
    """What writes rows as ``output_options`` say it."""
    chosen = chosen_format(format_name, as_json, output)
    if most_rows is not None and chosen != "table":
        raise click.UsageError(
            f"--rows {most_rows} is how many rows a table shows, and {chosen} has all of them; "
            f"leave out --rows, or write LIMIT {most_rows} in the query"
        )
    return RowWriter(chosen, output, most_rows)


def text_argument(text: str, what: str) -> str:
    """An argument itself, @FILE for a file's content, or - for standard input."""
    if text == "-":
        return sys.stdin.read()
    if text.startswith("@"):
        path = text[1:]
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    if not text.strip():
        raise click.UsageError(f"the {what} is empty")
    return text


def parameters_of(pairs: Iterable[str]) -> Any:
    """Values of ?, as a list, or of $name, as a dict. JSON is taken as what it is, else a text."""
    named: dict[str, Any] = {}
    positional: list[Any] = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if equals and name.isidentifier():
            named[name] = _json_or_text(value)
        else:
            positional.append(_json_or_text(pair))
    if named and positional:
        raise click.UsageError("--param NAME=VALUE and --param VALUE cannot be mixed")
    return named or positional or None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_exact_number, parse_constant=_no_number)
    except ValueError:
        return text


def _exact_number(text: str) -> float | Decimal:
    """A float; where it would not have all digits of the text, or be infinite, a decimal."""
    number, exact = float(text), Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def named_path(pair: str, option: str) -> tuple[str, str]:
    """NAME=PATH as two texts."""
    name, equals, path = pair.partition("=")
    if not equals or not name or not path:
        raise click.UsageError(f"{option} {pair!r} is not NAME=PATH")
    return name, path


class Opened:
    """A session with the tables of the command line, and what inputs.json says of them."""

    def __init__(self, session: Session, inputs: dict[str, Any]) -> None:
        self.session = session
        self.inputs = inputs


@contextmanager
def open_session(state: State, options: dict[str, Any]) -> Iterator[Opened]:
    """Takes the session's and tables' options out of ``options``."""
    own = {
        name: options.pop(name)
        for name in ("threads", "memory_limit", "temp_dir")
        if name in options
    }
    tables = options.pop("tables", ())
    scripts = options.pop("scripts", ())
    inputs: dict[str, Any] = {"session": {k: v for k, v in own.items() if v is not None}}
    with tempfile.TemporaryDirectory(prefix="velaria-") as spool, Session(**own) as session:
        opened = Opened(session, inputs)
        pairs = [named_path(pair, "--table") for pair in tables]
        texts = [text_argument(script, "--init script") for script in scripts]
        state.phase = Phase.OPEN
        inputs["tables"] = [_add_table(session, name, path, Path(spool)) for name, path in pairs]
        inputs["init"] = texts
        for text in texts:
            for statement in session.split_statements(text):
                session.sql(statement)
        state.phase = Phase.PLAN
        yield opened


def _add_table(session: Session, name: str, path: str, spool: Path) -> dict[str, Any]:
    known: dict[str, Any] = {"name": name, "path": path}
    if path == "-":
        path = str(spool / "standard-input")
        with open(path, "wb") as file:
            while block := sys.stdin.buffer.read(1 << 20):
                file.write(block)
    else:
        known["path"] = os.path.abspath(path)
    frame = _read_table(session, path)
    if os.path.exists(path) and not os.path.isdir(path):
        known.update(_file_facts(path))
    else:  # a pattern or a folder
        files = session.probe(path)["paths"]
        known["files"] = [{"path": os.path.abspath(file), **_file_facts(file)} for file in files]
    session.create_temp_view(name, frame)
    return known


def _file_facts(path: str) -> dict[str, int]:
    found = os.stat(path)
    return {"size_bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def _read_table(session: Session, path: str) -> Any:
    ending = Path(path).suffix.lower()
    if ending in (".xlsx", ".xlsm"):
        return session.read_excel(path)
    if ending not in (".parquet", ".arrow", ".feather", ".arrows"):
        return session.read(path)
    return session.create_dataframe_from_arrow(_read_whole(path, ending))


def _read_whole(path: str, ending: str) -> Any:
    """All rows of an Arrow or Parquet file. Only a run's own artifact may still be growing."""
    from .._optional import import_pyarrow

    kind = {".parquet": "a Parquet file", ".arrows": "an Arrow stream"}.get(ending, "an Arrow file")
    arrow = import_pyarrow(kind)
    try:
        if ending == ".parquet":
            from pyarrow import parquet

            return parquet.read_table(path)
        if ending == ".arrows":
            with arrow.OSFile(path) as source:
                return arrow.ipc.open_stream(source).read_all()
        with arrow.memory_map(path) as source:
            return arrow.ipc.open_file(source).read_all()
    except (arrow.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError) or getattr(error, "errno", None) is not None:
            raise  # it cannot be opened
        raise core.FileFormatError(
            f"{path} is not the whole of {kind}: {error}; it may be cut off, so write it again"
        ) from None
