"""Two threads against one, and what it costs to bring Arrow data in: 10 million rows, table G1.

    ./scripts/run_benchmark.sh scaling [--runs 9]

Prints, for scans and aggregates, the time with one thread and with two and their ratio; then the
time of create_dataframe_from_arrow() over the whole table beside that of a query over it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any, Callable

import velaria
from group_by_bench import ROWS, make_table

QUERIES = {
    "sum, min, max": "SELECT sum(v1), min(v3), max(v3) FROM t",
    "filter and count": "SELECT count(*) FROM t WHERE v3 > 90 AND id4 < 10",
    "expressions": "SELECT sum(v1 * 2 + v2), max(sqrt(v3)) FROM t WHERE v3 < 99",
    "sum by id1": "SELECT id1, sum(v1) FROM t GROUP BY id1",
    "avg of three by id4": "SELECT id4, avg(v1), avg(v2), avg(v3) FROM t GROUP BY id4",
    "sum of three by id6": "SELECT id6, sum(v1), sum(v2), sum(v3) FROM t GROUP BY id6",
    "sum, avg by id3": "SELECT id3, sum(v1), avg(v3) FROM t GROUP BY id3",
    "texts that match": "SELECT count(*) FROM t WHERE id3 LIKE '%77%'",
}


def milliseconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def query_milliseconds(session: velaria.Session, query: str) -> float:
    return milliseconds(lambda: session.sql(query).to_arrow())


def main() -> None:
    parser = argparse.ArgumentParser(description="threads and Arrow ingest")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    runs = arguments.runs
    report: list[dict[str, Any]] = []
    table = make_table(ROWS)
    sessions = {threads: velaria.Session(threads=threads) for threads in (1, 2)}
    for session in sessions.values():
        session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    print(f"{ROWS:,} rows, median of {runs} runs")
    print(f"{'':<22}{'1 thread, ms':>14}{'2 threads, ms':>15}{'ratio':>8}")
    for name, query in QUERIES.items():
        times: dict[int, list[float]] = {1: [], 2: []}
        for run in range(runs + 1):
            for threads, session in sessions.items():
                took = query_milliseconds(session, query)
                if run > 0:  # the first one warms up
                    times[threads].append(took)
        one, two = (statistics.median(times[threads]) for threads in (1, 2))
        report.append(
            {
                "case": name,
                "times_ms": {f"{threads} threads": times[threads] for threads in (2, 1)},
                "best_peer_over_ours": one / two,
            }
        )
        print(f"{name:<22}{one:>14.1f}{two:>15.1f}{one / two:>8.2f}", flush=True)
    ingest = statistics.median(
        milliseconds(lambda: sessions[2].create_dataframe_from_arrow(table)) for _ in range(runs)
    )
    query = QUERIES["sum by id1"]
    asked = statistics.median(query_milliseconds(sessions[2], query) for _ in range(runs))
    report.append(
        {"case": "Arrow ingest", "milliseconds": ingest, "share_of_query": ingest / asked}
    )
    if arguments.json:
        versions = {"velaria": velaria.__version__}
        arguments.json.write_text(
            json.dumps({"title": "threads", "versions": versions, "cases": report}, indent=1)
        )
    print(f"\nArrow ingest {ingest:.3f} ms, {ingest / asked:.2%} of 'sum by id1' ({asked:.1f} ms)")


if __name__ == "__main__":
    main()
