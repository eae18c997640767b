"""Statements that write, parameters, COPY, and the memory limit, through Python."""

import datetime
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import velaria

UTC = datetime.timezone.utc


def rows(frame):
    return [tuple(row.values()) for row in frame.to_rows()]


def test_statements_give_row_counts(session):
    session.sql("CREATE TABLE t (n INT, s VARCHAR)")
    assert session.sql("INSERT INTO t VALUES (?, ?), (2, 'b')", [1, "a"]).to_rows() == [{"rows": 2}]
    frame = session.table("t")
    assert rows(session.sql("UPDATE t SET s = $s WHERE n = $n", {"s": "it's", "n": 2})) == [(1,)]
    assert rows(frame) == [(1, "a"), (2, "it's")]
    assert rows(session.sql("DELETE FROM t WHERE n = $1", (1,))) == [(1,)]
    assert rows(frame) == [(2, "it's")]
    with pytest.raises(velaria.TypeMismatchError, match="column 'n' is int32"):
        session.sql("INSERT INTO t (n) VALUES (?)", [2.5])
    session.create_temp_view("v", frame)
    with pytest.raises(velaria.TableKindError, match="'v' is a view"):
        session.sql("DELETE FROM v")


@pytest.mark.parametrize(
    ("value", "kind", "back"),
    [
        (None, "utf8", None),
        (True, "bool", True),
        (-5, "int64", -5),
        (2**63, "uint64", 2**63),
        (-(10**20), "decimal128(38, 0)", Decimal(-(10**20))),
        (0.1, "float64", 0.1),
        (Decimal("-12.50"), "decimal128(4, 2)", Decimal("-12.50")),
        (Decimal("0.001"), "decimal128(3, 3)", Decimal("0.001")),
        (Decimal("1E+3"), "decimal128(4, 0)", Decimal(1000)),
        ("'; DROP TABLE t; --", "utf8", "'; DROP TABLE t; --"),
        (b"\x00\xff", "binary", b"\x00\xff"),
        (datetime.date(2024, 2, 29), "date32", datetime.date(2024, 2, 29)),
        (datetime.time(1, 2, 3, 4), "time64[us]", datetime.time(1, 2, 3, 4)),
        (datetime.datetime(2024, 1, 2, 3), "timestamp[us]", datetime.datetime(2024, 1, 2, 3)),
        (
            datetime.datetime(2024, 1, 2, 3, tzinfo=UTC),
            "timestamp[us, UTC]",
            datetime.datetime(2024, 1, 2, 3, tzinfo=UTC),
        ),
        ([1.0, 2.5], "fixed_size_list<float32>[2]", [1.0, 2.5]),
        (np.float32(0.5), "float64", 0.5),
        (np.int8(-3), "int64", -3),
        (np.bool_(True), "bool", True),
        (np.datetime64("2024-01-02T03"), "timestamp[us]", datetime.datetime(2024, 1, 2, 3)),
        (np.datetime64("NaT"), "utf8", None),
        (np.array([1, 2]), "fixed_size_list<float32>[2]", [1.0, 2.0]),
    ],
)
def test_a_parameter_keeps_type_and_value(session, value, kind, back):
    frame = session.sql("SELECT ? AS x", [value])
    assert [column[1] for column in frame.schema] == [kind]
    assert frame.to_rows() == [{"x": back}]


def test_parameters_that_do_not_fit(session):
    with pytest.raises(
        velaria.SqlSemanticError, match="parameter 2 has no value; 1 value is given"
    ):
        session.sql("SELECT ?, ?", [1])
    with pytest.raises(velaria.SqlSemanticError, match="no parameter for value 2"):
        session.sql("SELECT ?", [1, 2])
    with pytest.raises(velaria.SqlSemanticError, match="did you mean 'least'"):
        session.sql("SELECT $leest", {"least": 1})
    with pytest.raises(velaria.SqlSemanticError, match="does not use"):
        session.sql("SELECT 1", {"least": 1})
    with pytest.raises(velaria.SqlSemanticError, match="has no value"):
        session.sql("SELECT $1")
    with pytest.raises(velaria.SqlSemanticError, match="are mixed"):
        session.sql("SELECT ?, $1", [1])
    with pytest.raises(velaria.TypeMismatchError, match="finer than microseconds"):
        session.sql("SELECT ?", [np.datetime64(1, "ns")])
    with pytest.raises(velaria.TypeMismatchError, match="object"):
        session.sql("SELECT ?", [object()])
    with pytest.raises(velaria.InvalidArgumentError):
        session.sql("SELECT ?", "text")


def test_copy_writes_what_is_read_back(session, tmp_path):
    path = tmp_path / "out.csv"
    session.sql("CREATE TABLE t AS SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) v(n, s)")
    assert rows(session.sql(f"COPY t TO '{path}'")) == [(2,)]
    assert path.read_text() == 'n,s\n1,"a,b"\n2,\n'
    assert rows(session.sql(f"SELECT * FROM read_csv('{path}')")) == [(1, "a,b"), (2, None)]
    session.sql(f"COPY (SELECT n FROM t) TO '{path}' (FORMAT csv, HEADER false, DELIMITER ';')")
    assert path.read_text() == "1\n2\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]
    with pytest.raises(velaria.TypeMismatchError):
        session.sql(f"COPY (SELECT CAST(s AS INT) FROM t) TO '{path}'")
    assert path.read_text() == "1\n2\n"


def test_copy_stays_inside_allowed_paths(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    with velaria.Session(allowed_paths=[inside]) as session:
        session.sql(f"COPY (SELECT 1 AS x) TO '{inside}/x.csv'")
        with pytest.raises(velaria.FileAccessError, match="outside"):
            session.sql(f"COPY (SELECT 1 AS x) TO '{tmp_path}/outside.csv'")
    assert [entry.name for entry in tmp_path.iterdir()] == ["inside"]


# What a limited query may take of the machine beside the interpreter, in a process of its own.
MEMORY_PROGRAM = """
import resource, sys, velaria
session = velaria.Session(threads=2, memory_limit="64MiB")
session.sql("SELECT 1").to_rows()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    session.sql(sys.argv[1])._core.collect()
except velaria.ResourceError as error:
    print("refused", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
else:
    print("answered")
"""


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM range(0, 200000000)",
        "SELECT * FROM range(0, 200000000) t(n) ORDER BY n DESC",
        "SELECT n, count(*) FROM range(0, 200000000) t(n) GROUP BY n",
        "CREATE TABLE t AS SELECT * FROM range(0, 200000000)",
    ],
)
def test_the_memory_limit_holds(query):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM, query], capture_output=True, text=True, check=True
    )
    refused, kib = done.stdout.split()
    assert refused == "refused"
    assert int(kib) < 3 * 64 * 1024
