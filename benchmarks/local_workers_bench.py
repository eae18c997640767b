"""Streaming queries with and without local workers, over a grid of what makes them pay.

    ./scripts/run_benchmark.sh local_workers [--short | --grid] [--runs 5] [--only TEXT]

Row widths, numbers of keys, batch sizes and costs of expressions, one of the first three changed at
a time (--grid: each with each other, for most of an hour); each cell runs

    here      execution_mode=single-process, with all threads of the session
    asked     execution_mode=local-workers, two workers, the choice measured
    always    the same with worker_choice=always

and prints asked/here (never much above 1, since the choice is measured) and always/here. The cells
named "one thread" give the session one thread, so that two workers have a core that it does not
use. Rows are compared before anything is timed. One JSON line a cell goes to --output.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import velaria

WORKERS = {"execution_mode": "local-workers", "local_workers": 2}
MODES: dict[str, dict[str, Any]] = {
    "here": {},
    "asked": WORKERS,
    "always": {**WORKERS, "worker_choice": "always"},
}
CHEAP = "sum(v) AS s, count(*) AS n"
COSTS = {
    "cheap": CHEAP,
    "medium": f"{CHEAP}, max(sqrt(exp(sin(x)) + ln(abs(x) + 1))) AS m",
    "heavy": f"{CHEAP}, sum(length(regexp_replace(t, '[aeiou]+[0-9]*', '-'))) AS m",
    # More than a microsecond a row.
    "very heavy": f"{CHEAP}, sum(levenshtein(t, 'value 250 of some letters')) AS m",
}


@dataclass(frozen=True)
class Cell:
    threads: int  # 0: all
    extra_columns: int
    keys: int
    batch_rows: int
    cost: str

    @property
    def name(self) -> str:
        threads = "one thread" if self.threads == 1 else "all threads"
        return (
            f"{threads}, {self.extra_columns + 4} columns, {self.keys} keys, "
            f"{self.batch_rows} rows a batch, {self.cost}"
        )


# Extra columns, keys, rows of a batch: what is usual, and one of them changed.
SHAPES = [(0, 10, 65_536), (12, 10, 65_536), (0, 100_000, 65_536), (0, 10, 2_000)]
GRID = list(itertools.product((0, 12), (10, 100_000), (2_000, 65_536)))


def cells(short: bool, grid: bool) -> list[Cell]:
    if short:
        return [
            Cell(0, 0, 1000, 65_536, "cheap"),
            Cell(0, 0, 1000, 65_536, "heavy"),
            Cell(0, 0, 1000, 2_000, "cheap"),
            Cell(1, 0, 1000, 65_536, "heavy"),
            Cell(1, 12, 100_000, 65_536, "cheap"),
        ]
    return [
        Cell(threads, *shape, cost)
        for threads in (0, 1)
        for shape in (GRID if grid else SHAPES)
        for cost in COSTS
    ]


def make_batches(cell: Cell, rows: int) -> list[pa.RecordBatch]:
    random = np.random.default_rng(7)
    texts = [f"value {i} of some letters" for i in range(500)]
    columns: dict[str, Any] = {
        "k": random.integers(0, cell.keys, rows),
        "v": random.integers(0, 1000, rows),
        "x": random.random(rows) * 10,
        "t": pa.array(np.array(texts, dtype=object)[random.integers(0, len(texts), rows)]),
    }
    for i in range(cell.extra_columns):
        columns[f"e{i}"] = random.integers(0, 1 << 40, rows)
    return pa.table(columns).combine_chunks().to_batches(max_chunksize=cell.batch_rows)


def query_of(cell: Cell) -> str:
    extra = "".join(f", max(e{i}) AS e{i}" for i in range(cell.extra_columns))
    return f"SELECT k, {COSTS[cell.cost]}{extra} FROM events GROUP BY k"


def run(cell: Cell, batches: list[pa.RecordBatch], mode: str) -> tuple[float, pa.Table, dict]:
    options = {"threads": cell.threads} if cell.threads else {}
    with velaria.Session(**options) as session:
        table = pa.Table.from_batches(batches)
        stream = session.create_stream_from_arrow(table, batch_rows=cell.batch_rows)
        session.create_temp_view("events", stream)
        sink = velaria.MemorySink()
        query = session.stream_sql(query_of(cell)).write_stream(sink, **MODES[mode])
        start = time.perf_counter()
        query.start().await_termination()
        taken_s = time.perf_counter() - start
        return taken_s, sink.to_arrow(), dict(query.progress())


def measure(cell: Cell, rows: int, runs: int) -> dict[str, Any]:
    batches = make_batches(cell, rows)
    expected = run(cell, batches, "here")[1]
    progress = {}
    for mode in ("asked", "always"):
        _, table, progress[mode] = run(cell, batches, mode)
        if not table.equals(expected):
            raise SystemExit(f"{cell.name}: {mode} gives other rows than one process")
    times: dict[str, list[float]] = {mode: [] for mode in MODES}
    for turn in range(runs):
        # In turns, and in another order each time: what the machine does besides hits all alike.
        order = list(MODES)[turn % 3 :] + list(MODES)[: turn % 3]
        for mode in order:
            taken_s, _, told = run(cell, batches, mode)
            times[mode].append(taken_s)
            progress[mode] = told
    medians = {mode: statistics.median(values) for mode, values in times.items()}
    best = {mode: min(values) for mode, values in times.items()}
    asked = progress["asked"]
    return {
        "case": cell.name,
        "threads": cell.threads or os.cpu_count(),
        "columns": cell.extra_columns + 4,
        "keys": cell.keys,
        "batch_rows": cell.batch_rows,
        "cost": cell.cost,
        "rows": rows,
        "runs": runs,
        **{f"{mode}_s": round(value, 5) for mode, value in medians.items()},
        "times_ms": {mode: [s * 1000 for s in times[mode]] for mode in ("asked", "here", "always")},
        "asked_to_here": round(medians["asked"] / medians["here"], 3),
        "always_to_here": round(medians["always"] / medians["here"], 3),
        "best_asked_to_here": round(best["asked"] / best["here"], 3),
        "chosen": asked["execution_mode"],
        "reason": asked["execution_reason"],
        "actor_speedup": asked["actor_speedup"],
        "compute_to_overhead_ratio": asked["compute_to_overhead_ratio"],
    }


def show(results: list[dict[str, Any]]) -> None:
    width = max(len(result["case"]) for result in results)
    print(f"\n{'case':<{width}}  here ms  asked ms  always ms  asked/here  always/here  chosen")
    for r in results:
        print(
            f"{r['case']:<{width}}  {r['here_s'] * 1e3:7.1f}  {r['asked_s'] * 1e3:8.1f}"
            f"  {r['always_s'] * 1e3:9.1f}  {r['asked_to_here']:10.2f}"
            f"  {r['always_to_here']:11.2f}  {r['chosen']}"
        )
    print(f"\nlargest asked/here: {max(r['asked_to_here'] for r in results):.2f}")
    one_thread = [r for r in results if r["threads"] == 1 and "heavy" in r["cost"]]
    if one_thread:
        print(
            "heavy expressions, two workers against one thread: "
            f"{max(r['here_s'] / r['always_s'] for r in one_thread):.2f} times as fast at best"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="five cells, fewer rows")
    parser.add_argument("--grid", action="store_true", help="all cells, for most of an hour")
    parser.add_argument("--runs", type=int, default=0, help="of each mode (5, short 3)")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--only", default="", help="cells whose name has this text")
    parser.add_argument("--output", type=Path, help="JSON lines go there")
    parser.add_argument("--json", type=Path, help="also write the times to this file")
    arguments = parser.parse_args()
    runs = arguments.runs or (3 if arguments.short else 5)
    default_rows = 1_000_000 if arguments.short else 2_000_000
    rows = arguments.rows or int(os.environ.get("VELARIA_BENCH_ROWS", default_rows))
    results = []
    for cell in cells(arguments.short, arguments.grid):
        if arguments.only not in cell.name:
            continue
        result = measure(cell, rows, runs)
        print(json.dumps(result), flush=True)
        results.append(result)
    if not results:
        sys.exit(f"no cell has {arguments.only!r} in its name")
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text("".join(json.dumps(result) + "\n" for result in results))
    if arguments.json:
        # What asking may cost beside not asking: the peer is our own query without workers.
        keys = ("case", "times_ms", "chosen", "actor_speedup", "compute_to_overhead_ratio")
        report = [
            {key: result[key] for key in keys}
            | {"best_peer_over_ours": result["here_s"] / result["asked_s"]}
            for result in results
        ]
        versions = {"velaria": velaria.__version__}
        arguments.json.write_text(
            json.dumps({"title": "local workers", "versions": versions, "cases": report}, indent=1)
        )
    show(results)


if __name__ == "__main__":
    main()
