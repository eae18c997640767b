"""CSV files: to a grouped or filtered result, and to an Arrow table, beside other engines.

    ./scripts/run_benchmark.sh csv [--runs 5] [--only TEXT] [--json FILE]

The files are made once in VELARIA_BENCH_DIR (default: a folder of the system's temporary folder),
each of about VELARIA_BENCH_MB (default 200) megabytes, and lie in the page cache when they are
read. Every run opens its file anew: the engines sniff or infer what they do by default, and each
must come to the same answer. All read with both cores.

Velaria infers the types from every value of the file, so that no later value can break them; the
others from a sample. `named types` cases give all engines the types, which leaves parsing alone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Callable

import datafusion
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import velaria
from peer_timing import Case, main

MEGABYTES = int(os.environ.get("VELARIA_BENCH_MB", 200))
FOLDER = Path(
    os.environ.get("VELARIA_BENCH_DIR", Path(tempfile.gettempdir()) / "velaria_csv_bench")
)
WORDS = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett",
    "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango",
]  # fmt: skip
BLOCK_ROWS = 20_000


def text_columns(random: np.random.Generator, words: int) -> list[str]:
    picks = random.integers(0, len(WORDS), (BLOCK_ROWS, words))
    return [" ".join(WORDS[p] for p in row) for row in picks]


def numbers(random: np.random.Generator) -> list[list[str]]:
    """Integers of all sizes and decimal fractions."""
    return [
        [str(v) for v in random.integers(0, 100, BLOCK_ROWS)],
        [str(v) for v in random.integers(-(10**9), 10**9, BLOCK_ROWS)],
        [str(v) for v in random.integers(-(10**17), 10**17, BLOCK_ROWS)],
        [f"{v:.2f}" for v in random.random(BLOCK_ROWS) * 1000],
        [repr(v) for v in random.random(BLOCK_ROWS).tolist()],
    ]


def narrow(random: np.random.Generator) -> list[list[str]]:
    return [
        [str(v) for v in random.integers(0, 100, BLOCK_ROWS)],
        [str(v) for v in random.integers(0, 1000, BLOCK_ROWS)],
    ]


def mixed(random: np.random.Generator) -> list[list[str]]:
    """What a table of orders looks like."""
    days = np.datetime64("2015-01-01") + random.integers(0, 3650, BLOCK_ROWS)
    seconds = np.datetime64("2015-01-01T00:00:00") + random.integers(0, 3 * 10**8, BLOCK_ROWS)
    return [
        [str(v) for v in random.integers(0, 100, BLOCK_ROWS)],
        [f"{v:.2f}" for v in random.random(BLOCK_ROWS) * 1000],
        [str(v) for v in days],
        [str(v).replace("T", " ") for v in seconds],
        [WORDS[v] for v in random.integers(0, len(WORDS), BLOCK_ROWS)],
        text_columns(random, 4),
    ]


def long_texts(random: np.random.Generator) -> list[list[str]]:
    return [
        [str(v) for v in random.integers(0, 100, BLOCK_ROWS)],
        text_columns(random, 40),
    ]


def quoted_texts(random: np.random.Generator) -> list[list[str]]:
    """Every text in quotes; some hold delimiters, line ends and doubled quotes."""
    texts = text_columns(random, 8)
    for i in range(0, BLOCK_ROWS, 7):
        texts[i] = texts[i].replace(" ", ', ""', 1) + '""'
    for i in range(0, BLOCK_ROWS, 11):
        texts[i] = texts[i].replace(" ", "\n", 1)
    return [
        [str(v) for v in random.integers(0, 100, BLOCK_ROWS)],
        [f'"{t}"' for t in texts],
        [f'"{WORDS[v]}"' for v in random.integers(0, len(WORDS), BLOCK_ROWS)],
        [f"{v:.2f}" for v in random.random(BLOCK_ROWS) * 1000],
    ]


def wide(random: np.random.Generator) -> list[list[str]]:
    rows = BLOCK_ROWS // 20
    return [[str(v) for v in random.integers(0, 10 ** (1 + c % 8), rows)] for c in range(200)]


Maker = Callable[[np.random.Generator], list[list[str]]]


def make_file(name: str, maker: Maker) -> Path:
    """A header, then blocks of rows until the file is large enough."""
    path = FOLDER / f"{name}_{MEGABYTES}.csv"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    blocks = []
    for _ in range(8):
        columns = maker(random)
        blocks.append(("\n".join(",".join(row) for row in zip(*columns)) + "\n").encode())
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        file.write((",".join(f"c{i}" for i in range(len(columns))) + "\n").encode())
        turn = 0
        while file.tell() < MEGABYTES * 1_000_000:
            file.write(blocks[turn % len(blocks)])
            turn += 1
    unfinished.rename(path)
    return path


def plain_table(table: pa.Table) -> pa.Table:
    """Same types for all: large and view texts as text, timestamps in microseconds."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us")
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields))


