"""Rows on their way out: a table for people, or one of the formats of programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from .. import _velaria as core
from .._formats import not_for_parquet
from .._frame import DataFrame
from .._optional import import_pyarrow
from .._schema import Schema

_TERMINAL_ROWS = 50
_ROWS_AT_ONCE = 8192
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_BINARY = ("arrow", "parquet")


def endings_of(output: str | None) -> tuple[str, str, str]:
    """A name's ending as it is written, the one that says the format, and .gz or .zst behind it."""
    name = Path(output or "")
    last = name.suffix.lower()
    if last not in _COMPRESSED:
        return name.suffix, last, ""
    before = name.with_suffix("").suffix
    return before + name.suffix, before.lower(), last


class RowWriter:
    """Writes frames in one format to a file or standard output."""

    def __init__(self, format_name: str, output: str | None, most_rows: int | None = None) -> None:
        self.format_name = format_name
        self._output = output
        self._most_rows = most_rows
        _, _, compressed = endings_of(output)
        if compressed and format_name != "csv":
            raise click.UsageError(
                f"--output {output!r}: {format_name} is written as it is, and {compressed} says it "
                f"is compressed; leave out {compressed}, or write csv"
            )
        if output is None and format_name in _BINARY and sys.stdout.isatty():
            raise click.UsageError(
                f"{format_name} is not for a terminal; give --output FILE, or pipe it on"
            )

    def write(self, frame: DataFrame) -> None:
        """All rows of a frame; they should be in memory already."""
        if self.format_name == "table":
            self._write_table(frame)
        elif self.format_name == "json":
            self.write_text(json_answer(frame))
        elif self.format_name == "jsonl":
            self.write_text(line + "\n" for line in json_rows(frame))
        elif self.format_name == "csv":
            self._write_csv(frame)
        else:
            self._write_arrow(frame)

    @contextmanager
    def _target(self) -> Iterator[IO[bytes]]:
        if self._output is None:
            sys.stdout.flush()
            # Buffered whatever PYTHONUNBUFFERED says: a raw write may stop half way.
            with open(sys.stdout.fileno(), "wb", closefd=False) as file:
                yield file
            return
        # Whole or not at all: a failure leaves what was there.
        target = Path(self._output)
        try:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        except OSError as error:
            error.filename = self._output  # the name that somebody knows
            raise
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise

    def write_text(self, pieces: Iterable[str]) -> None:
        """A text in pieces, instead of rows."""
        with self._target() as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "surrogatepass"))

    def _write_table(self, frame: DataFrame) -> None:
        on_terminal = self._output is None and sys.stdout.isatty()
        most = self._most_rows
        if most is None:
            most = _TERMINAL_ROWS if on_terminal else 0
        shown = most or max(frame.count(), 1)
        if on_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
            from ._tables import print_rows

            print_rows(frame, shown)
        else:
            self.write_text(iter([frame._core.to_text(shown)]))

    def _write_csv(self, frame: DataFrame) -> None:
        from .._session import Session

        # The kernel's own writer, in a session of its own that knows the rows only.
        with tempfile.TemporaryDirectory(prefix="velaria-") as folder, Session() as session:
            # It goes by the end of the name: tabs for .tsv, and compressed for .gz and .zst.
            _, base, compressed = endings_of(self._output)
            path = os.path.join(folder, "rows" + (base if base == ".tsv" else ".csv") + compressed)
            session.create_dataframe_from_arrow(frame).write_csv(path)
            with open(path, "rb") as source, self._target() as file:
                shutil.copyfileobj(source, file)

    def _write_arrow(self, frame: DataFrame) -> None:
        arrow = import_pyarrow(f"--format {self.format_name}")
        reader = arrow.RecordBatchReader.from_stream(frame)
        with self._target() as file:
            if self.format_name == "parquet":
                from pyarrow import parquet

                try:
                    with parquet.ParquetWriter(file, reader.schema) as writer:
                        for batch in reader:
                            writer.write_batch(batch)
                except arrow.ArrowNotImplementedError as error:
                    raise not_for_parquet(arrow, reader.schema, error) from None
            else:
                # A file can be mapped; a pipe can only be read from front to back.
                make = arrow.ipc.new_stream if self._output is None else arrow.ipc.new_file
                with make(file, reader.schema) as writer:
                    for batch in reader:
                        writer.write_batch(batch)


def tell_warnings(warnings: Iterable[str]) -> None:
    """What was guessed about files, or left out of them: never part of the output."""
    from ._tables import plain

    for text in warnings:
        click.echo(f"warning: {plain(text)}", err=True)


def json_value(text: str | None, kind: str) -> str:
    """A value's text as JSON. Numbers are numbers digit for digit; what JSON has no form for
    (decimals, NaN, infinities, times, bytes), and lists, structs and maps, are the text that SQL
    shows. A vector is an array."""
    if text is None:
        return "null"
    if kind == "bool" or (kind.startswith(("int", "uint")) and kind != "interval"):
        return text
    if kind.startswith("float") and text[-1:].isdigit():
        return text
    if kind.startswith("fixed_size_list<float32>[") and "n" not in text.lower():
        return text
    return json.dumps(text, ensure_ascii=False)


def json_names(schema: Schema) -> list[str]:
    """The names of columns as keys; InvalidArgumentError when two have one name."""
    names = schema.names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise core.InvalidArgumentError(
            f"two columns are named {twice!r}, and a JSON object keeps one; name them with AS"
        )
    return [json.dumps(name, ensure_ascii=False) for name in names]


def texts_of(frame: DataFrame) -> Iterator[list[str | None]]:
    """The rows of a frame as texts, some thousand at a time."""
    rows = frame._core.collect()
    for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, rows.num_rows - first)
        yield from rows.slice(first, count).to_texts()


def json_row(names: Sequence[str], kinds: Sequence[str], row: Sequence[str | None]) -> str:
    """One row as a JSON object; ``names`` are JSON already."""
    cells = (f"{n}: {json_value(text, k)}" for n, k, text in zip(names, kinds, row))
    return "{" + ", ".join(cells) + "}"


def json_rows(frame: DataFrame) -> Iterator[str]:
    """Each row as a JSON object."""
    schema = frame.schema
    names, kinds = json_names(schema), schema.types
    for row in texts_of(frame):
        yield json_row(names, kinds, row)


def json_answer(frame: DataFrame) -> Iterator[str]:
    """``{"ok": true, "schema": [...], "row_count": n, "rows": [...]}`` in pieces."""
    schema = [{"name": name, "type": kind} for name, kind in frame.schema]
    rows = json_rows(frame)
    first = next(rows, None)  # a bad schema fails before anything is written
    head = f'{{"ok": true, "schema": {json.dumps(schema, ensure_ascii=False)}, '
    yield f'{head}"row_count": {frame.count()}, "rows": ['
    if first is not None:
        yield "\n" + first
        for row in rows:
            yield ",\n" + row
    yield "]}\n"


def echo_json(answer: dict[str, Any]) -> None:
    """A small answer of a command."""
    from ._errors import result

    click.echo(result(answer))
