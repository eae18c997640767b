"""Joins over Arrow tables: one large side with a large, a medium and a small one.

    ./scripts/run_benchmark.sh join [--runs 5] [--only TEXT] [--json FILE]

All engines read the same Arrow tables and give an Arrow table back. Sums stand over most joins, so
that what is timed is the join and not the export of its rows.
"""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
from arrow_engines import ArrowEngines
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 10_000_000))


def make_tables(rows: int) -> dict[str, pa.Table]:
    """x joins `small`, `medium` and `large`; nine tenths of its rows find a partner."""
    random = np.random.default_rng(42)
    sizes = {"small": max(rows // 1_000_000, 10), "medium": rows // 10, "large": rows}

    def keys(size: int) -> np.ndarray:
        return random.permutation(size * 10 // 9)[:size].astype(np.int64)

    columns: dict[str, pa.Array] = {}
    tables: dict[str, pa.Table] = {}
    for name, size in sizes.items():
        own = keys(size)
        picked = random.integers(0, size * 10 // 9, rows).astype(np.int64)
        columns[f"{name}_id"] = pa.array(picked)
        columns[f"{name}_far"] = pa.array(picked * 2_654_435_761)
        data = {
            "id": pa.array(own),
            "far": pa.array(own * 2_654_435_761),
            "v2": pa.array(np.round(random.random(size) * 100, 6)),
        }
        if name != "large":
            columns[f"{name}_text"] = pa.array(np.char.mod("id%010d", picked))
            data["text"] = pa.array(np.char.mod("id%010d", own))
        tables[name] = pa.table(data)
    columns["v1"] = pa.array(np.round(random.random(rows) * 100, 6))
    tables["x"] = pa.table(columns)
    # Orders and their lines, as in TPC-H: an integer key in four, lines in the order of orders.
    orders = rows // 4
    tables["orders"] = pa.table(
        {
            "o_key": pa.array(np.arange(orders) * 4 + 1),
            "o_date": pa.array(random.integers(0, 2400, orders)),
        }
    )
    tables["lines"] = pa.table(
        {
            "l_key": pa.array(np.sort(random.integers(0, orders, rows)) * 4 + 1),
            "l_price": pa.array(np.round(random.random(rows) * 1000, 2)),
        }
    )
    return tables


def cases(tables: dict[str, pa.Table]) -> list[Case]:
    engines = ArrowEngines(tables)

    def sql(name: str, query: str, sort_by: list[str]) -> Case:
        return Case(
            name,
            engines.of(query),
            sort_by,
        )

    def sums(name: str, table: str, key: str, kind: str = "JOIN") -> Case:
        return sql(
            name,
            f"SELECT count(*) AS n, sum(x.v1) AS v1, sum(y.v2) AS v2 FROM x {kind} {table} AS y "
            f"ON x.{table}_{key} = y.{key}",
            ["n"],
        )

    return [
        sums("small, integers", "small", "id"),
        sums("medium, integers", "medium", "id"),
        sums("large, integers", "large", "id"),
        sums("small, far integers", "small", "far"),
        sums("medium, far integers", "medium", "far"),
        sums("large, far integers", "large", "far"),
        sums("small, texts", "small", "text"),
        sums("medium, texts", "medium", "text"),
        sums("medium, left", "medium", "id", "LEFT JOIN"),
        sql(
            "medium, two keys",
            "SELECT count(*) AS n, sum(y.v2) AS v2 FROM x JOIN medium AS y "
            "ON x.medium_id = y.id AND x.medium_far = y.far",
            ["n"],
        ),
        sql(
            "orders of a tenth of the days",
            "SELECT o_date, sum(l_price) AS price FROM lines JOIN orders ON l_key = o_key "
            "WHERE o_date < 240 GROUP BY o_date",
            ["o_date"],
        ),
        sql(
            "lines of orders",
            "SELECT o_date, sum(l_price) AS price FROM lines JOIN orders ON l_key = o_key "
            "GROUP BY o_date",
            ["o_date"],
        ),
        sql(
            "orders with an expensive line",
            "SELECT count(*) AS n FROM orders "
            "WHERE o_key IN (SELECT l_key FROM lines WHERE l_price > 900)",
            ["n"],
        ),
    ]


if __name__ == "__main__":
    main(f"joins, {ROWS:,} rows", cases(make_tables(ROWS)))
