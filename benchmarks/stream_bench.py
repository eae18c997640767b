"""Streams of Arrow batches into windows, beside loops that people write by hand for the same.

    ./scripts/run_benchmark.sh stream [--runs 5] [--only TEXT] [--json FILE]

Events come in the order of their time: SUM and COUNT by window and one of 1,000 keys. Every engine
gets the same record batches one after the other and gives out, after each of them, the totals so
far of the groups that the batch touched, as Arrow. The loops keep only totals that may still
change. Last totals of all groups are compared before anything is timed.

Bytewax runs where it is installed, on fewer rows, because it takes events one by one. Pathway is
left out: its licence (BSL 1.1) is none for an environment that we ask everybody to install.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import velaria
from peer_timing import Case, check_answers, time_case, version_of

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 10_000_000))
KEYS = 1000
BATCH_ROWS = 65_536
SMALL_BATCH_ROWS = 500
EVENTS_PER_SECOND = 100_000  # of the time in the data
TUMBLING = "WINDOW BY ts EVERY 1000 AS w"
SLIDING = "WINDOW BY ts EVERY 60000 SLIDE 1000 AS w"

Updates = list[pa.Table]  # what an engine gave out, batch by batch


def make_events(rows: int) -> pa.Table:
    random = np.random.default_rng(42)
    start = np.datetime64("2026-01-01T00:00:00", "us").astype(np.int64)
    at = start + np.arange(rows) * (1_000_000 // EVENTS_PER_SECOND)
    return pa.table(
        {
            "ts": pa.array(at, pa.timestamp("us")),
            "k": pa.array(random.integers(0, KEYS, rows)),
            "v": pa.array(random.integers(0, 1000, rows)),
        }
    )


def in_batches(events: pa.Table, rows: int) -> list[pa.RecordBatch]:
    return events.combine_chunks().to_batches(max_chunksize=rows)


def last_totals(updates: Updates) -> pa.Table:
    """The last row of every group: what the updates add up to."""
    table = pa.concat_tables(
        u.select(["w", "k", "s", "n"]).cast(
            pa.schema({"w": pa.timestamp("us"), "k": pa.int64(), "s": pa.int64(), "n": pa.int64()})
        )
        for u in updates
    )
    table = table.append_column("at", pa.array(np.arange(len(table))))
    last = table.group_by(["w", "k"]).aggregate([("at", "max")])["at_max"]
    return table.take(last).drop_columns("at")


# ---- the engines


def velaria_stream(
    session: velaria.Session, batches: list[pa.RecordBatch], window: str, **options: Any
) -> Updates:
    events = pa.Table.from_batches(batches)
    session.create_temp_view("events", session.create_stream_from_arrow(events))
    frame = session.stream_sql(
        f"SELECT w, k, SUM(v) AS s, COUNT(*) AS n FROM events {window} GROUP BY w, k"
    )
    sink = velaria.MemorySink()
    frame.write_stream(sink, **options).start().await_termination()
    return sink.batches()


def polars_loop(batches: list[pa.RecordBatch]) -> Updates:
    totals = (pl.col("s").sum(), pl.col("n").sum())
    updates = []
    open_groups = None
    for batch in batches:
        part = (
            pl.from_arrow(batch)
            .group_by(pl.col("ts").dt.truncate("1s").alias("w"), "k")
            .agg(pl.col("v").sum().alias("s"), pl.len().cast(pl.Int64).alias("n"))
        )
        first = part["w"].min()
        if open_groups is not None:
            still = open_groups.filter(pl.col("w") >= first)
            part = pl.concat([still, part]).group_by("w", "k").agg(*totals)
        open_groups = part.filter(pl.col("w") == part["w"].max())
        updates.append(part.to_arrow())
    return updates


def duckdb_loop(batches: list[pa.RecordBatch]) -> Updates:
    connection = duckdb.connect()
    open_groups = pa.table(
        {"w": pa.array([], pa.timestamp("us"))} | {c: pa.array([], pa.int64()) for c in "ksn"}
    )
    query = """
        SELECT w, k, sum(s)::BIGINT AS s, sum(n)::BIGINT AS n FROM (
            SELECT time_bucket(INTERVAL 1 second, ts) AS w, k, sum(v)::BIGINT AS s, count(*) AS n
            FROM batch GROUP BY ALL
            UNION ALL SELECT w, k, s, n FROM open_groups
        ) GROUP BY ALL"""
    updates = []
    for batch in batches:
        connection.register("batch", batch)
        connection.register("open_groups", open_groups)
        part = connection.sql(query).to_arrow_table()
        open_groups = part.filter(pc.equal(part["w"], pc.max(part["w"])))
        updates.append(part)
    return updates


def dict_loop(batches: list[pa.RecordBatch]) -> Updates:
    sums: dict[tuple[int, int], int] = defaultdict(int)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    updates = []
    for batch in batches:
        touched = set()
        times = batch["ts"].cast(pa.int64()).to_pylist()
        for at, key, value in zip(times, batch["k"].to_pylist(), batch["v"].to_pylist()):
            group = (at - at % 1_000_000, key)
            sums[group] += value
            counts[group] += 1
            touched.add(group)
        updates.append(
            pa.table(
                {
                    "w": pa.array([w for w, _ in touched], pa.timestamp("us")),
                    "k": pa.array([k for _, k in touched], pa.int64()),
                    "s": pa.array([sums[group] for group in touched], pa.int64()),
                    "n": pa.array([counts[group] for group in touched], pa.int64()),
                }
            )
        )
    return updates


def sliding_at_once(events: pa.Table) -> Updates:
    """What 60 s by 1 s must give in the end: seconds first, then each second into 60 windows."""
    seconds = (
        pl.from_arrow(events)
        .group_by(pl.col("ts").dt.truncate("1s").alias("w"), "k")
        .agg(pl.col("v").sum().alias("s"), pl.len().cast(pl.Int64).alias("n"))
    )
    windows = pl.concat(
        seconds.with_columns(pl.col("w") - pl.duration(seconds=back)) for back in range(60)
    )
    return [windows.group_by("w", "k").agg(pl.col("s").sum(), pl.col("n").sum()).to_arrow()]


def bytewax_flow(batches: list[pa.RecordBatch]) -> Updates:
    """A stateful step for each key of window and key; batches are taken apart on the way in."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, TestingSource, run_main

    def events(batch: pa.RecordBatch) -> Iterator[tuple[str, tuple[int, int, int]]]:
        times = batch["ts"].cast(pa.int64()).to_pylist()
        for at, key, value in zip(times, batch["k"].to_pylist(), batch["v"].to_pylist()):
            window = at - at % 1_000_000
            yield f"{window}:{key}", (window, key, value)

    def add(state: Any, event: tuple[int, int, int]) -> tuple[Any, Any]:
        total, count = state or (0, 0)
        state = (total + event[2], count + 1)
        return state, (event[0], event[1], *state)

    out: list[Any] = []
    flow = Dataflow("totals")
    stream = op.input("in", flow, TestingSource(batches, batch_size=1))
    keyed = op.flat_map("events", stream, events)
    op.output("out", op.stateful_map("totals", keyed, add), TestingSink(out))
    run_main(flow)
    rows = [row for _, row in out]
    columns = [list(column) for column in zip(*rows)]
    arrays = [pa.array(columns[0], pa.timestamp("us"))] + [pa.array(c) for c in columns[1:]]
    return [pa.table(arrays, names=["w", "k", "s", "n"])]


