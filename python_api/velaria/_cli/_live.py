"""Views of what goes on, drawn anew several times a second on a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ._tables import plain

_BARS = " ▁▂▃▄▅▆▇█"
_STYLES = {
    "running": "green",
    "restored": "green",
    "succeeded": "green",
    "backpressure": "yellow",
    "interrupted": "yellow",
    "failed": "bold red",
    "killed": "bold red",
}


def sparkline(values: Iterable[float]) -> str:
    """Numbers as bars; the highest is full."""
    known = list(values)
    most = max(known, default=0)
    if most <= 0:
        return _BARS[1] * len(known)
    return "".join(_BARS[1 + round(7 * max(0.0, value) / most)] for value in known)


def size_text(size: float) -> str:
    """Bytes for people: 1.5 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _status(text: str) -> Text:
    return Text(plain(text), style=_STYLES.get(text, ""))


class StreamView:
    """A panel of one streaming query, with its rates of the last moments."""

    def __init__(self, moments: int = 40) -> None:
        self._rates: deque[float] = deque(maxlen=moments)
        self._last: tuple[float, int] | None = None

    def draw(self, progress: Mapping[str, Any], now_s: float) -> Panel:
        """The panel for a moment; ``now_s`` is a steady clock."""
        rows = progress["rows_in"]
        if self._last is not None and now_s > self._last[0]:
            self._rates.append((rows - self._last[1]) / (now_s - self._last[0]))
        self._last = (now_s, rows)
        facts = Table.grid(padding=(0, 2))
        for style in ("dim", "", "dim", ""):
            facts.add_column(style=style, no_wrap=True)
        state = size_text(progress["state_size_bytes"]) if progress["has_stateful_ops"] else "none"
        high = progress["backpressure_high_watermark"]
        rate = self._rates[-1] if self._rates else 0.0
        cells: list[tuple[str, Any]] = [
            ("status", _status(progress["status"])),
            ("rows/s now", f"{rate:,.0f}"),
            ("rows in", f"{rows:,}"),
            ("rows out", f"{progress['rows_out']:,}"),
            ("batches", f"{progress['batches_processed']:,}"),
            ("queue", f"{progress['inflight_batches']} of {high}"),
            ("batch", _ms_text(progress["last_batch_latency_ms"])),
            ("sink", _ms_text(progress["last_sink_latency_ms"])),
            ("state", state),
            ("waits", f"{progress['blocked_count']:,}"),
            ("late rows", f"{progress['late_rows']:,}"),
            ("offset", plain(progress["last_source_offset"])[-24:]),
        ]
        for left, right in zip(cells[::2], cells[1::2]):
            facts.add_row(*left, *right)
        body = Table.grid()
        body.add_row(facts)
        body.add_row(Text(sparkline(self._rates), style="cyan"))
        if progress["last_error"]:
            body.add_row(Text(plain(progress["last_error"]), style="red"))
        title = f"{plain(progress['query_id'])}  {plain(progress['execution_mode'])}"
        return Panel(body, title=title, box=ROUNDED, expand=False)


# The columns of runs_table(), each with the least width of a terminal that has room for it.
_RUN_COLUMNS = {
    "run": 0,
    "name": 0,
    "action": 100,
    "status": 0,
    "rows in": 0,
    "rows out": 90,
    "rows/s": 0,
    "last batch": 110,
    "queue": 125,
    "state": 125,
}


def runs_table(
    runs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]], width: int
) -> Table:
    """A line for each run, its entry in the index and its newest progress, for a terminal of
    ``width`` columns: rather no number than one that is cut."""
    columns = [name for name, least in _RUN_COLUMNS.items() if width >= least]
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in columns:
        is_text = name in ("run", "name", "action", "status")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=name != "name")
    for run, progress in runs:
        cells: dict[str, Any] = {
            "run": Text(run["run_id"]),
            "name": Text(plain(run["name"])),
            "action": Text(plain(run["action"])),
            "status": _status(run["status"]),
            **_numbers(progress or {}),
        }
        table.add_row(*(cells.get(name, "") for name in columns))
    return table


def _numbers(progress: Mapping[str, Any]) -> dict[str, str]:
    """What of a stream, or of a batch query, there is to tell."""
    if "rows_in" in progress:
        return {
            "rows in": count_text(progress["rows_in"]),
            "rows out": count_text(progress["rows_out"]),
            "rows/s": count_text(progress["input_rows_per_second"]),
            "last batch": _ms_text(progress["last_batch_latency_ms"]),
            "queue": str(progress["inflight_batches"]),
            "state": size_text(progress["state_size_bytes"]),
        }
    if "rows_scanned" in progress:
        seconds = progress["elapsed_ms"] / 1000
        rate = progress["rows_scanned"] / seconds if seconds > 0 else 0
        done = progress["status"] == "finished"
        return {
            "rows in": count_text(progress["rows_scanned"]),
            "rows out": count_text(progress["rows_out"]) if done else "",
            "rows/s": count_text(rate),
        }
    return {}


def count_text(count: float) -> str:
    """A count in few characters: 1,234,567 or 12.35 M."""
    if round(count) < 10_000_000:
        return f"{count:,.0f}"
    for unit in ("M", "G", "T"):
        count /= 1000 if unit != "M" else 1_000_000
        if round(count, 2) < 1000:
            break
    return f"{count:,.2f} {unit}"


def _ms_text(ms: float) -> str:
    # A batch may take microseconds, and took them.
    return f"{ms:,.1f} ms" if ms >= 10 else f"{ms:.3f} ms"
