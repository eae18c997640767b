"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._frame import DataFrame
from .._schema import Schema, is_number

_WIDEST = 200
_PIPE_WIDTH = 1000


def console(stderr: bool = False) -> Console:
    """Where to print: as wide as the terminal, and on a pipe as wide as it takes."""
    made = Console(stderr=stderr)
    return made if made.is_terminal else Console(stderr=stderr, width=_PIPE_WIDTH)


def plain(text: str) -> str:
    """A text that cannot steer the terminal: control characters are shown, not sent."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _cell(text: str | None) -> Text:
    if text is None:
        return Text("NULL", style="dim italic")
    if len(text) > _WIDEST:
        text = text[:_WIDEST] + "…"
    return Text(plain(text))


def rows_table(schema: Schema, rows: Iterable[Sequence[str | None]]) -> Table:
    """Texts of rows below names and types."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, kind in schema:
        head = Text(plain(name)).append(f"\n{kind}", style="dim not bold")
        table.add_column(head, justify="right" if is_number(kind) else "left", overflow="ellipsis")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def print_rows(frame: DataFrame, most_rows: int) -> None:
    """A frame on the terminal, its first rows."""
    rows = frame._core.limit(most_rows + 1, 0).collect().to_texts()
    out = console()
    out.print(rows_table(frame.schema, rows[:most_rows]))
    if len(rows) > most_rows:
        out.print(
            f"({frame.count():,} rows, the first {most_rows} shown; --rows N shows more)",
            style="dim",
            highlight=False,
        )
    else:
        out.print(
            f"({len(rows):,} {'row' if len(rows) == 1 else 'rows'})", style="dim", highlight=False
        )


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values below each other."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(plain("" if value is None else str(value))))
    console().print(table)


def print_list(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A list with a line for each thing."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(Text(plain(name)), overflow="fold", no_wrap=name == head[0])
    for row in rows:
        table.add_row(*(_cell(None if cell is None else str(cell)) for cell in row))
    console().print(table)
