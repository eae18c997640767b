"""Statements that write, parameters, COPY, and the memory limit, through Python."""

import ast
import datetime
import enum
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import velaria

UTC = datetime.timezone.utc


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


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
        (Colour.RED, "utf8", "red"),
        (Level.LOW, "int64", 1),
        (type("Raw", (bytes,), {})(b"\x00a"), "binary", b"\x00a"),
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


def test_times_of_pandas_as_parameters(session):
    pandas = pytest.importorskip("pandas")
    for value in (pandas.Timestamp(1), pandas.Timestamp(1, tz="UTC"), pandas.Timedelta(1)):
        with pytest.raises(velaria.TypeMismatchError, match="finer than microseconds"):
            session.sql("SELECT ?", [value])
    assert session.sql("SELECT ? AS x", [pandas.NaT]).to_rows() == [{"x": None}]
    wait, moment = pandas.Timedelta(2000), pandas.Timestamp(3000)
    rows = session.sql("SELECT ? AS wait, ? AS moment", [wait, moment]).to_rows()
    assert rows[0]["wait"].microseconds == 2
    assert rows[0]["moment"] == datetime.datetime(1970, 1, 1, 0, 0, 0, 3)


def test_parquet_refuses_an_interval_by_name(session, tmp_path):
    frame = session.sql("SELECT 1 AS a, INTERVAL '1 day' AS waited")
    with pytest.raises(velaria.TypeMismatchError, match=r"column 'waited' .*CAST"):
        frame.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(velaria.InvalidArgumentError, match="option of parquet"):
        frame.select("a").write_parquet(tmp_path / "x.parquet", compression="nope")
    assert frame.write_arrow(tmp_path / "x.arrow") == 1


@pytest.mark.parametrize("name", ["x.parquet.gz", "x.arrow.zst"])
def test_a_format_that_compresses_inside_is_not_called_compressed(session, tmp_path, name):
    with pytest.raises(velaria.InvalidArgumentError, match="compressed inside"):
        session.sql(f"COPY (SELECT 1 AS n) TO '{tmp_path / name}'")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(velaria.InvalidArgumentError, match="write_csv takes no option 'format'"):
        session.sql("SELECT 1 AS n").write_csv(tmp_path / "x.csv", format="json")


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


def test_copy_says_null_as_it_is_told(session, tmp_path):
    path = tmp_path / "out.csv"
    session.sql("CREATE TABLE t AS SELECT * FROM (VALUES (1, 'NA'), (NULL, NULL)) v(n, s)")
    session.sql(f"COPY t TO '{path}' (NULL_TEXT 'NA')")
    assert path.read_text() == 'n,s\n1,"NA"\nNA,NA\n'
    again = session.read_csv(path, null_text="NA")
    assert rows(again) == [(1, "NA"), (None, None)]


def test_copy_to_an_unknown_ending_is_refused(session, tmp_path):
    with pytest.raises(velaria.SqlUnsupportedError, match=r"\.foo.*csv, json"):
        session.sql(f"COPY (SELECT 1 AS x) TO '{tmp_path}/x.foo'")
    session.sql(f"COPY (SELECT 1 AS x) TO '{tmp_path}/x.foo' (FORMAT csv)")
    session.sql(f"COPY (SELECT 1 AS x, 2 AS y) TO '{tmp_path}/x.tab'")
    session.sql(f"COPY (SELECT 1 AS x) TO '{tmp_path}/x'")
    assert (tmp_path / "x.tab").read_text() == "x\ty\n1\t2\n"