class Engines:
    def __init__(self) -> None:
        self.session = velaria.Session()
        self.duck = duckdb.connect()

    def sql(self, name: str, path: Path, query: str, sort_by: list[str], **extra: Any) -> Case:
        """`query` reads {t}."""
        session, duck = self.session, self.duck

        def ours() -> pa.Table:
            session.create_temp_view("t", session.read_csv(path))
            return session.sql(query.format(t="t")).to_arrow()

        def fusion() -> pa.Table:
            context = datafusion.SessionContext()
            context.register_csv("t", str(path), **extra.get("datafusion", {}))
            return context.sql(query.format(t="t")).to_arrow_table()

        def polars() -> pa.Table:
            context = pl.SQLContext(t=pl.scan_csv(path, try_parse_dates=True))
            return context.execute(query.format(t="t"), eager=True).to_arrow()

        def arrow() -> pa.Table:
            table = pacsv.read_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True))
            other = duckdb.connect()
            other.register("t", table)
            return other.sql(query.format(t="t")).to_arrow_table()

        engines = {
            "velaria": ours,
            "duckdb": lambda: duck.sql(query.format(t=f"read_csv('{path}')")).to_arrow_table(),
            "polars": polars,
            "datafusion": fusion,
            "pyarrow": arrow,
        }
        return Case(name, engines, sort_by, peers_may_refuse=True)

    def to_arrow(self, name: str, path: Path, types: dict[str, str] | None = None) -> Case:
        session, duck = self.session, self.duck
        quoted = pacsv.ParseOptions(newlines_in_values=True)

        def ours() -> pa.Table:
            return session.read_csv(path, types=types).to_arrow()

        engines = {
            "velaria": ours,
            "duckdb": lambda: duck.sql(f"FROM read_csv('{path}')").to_arrow_table(),
            "polars": lambda: pl.read_csv(path, try_parse_dates=True).to_arrow(),
            "pyarrow": lambda: pacsv.read_csv(path, parse_options=quoted),
        }
        if types is not None:
            duck_types = {n: {"int64": "BIGINT", "float64": "DOUBLE"}[t] for n, t in types.items()}
            polars_types = {
                n: {"int64": pl.Int64, "float64": pl.Float64}[t] for n, t in types.items()
            }
            pa_types = {
                n: {"int64": pa.int64(), "float64": pa.float64()}[t] for n, t in types.items()
            }
            engines["duckdb"] = lambda: duck.sql(
                f"FROM read_csv('{path}', header=true, delim=',', quote='\"', columns={duck_types})"
            ).to_arrow_table()
            engines["polars"] = lambda: pl.read_csv(path, schema=polars_types).to_arrow()
            engines["pyarrow"] = lambda: pacsv.read_csv(
                path, convert_options=pacsv.ConvertOptions(column_types=pa_types)
            )
        return Case(name, engines, peers_may_refuse=True)


def cases() -> list[Case]:
    engines = Engines()
    files = {
        name: make_file(name, maker)
        for name, maker in {
            "narrow": narrow,
            "numbers": numbers,
            "mixed": mixed,
            "long_texts": long_texts,
            "quoted": quoted_texts,
            "wide": wide,
        }.items()
    }
    number_types = {"c0": "int64", "c1": "int64", "c2": "int64", "c3": "float64", "c4": "float64"}
    newlines = {"datafusion": {}}
    return [
        engines.sql("narrow: sum by key", files["narrow"],
                    "SELECT c0, sum(c1) AS s FROM {t} GROUP BY c0", ["c0"]),
        engines.sql("narrow: filter", files["narrow"],
                    "SELECT count(*) AS n FROM {t} WHERE c1 < 10", ["n"]),
        engines.sql("numbers: sums by key", files["numbers"],
                    "SELECT c0, sum(c1) AS a, max(c2) AS b, avg(c3) AS c, avg(c4) AS d FROM {t} "
                    "GROUP BY c0", ["c0"]),
        engines.sql("numbers: one column of five", files["numbers"],
                    "SELECT max(c1) AS m FROM {t}", ["m"]),
        engines.sql("mixed: dates by text key", files["mixed"],
                    "SELECT c4, count(*) AS n, min(c2) AS d, max(c3) AS t, avg(c1) AS v FROM {t} "
                    "GROUP BY c4", ["c4"]),
        engines.sql("mixed: selective filter", files["mixed"],
                    "SELECT c0, c5 FROM {t} WHERE c1 < 0.05", ["c0", "c5"]),
        engines.sql("long texts: count by key", files["long_texts"],
                    "SELECT c0, count(*) AS n, max(c1) AS m FROM {t} GROUP BY c0", ["c0"]),
        engines.sql("quoted: by text key", files["quoted"],
                    "SELECT c2, count(*) AS n, min(c1) AS m, avg(c3) AS v FROM {t} GROUP BY c2",
                    ["c2"], **newlines),
        engines.sql("wide: four of 200 columns", files["wide"],
                    "SELECT sum(c0) AS a, sum(c50) AS b, max(c100) AS c, min(c199) AS d FROM {t}",
                    ["a"]),
        engines.to_arrow("narrow: to Arrow", files["narrow"]),
        engines.to_arrow("numbers: to Arrow", files["numbers"]),
        engines.to_arrow("numbers: to Arrow, named types", files["numbers"], number_types),
        engines.to_arrow("mixed: to Arrow", files["mixed"]),
        engines.to_arrow("long texts: to Arrow", files["long_texts"]),
        engines.to_arrow("quoted: to Arrow", files["quoted"]),
        engines.to_arrow("wide: to Arrow", files["wide"]),
    ]  # fmt: skip


if __name__ == "__main__":
    main(f"CSV files of {MEGABYTES} MB", cases())
