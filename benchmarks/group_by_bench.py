"""Group-by over Arrow tables in the shapes of the db-benchmark (table G1), 10 million rows.

Names q1 to q10 are the questions of that benchmark; further cases stand beside them.

    ./scripts/run_benchmark.sh group_by [--runs 5] [--only TEXT] [--json FILE]

All engines read the same Arrow table and give an Arrow table back.
"""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
from arrow_engines import ArrowEngines
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 10_000_000))


def make_table(rows: int, per_group: int = 100) -> pa.Table:
    """Table G1: keys of `per_group` and of rows / per_group values, three measures."""
    random = np.random.default_rng(42)
    few = np.array([f"id{i:03d}" for i in range(1, per_group + 1)])
    many = np.array([f"id{i:010d}" for i in range(1, rows // per_group + 1)])

    def integers(highest: int) -> pa.Array:
        return pa.array(random.integers(1, highest + 1, rows))

    return pa.table(
        {
            "id1": pa.array(few[random.integers(0, len(few), rows)]),
            "id2": pa.array(few[random.integers(0, len(few), rows)]),
            "id3": pa.array(many[random.integers(0, len(many), rows)]),
            "id4": integers(per_group),
            "id5": integers(per_group),
            "id6": integers(rows // per_group),
            "v1": integers(5),
            "v2": integers(15),
            "v3": pa.array(np.round(random.random(rows) * 100, 6)),
        }
    )


def cases(table: pa.Table) -> list[Case]:
    engines = ArrowEngines({"t": table})

    def sql(name: str, query: str, sort_by: list[str]) -> Case:
        return Case(
            name,
            engines.of(query),
            sort_by,
        )

    keys = "id1, id2, id3, id4, id5, id6"
    return [
        sql("q1 sum by id1", "SELECT id1, sum(v1) AS v1 FROM t GROUP BY id1", ["id1"]),
        sql(
            "q2 sum by id1, id2",
            "SELECT id1, id2, sum(v1) AS v1 FROM t GROUP BY id1, id2",
            ["id1", "id2"],
        ),
        sql(
            "q3 sum, avg by id3",
            "SELECT id3, sum(v1) AS v1, avg(v3) AS v3 FROM t GROUP BY id3",
            ["id3"],
        ),
        sql(
            "q4 avg of three by id4",
            "SELECT id4, avg(v1) AS v1, avg(v2) AS v2, avg(v3) AS v3 FROM t GROUP BY id4",
            ["id4"],
        ),
        sql(
            "q5 sum of three by id6",
            "SELECT id6, sum(v1) AS v1, sum(v2) AS v2, sum(v3) AS v3 FROM t GROUP BY id6",
            ["id6"],
        ),
        sql(
            "q7 range by id3",
            "SELECT id3, max(v1) - min(v2) AS range FROM t GROUP BY id3",
            ["id3"],
        ),
        sql(
            "q10 sum, count by all six",
            f"SELECT {keys}, sum(v3) AS v3, count(*) AS n FROM t GROUP BY {keys}",
            [],
        ),
        sql(
            "sum by id4, id5",
            "SELECT id4, id5, sum(v1) AS v1, sum(v3) AS v3 FROM t GROUP BY id4, id5",
            ["id4", "id5"],
        ),
        sql("distinct id6", "SELECT count(*) AS n FROM (SELECT DISTINCT id6 FROM t) AS d", ["n"]),
        sql("no key", "SELECT sum(v1) AS v1, min(v3) AS lo, max(v3) AS hi FROM t", ["v1"]),
        sql("sum of a float", "SELECT sum(v3) AS v3 FROM t", ["v3"]),
        sql(
            "filter and count",
            "SELECT count(*) AS n FROM t WHERE v3 > 90 AND id4 < 10",
            ["n"],
        ),
        sql(
            "filter and sum by id4",
            "SELECT id4, sum(v3) AS v3 FROM t WHERE v1 = 3 AND v2 <= 10 GROUP BY id4",
            ["id4"],
        ),
        sql(
            "top 10 of v3",
            "SELECT id6, v3 FROM t ORDER BY v3 DESC, id6 LIMIT 10",
            ["v3", "id6"],
        ),
    ]


if __name__ == "__main__":
    main(f"group by, {ROWS:,} rows", cases(make_table(ROWS)))
