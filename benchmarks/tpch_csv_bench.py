"""The 22 queries of TPC-H read from CSV, scale factor 1 unless VELARIA_TPCH_SCALE says another.

    ./scripts/run_benchmark.sh tpch_csv [--runs 3] [--only "q 9"] [--json FILE]

Every engine reads the files anew for each query, and is told the same types, which are those of the
Parquet files. An engine whose SQL does not take a query is left out of it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable

import datafusion
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import velaria
from peer_timing import Case, main
from tpch.data import files
from tpch.queries import QUERIES


def type_name(type_: pa.DataType) -> str:
    """The type as Velaria and DuckDB spell it."""
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision},{type_.scale})"
    names = {pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.date32(): "DATE"}
    return names.get(type_, "VARCHAR")


def plain(field: pa.Field) -> pa.Field:
    """Views of text as text, which every engine's CSV reader takes."""
    return pa.field(field.name, pa.string()) if type_name(field.type) == "VARCHAR" else field


def cases() -> list[Case]:
    scale = os.environ.get("VELARIA_TPCH_SCALE", "1")
    schemas = {t: pq.read_schema(path) for t, path in files("parquet", scale).items()}
    session = velaria.Session()
    duck = duckdb.connect()
    fusion = datafusion.SessionContext()
    frames = {}
    for name, path in files("csv", scale).items():
        types = {field.name: type_name(field.type) for field in schemas[name]}
        session.create_temp_view(name, session.read_csv(str(path), types=types))
        duck.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', columns={types})")
        fusion.register_csv(name, path, schema=pa.schema([plain(f) for f in schemas[name]]))
        empty = pa.schema([plain(f) for f in schemas[name]]).empty_table()
        frames[name] = pl.scan_csv(path, schema=pl.from_arrow(empty).schema)  # type: ignore
    polars_sql = pl.SQLContext(frames)
    runners: dict[str, Callable[[str], Any]] = {
        "velaria": lambda query: session.sql(query).to_arrow(),
        "duckdb": lambda query: duck.sql(query).to_arrow_table(),
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
    main("TPC-H from CSV", cases())