def has_bytewax() -> bool:
    try:
        import bytewax.operators  # noqa: F401
    except ImportError:
        return False
    return True


# ---- what is printed


class Report:
    def __init__(self, only: str | None, runs: int) -> None:
        self.only = only
        self.runs = runs
        self.lines: list[dict[str, Any]] = []

    def wants(self, name: str) -> bool:
        return self.only is None or self.only in name

    def figure(self, name: str, text: str, **values: Any) -> None:
        print(f"{name:<34}{text}", flush=True)
        self.lines.append({"case": name} | values)

    def rates(
        self,
        name: str,
        rows: int,
        engines: dict[str, Callable[[], Updates]],
        oracle: Callable[[], Updates] | None = None,  # compared, not timed
    ) -> None:
        """Answers compared, then the median rate of each engine in millions of rows a second."""
        if not self.wants(name):
            return
        answers = {engine: (lambda run=run: last_totals(run())) for engine, run in engines.items()}
        if oracle is not None:
            answers["oracle"] = lambda: last_totals(oracle())
        check_answers(Case(name, answers, ["w", "k"]))
        times = time_case(Case(name, engines), self.runs)
        rates = {e: rows / statistics.median(t) / 1000 for e, t in times.items()}
        slowest = {e: rows / max(t) / 1000 for e, t in times.items()}
        fastest = {e: rows / min(t) / 1000 for e, t in times.items()}
        text = "".join(
            f"{e} {rates[e]:.2f} ({slowest[e]:.2f}-{fastest[e]:.2f})   " for e in engines
        )
        names = list(engines)
        if len(names) > 1:
            best = max(rates[e] for e in names[1:])
            text += f"{names[0]} / best other: {rates[names[0]] / best:.2f}"
        self.figure(name, text, million_rows_per_second=rates, times_ms=times)


