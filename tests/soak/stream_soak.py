"""A stream of many rows, windows and keys whose memory must stay flat.

    ./scripts/run_soak.sh [--rows N | --seconds N] [--only TEXT]

Events are pushed into a realtime source in the order of their time; of the windows only the newest
stay in the state. Every total is checked; the resident memory of the process is measured all along,
and what it grows by behind the first fifth of the rows is asserted to be small.
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import velaria

BATCH_ROWS = 20_000
EVENTS_PER_SECOND = 10_000  # of the time in the data: windows of 1 s hold as many rows
NEW_KEYS_EVERY = 100  # rows; a key never comes again, so that state without an end would show
MOST_GROWTH_MB = 48.0

SOAKS: dict[str, dict[str, Any]] = {
    "tumbling, 5 windows": {"window": "EVERY 1000", "max_retained_windows": 5},
    "tumbling, 5 s": {"window": "EVERY 1000", "window_retention_ms": 5000},
    "sliding, 15 windows": {"window": "EVERY 10000 SLIDE 1000", "max_retained_windows": 15},
}


def resident_mb() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() / 1e6


class LastTotals:
    """The last row of each group; adds up the windows that are too old to change."""

    def __init__(self, open_us: int) -> None:
        self.open_us = open_us
        self.open: pa.Table | None = None
        self.batches = 0
        self.windows = 0
        self.rows = 0
        self.total = 0

    def __call__(self, table: pa.Table) -> None:
        at = pa.array(range(self.batches, self.batches + len(table)))
        self.batches += len(table)
        table = table.append_column("at", at)
        if self.open is not None:
            table = pa.concat_tables([self.open, table])
        last = table.group_by(["w", "k"]).aggregate([("at", "max")])["at_max"]
        table = table.filter(pc.is_in(table["at"], value_set=last))
        starts = table["w"].cast(pa.int64())
        old = pc.less(starts, pc.max(starts).as_py() - self.open_us)
        self.close(table.filter(old))
        self.open = table.filter(pc.invert(old))

    def close(self, table: pa.Table) -> None:
        self.windows += len(table["w"].unique())
        self.rows += pc.sum(table["n"]).as_py() or 0
        self.total += pc.sum(table["s"]).as_py() or 0

    def end(self) -> None:
        if self.open is not None:
            self.close(self.open)


def soak(name: str, most_rows: int, seconds: float, checkpoint: Path) -> None:
    options = dict(SOAKS[name])
    window = options.pop("window")
    sizes = [int(word) for word in window.split() if word.isdigit()]
    overlap = sizes[0] // sizes[-1]
    session = velaria.Session()
    schema = pa.schema({"ts": pa.timestamp("us"), "k": pa.string(), "v": pa.int64()})
    source = session.create_realtime_stream_source(schema, max_batches=4)
    session.create_temp_view("events", session.read_realtime_stream_source(source))
    totals = LastTotals(open_us=sizes[0] * 1000 + 1_000_000)
    query = session.stream_sql(
        f"SELECT w, k, SUM(v) AS s, COUNT(*) AS n FROM events WINDOW BY ts {window} AS w "
        "GROUP BY w, k"
    ).write_stream(totals, checkpoint_path=str(checkpoint), checkpoint_interval_ms=1000, **options)
    query.start()
    started = time.perf_counter()
    seen: list[tuple[int, float]] = []
    total = rows = 0
    while rows < most_rows and time.perf_counter() - started < seconds:
        number = range(rows, min(most_rows, rows + BATCH_ROWS))
        values = pa.array([n % 1000 for n in number], pa.int64())
        total += sum(n % 1000 for n in number)
        times = pa.array([n * (1_000_000 // EVENTS_PER_SECOND) for n in number])
        keys = [f"key number {n // NEW_KEYS_EVERY}" for n in number]
        source.push_arrow(
            pa.record_batch([times.cast(pa.timestamp("us")), pa.array(keys), values], schema=schema)
        )
        seen.append((rows, resident_mb()))
        rows = number.stop
    source.close()
    query.await_termination()
    totals.end()
    taken = time.perf_counter() - started
    progress = query.progress()
    wanted = {
        "rows_in": rows,
        "late_rows": 0,
        "counted": rows * overlap,
        "total": total * overlap,
    }
    got = {
        "rows_in": progress["rows_in"],
        "late_rows": progress["late_rows"],
        "counted": totals.rows,
        "total": totals.total,
    }
    if got != wanted:
        sys.exit(f"{name}: {got}, not {wanted}")
    early = max(mb for begin, mb in seen if begin <= rows // 5)
    late = max(mb for begin, mb in seen if begin > rows // 5)
    print(
        f"{name:<22}{rows:,} rows, {totals.windows:,} windows, {taken:.0f} s; state "
        f"{progress['state_size_bytes'] / 1e6:.1f} MB, checkpoint "
        f"{checkpoint.stat().st_size / 1e6:.1f} MB; resident {early:.0f} MB in the first fifth, "
        f"{late:.0f} MB later",
        flush=True,
    )
    print(f"tried: {rows:,} rows through a long-running stream")
    print(f"measured: {late - early:+.1f} MB of growth behind the first fifth, {name}", flush=True)
    if late - early > MOST_GROWTH_MB:
        some = seen[:: max(1, len(seen) // 50)]
        sys.exit(f"{name}: memory grew from {early:.0f} to {late:.0f} MB: {some}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="of each stream")
    parser.add_argument("--seconds", type=float, help="of all streams, in place of --rows")
    parser.add_argument("--only", help="soaks whose name contains this text")
    arguments = parser.parse_args()
    chosen = [name for name in SOAKS if arguments.only is None or arguments.only in name]
    rows, seconds = arguments.rows, math.inf
    if arguments.seconds is not None:
        rows, seconds = sys.maxsize, arguments.seconds / len(chosen)
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="velaria-soak-") as folder:
            soak(name, rows, seconds, Path(folder) / "q.ckpt")


if __name__ == "__main__":
    main()
