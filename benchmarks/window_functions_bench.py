"""Window functions over 10 million rows in 100,000 partitions (and in one).

    ./scripts/run_benchmark.sh window_functions [--runs 5] [--only TEXT] [--json FILE]

Most cases sum up what the functions give, so that the window is timed and not the result table.
q8 is the question of that name of the db-benchmark.
"""

from __future__ import annotations

import os

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import velaria
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 10_000_000))


def make_table(rows: int) -> pa.Table:
    random = np.random.default_rng(42)
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "p": pa.array(random.integers(0, max(1, rows // 100), rows)),
            "few": pa.array(random.integers(0, 10, rows)),
            "k": pa.array(random.integers(0, 1_000_000, rows)),
            "v": pa.array(random.integers(0, 1000, rows)),
            "x": pa.array(np.round(random.random(rows) * 100, 6)),
        }
    )


def cases(table: pa.Table) -> list[Case]:
    session = velaria.Session()
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    duck = duckdb.connect()
    duck.register("t", table)
    polars_sql = pl.SQLContext(t=pl.from_arrow(table))

    def sql(name: str, query: str, sort_by: list[str], polars: bool = False) -> Case:
        engines = {
            "velaria": lambda: session.sql(query).to_arrow(),
            "duckdb": lambda: duck.sql(query).to_arrow_table(),
        }
        if polars:
            engines["polars"] = lambda: polars_sql.execute(query, eager=True).to_arrow()
        return Case(name, engines, sort_by)

    def total(name: str, functions: str, window: str, polars: bool = False) -> Case:
        parts = functions.split("; ")
        inner = ", ".join(f"{f} OVER ({window}) AS f{i}" for i, f in enumerate(parts))
        outer = ", ".join(f"sum(f{i}) AS f{i}" for i in range(len(parts)))
        return sql(name, f"SELECT {outer} FROM (SELECT {inner} FROM t) AS q", ["f0"], polars)

    by_p = "PARTITION BY p ORDER BY k, id"
    return [
        total("row_number by p", "row_number()", "PARTITION BY p ORDER BY k", polars=True),
        total("rank by p", "rank()", "PARTITION BY p ORDER BY k", polars=True),
        total("lag by p", "lag(v)", by_p),
        total("running sum by p", "sum(v)", by_p),
        total("running float sum by p", "sum(x)", by_p),
        total("whole sum by p", "sum(v)", "PARTITION BY p", polars=True),
        total("moving avg of 10 by p", "avg(x)", f"{by_p} ROWS 9 PRECEDING"),
        total("moving max of 10 by p", "max(x)", f"{by_p} ROWS 9 PRECEDING"),
        total("five at once by p", "row_number(); rank(); lag(v); sum(v); max(x)", by_p),
        total("row_number by few", "row_number()", "PARTITION BY few ORDER BY x"),
        total("row_number over all", "row_number()", "ORDER BY k"),
        total("running sum over all", "sum(v)", "ORDER BY id"),
        total("moving sum of 1000 over all", "sum(v)", "ORDER BY id ROWS 999 PRECEDING"),
        sql(
            "q8 two largest by p",
            "SELECT p, x FROM (SELECT p, x, row_number() OVER (PARTITION BY p ORDER BY x DESC) "
            "AS n FROM t) AS q WHERE n <= 2",
            ["p", "x"],
            polars=True,
        ),
    ]


if __name__ == "__main__":
    main(f"window functions, {ROWS:,} rows", cases(make_table(ROWS)))
