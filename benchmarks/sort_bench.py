"""ORDER BY over Arrow tables: table G1 of the db-benchmark, 10 million rows.

    ./scripts/run_benchmark.sh sort [--runs 5] [--only TEXT] [--json FILE]

All engines read the same Arrow table and give an Arrow table back. The order is checked too.
"""

from __future__ import annotations

import pyarrow as pa
from arrow_engines import ArrowEngines
from group_by_bench import ROWS, make_table
from peer_timing import Case, main

# name: (query, columns it orders by)
QUERIES = {
    "integers": ("SELECT id6, v3 FROM t ORDER BY id6", ["id6"]),
    "floats, descending": ("SELECT v3, id4 FROM t ORDER BY v3 DESC", ["v3"]),
    "short texts": ("SELECT id1, v1 FROM t ORDER BY id1", ["id1"]),
    "long texts": ("SELECT id3, v1 FROM t ORDER BY id3", ["id3"]),
    "three keys": (
        "SELECT id4, id5, v3, id3 FROM t ORDER BY id4, id5 DESC, v3",
        ["id4", "id5", "v3"],
    ),
    "text and float": ("SELECT id2, v3, v2 FROM t ORDER BY id2, v3", ["id2", "v3"]),
    "wide rows": ("SELECT * FROM t ORDER BY id6, v3", ["id6", "v3"]),
    "top 1,000": (
        "SELECT id6, v3, id3 FROM t ORDER BY id6, v3 LIMIT 1000",
        ["id6", "v3"],
    ),
    "top 1,000 of long texts": (
        "SELECT id3, v3 FROM t ORDER BY id3 DESC, v3 LIMIT 1000",
        ["id3", "v3"],
    ),
}


def columns_of(query: str, table: pa.Table) -> list[str]:
    selected = query.removeprefix("SELECT ").partition(" FROM")[0]
    return table.column_names if selected == "*" else selected.split(", ")


def cases(table: pa.Table) -> list[Case]:
    engines = ArrowEngines({"t": table})

    def case(name: str, query: str, keys: list[str]) -> Case:
        return Case(
            name,
            engines.of(query),
            sort_by=columns_of(query, table),  # floats too: nothing is computed
            ordered_by=keys,
        )

    return [case(name, query, keys) for name, (query, keys) in QUERIES.items()]


if __name__ == "__main__":
    main(f"sort, {ROWS:,} rows", cases(make_table(ROWS)))
