"""PostgreSQL's regression tests of queries, expressions, numbers and text: each statement with rows
or an error is a case; those without one are only run. Tables and their rows are PostgreSQL's."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import velaria
from postgres_output import FILES, Statement, statements
from suite_cases import DIFFERS, REFUSED, Outcome, passed, refused

# What shows the plan or sets up PostgreSQL itself.
_NOT_OF_SQL = re.compile(
    r"(?is)^(explain|set|reset|show|vacuum|analyze|begin|commit|rollback|start|savepoint|abort|grant"
    r"|alter|create\s+(unique\s+)?index|create\s+(or\s+replace\s+)?(function|aggregate|operator|type"
    r"|domain|cast|rule|trigger|role|schema|statistics)|comment|prepare|execute|deallocate|declare|fetch|move|close|do|lock"
    r"|copy|drop\s+(function|aggregate|operator|type|domain|cast|index|rule|role|schema))\b"
)
# The tables, views and functions that a statement makes or changes.
_CHANGED = re.compile(
    r"(?is)\b(?:create\s+(?:or\s+replace\s+)?(?:(?:global|local|temporary|temp|unlogged|recursive|materialized)\s+)*"
    r"(?:table|view|function|aggregate|type|domain)(?:\s+if\s+not\s+exists)?|insert\s+into|update(?:\s+only)?"
    r"|delete\s+from(?:\s+only)?|merge\s+into|alter\s+(?:table|view)(?:\s+only)?|copy|truncate(?:\s+table)?"
    r"|create\s+(?:or\s+replace\s+)?rule\s+\w+\s+as\s+on\s+\w+\s+to)\s+\"?(\w+)\"?"
)
_ON_TABLE = re.compile(r"(?is)^create\s+(?:or\s+replace\s+)?trigger\b.*?\bon\s+(\w+)")
_INTO_TABLE = re.compile(r"(?is)^select\b.*\binto\s+(?:temp\s+|table\s+)*(\w+)")
_MADE = re.compile(r"(?is)^(create|drop)\b")
_ORDERED = re.compile(r"(?is)\border\s+by\b(?!.*\))")

# PostgreSQL stops at their LIMIT or refuses them; here they are refused after a million steps.
_WITHOUT_AN_END = {("with", line) for line in (65, 72, 963, 968, 971, 987)}

_ONEK = (
    "unique1 int, unique2 int, two int, four int, ten int, twenty int, hundred int, thousand int, "
    "twothousand int, fivethous int, tenthous int, odd int, even int, stringu1 text, "
    "stringu2 text, string4 text"
)


def _setup(session: velaria.Session, folder: Path) -> None:
    """The tables that PostgreSQL's test_setup.sql makes, of the types that are here."""
    for name, columns, rows in (
        (
            "float8_tbl",
            "f1 double",
            "(0.0), (-34.84), (-1004.30), (-1.2345678901234e+200), (-1.2345678901234e-200)",
        ),
        ("int2_tbl", "f1 smallint", "(0), (1234), (-1234), (32767), (-32767)"),
        ("int4_tbl", "f1 int", "(0), (123456), (-123456), (2147483647), (-2147483647)"),
        (
            "int8_tbl",
            "q1 bigint, q2 bigint",
            "(123, 456), (123, 4567890123456789), (4567890123456789, 123), "
            "(4567890123456789, 4567890123456789), (4567890123456789, -4567890123456789)",
        ),
        ("text_tbl", "f1 text", "('doh!'), ('hi de ho neighbor')"),
        ("char_tbl", "f1 text", "('a'), ('ab'), ('abcd'), ('abcd')"),
        ("varchar_tbl", "f1 text", "('a'), ('ab'), ('abcd'), ('abcd')"),
    ):
        session.sql(f"CREATE TABLE {name} ({columns})")
        session.sql(f"INSERT INTO {name} VALUES {rows}")
    names = [column.split()[0] for column in _ONEK.split(", ")]
    for table, data in (("onek", "onek"), ("onek2", "onek"), ("tenk1", "tenk")):
        types = {name: "utf8" if name.startswith("string") else "int32" for name in names}
        frame = session.read_csv(
            str(folder / "data" / f"{data}.data"),
            delimiter="\t",
            header=False,
            quote="",
            columns=types,
        )
        session.create_temp_view(f"{table}_file", frame)
        session.sql(f"CREATE TABLE {table} AS SELECT * FROM {table}_file")
    session.sql("CREATE TABLE tenk2 AS SELECT * FROM tenk1")


def _as_psql(value: Any, null_text: str) -> str:
    if value is None:
        return null_text
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime.datetime):
        return value.strftime("%a %b %d %H:%M:%S %Y")
    if isinstance(value, datetime.date):
        return value.strftime("%m-%d-%Y")
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), repr(value))
    return str(value).strip()


def _number(text: str) -> decimal.Decimal | None:
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return None
    return number


def _same_text(ours: str, theirs: str, is_float: bool) -> bool:
    if ours == theirs:
        return True
    a, b = _number(ours), _number(theirs)
    if a is None or b is None:
        return False
    if a.is_nan() or b.is_nan():
        return a.is_nan() and b.is_nan()
    if is_float:  # numeric of PostgreSQL may be a double here, its digits are then rounded
        return math.isclose(float(a), float(b), rel_tol=1e-12, abs_tol=1e-300)
    return a == b