# ---- the cases


def throughput(report: Report, session: velaria.Session, events: pa.Table) -> None:
    batches = in_batches(events, BATCH_ROWS)
    few_events = events.slice(0, ROWS // 10)
    small_batches = in_batches(few_events, SMALL_BATCH_ROWS)

    def stream(pieces: list[pa.RecordBatch], window: str, **options: Any) -> Any:
        return lambda: velaria_stream(session, pieces, window, **options)

    report.rates(
        "tumbling, 64k-row batches",
        len(events),
        {
            "velaria": stream(batches, TUMBLING),
            "polars loop": lambda: polars_loop(batches),
            "duckdb loop": lambda: duckdb_loop(batches),
        },
    )
    report.rates(
        "tumbling, 500-row batches",
        len(few_events),
        {
            "velaria": stream(small_batches, TUMBLING),
            "dict loop": lambda: dict_loop(small_batches),
            "polars loop": lambda: polars_loop(small_batches),
            "duckdb loop": lambda: duckdb_loop(small_batches),
        },
    )
    if has_bytewax():
        fewest = in_batches(events.slice(0, ROWS // 100), SMALL_BATCH_ROWS)
        report.rates(
            "tumbling, beside Bytewax",
            ROWS // 100,
            {
                "velaria": stream(fewest, TUMBLING),
                "bytewax": lambda: bytewax_flow(fewest),
                "dict loop": lambda: dict_loop(fewest),
            },
        )
    # 60 windows of a row, of which a batch touches all: most of the work is giving them out.
    for name, options in (
        ("sliding 60 s by 1 s", {}),
        ("sliding, 120 windows kept", {"max_retained_windows": 120}),
    ):
        report.rates(
            name,
            len(events),
            {"velaria": stream(batches, SLIDING, **options)},
            lambda: sliding_at_once(events),
        )


def stream_beside_batch(report: Report, session: velaria.Session, events: pa.Table) -> None:
    batches = in_batches(events, BATCH_ROWS)
    session.create_temp_view("held", session.create_dataframe_from_arrow(events))
    query = f"SELECT w, k, SUM(v) AS s, COUNT(*) AS n FROM held {TUMBLING} GROUP BY w, k"
    report.rates(
        "a stream beside its batch query",
        len(events),
        {
            "stream": lambda: velaria_stream(session, batches, TUMBLING),
            "batch": lambda: [session.sql(query).to_arrow()],
        },
    )


def checkpoints(report: Report, session: velaria.Session, events: pa.Table, folder: Path) -> None:
    """The same rows again and again, long enough for several checkpoints."""
    name = "a checkpoint each second"
    if not report.wants(name):
        return
    batches = in_batches(events, BATCH_ROWS)
    query = f"SELECT w, k, SUM(v) AS s, COUNT(*) AS n FROM again {TUMBLING} GROUP BY w, k"
    repeats = 10

    def run(number: itertools.count[int] | None) -> float:
        again = pa.RecordBatchReader.from_batches(
            events.schema, itertools.chain.from_iterable(itertools.repeat(batches, repeats))
        )
        session.create_temp_view("again", session.create_stream_from_arrow(again))
        rows_out = 0

        def count(table: pa.Table) -> None:
            nonlocal rows_out
            rows_out += len(table)

        options: dict[str, Any] = {}
        if number is not None:
            path = folder / f"{next(number)}.ckpt"
            options = {"checkpoint_path": str(path), "checkpoint_interval_ms": 1000}
        started = time.perf_counter()
        frame = session.stream_sql(query)
        frame.write_stream(count, **options).start().await_termination()
        if rows_out < KEYS:
            sys.exit(f"{name}: only {rows_out} rows came out")
        return repeats * len(events) / (time.perf_counter() - started) / 1e6

    numbers = itertools.count()
    plain, checkpointed = [], []
    for _ in range(report.runs):
        plain.append(run(None))
        checkpointed.append(run(numbers))
    size = max(path.stat().st_size for path in folder.glob("*.ckpt"))
    without, with_them = statistics.median(plain), statistics.median(checkpointed)
    report.figure(
        name,
        f"{with_them:.2f} against {without:.2f} without: {without / with_them - 1:+.1%} time; "
        f"files of {size / 1e6:.1f} MB",
        with_checkpoints=checkpointed,
        without=plain,
    )


def batch_overhead(report: Report, session: velaria.Session, events: pa.Table) -> None:
    name = "a batch of one row"
    if not report.wants(name):
        return
    batches = in_batches(events.slice(0, 20_000), 1)
    times = []
    for _ in range(report.runs + 1):
        started = time.perf_counter()
        updates = velaria_stream(session, batches, TUMBLING)
        times.append((time.perf_counter() - started) / len(batches) * 1e6)
        if len(updates) != len(batches):
            sys.exit(f"{name}: {len(updates)} updates of {len(batches)} batches")
    # And what of it is reading the sink: that is no part of the query.
    report.figure(
        name,
        f"{statistics.median(times[1:]):.1f} us ({min(times[1:]):.1f}-{max(times[1:]):.1f}), "
        "making Arrow tables of the updates included",
        microseconds=times[1:],
    )


def latency(report: Report, session: velaria.Session, events: pa.Table) -> None:
    """From the call of push_arrow() to the sink's call with the batch's totals."""
    pushes, rows, every_s = 1000, 200, 0.010
    batches = in_batches(events.slice(0, pushes * rows), rows)
    schema = events.schema
    for name, reader in (("latency, callback sink", "call"), ("latency, polled sink", "poll")):
        if not report.wants(name):
            continue
        source = session.create_realtime_stream_source(schema)
        session.create_temp_view("live", session.read_realtime_stream_source(source))
        frame = session.stream_sql(
            f"SELECT w, k, SUM(v) AS s, COUNT(*) AS n FROM live {TUMBLING} GROUP BY w, k"
        )
        arrived: list[float] = []
        updates: Updates = []

        def take(table: pa.Table, arrived: list[float] = arrived, out: Updates = updates) -> None:
            arrived.append(time.perf_counter())
            out.append(table)

        polled = session.create_realtime_stream_sink() if reader == "poll" else None

        def poll(sink: Any = polled, take: Any = take) -> None:
            for table in sink:
                take(table)

        thread = threading.Thread(target=poll)
        query = frame.write_stream(take if polled is None else polled).start()
        if polled is not None:
            thread.start()
        pushed = []
        due = time.perf_counter()
        for batch in batches:
            due += every_s
            time.sleep(max(0.0, due - time.perf_counter()))
            pushed.append(time.perf_counter())
            source.push_arrow(batch)
        source.close()
        query.await_termination()
        if polled is not None:
            thread.join()
        wanted = last_totals(dict_loop(batches)).sort_by([("w", "ascending"), ("k", "ascending")])
        got = last_totals(updates).sort_by([("w", "ascending"), ("k", "ascending")])
        if len(arrived) != pushes or not got.equals(wanted):
            sys.exit(f"{name}: {len(arrived)} updates of {pushes} pushes, or other totals")
        waits = np.sort((np.array(arrived) - np.array(pushed)) * 1000)
        p50, p99 = np.percentile(waits, [50, 99])
        report.figure(
            name,
            f"p50 {p50:.3f} ms, p99 {p99:.3f} ms, longest {waits[-1]:.3f} ms",
            p50_ms=p50,
            p99_ms=p99,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each engine")
    parser.add_argument("--only", help="cases whose name contains this text")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()

    engines = ["velaria", "polars", "duckdb", "pyarrow"] + ["bytewax"] * has_bytewax()
    versions = {engine: version_of(engine) for engine in engines}
    print(f"streams, {ROWS:,} rows, {KEYS:,} keys; millions of rows a second where nothing else is")
    print(f"said, the median of {arguments.runs} runs (slowest-fastest)")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores\n")
    report = Report(arguments.only, arguments.runs)
    events = make_events(ROWS)
    session = velaria.Session()
    throughput(report, session, events)
    stream_beside_batch(report, session, events)
    with tempfile.TemporaryDirectory(prefix="velaria-stream-") as made:
        checkpoints(report, session, events, Path(made))
    batch_overhead(report, session, events)
    latency(report, session, events)
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"versions": versions, "cases": report.lines}, indent=1)
        )


if __name__ == "__main__":
    main()
