"""The engines that answer the same SQL over the same Arrow tables, each from a place of its own."""

from __future__ import annotations

from typing import Any, Callable

import datafusion
import duckdb
import polars as pl
import pyarrow as pa
import velaria


class ArrowEngines:
    """`engines.of(query)` is what a Case takes."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.session = velaria.Session()
        self.duck = duckdb.connect()
        self.fusion = datafusion.SessionContext()
        for name, table in tables.items():
            self.session.create_temp_view(name, self.session.create_dataframe_from_arrow(table))
            self.duck.register(name, table)
            self.fusion.register_record_batches(name, [table.to_batches()])
        self.polars = pl.SQLContext({name: pl.from_arrow(t) for name, t in tables.items()})

    def of(self, query: str) -> dict[str, Callable[[], Any]]:
        return {
            "velaria": lambda: self.session.sql(query).to_arrow(),
            "duckdb": lambda: self.duck.sql(query).to_arrow_table(),
            "polars": lambda: self.polars.execute(query, eager=True).to_arrow(),
            "datafusion": lambda: self.fusion.sql(query).to_arrow_table(),
        }