def _same_row(ours: list[Any], theirs: list[str], null_text: str) -> bool:
    return len(ours) == len(theirs) and all(
        _same_text(_as_psql(value, null_text), text, isinstance(value, float))
        for value, text in zip(ours, theirs)
    )


def _sort_key(texts: list[str]) -> list[tuple[int, decimal.Decimal, str]]:
    out = []
    for text in texts:
        number = _number(text)
        usable = number is not None and number.is_finite()
        out.append(
            (0, round(number, 6), "")
            if usable and number is not None
            else (1, decimal.Decimal(0), text)
        )
    return out


def _same_rows(ours: list[list[Any]], statement: Statement) -> bool:
    theirs = statement.answer.rows
    null_text = statement.null_text
    if len(ours) != len(theirs):
        return False
    if all(_same_row(a, b, null_text) for a, b in zip(ours, theirs)):
        return True
    if _ORDERED.search(statement.text):
        return False
    ours = sorted(ours, key=lambda row: _sort_key([_as_psql(value, null_text) for value in row]))
    theirs = sorted(theirs, key=_sort_key)
    return all(_same_row(a, b, null_text) for a, b in zip(ours, theirs))


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_float32(column.type):  # its shortest digits, as psql shows them
        numbers = zip(column.to_pylist(), column.to_numpy())
        return [None if value is None else float(str(number)) for value, number in numbers]
    return column.to_pylist()


def _rows(session: velaria.Session, text: str) -> list[list[Any]]:
    # int8 has 8 bytes there, and 8 bits here.
    table = session.sql(re.sub(r"(?i)\bint8\b", "bigint", text)).to_arrow()
    columns = [_values(column) for column in table.columns]
    return [list(row) for row in zip(*columns)] if columns else [[] for _ in range(table.num_rows)]


class _File:
    """One file of statements, and what does not stand as it does in PostgreSQL."""

    def __init__(self, session: velaria.Session, name: str) -> None:
        self.session = session
        self.name = name
        self.missing: dict[str, str] = {}  # tables and the like, and why
        self.changed_since_begin: set[str] | None = None

    def note_missing(self, statement: Statement, why: str) -> None:
        for name in self.changes(statement):
            self.missing.setdefault(name, f"line {statement.line}: {why}")

    @staticmethod
    def changes(statement: Statement) -> set[str]:
        found = {name.lower() for name in _CHANGED.findall(statement.text)}
        for pattern in (_ON_TABLE, _INTO_TABLE):
            if one := pattern.match(statement.text):
                found.add(one[1].lower())
        return found

    def stands_on(self, statement: Statement) -> str | None:
        words = set(re.findall(r"\w+", statement.text.lower()))
        return min(words & self.missing.keys(), default=None)

    def left_out(self, statement: Statement) -> None:
        """A statement that is not run, and what follows from that."""
        word = statement.text.split(None, 1)[0].lower().rstrip(";")
        if statement.answer.error:
            return
        if word in ("begin", "start"):
            self.changed_since_begin = set()
        elif word in ("commit", "end"):
            self.changed_since_begin = None
        elif word in ("rollback", "abort") and self.changed_since_begin is not None:
            for name in self.changed_since_begin:
                self.missing.setdefault(name, f"line {statement.line}: no transactions")
            self.changed_since_begin = None
        else:
            self.note_missing(statement, "not run here")

    def run(self, statement: Statement) -> Outcome | None:
        case = f"{self.name}:{statement.line}"
        answer = statement.answer
        is_case = answer.columns is not None or answer.error != ""
        changes = self.changes(statement)
        makes = _MADE.match(statement.text) is not None
        lacks = self.stands_on(statement)
        if lacks is not None and not (makes and lacks in changes):
            self.note_missing(statement, f"stands on {lacks}")
            text = f"stands on {lacks}, {self.missing[lacks]}"
            return Outcome(case, REFUSED, text) if is_case else None
        try:
            rows = _rows(self.session, statement.text)
        except velaria.Error as error:
            if answer.error:
                return passed(case)
            self.note_missing(statement, f"refused: {error}")
            return refused(case, error) if is_case else None
        if answer.error:
            self.note_missing(statement, "refused by PostgreSQL alone")
            return Outcome(case, DIFFERS, f"{rows[:5]!r}, not {answer.error}")
        if makes:
            for name in changes:
                self.missing.pop(name, None)
        if self.changed_since_begin is not None:
            self.changed_since_begin |= changes
        if answer.columns is None:
            return None
        if _same_rows(rows, statement):
            return passed(case)
        return Outcome(
            case,
            DIFFERS,
            f"{len(rows)} rows {rows[:6]!r}, not {len(answer.rows)} {answer.rows[:6]!r}",
        )


def cases(folder: Path) -> Iterator[Outcome]:
    for name in FILES:
        sql = (folder / "sql" / f"{name}.sql").read_text(encoding="utf-8")
        expected = (folder / "expected" / f"{name}.out").read_text(encoding="utf-8")
        with velaria.Session() as session:
            _setup(session, folder)
            file = _File(session, name)
            for statement in statements(sql, expected):
                endless = (name, statement.line) in _WITHOUT_AN_END
                if endless or statement.for_psql or _NOT_OF_SQL.match(statement.text):
                    file.left_out(statement)
                elif (outcome := file.run(statement)) is not None:
                    yield outcome
