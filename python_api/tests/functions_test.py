"""Scalar functions of SQL that are written in Python."""

import datetime
import gc
import threading
import weakref
from decimal import Decimal

import pyarrow
import pyarrow.compute as pc
import pytest
import velaria

ALL_TYPES = [
    ("bool", True),
    ("int8", -7),
    ("uint64", 2**64 - 1),
    ("float32", 0.5),
    ("float64", 0.1),
    ("utf8", "a text that is longer than twelve bytes, ü"),
    ("date32", "2024-02-29"),
    ("timestamp[ms, UTC]", "2024-02-29 12:00:00+00"),
    ("decimal(20, 3)", "12345.678"),
]


def doubled(values):
    return pc.multiply(values, 2)


def test_a_function_of_many_rows(session):
    session.create_function("doubled", doubled, ["int64"], "int64")
    n = 10_000
    session.create_temp_view("t", session.create_dataframe_from_arrow({"n": list(range(n))}))
    rows = session.sql("SELECT n, Doubled(n) + 1 AS d FROM t WHERE doubled(n) % 3 = 0 ORDER BY n")
    assert [(row["n"], row["d"]) for row in rows.to_rows()] == [
        (i, 2 * i + 1) for i in range(n) if 2 * i % 3 == 0
    ]


def test_it_is_called_once_a_batch(session):
    sizes = []

    def count(values):
        sizes.append(len(values))
        return values

    session.create_function("same", count, ["int64"], "int64")
    session.create_temp_view("t", session.create_dataframe_from_arrow({"n": list(range(9000))}))
    assert session.sql("SELECT sum(same(n)) AS s FROM t").to_rows() == [{"s": 9000 * 8999 // 2}]
    assert sum(sizes) == 9000
    assert min(sizes) > 0


def test_behind_joins_it_is_called_for_the_rows_that_they_leave(session):
    seen = []

    def positive(values):
        seen.extend(values.to_pylist())
        return pc.greater(values, 0)

    session.create_function("positive", positive, ["int64"], "bool")
    for name, ids in (("a", range(100)), ("b", range(50, 100)), ("c", range(60))):
        session.create_temp_view(name, session.create_dataframe_from_arrow({"id": list(ids)}))
    rows = session.sql(
        "SELECT a.id FROM a JOIN b ON a.id = b.id JOIN c ON c.id = a.id WHERE positive(a.id)"
    ).to_rows()
    assert sorted(row["id"] for row in rows) == list(range(50, 60))
    assert sorted(seen) == list(range(50, 60))


def test_a_batch_is_a_chunk_of_the_kernel():
    sizes = []

    def count(values):
        sizes.append(len(values))
        return values

    with velaria.Session(threads=1) as one:
        one.create_function("same", count, ["int64"], "int64")
        frame = one.create_dataframe_from_arrow({"n": list(range(9000))})
        assert frame.select("same(n) AS n").to_arrow() == frame.to_arrow()
    assert sizes == [2048, 2048, 2048, 2048, 808]


def test_the_same_as_pyarrow(session, rng):
    """Random columns with NULLs: SQL gives what the function gives for the whole columns."""

    def mixed(a, b, s):
        longer = pc.greater(pc.utf8_length(s), 2)
        return pc.if_else(pc.fill_null(longer, False), pc.add(a, b), pc.multiply(a, -1.0))

    rows = rng.randrange(1, 6000)
    table = pyarrow.table(
        {
            "a": pyarrow.array([rng.choice([None, rng.uniform(-9, 9)]) for _ in range(rows)], "f8"),
            "b": pyarrow.array([rng.choice([None, rng.randrange(99)]) for _ in range(rows)], "i4"),
            "s": pyarrow.array(
                [rng.choice([None, "a", "bcd", "ü€😀"]) for _ in range(rows)], "str"
            ),
        }
    )
    session.create_function("mixed", mixed, ["float64", "int32", "utf8"], "float64")
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    expected = pyarrow.chunked_array([mixed(*(c.combine_chunks() for c in table.columns))])
    got = session.sql("SELECT mixed(a, b, s) AS m FROM t").to_arrow()["m"]
    assert got.to_pylist() == expected.to_pylist()
    kept = session.sql("SELECT a FROM t WHERE mixed(a, b, s) > 0").to_arrow()
    assert kept["a"].to_pylist() == table.filter(pc.greater(expected, 0))["a"].to_pylist()
    total = session.sql("SELECT count(mixed(a, b, s)) AS c FROM t").to_rows()[0]["c"]
    assert total == len(expected) - expected.null_count


@pytest.mark.parametrize(("kind", "value"), ALL_TYPES)
def test_values_pass_unharmed(session, kind, value):
    session.create_function("same", lambda values: values, [kind], kind)
    text = f"CAST('{value}' AS {kind})"
    sql = f"SELECT same(v) IS NOT DISTINCT FROM v AS ok FROM (VALUES ({text}), (NULL)) t(v)"
    assert [row["ok"] for row in session.sql(sql).to_rows()] == [True, True]


def test_nulls_are_seen(session):
    session.create_function("or_zero", lambda values: pc.fill_null(values, 0), ["int64"], "int64")
    sql = "SELECT or_zero(v) AS v FROM (VALUES (1), (NULL)) t(v)"
    assert [row["v"] for row in session.sql(sql).to_rows()] == [1, 0]
    assert session.sql("SELECT or_zero(NULL) AS v").to_rows() == [{"v": 0}]


def test_results_may_be_lists_and_are_cast_safely(session):
    session.create_function(
        "length_of", lambda s: [len(v) for v in s.to_pylist()], ["utf8"], "int32"
    )
    assert session.sql("SELECT length_of('abc') AS n").to_rows() == [{"n": 3}]
    session.create_function(
        "half", lambda v: pc.divide(pc.cast(v, "float64"), 2), ["int64"], "int64"
    )
    assert session.sql("SELECT half(4) AS n").to_rows() == [{"n": 2}]
    with pytest.raises(velaria.InvalidArgumentError, match=r"half\(int64\) raised ArrowInvalid"):
        session.sql("SELECT half(5) AS n").to_rows()
    session.create_function("tenth", lambda v: pc.divide(v, 10.0), ["float64"], "float32")
    assert session.sql("SELECT tenth(5) AS n").to_rows() == [{"n": 0.5}]
    with pytest.raises(velaria.InvalidArgumentError, match="float rounds; declare double"):
        session.sql("SELECT tenth(1) AS n").to_rows()


MOMENT = datetime.datetime(2024, 5, 1, 12, 0, 0, 999_999)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("decimal(10, 1)", pyarrow.array([0.26])),
        ("decimal(10, 1)", [0.26]),
        ("decimal(10, 1)", [Decimal("0.26")]),
        ("float64", [Decimal(2**53 + 1)]),
        ("float64", pyarrow.array([Decimal(2**53 + 1)])),
        ("float64", [2**53 + 1]),
        ("float32", [0.1]),
        ("timestamp[s]", [MOMENT]),
        ("timestamp[s]", [MOMENT.replace(tzinfo=datetime.timezone.utc)]),
        ("timestamp[ms]", pyarrow.array([MOMENT])),
        ("date32", [MOMENT]),
        ("int64", [0.5]),
    ],
    ids=str,
)
def test_results_are_not_rounded(session, kind, given):
    session.create_function("f", lambda _: given, ["int64"], kind)
    with pytest.raises(velaria.InvalidArgumentError, match=r"f\(int64\) raised"):
        session.sql("SELECT f(1) AS v").to_rows()


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("decimal(10, 1)", [0.5], "0.5"),
        ("decimal(10, 1)", [3], "3.0"),
        ("float64", [Decimal("0.5")], "0.5"),
        ("float32", [float("nan")], "nan"),
        ("float32", [None], None),
        ("uint64", [2**64 - 1], str(2**64 - 1)),
        ("timestamp[s]", [MOMENT.replace(microsecond=0)], "2024-05-01 12:00:00"),
        ("fixed_size_list<float32>[2]", [[0.5, 0.1]], "[0.5, 0.1]"),
        ("fixed_size_list<float32>[2]", pyarrow.array([[0.5, 0.1]]), "[0.5, 0.1]"),
        ("interval", [datetime.timedelta(seconds=1)], "00:00:01"),
        ("utf8", ["a"], "a"),
        ("binary", [b"a"], "\\x61"),
    ],
    ids=str,
)
def test_results_that_fit_are_converted(session, kind, given, text):
    session.create_function("f", lambda _: given, ["int64"], kind)
    assert session.sql("SELECT CAST(f(1) AS VARCHAR) AS v").to_rows() == [{"v": text}]


