"""Logs from a file: an access log by pattern, and lines split at a delimiter; to grouped and
filtered results and to Arrow.

    ./scripts/run_benchmark.sh log_lines [--runs 5] [--only TEXT] [--json FILE]

No other engine here has a reader of logs. What people do instead is to read each line as a text (a
CSV file of one column without a delimiter) and take it apart by a regular expression or by
splitting, with the types cast; that is what runs beside us. Velaria finds out the types by itself.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import velaria
from peer_timing import Case, main

ROWS = int(os.environ.get("VELARIA_BENCH_ROWS", 500_000))
PATTERN = r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"$'
NAMES = [
    "host",
    "ident",
    "usr",
    "time",
    "method",
    "path",
    "protocol",
    "status",
    "bytes",
    "referer",
    "agent",
]


def write_access_log(path: Path, rows: int) -> None:
    random = np.random.default_rng(1)
    hosts = random.integers(0, 1 << 16, rows)
    paths = random.integers(0, 300, rows)
    status = np.array([200, 200, 200, 304, 404, 500])[random.integers(0, 6, rows)]
    sizes = random.integers(100, 100_000, rows)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    with path.open("w") as file:
        for i in range(rows):
            file.write(
                f"10.0.{hosts[i] >> 8}.{hosts[i] & 255} - - "
                f"[29/Nov/2026:10:{i // 60 % 60:02d}:{i % 60:02d} +0000] "
                f'"GET /page/{paths[i]}?q={i % 97} HTTP/1.1" {status[i]} {sizes[i]} '
                f'"https://example.org/{paths[i] % 20}" "{agent}"\n'
            )


def write_fields(path: Path, rows: int) -> None:
    random = np.random.default_rng(2)
    users = random.integers(0, 10_000, rows)
    values = np.round(random.random(rows) * 1000, 3)
    with path.open("w") as file:
        for i in range(rows):
            file.write(f"{i}|u{users[i]}|action{users[i] % 7}|{values[i]}|n{i % 11}\n")


def cases(folder: Path) -> list[Case]:
    access, fields = folder / "access.log", folder / "fields.log"
    write_access_log(access, ROWS)
    write_fields(fields, ROWS * 4)
    session = velaria.Session()
    duck = duckdb.connect()
    mapping = ", ".join(f"{name} {place}" for place, name in enumerate(NAMES, 1))
    lines = (
        "read_csv('{}', header=false, delim='\\0', quote='', escape='', "
        "columns={{'line': 'VARCHAR'}}, auto_detect=false)"
    )
    duck_names = ", ".join(f"'{name}'" for name in NAMES)
    duck_log = (
        "(SELECT m.host, m.usr, m.method, m.path, m.status::BIGINT AS status, "
        "m.bytes::BIGINT AS bytes, m.agent FROM (SELECT "
        f"regexp_extract(line, '{PATTERN}', [{duck_names}]) AS m "
        f"FROM {lines.format(access)}) AS x) AS y"
    )
    duck_fields = (
        "(SELECT p[1]::BIGINT AS a, p[2] AS b, p[3] AS c, p[4]::DOUBLE AS d, p[5] AS e FROM "
        f"(SELECT string_split(line, '|') AS p FROM {lines.format(fields)}) AS x) AS y"
    )

    def scan(path: Path) -> pl.LazyFrame:
        return pl.scan_csv(
            path,
            has_header=False,
            separator="\0",
            quote_char=None,
            new_columns=["line"],
            schema={"line": pl.String},
        )

    named = PATTERN
    for name in NAMES:
        named = named.replace("(", f"\x00?P<{name}>", 1)
    named = named.replace("\x00", "(")

    def polars_log() -> pl.LazyFrame:
        groups = pl.col("line").str.extract_groups(named)
        return (
            scan(access)
            .select(groups.alias("m"))
            .unnest("m")
            .with_columns(pl.col("status").cast(pl.Int64), pl.col("bytes").cast(pl.Int64))
        )

    def polars_fields() -> pl.LazyFrame:
        parts = pl.col("line").str.splitn("|", 5)
        return (
            scan(fields)
            .select(parts.struct.rename_fields(list("abcde")).alias("p"))
            .unnest("p")
            .with_columns(pl.col("a").cast(pl.Int64), pl.col("d").cast(pl.Float64))
        )

    def ours(path: Path, query: str) -> pa.Table:
        if path == access:
            source = (
                f"read_line_file('{access}', mode => 'regex', mappings => '{mapping}', "
                f"regex_pattern => '{PATTERN}')"
            )
        else:
            source = (
                f"read_line_file('{fields}', split_delimiter => '|', "
                "mappings => 'a 0, b 1, c 2, d 3, e 4')"
            )
        return session.sql(query.replace("FROM t", f"FROM {source}")).to_arrow()

    def sql(name: str, path: Path, query: str, sort_by: list[str]) -> Case:
        table = duck_log if path == access else duck_fields
        duck_query = query.replace("FROM t", f"FROM {table}")
        frame = polars_log if path == access else polars_fields
        return Case(
            name,
            {
                "velaria": lambda: ours(path, query),
                "duckdb": lambda: duck.sql(duck_query).to_arrow_table(),
                "polars": lambda: pl.SQLContext(t=frame()).execute(query, eager=True).to_arrow(),
            },
            sort_by,
        )

    return [
        sql(
            "access log: grouped",
            access,
            "SELECT status, count(*) AS n, sum(bytes) AS total FROM t GROUP BY status",
            ["status"],
        ),
        sql(
            "access log: filtered",
            access,
            "SELECT host, path, bytes FROM t WHERE status = 500 AND bytes > 90000",
            ["host", "path", "bytes"],
        ),
        sql(
            "access log: to Arrow",
            access,
            "SELECT host, method, path, status, bytes, agent FROM t",
            ["host", "path", "bytes"],
        ),
        sql(
            "fields: grouped",
            fields,
            "SELECT c, count(*) AS n, sum(d) AS total FROM t GROUP BY c",
            ["c"],
        ),
        sql("fields: filtered", fields, "SELECT a, b FROM t WHERE d > 999", ["a"]),
        sql("fields: to Arrow", fields, "SELECT a, b, c, d, e FROM t", ["a"]),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="velaria-logs-") as made:
        main(f"logs, {ROWS:,} lines", cases(Path(made)))
