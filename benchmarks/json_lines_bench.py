"""JSON lines from a file: to a grouped result, to a filtered one, to Arrow; narrow, wide and texts.

    ./scripts/run_benchmark.sh json_lines [--runs 5] [--only TEXT] [--json FILE]

Every run opens the file anew, so that finding out the schema is part of it, as it is for whoever
asks once. Velaria looks at every value of the file for the types; the other engines at a sample.
pyarrow reads the file with its own reader and answers with its compute functions.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import datafusion
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import velaria
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 1_000_000))


def write_narrow(path: Path, rows: int) -> None:
    """Events as services write them: 6 keys, about 120 bytes."""
    random = np.random.default_rng(1)
    users = random.integers(1, 50_000, rows)
    kinds = np.array(["view", "click", "buy", "search", "login"])[random.integers(0, 5, rows)]
    amounts = np.round(random.random(rows) * 100, 2)
    flags = random.random(rows) < 0.3
    with path.open("w") as file:
        for i in range(rows):
            flag = "true" if flags[i] else "false"
            file.write(
                f'{{"id":{i},"user_id":{users[i]},"kind":"{kinds[i]}","amount":{amounts[i]},'
                f'"ok":{flag},"session":"s{users[i] * 7919 % 999983:06d}-{i % 977:03d}"}}\n'
            )


def write_wide(path: Path, rows: int) -> None:
    """50 keys: integers, floats and short texts; about 900 bytes."""
    random = np.random.default_rng(2)
    integers = random.integers(0, 100_000, (rows, 20))
    floats = np.round(random.random((rows, 15)) * 1000, 4)
    words = random.integers(0, 1000, (rows, 15))
    with path.open("w") as file:
        for i in range(rows):
            row: dict[str, Any] = {f"i{j}": int(integers[i, j]) for j in range(20)}
            row |= {f"f{j}": float(floats[i, j]) for j in range(15)}
            row |= {f"w{j}": f"word{words[i, j]}" for j in range(15)}
            file.write(json.dumps(row) + "\n")


def write_texts(path: Path, rows: int) -> None:
    """Log records with a long message, escapes and a nested object; about 350 bytes."""
    random = np.random.default_rng(3)
    levels = np.array(["INFO", "WARN", "ERROR", "DEBUG"])[random.integers(0, 4, rows)]
    words = np.array(
        ["alpha", "beta", "gamma", "delta", "request", "failed", "retry", "héllo", "wörld"]
    )
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            message = " ".join(words[random.integers(0, len(words), 24)])
            row = {
                "ts": f"2026-01-{1 + i % 28:02d}T10:{i % 60:02d}:00",
                "level": str(levels[i]),
                "message": message + (' "quoted"\n' if i % 10 == 0 else ""),
                "context": {"host": f"h{i % 50}", "tags": ["a", "b"], "n": i},
                "duration": i % 1000,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def cases(folder: Path) -> list[Case]:
    narrow, wide, texts = (folder / f"{name}.jsonl" for name in ("narrow", "wide", "texts"))
    write_narrow(narrow, ROWS)
    write_wide(wide, ROWS // 8)
    write_texts(texts, ROWS // 3)
    session = velaria.Session()
    duck = duckdb.connect()

    def polars(path: Path, query: str) -> pa.Table:
        return pl.SQLContext(t=pl.scan_ndjson(path)).execute(query, eager=True).to_arrow()

    def fusion(path: Path, query: str) -> pa.Table:
        context = datafusion.SessionContext()
        context.register_json("t", str(path), file_extension=".jsonl")
        return context.sql(query).to_arrow_table()

    def sql(name: str, path: Path, query: str, sort_by: list[str], arrow: Any = None) -> Case:
        engines = {
            "velaria": lambda: session.sql(query.replace(" t ", f" '{path}' ")).to_arrow(),
            "duckdb": lambda: duck.sql(
                query.replace(" t ", f" read_json('{path}', format='newline_delimited') ")
            ).to_arrow_table(),
            "polars": lambda: polars(path, query),
            "datafusion": lambda: fusion(path, query),
        }
        if arrow is not None:
            engines["pyarrow"] = lambda: arrow(pyarrow.json.read_json(path))
        return Case(name, engines, sort_by)

    def grouped(table: pa.Table, key: str, value: str) -> pa.Table:
        out = table.group_by(key).aggregate([(value, "sum"), (value, "count")])
        return out.rename_columns([key, "total", "n"])

    return [
        sql(
            "narrow: grouped",
            narrow,
            "SELECT kind, sum(amount) AS total, count(amount) AS n FROM t GROUP BY kind",
            ["kind"],
            lambda table: grouped(table, "kind", "amount"),
        ),
        sql(
            "narrow: filtered",
            narrow,
            "SELECT id, amount FROM t WHERE amount > 99.5 AND ok",
            ["id"],
            lambda table: table.filter((pc.field("amount") > 99.5) & pc.field("ok")).select(
                ["id", "amount"]
            ),
        ),
        sql(
            "narrow: to Arrow",
            narrow,
            'SELECT id, user_id, kind, amount, ok, "session" FROM t ',
            ["id"],
            lambda table: table,
        ),
        sql(
            "wide: grouped",
            wide,
            "SELECT w0, sum(i3) AS total, count(i3) AS n FROM t GROUP BY w0",
            ["w0"],
            lambda table: grouped(table, "w0", "i3"),
        ),
        sql(
            "wide: filtered",
            wide,
            "SELECT i0, f1, w2 FROM t WHERE i0 < 1000 AND f1 > 500",
            ["i0", "f1", "w2"],
            lambda table: table.filter((pc.field("i0") < 1000) & (pc.field("f1") > 500)).select(
                ["i0", "f1", "w2"]
            ),
        ),
        Case(
            "wide: to Arrow",
            {
                "velaria": lambda: session.read_json(wide).to_arrow(),
                "duckdb": lambda: duck.sql(
                    f"SELECT * FROM read_json('{wide}', format='newline_delimited')"
                ).to_arrow_table(),
                "polars": lambda: pl.read_ndjson(wide).to_arrow(),
                "datafusion": lambda: fusion(wide, "SELECT * FROM t"),
                "pyarrow": lambda: pyarrow.json.read_json(wide),
            },
            ["i0", "i1", "i2"],
        ),
        sql(
            "texts: grouped",
            texts,
            'SELECT "level", sum(duration) AS total, count(duration) AS n FROM t GROUP BY "level"',
            ["level"],
            lambda table: grouped(table, "level", "duration"),
        ),
        sql(
            "texts: filtered",
            texts,
            "SELECT message, duration FROM t WHERE duration = 500",
            ["message", "duration"],
            lambda table: table.filter(pc.field("duration") == 500).select(["message", "duration"]),
        ),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="velaria-json-") as made:
        main(f"JSON lines, {ROWS:,} rows", cases(Path(made)))