@pytest.mark.parametrize(
    "convert",
    [
        lambda values: values.to_numpy(zero_copy_only=False),
        lambda values: pyarrow.chunked_array([values]),
        lambda values: values.dictionary_encode(),
        lambda values: values.to_pylist(),
        lambda values: tuple(values.to_pylist()),
        lambda values: values.to_pandas(),
        lambda values: __import__("polars").Series(values),
    ],
)
def test_arrays_of_other_libraries(session, convert):
    session.create_function("same", lambda values: convert(values), ["int64"], "int64")
    frame = session.create_dataframe_from_arrow({"n": [3, 1, 2, 3]})
    assert frame.select("same(n) AS n").to_arrow() == frame.to_arrow()


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda v: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda v: v.slice(1), "one for each row"),
        (lambda v: ["x"] * len(v), "ArrowInvalid"),
        (lambda v: pc.cast(v, "string"), "it gave string, but is declared to give int64"),
        (lambda v: pc.greater(v, 1), "it gave bool, but is declared to give int64"),
        (lambda v: None, "it gave a NoneType"),
        (lambda v: 7, "it gave an int"),
        (lambda: None, "TypeError"),
    ],
)
def test_errors_name_the_function(session, function, text):
    session.create_function("broken", function, ["int64"], "int64")
    session.create_temp_view("t", session.create_dataframe_from_arrow({"n": [1, 2, 3]}))
    with pytest.raises(velaria.InvalidArgumentError, match=text) as caught:
        session.sql("SELECT broken(n) FROM t").to_rows()
    assert "function broken(int64)" in str(caught.value)
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_ctrl_c_in_a_function_stays_ctrl_c():
    def interrupted(values):
        raise KeyboardInterrupt

    with velaria.Session(threads=1) as one:
        one.create_function("f", interrupted, ["int64"], "int64")
        with pytest.raises(KeyboardInterrupt):
            one.sql("SELECT f(n) FROM range(0, 10) r(n)").to_rows()
        assert one.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_arguments_are_bound_like_those_of_other_functions(session):
    session.create_function("add", pc.add, ["float64", "float64"], "float64")
    assert session.sql("SELECT add(1, '2.5') AS x").to_rows() == [{"x": 3.5}]
    session.create_temp_view("t", session.create_dataframe_from_arrow({"n": [1], "s": ["2"]}))
    assert session.sql("SELECT add(n, n) AS x FROM t").to_rows() == [{"x": 2.0}]
    with pytest.raises(velaria.TypeMismatchError, match=r"argument 2 of add.*CAST"):
        session.sql("SELECT add(n, s) FROM t")
    with pytest.raises(velaria.SqlSemanticError, match="wrong number of arguments: 1"):
        session.sql("SELECT add(n) FROM t")
    with pytest.raises(velaria.SqlSemanticError, match=r"'ad' does not exist.*add"):
        session.sql("SELECT ad(n, n) FROM t")


