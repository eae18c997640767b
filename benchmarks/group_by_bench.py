"""Group-by over Arrow tables: few and many groups, text and integer keys, 10 million rows.

    ./scripts/run_benchmark.sh group_by [--runs 5] [--only TEXT] [--json FILE]

All engines read the same Arrow table and give an Arrow table back.
"""

from __future__ import annotations

import os

import datafusion
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import velaria
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 10_000_000))


def make_table(rows: int) -> pa.Table:
    """The shape of the well-known database benchmark: keys of 100 and rows/100 values."""
    random = np.random.default_rng(42)
    few = np.array([f"id{i:03d}" for i in range(1, 101)])
    many = np.array([f"id{i:010d}" for i in range(1, rows // 100 + 1)])
    return pa.table(
        {
            "id1": pa.array(few[random.integers(0, len(few), rows)]),
            "id3": pa.array(many[random.integers(0, len(many), rows)]),
            "id4": pa.array(random.integers(1, 101, rows)),
            "id6": pa.array(random.integers(1, rows // 100 + 1, rows)),
            "v1": pa.array(random.integers(1, 6, rows)),
            "v3": pa.array(np.round(random.random(rows) * 100, 6)),
        }
    )


def cases(table: pa.Table) -> list[Case]:
    session = velaria.Session()
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    duck = duckdb.connect()
    duck.register("t", table)
    fusion = datafusion.SessionContext()
    fusion.register_record_batches("t", [table.to_batches()])
    polars_sql = pl.SQLContext(t=pl.from_arrow(table))

    def sql(name: str, query: str, sort_by: list[str]) -> Case:
        return Case(
            name,
            {
                "velaria": lambda: session.sql(query).to_arrow(),
                "duckdb": lambda: duck.sql(query).to_arrow_table(),
                "polars": lambda: polars_sql.execute(query, eager=True).to_arrow(),
                "datafusion": lambda: fusion.sql(query).to_arrow_table(),
            },
            sort_by,
        )

    return [
        sql("sum by id1 (100 texts)", "SELECT id1, sum(v1) AS v1 FROM t GROUP BY id1", ["id1"]),
        sql(
            "sum, avg by id3 (100k texts)",
            "SELECT id3, sum(v1) AS v1, avg(v3) AS v3 FROM t GROUP BY id3",
            ["id3"],
        ),
        sql(
            "avg by id4 (100 integers)",
            "SELECT id4, avg(v1) AS v1, avg(v3) AS v3 FROM t GROUP BY id4",
            ["id4"],
        ),
        sql(
            "sum by id6 (100k integers)",
            "SELECT id6, sum(v1) AS v1, sum(v3) AS v3 FROM t GROUP BY id6",
            ["id6"],
        ),
        sql("no key", "SELECT sum(v1) AS v1, min(v3) AS lo, max(v3) AS hi FROM t", ["v1"]),
        sql(
            "filter and count",
            "SELECT count(*) AS n FROM t WHERE v3 > 90 AND id4 < 10",
            ["n"],
        ),
        sql(
            "top 10 of v3",
            "SELECT id6, v3 FROM t ORDER BY v3 DESC, id6 LIMIT 10",
            ["v3", "id6"],
        ),
    ]


if __name__ == "__main__":
    main(f"group by, {ROWS:,} rows", cases(make_table(ROWS)))