def test_copy_replaces_an_allowed_file(tmp_path):
    path = tmp_path / "x.csv"
    with velaria.Session(allowed_paths=[path]) as session:
        for _ in range(2):
            session.sql(f"COPY (SELECT 1 AS x) TO '{path}'")
        assert path.read_text() == "x\n1\n"
        for other in (f"{path}.tmp.1.2", tmp_path / "y.csv", f"{path}.tmp"):
            with pytest.raises(velaria.FileAccessError, match="outside"):
                session.sql(f"COPY (SELECT 1 AS x) TO '{other}' (FORMAT csv)")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


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
        "SELECT * FROM range(0, 12000000) t(n) ORDER BY n DESC",
        "SELECT n, count(*) FROM range(0, 6000000) t(n) GROUP BY n",
        "SELECT sum(n) OVER (ORDER BY n DESC) FROM range(0, 200000000) t(n)",
        "SELECT median(n) FROM range(0, 200000000) t(n)",
        "SELECT count(*) FROM range(0, 20000000) a(n) JOIN range(0, 200000000) b(m) ON m < n",
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


# Answers that are small, from rows that do not fit: they go over the disk, under the same limit.
DISK_PROGRAM = """
import resource, sys, velaria
session = velaria.Session(threads=2, memory_limit="64MiB", temp_dir=sys.argv[1])
session.sql("SELECT 1").to_rows()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
frame = session.sql(sys.argv[2])
rows = [list(row.values()) for row in frame.to_rows()]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

def spilled(node):
    return node["spilled_bytes"] + sum(spilled(child) for child in node["children"])

print(rows, grown, spilled(frame.profile()["operators"]) > 0, sep=";")
"""


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (
            "SELECT n FROM range(0, 5000000) t(n) ORDER BY (n * 7919) % 5000011, n "
            "LIMIT 2 OFFSET 4000000",
            None,
        ),
        (
            "SELECT count(*), sum(c), min(c), max(c) FROM "
            "(SELECT n % 2000003 AS k, count(*) AS c FROM range(0, 6000000) t(n) GROUP BY k)",
            [[2000003, 6000000, 2, 3]],
        ),
        (
            "SELECT count(*), sum(m) FROM range(0, 3000000) a(n) "
            "JOIN (SELECT i * 2 AS m, 'a text of more than twelve bytes ' || i AS s "
            "FROM range(0, 1500000) u(i)) b ON n = m WHERE s <> 'x'",
            [[1500000, 2249998500000]],
        ),
        (
            "SELECT count(*) FROM (SELECT DISTINCT 'a text of some length ' || n AS s "
            "FROM range(0, 1000000) t(n))",
            [[1000000]],
        ),
    ],
)
def test_rows_that_do_not_fit_go_over_the_disk(tmp_path, query, answer):
    done = subprocess.run(
        [sys.executable, "-c", DISK_PROGRAM, str(tmp_path), query],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, kib, spilled = done.stdout.split(";")
    if answer is None:
        answer = [list(row.values()) for row in velaria.Session().sql(query).to_rows()]
    assert ast.literal_eval(rows) == answer
    assert spilled.strip() == "True"
    assert int(kib) < 2 * 64 * 1024
    assert list(tmp_path.iterdir()) == []


FULL_DISK_PROGRAM = """
import resource, sys, velaria
session = velaria.Session(threads=2, memory_limit="16MiB", temp_dir=sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
query = "SELECT n FROM range(0, 3000000) t(n) ORDER BY n DESC LIMIT 1 OFFSET 2500000"
try:
    session.sql(query).to_rows()
except velaria.ResourceError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(session.sql(query).to_rows())
"""


def test_a_full_disk_is_an_error_and_the_session_goes_on(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK_PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    refusal, rows = done.stdout.splitlines()
    assert "cannot put aside the rows of ORDER BY" in refusal
    assert str(tmp_path) in refusal
    assert "temp_dir" in refusal
    assert rows == "[{'n': 499999}]"


def test_a_temp_dir_that_is_missing_is_an_error(tmp_path):
    session = velaria.Session(threads=1, memory_limit="8MiB", temp_dir=tmp_path / "missing")
    query = "SELECT n FROM range(0, 2000000) t(n) ORDER BY n DESC LIMIT 1 OFFSET 1900000"
    with pytest.raises(velaria.FileAccessError, match="missing"):
        session.sql(query).to_rows()
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]