def test_names(session):
    for name in ("sum", "upper", "count", "coalesce"):
        with pytest.raises(velaria.InvalidArgumentError, match="built-in"):
            session.create_function(name, doubled, ["int64"], "int64")
    for name in ("", "1a", "a b", "a-b", "ü"):
        with pytest.raises(velaria.InvalidArgumentError, match="cannot be named"):
            session.create_function(name, doubled, ["int64"], "int64")
    with pytest.raises(velaria.InvalidArgumentError, match="argument type"):
        session.create_function("f", doubled, [], "int64")
    with pytest.raises(velaria.InvalidArgumentError, match="no function"):
        session.create_function("f", 7, ["int64"], "int64")


def test_replaced_and_dropped(session):
    session.create_function("f", lambda v: pc.add(v, 1), ["int64"], "int64")
    before = session.sql("SELECT f(1) AS x")
    session.create_function("F", lambda v: pc.add(v, 10), ["int64"], "int64")
    assert session.sql("SELECT f(1) AS x").to_rows() == [{"x": 11}]
    assert before.to_rows() == [{"x": 2}]
    session.drop_function("f")
    with pytest.raises(velaria.SqlSemanticError, match="does not exist"):
        session.sql("SELECT f(1)")
    with pytest.raises(velaria.CatalogError):
        session.drop_function("f")


def test_sessions_share_nothing(session):
    session.create_function("f", doubled, ["int64"], "int64")
    with velaria.Session() as other, pytest.raises(velaria.SqlSemanticError, match="not exist"):
        other.sql("SELECT f(1)")


