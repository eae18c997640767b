"""Random queries over random tables, answered by Velaria and by DuckDB.

Every difference is printed with the seed that makes it again, and ends the run with status 1:

    ./scripts/run_random_queries.sh --queries 2000 --seed 7

What both sides define differently on purpose is not generated: integer division, sums that
overflow, the order of rows without ORDER BY, and the sum of floats in the last digits.
"""

from __future__ import annotations

import argparse
import decimal
import math
import random
import sys
import time
from typing import Any

import duckdb
import pyarrow as pa
import velaria

TEXTS = ["", "a", "b", "ab", "ba", "Zürich", "x%y", "a_b", "longer than twelve bytes", "a"]
Row = tuple[Any, ...]


def random_column(rng: random.Random, kind: str, rows: int) -> pa.Array:
    nulls = rng.choice([0.0, 0.1, 0.5, 1.0]) if rng.random() < 0.7 else 0.0
    spread = rng.choice([2, 5, 50, 1000])

    def one() -> Any:
        if rng.random() < nulls:
            return None
        if kind == "int":
            return (
                rng.choice([-1, 0, 1, 2**31 - 1])
                if rng.random() < 0.05
                else rng.randrange(-spread, spread)
            )
        if kind == "float":
            if rng.random() < 0.05:
                return rng.choice([float("nan"), float("inf"), -float("inf"), -0.0])
            return rng.randrange(-spread, spread) / 4
        if kind == "text":
            return rng.choice(TEXTS)
        if kind == "bool":
            return rng.random() < 0.5
        if kind == "date":
            return rng.randrange(0, spread)
        return decimal.Decimal(rng.randrange(-spread, spread)).scaleb(-2)

    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "decimal": pa.decimal128(15, 2),
    }
    return pa.array([one() for _ in range(rows)], type=types[kind])


COLUMNS = {
    "i": "int",
    "j": "int",
    "f": "float",
    "s": "text",
    "b": "bool",
    "d": "date",
    "m": "decimal",
}


def random_table(rng: random.Random) -> pa.Table:
    rows = rng.choice([0, 1, 3, 20, 20, 200, 3000])
    return pa.table({name: random_column(rng, kind, rows) for name, kind in COLUMNS.items()})


