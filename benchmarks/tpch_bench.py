"""The 22 queries of TPC-H over Arrow tables, scale factor 1 unless VELARIA_TPCH_SCALE says another.

    ./scripts/run_benchmark.sh tpch [--runs 5] [--only "q 9"] [--json FILE]

duckdb reads its own tables, duckdb_arrow and the others the same Arrow tables as Velaria. An engine
whose SQL does not take a query is left out of it. Averages of decimals are decimals here and in
DataFusion (which cuts where we round), and floats elsewhere, hence the tolerances.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable

import datafusion
import duckdb
import polars as pl
import velaria
from peer_timing import Case, main
from tpch.data import tables
from tpch.queries import QUERIES


def cases() -> list[Case]:
    data = tables(os.environ.get("VELARIA_TPCH_SCALE", "1"))
    session = velaria.Session()
    own = duckdb.connect()
    arrow = duckdb.connect()
    fusion = datafusion.SessionContext()
    for name, table in data.items():
        session.create_temp_view(name, session.create_dataframe_from_arrow(table))
        arrow.register(name, table)
        own.register("arrow_table", table)
        own.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_table")
        fusion.register_record_batches(name, [table.to_batches()])
    polars_sql = pl.SQLContext({name: pl.from_arrow(table) for name, table in data.items()})
    runners: dict[str, Callable[[str], Any]] = {
        "velaria": lambda query: session.sql(query).to_arrow(),
        "duckdb": lambda query: own.sql(query).to_arrow_table(),
        "duckdb_arrow": lambda query: arrow.sql(query).to_arrow_table(),
        "datafusion": lambda query: fusion.sql(query).to_arrow_table(),
        "polars": lambda query: polars_sql.execute(query, eager=True).to_arrow(),
    }
    return [
        Case(
            f"q {number}",
            {name: partial(run, query) for name, run in runners.items()},
            float_tolerance=1e-4,
            decimal_units=1,
            peers_may_refuse=True,
        )
        for number, query in QUERIES.items()
    ]


if __name__ == "__main__":
    main("TPC-H", cases())
