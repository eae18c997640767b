"""How values look in a notebook. All texts are escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

_SHOWN = 300


def _cell(value: Any) -> str:
    if value is None:
        return "<td><i>NULL</i></td>"
    text = str(value)
    if len(text) > _SHOWN:
        text = text[:_SHOWN] + "…"
    return f"<td>{html.escape(text)}</td>"


def table_html(
    schema: Iterable[tuple[str, str]], rows: Iterable[Iterable[str | None]], more: bool
) -> str:
    """A table with names and types above the columns."""
    head = "".join(
        f"<th>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
        for name, kind in schema
    )
    body = "".join(f"<tr>{''.join(_cell(text) for text in row)}</tr>" for row in rows)
    note = "<p>more rows follow</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def facts_html(facts: Mapping[str, Any]) -> str:
    """Names and values below each other."""
    rows = "".join(
        f'<tr><th style="text-align:left">{html.escape(str(name))}</th>{_cell(value)}</tr>'
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