class QueryMaker:
    """Makes SQL text that means the same on both sides."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def number(self, table: str, depth: int = 2) -> str:
        rng = self.rng
        if depth == 0 or rng.random() < 0.4:
            return rng.choice(
                [f"{table}.i", f"{table}.j", f"{table}.i", str(rng.randrange(-9, 10))]
            )
        a = self.number(table, depth - 1)
        b = self.number(table, depth - 1)
        return self.pick(
            f"({a} + {b})",
            f"({a} - {b})",
            f"abs({a})",
            f"coalesce({a}, {b})",
            f"nullif({a}, {b})",
            f"greatest({a}, {b})",
            f"CASE WHEN {self.condition(table, depth - 1)} THEN {a} ELSE {b} END",
            f"length({table}.s)",
            f"-({a})",
        )

    def text(self, table: str) -> str:
        return self.pick(
            f"{table}.s",
            f"upper({table}.s)",
            f"{table}.s || 'x'",
            f"substr({table}.s, 2, 3)",
            f"coalesce({table}.s, 'none')",
            f"replace({table}.s, 'a', 'bb')",
        )

    def value(self, table: str) -> str:
        return self.pick(
            self.number(table),
            self.text(table),
            f"{table}.b",
            f"{table}.d",
            f"{table}.m",
            f"{table}.f",
            f"{table}.m + 1.5",
            f"{table}.m * 2.25",
        )

    def condition(self, table: str, depth: int = 2) -> str:
        rng = self.rng
        if depth > 0 and rng.random() < 0.4:
            a = self.condition(table, depth - 1)
            b = self.condition(table, depth - 1)
            return self.pick(f"({a} AND {b})", f"({a} OR {b})", f"(NOT {a})")
        op = rng.choice(["=", "<>", "<", "<=", ">", ">="])
        return self.pick(
            f"({self.number(table, min(depth, 1))} {op} {self.number(table, min(depth, 1))})",
            f"({table}.s {op} '{rng.choice(TEXTS)}')",
            f"({table}.s LIKE '{rng.choice(['a%', '%b', '%a%', '_', 'x%y'])}')",
            f"({table}.i IN (1, 2, NULL, -3))",
            f"({table}.j IN (1, 2, 5))",
            f"({table}.s IS {rng.choice(['', 'NOT '])}NULL)",
            f"({table}.i IS DISTINCT FROM {table}.j)",
            f"({table}.i BETWEEN -2 AND {rng.randrange(0, 30)})",
            f"({table}.f {op} {rng.randrange(-5, 5)}.25)",
            f"({table}.m {op} {rng.randrange(-5, 5)}.5)",
            f"({table}.d {op} DATE '1970-01-1{rng.randrange(0, 10)}')",
            f"{table}.b",
        )

    def aggregate(self, table: str) -> str:
        rng = self.rng
        base = self.pick(
            "count(*)",
            f"count({self.value(table)})",
            f"sum({self.number(table)})",
            f"min({self.value(table)})",
            f"max({self.value(table)})",
            f"avg({self.number(table, 1)})",
            f"sum({table}.m)",
            f"count(DISTINCT {self.pick(table + '.i', table + '.s', table + '.b')})",
            f"bool_and({self.condition(table, 1)})",
            f"bool_or({self.condition(table, 1)})",
        )
        if rng.random() < 0.15:
            base += f" FILTER (WHERE {self.condition(table, 1)})"
        return base

    def subquery_condition(self, table: str) -> str:
        return self.pick(
            f"{table}.i IN (SELECT j FROM t2 WHERE {self.condition('t2', 1)})",
            f"{table}.i NOT IN (SELECT j FROM t2 WHERE {self.condition('t2', 1)})",
            f"EXISTS (SELECT 1 FROM t2 WHERE t2.i = {table}.j AND {self.condition('t2', 1)})",
            f"NOT EXISTS (SELECT 1 FROM t2 WHERE t2.s = {table}.s AND t2.i > {table}.i)",
            f"{table}.i > (SELECT avg(i) FROM t2)",
            f"{table}.j >= (SELECT max(t2.i) FROM t2 WHERE t2.s = {table}.s)",
            f"(SELECT count(*) FROM t2 WHERE t2.j = {table}.i) {self.pick('=', '>', '<')} 1",
        )

    def where(self, table: str) -> str:
        if self.rng.random() < 0.3:
            return ""
        condition = self.condition(table)
        if self.rng.random() < 0.3:
            condition += f" AND {self.subquery_condition(table)}"
        return f" WHERE {condition}"

    def simple(self) -> str:
        items = ", ".join(self.value("t1") for _ in range(self.rng.randrange(1, 4)))
        distinct = "DISTINCT " if self.rng.random() < 0.2 else ""
        return f"SELECT {distinct}{items} FROM t1{self.where('t1')}"

    def grouped(self) -> str:
        keys = [
            self.pick("t1.s", "t1.i", "t1.b", "t1.d", "t1.f", "t1.m", self.number("t1", 1))
            for _ in range(self.rng.randrange(0, 3))
        ]
        items = keys + [self.aggregate("t1") for _ in range(self.rng.randrange(1, 4))]
        sql = f"SELECT {', '.join(items)} FROM t1{self.where('t1')}"
        if keys:
            sql += f" GROUP BY {', '.join(keys)}"
        if self.rng.random() < 0.2:
            sql += " HAVING count(*) > 1"
        return sql

    def joined(self) -> str:
        kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")
        key = self.pick(
            "t1.i = t2.i",
            "t1.s = t2.s",
            "t1.i = t2.j AND t1.s = t2.s",
            "t1.d = t2.d AND t1.i = t2.i",
            "t1.m = t2.m",
            "t1.f = t2.f AND t1.b = t2.b",
        )
        extra = self.pick(
            "",
            "",
            f" AND {self.condition('t2', 1)}",
            " AND t1.j < t2.j",
            f" AND {self.condition('t1', 1)}",
        )
        both = kind not in ("SEMI JOIN", "ANTI JOIN")
        if self.rng.random() < 0.5:
            items = "count(*), sum(t1.i), min(t1.s)" + (", max(t2.j), count(t2.s)" if both else "")
        else:
            items = self.value("t1") + (", " + self.value("t2") if both else "")
        sql = f"SELECT {items} FROM t1 {kind} t2 ON {key}{extra}"
        if self.rng.random() < 0.4:
            sql += (
                f" WHERE {self.condition('t1' if not both or self.rng.random() < 0.5 else 't2', 1)}"
            )
        return sql

    def joined_several(self) -> str:
        """Inner joins to be ordered, with conditions that may fail (sums that might overflow)."""
        rng = self.rng
        tables = ["t1", "t2", "t3"]
        conditions = [
            self.pick("t1.i = t2.i", "t1.i + 1 = t2.j", "t1.s = t2.s AND t1.i - t2.i = 0"),
            self.pick("t3.i = t1.j", "t3.i = t2.j + 1", "t3.i + t1.i = t2.i"),
        ]
        for _ in range(rng.randrange(0, 4)):
            a, b = rng.choice(tables[:2]), rng.choice(tables)
            conditions.append(
                self.pick(
                    self.condition(a, 1),
                    f"{self.number(a, 1)} + {b}.i > {rng.randrange(-5, 5)}",
                    f"CAST({b}.i AS VARCHAR) LIKE '{rng.choice(['1%', '%2', '_'])}'",
                )
            )
        rng.shuffle(conditions)
        if rng.random() < 0.3:
            conditions.append(self.subquery_condition("t1"))
        return (
            "SELECT count(*), sum(t1.j), min(t2.s), max(t3.i) "
            "FROM t1, t2, (SELECT DISTINCT i FROM t2 WHERE i < 20) t3 "
            f"WHERE {' AND '.join(conditions)}"
        )

    def grouping_sets(self) -> str:
        a, b, c = self.rng.sample(["t1.i % 3", "t1.s", "t1.b", "t1.d", "t1.j % 2"], 3)
        sets = self.pick(
            f"ROLLUP ({a}, {b})",
            f"CUBE ({a}, {b})",
            f"{c}, ROLLUP ({a}, {b})",
            f"GROUPING SETS (({a}, {b}), ({c}), ())",
            f"GROUPING SETS (({a}), ROLLUP ({b}, {c}))",
        )
        keys = [key for key in (a, b, c) if key in sets]
        items = ", ".join([*keys, f"grouping({', '.join(keys)})", "count(*)", "sum(t1.j)"])
        return f"SELECT {items}, min(t1.m) FROM t1{self.where('t1')} GROUP BY {sets}"

    def recursive(self) -> str:
        union = self.pick("UNION", "UNION ALL")
        step = self.rng.randrange(1, 4)
        if self.rng.random() < 0.5:
            return (
                f"WITH RECURSIVE r(n, k) AS (SELECT t1.i % 5, t1.b FROM t1 WHERE t1.i > 0 {union} "
                f"SELECT n + {step}, k FROM r WHERE n < 12) "
                "SELECT k, count(*), sum(n), max(n) FROM r GROUP BY k"
            )
        return (
            "WITH RECURSIVE r(n, l) AS (SELECT min(i), 0 FROM t1 UNION "
            "SELECT (t2.j + r.n) % 7, l + 1 FROM r JOIN t2 ON t2.i % 4 = r.n % 4 "
            f"WHERE l < {step}) SELECT n, l FROM r"
        )

    def set_operation(self) -> str:
        columns = self.pick("i", "s", "i, s", "b, d")
        operation = self.pick(
            "UNION", "UNION ALL", "INTERSECT", "EXCEPT", *self.window_operations()
        )
        return (
            f"SELECT {columns} FROM t1{self.where('t1')} {operation} "
            f"SELECT {columns} FROM t2{self.where('t2')}"
        )

    def window_operations(self) -> list[str]:
        return ["INTERSECT ALL", "EXCEPT ALL"]

    def windowed(self) -> str:
        order = "t1.i, t1.j, t1.s, t1.d, t1.m, t1.b, t1.f"
        partition = self.pick("", "PARTITION BY t1.s ", "PARTITION BY t1.b ")
        frame = self.pick(
            "",
            " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING",
            " ROWS BETWEEN 3 FOLLOWING AND 5 FOLLOWING",
        )
        function = self.pick(
            "sum(t1.i)",
            "count(*)",
            "min(t1.s)",
            "max(t1.j)",
            "avg(t1.i)",
            "first_value(t1.i)",
            "last_value(t1.i)",
        )
        ranking = self.pick(
            "rank()", "dense_rank()", "lag(t1.i)", "lead(t1.s, 2)", "percent_rank()", "ntile(3)"
        )
        return (
            f"SELECT t1.i, t1.s, {function} OVER ({partition}ORDER BY {order}{frame}), "
            f"{ranking} OVER ({partition}ORDER BY {order}) FROM t1"
        )

    def ordered(self) -> str:
        columns = ["i", "j", "s", "b", "d", "m"]
        self.rng.shuffle(columns)
        keys = ", ".join(
            f"{c} {self.pick('', 'DESC', 'NULLS FIRST', 'DESC NULLS FIRST')}" for c in columns
        )
        items = ", ".join(columns)
        limit = self.rng.randrange(0, 50)
        return f"SELECT {items} FROM t1{self.where('t1')} ORDER BY {keys} LIMIT {limit}"

    def query(self) -> str:
        maker = self.rng.choice(
            [
                self.simple,
                self.grouped,
                self.grouped,
                self.joined,
                self.joined,
                self.joined_several,
                self.joined_several,
                self.set_operation,
                self.grouping_sets,
                self.recursive,
                self.ordered,
                self.windowed,
            ]
        )
        return maker()


def normal(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, decimal.Decimal)):
        return float(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return str(value)


def rows_of(table: pa.Table) -> list[Row]:
    columns = [[normal(v) for v in column.to_pylist()] for column in table.columns]
    return list(zip(*columns))


def sort_key(row: Row) -> list[tuple[int, str, float]]:
    """Rows that the last digits of floats alone tell apart stand by their other columns; between
    rows that are equal but for digits which do count, those decide."""

    def part(v: Any, digits: int) -> tuple[int, str, float]:
        if v is None:
            return (0, "", 0.0)
        if isinstance(v, (int, float)):
            return (1, "", round(v, digits))
        return (2, str(v), 0.0)

    return [part(v, 6) for v in row] + [part(v, 15) for v in row]


def same(a: list[Row], b: list[Row], ordered: bool) -> bool:
    if len(a) != len(b):
        return False
    if not ordered:
        a, b = sorted(a, key=sort_key), sorted(b, key=sort_key)

    def equal(x: Any, y: Any) -> bool:
        if isinstance(x, float) and isinstance(y, float):
            return x == y or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)
        return bool(x == y)

    return all(len(p) == len(q) and all(map(equal, p, q)) for p, q in zip(a, b))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seconds", type=float, help="as many queries as this time allows")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--show-errors", action="store_true", help="print errors that only one side gives"
    )
    options = parser.parse_args()
    wanted = f"{options.queries} queries" if options.seconds is None else f"{options.seconds:g} s"
    print(f"seed {options.seed}, {wanted}", flush=True)
    end = time.monotonic() + (options.seconds or 0)
    most = options.queries if options.seconds is None else sys.maxsize
    differences = 0
    answered = 0
    only_velaria_fails = 0
    only_duckdb_fails = 0
    queries_per_table = 25
    for start in range(0, most, queries_per_table):
        if options.seconds is not None and time.monotonic() >= end:
            break
        rng = random.Random(f"{options.seed}/{start}")
        tables = {"t1": random_table(rng), "t2": random_table(rng)}
        session = velaria.Session(threads=rng.choice([1, 2]))
        peer = duckdb.connect()
        for name, table in tables.items():
            session.create_temp_view(name, session.create_dataframe_from_arrow(table))
            peer.register(name, table)
        maker = QueryMaker(rng)
        for _ in range(min(queries_per_table, most - start)):
            sql = maker.query()
            ours: Any = None
            theirs: Any = None
            our_error = their_error = ""
            try:
                ours = rows_of(session.sql(sql).to_arrow())
            except velaria.Error as error:
                our_error = f"{type(error).__name__}: {error}"
            try:
                theirs = rows_of(peer.sql(sql).to_arrow_table())
            except duckdb.Error as error:
                their_error = str(error)
            if our_error or their_error:
                only_velaria_fails += bool(our_error) and not their_error
                only_duckdb_fails += bool(their_error) and not our_error
                if options.show_errors and bool(our_error) != bool(their_error):
                    print(
                        f"\nonly one side fails: {sql}\n  velaria: {our_error[:300]}\n"
                        f"  duckdb: {their_error[:200]}",
                        flush=True,
                    )
                continue
            answered += 1
            if not same(ours, theirs, "ORDER BY" in sql and "OVER" not in sql):
                differences += 1
                print(
                    f"\ndifference (seed {options.seed}, tables of query {start}): {sql}\n"
                    f"  velaria {len(ours)} rows: {sorted(ours, key=sort_key)[:6]}\n"
                    f"  duckdb  {len(theirs)} rows: {sorted(theirs, key=sort_key)[:6]}",
                    flush=True,
                )
        session.close()
    print(f"tried: {answered} random queries answered by both engines")
    print(f"tried: {only_duckdb_fails} random queries that DuckDB alone refuses")
    print(
        f"{answered} answers compared, {differences} differences; "
        f"{only_velaria_fails} queries only velaria refuses, {only_duckdb_fails} only duckdb"
    )
    return 1 if differences or only_velaria_fails else 0


if __name__ == "__main__":
    sys.exit(main())
