"""How values look in a notebook. All texts are escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from ._schema import is_number

_SHOWN = 300


# A notebook puts everything to the right; numbers belong there, texts do not.
_LEFT = ' style="text-align:left"'
_RIGHT = ' style="text-align:right"'


def _cell(text: str | None, side: str) -> str:
    if text is None:
        return f"<td{side}><i>NULL</i></td>"
    if len(text) > _SHOWN:
        text = text[:_SHOWN] + "…"
    return f"<td{side}>{html.escape(text)}</td>"


def _value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_value_text, value))
    return str(value)


def table_html(
    schema: Iterable[tuple[str, str]], rows: Iterable[Iterable[str | None]], more: bool
) -> str:
    """A table with names and types above the columns."""
    columns = list(schema)
    sides = [_RIGHT if is_number(kind) else _LEFT for _, kind in columns]
    head = "".join(
        f"<th{side}>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
        for (name, kind), side in zip(columns, sides)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row, sides))}</tr>" for row in rows)
    note = "<p>more rows follow</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def schema_html(schema: Iterable[tuple[str, str]]) -> str:
    """The names and types of columns below each other."""
    return table_html([("column", ""), ("type", "")], schema, False)


def facts_html(facts: Mapping[str, Any]) -> str:
    """Names and values below each other."""
    rows = "".join(
        f"<tr><th{_LEFT}>{html.escape(str(name))}</th>{_cell(_value_text(value), _LEFT)}</tr>"
        for name, value in facts.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def sections_html(text: str, headings: Iterable[str]) -> str:
    """A text whose lines of headings open sections."""
    known = set(headings)
    parts: list[str] = []
    lines: list[str] = []

    def close() -> None:
        if lines:
            parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre>")
            lines.clear()

    for line in text.splitlines():
        if line in known:
            close()
            parts.append(f"<b>{html.escape(line)}</b>")
        else:
            lines.append(line)
    close()
    return "".join(parts)


def progress_html(progress: Mapping[str, Any]) -> str:
    """A bar where the end is known, and the numbers of a batch query."""
    fraction = progress["fraction_done"]
    bar = (
        f'<progress value="{fraction:.4f}" max="1" style="width:20em"></progress> '
        if fraction >= 0
        else ""
    )
    seconds = progress["elapsed_ms"] / 1000
    words = f"{progress['status']}: {progress['rows_scanned']:,} rows scanned, {seconds:.1f} s"
    return f"<div>{bar}{html.escape(words)}</div>"