def test_everywhere_in_sql(session):
    session.create_function("bucket", lambda v: pc.floor(pc.divide(v, 10)), ["float64"], "float64")
    frame = session.create_dataframe_from_arrow({"n": [5.0, 15.0, 17.0, 25.0]})
    session.create_temp_view("t", frame)
    rows = session.sql(
        "SELECT bucket(n) AS b, count(*) AS c FROM t GROUP BY bucket(n) "
        "HAVING max(bucket(n)) > 0 ORDER BY bucket(n) DESC"
    ).to_rows()
    assert rows == [{"b": 2.0, "c": 1}, {"b": 1.0, "c": 2}]
    rows = session.sql(
        "SELECT count(*) AS c FROM t a JOIN t b ON bucket(a.n) = bucket(b.n)"
    ).to_rows()
    assert rows == [{"c": 6}]
    got = frame.filter("bucket(n) = 1").with_column("b", "bucket(n)").group_by("bucket(n)")
    assert got.agg("count(*) AS c").to_rows()[0]["c"] == 2
    assert "bucket(" in session.explain_sql("SELECT bucket(n) FROM t")
    frame = session.create_dataframe_from_arrow({"n": [5.0, 25.0, 15.0]})
    assert [row["n"] for row in frame.order_by("bucket(n) DESC").to_rows()] == [25.0, 15.0, 5.0]
    assert frame.select("CASE WHEN n > 9 THEN bucket(n) END AS b").to_rows()[0] == {"b": None}
    session.sql("CREATE TABLE kept AS SELECT bucket(n) AS b FROM t")
    session.sql("UPDATE kept SET b = bucket(b * 100) WHERE bucket(b) = 0")
    session.sql("INSERT INTO kept VALUES (bucket(99.5))")
    rows = session.sql("SELECT b FROM kept ORDER BY b").to_rows()
    assert [row["b"] for row in rows] == [0.0, 9.0, 10.0, 10.0, 20.0]


def test_in_vector_search(session):
    session.create_function("even", lambda v: pc.equal(pc.bit_wise_and(v, 1), 0), ["int64"], "bool")
    points = {"v": ["[0 0]", "[1 1]", "[2 2]"], "id": [1, 2, 3]}
    session.create_temp_view("points", session.create_dataframe_from_arrow(points))
    found = session.vector_search("points", "v", [0, 0], 1, "l2", where="even(id)")
    assert [row["row_id"] for row in found.to_rows()] == [1]


def test_in_stream_sql(session):
    session.create_function("doubled", doubled, ["int64"], "int64")
    session.create_temp_view("s", session.create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=1))
    sink = velaria.MemorySink()
    session.register_stream_sink("out", sink)
    query = session.start_stream_sql("INSERT INTO out SELECT doubled(n) AS d FROM s WHERE n > 1")
    query.await_termination(30_000)
    assert [row["d"] for row in sink.to_rows()] == [4, 6]


def test_in_verbs_of_streams(session):
    session.create_function("doubled", doubled, ["int64"], "int64")
    stream = session.create_stream_from_arrow({"n": [1, 2, 3, 4]}, batch_rows=3)
    frame = (
        stream.filter("doubled(n) > 2")
        .with_column("d", "doubled(n)")
        .select("doubled(d) AS q", "doubled(n % 2) AS k")
        .group_by("doubled(k)")
        .agg("sum(doubled(q)) AS s")
    )
    # Queries that are made keep their function.
    session.drop_function("doubled")
    sink = velaria.MemorySink()
    frame.write_stream(sink).start().await_termination(30_000)
    assert sink.to_rows()[-1]["s"] == 8 * (2 + 4)
    with pytest.raises(velaria.SqlSemanticError, match="does not exist"):
        stream.filter("doubled(n) > 2")


def test_an_error_ends_a_stream(session):
    def broken(values):
        raise LookupError("no such key")

    session.create_function("broken", broken, ["int64"], "int64")
    stream = session.create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=1)
    query = stream.select("broken(n) AS n").write_stream(velaria.MemorySink()).start()
    with pytest.raises(velaria.StreamError, match="no such key") as caught:
        query.await_termination(30_000)
    assert "function broken(int64) raised LookupError" in str(caught.value)
    assert query.status == "failed"


def test_many_threads_call_it(session):
    session.create_function("doubled", doubled, ["int64"], "int64")
    session.create_temp_view("t", session.create_dataframe_from_arrow({"n": list(range(5000))}))
    results = []

    def run():
        results.append(session.sql("SELECT sum(doubled(n)) AS s FROM t").to_rows())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [[{"s": 5000 * 4999}]] * 4


def test_functions_are_freed():
    def own(values):
        return values

    alive = weakref.ref(own)
    session = velaria.Session()
    session.create_function("own", own, ["int64"], "int64")
    del own
    session.close()
    gc.collect()
    assert alive() is None


def test_without_pyarrow(session, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"velaria\[arrow\]"):
        session.create_function("f", doubled, ["int64"], "int64")
    assert pyarrow is not None
