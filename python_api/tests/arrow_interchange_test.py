"""Arrow's PyCapsule protocol with the packages that speak it, both ways, and without pyarrow."""

import datetime
import decimal
import subprocess
import sys
import textwrap

import pyarrow
import pytest
import velaria

duckdb = pytest.importorskip("duckdb")
nanoarrow = pytest.importorskip("nanoarrow")
pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

UTC = datetime.timezone.utc
ROWS = [
    {
        "i": 1,
        "f": 0.1,
        "s": "short",
        "b": True,
        "d": datetime.date(2024, 2, 29),
        "t": datetime.datetime(2024, 2, 29, 12, 30, 15, 123456),
        "z": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=UTC),
        "m": decimal.Decimal("12345.678"),
    },
    dict.fromkeys("ifsbdtzm"),
    {
        "i": -(2**62),
        "f": float("inf"),
        "s": "a text that is longer than twelve bytes: 東京",
        "b": False,
        "d": datetime.date(1, 1, 1),
        "t": datetime.datetime(1969, 12, 31, 23, 59, 59),
        "z": datetime.datetime(9999, 1, 1, tzinfo=UTC),
        "m": decimal.Decimal("-0.001"),
    },
]
SCHEMA = pyarrow.schema(
    [
        ("i", pyarrow.int64()),
        ("f", pyarrow.float64()),
        ("s", pyarrow.string()),
        ("b", pyarrow.bool_()),
        ("d", pyarrow.date32()),
        ("t", pyarrow.timestamp("us")),
        ("z", pyarrow.timestamp("us", "UTC")),
        ("m", pyarrow.decimal128(20, 3)),
    ]
)
TABLE = pyarrow.Table.from_pylist(ROWS, schema=SCHEMA)


def from_duckdb(table):
    return duckdb.connect().execute("SET TimeZone = 'UTC'").from_arrow(table)


PRODUCERS = {
    "pyarrow": lambda table: table,
    "batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(),
    "polars": polars.DataFrame,
    "nanoarrow": lambda table: nanoarrow.ArrayStream(table),
    "duckdb": from_duckdb,
}


@pytest.mark.parametrize("name", PRODUCERS)
def test_in_from(session, name):
    frame = session.create_dataframe_from_arrow(PRODUCERS[name](TABLE))
    assert frame.columns == SCHEMA.names
    assert frame.to_rows() == ROWS


def test_in_from_pandas(session):
    data = pandas.DataFrame({"i": [1, 2], "s": ["a", None], "f": [0.5, None]})
    frame = session.create_dataframe_from_arrow(data)
    assert frame.to_rows() == [{"i": 1, "s": "a", "f": 0.5}, {"i": 2, "s": None, "f": None}]


CONSUMERS = {
    "pyarrow": lambda frame: pyarrow.table(frame).to_pylist(),
    "reader": lambda frame: pyarrow.RecordBatchReader.from_stream(frame).read_all().to_pylist(),
    "polars": lambda frame: polars.DataFrame(frame).to_dicts(),
    "to_polars": lambda frame: frame.to_polars().to_dicts(),
    "nanoarrow": lambda frame: pyarrow.table(nanoarrow.ArrayStream(frame)).to_pylist(),
    "duckdb": lambda frame: from_duckdb(frame).to_arrow_table().to_pylist(),
}


@pytest.mark.parametrize("name", CONSUMERS)
def test_out_to(session, name):
    frame = session.create_dataframe_from_arrow(TABLE)
    assert CONSUMERS[name](frame) == ROWS
    assert CONSUMERS[name](frame.filter("i > 5")) == []
    assert CONSUMERS[name](frame.filter("i < 5").select("i", "s")) == [
        {"i": row["i"], "s": row["s"]} for row in ROWS if row["i"] is not None
    ]


def test_out_to_pandas(session):
    frame = session.create_dataframe_from_arrow({"i": [1, 2], "s": ["a", None]})
    for made in (frame.to_pandas(), pandas.DataFrame.from_arrow(frame)):
        assert made["i"].tolist() == [1, 2]
        assert made["s"].isna().tolist() == [False, True]


def test_duckdb_reads_a_frame_by_name(session):
    tickets = session.create_dataframe_from_arrow({"n": list(range(10))}).filter("n % 2 = 0")
    assert tickets.count() == 5
    assert duckdb.sql("SELECT sum(n) FROM tickets").fetchall() == [(20,)]


@pytest.mark.parametrize("rows", [0, 1, 2049, 10_000])
def test_there_and_back_through_each(session, rng, rows):
    table = pyarrow.table(
        {
            "n": [rng.choice([None, rng.randrange(-(2**63), 2**63)]) for _ in range(rows)],
            "s": [rng.choice([None, "x" * rng.randrange(30)]) for _ in range(rows)],
        },
        schema=pyarrow.schema([("n", pyarrow.int64()), ("s", pyarrow.string())]),
    )
    expected = table.to_pylist()
    for name, produce in PRODUCERS.items():
        if name == "batch" and rows == 0:
            continue
        frame = session.create_dataframe_from_arrow(produce(table))
        assert CONSUMERS.get(name, CONSUMERS["pyarrow"])(frame) == expected, name


def layouts():
    """The same values in every layout that Arrow has for them."""
    texts = ["a", None, "a text that is longer than twelve bytes", "a"]
    plain = pyarrow.array(texts)
    yield "utf8", plain
    yield "large_utf8", plain.cast(pyarrow.large_string())
    yield "utf8_view", plain.cast(pyarrow.string_view())
    yield "dictionary", plain.dictionary_encode()
    yield "dictionary of large_utf8", plain.cast(pyarrow.large_string()).dictionary_encode()
    ends = pyarrow.array([1, 2, 3, 4], pyarrow.int32())
    yield "run-end", pyarrow.RunEndEncodedArray.from_arrays(ends, plain)
    wide = pyarrow.array(["before", *texts, "behind"])
    yield "sliced", wide.slice(1, 4)
    yield "sliced view", wide.cast(pyarrow.string_view()).slice(1, 4)
    yield "sliced dictionary", wide.dictionary_encode().slice(1, 4)


@pytest.mark.parametrize(("name", "array"), list(layouts()), ids=[name for name, _ in layouts()])
def test_layouts_of_text(session, name, array):
    texts = ["a", None, "a text that is longer than twelve bytes", "a"]
    frame = session.create_dataframe_from_arrow(pyarrow.table({"s": array}))
    assert [row["s"] for row in frame.to_rows()] == texts
    assert frame.filter("s = 'a'").count() == 2
    empty = session.create_dataframe_from_arrow(pyarrow.table({"s": array.slice(0, 0)}))
    assert (empty.columns, empty.count()) == (["s"], 0)


def test_lazy_frames_say_what_they_lack(session):
    with pytest.raises(velaria.InvalidArgumentError, match=r"LazyFrame.*collect\(\)"):
        session.create_dataframe_from_arrow(polars.DataFrame({"n": [1]}).lazy())


def test_polars_categories_and_lazy_frames(session):
    data = polars.DataFrame({"k": ["x", "y", "x"]}, schema={"k": polars.Categorical})
    frame = session.create_dataframe_from_arrow(data)
    rows = frame.group_by("k").agg("count(*) AS n").to_rows()
    assert rows == [{"k": "x", "n": 2}, {"k": "y", "n": 1}]
    # A lazy frame has no rows until it is collected, and says so.
    with pytest.raises(velaria.InvalidArgumentError, match="LazyFrame"):
        session.create_dataframe_from_arrow(data.lazy())


def test_vectors_of_numpy(session):
    numpy = pytest.importorskip("numpy")
    vectors = numpy.arange(12, dtype="float32").reshape(4, 3)
    array = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), 3)
    session.create_temp_view("v", session.create_dataframe_from_arrow({"v": array}))
    found = session.vector_search("v", "v", vectors[2], top_k=1, metric="l2")
    assert found.to_rows() == [{"row_id": 2, "score": 0.0}]
    back = pyarrow.table(session.table("v")).column("v").combine_chunks()
    assert numpy.array_equal(back.flatten().to_numpy().reshape(4, 3), vectors)


def requested(frame, *fields):
    return pyarrow.RecordBatchReader.from_stream(frame, pyarrow.schema(fields)).read_all()


def test_a_requested_schema_that_keeps_every_value(session):
    table = pyarrow.table(
        {
            "i": pyarrow.array([1, None, -3], "int64"),
            "f": pyarrow.array([0.5, None, float("inf")], "float32"),
            "t": pyarrow.array([1, None, 3], pyarrow.timestamp("s")),
            "d": pyarrow.array(["1.50", None, "2.25"]).cast(pyarrow.decimal128(5, 2)),
            "s": ["a", None, "a text of more than twelve bytes"],
        }
    )
    frame = session.create_dataframe_from_arrow(table)
    fields = [
        ("i", pyarrow.int8()),
        ("f", pyarrow.float64()),
        ("t", pyarrow.timestamp("us")),
        ("d", pyarrow.decimal128(20, 4)),
        ("s", pyarrow.string()),
    ]
    assert requested(frame, *fields).equals(table.cast(pyarrow.schema(fields)))
    same = requested(frame, *table.schema)
    assert same.equals(table)


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.large_string(),
        pyarrow.string_view(),
        pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        pyarrow.dictionary(pyarrow.int8(), pyarrow.large_string()),
        pyarrow.large_binary(),
        pyarrow.binary_view(),
        pyarrow.dictionary(pyarrow.uint16(), pyarrow.binary()),
    ],
    ids=str,
)
def test_a_requested_layout(session, kind):
    is_text = "string" in str(kind)
    values = ["a", None, "", "a text of more than twelve bytes: 東京", "a"]
    if not is_text:
        values = [None if value is None else value.encode() for value in values]
    own = pyarrow.string() if is_text else pyarrow.binary()
    table = pyarrow.table({"n": [1, 2, 3, 4, 5], "s": pyarrow.array(values, own)})
    frame = session.create_dataframe_from_arrow(table)
    for rows in (frame, frame.filter("n > 1"), frame.limit(0), frame.union_all(frame)):
        got = requested(rows, ("n", pyarrow.int64()), ("s", kind))
        assert got.schema.field("s").type == kind
        got.validate(full=True)
        assert got.to_pylist() == rows.to_rows()


def test_a_requested_dictionary_that_is_too_small(session):
    frame = session.sql("SELECT n::text AS s FROM range(0, 300) r(n)")
    small = pyarrow.dictionary(pyarrow.int8(), pyarrow.string())
    with pytest.raises(pyarrow.ArrowInvalid, match=r"TypeMismatchError: .*300 different"):
        requested(frame, ("s", small))
    wide = pyarrow.dictionary(pyarrow.int16(), pyarrow.string())
    assert requested(frame, ("s", wide)).to_pylist() == frame.to_rows()


@pytest.mark.parametrize(
    ("values", "own", "kind"),
    [
        ([0, None, -1, 2**20], pyarrow.date32(), pyarrow.date64()),
        ([0, None, 86_399_999_999], pyarrow.time64("us"), pyarrow.time64("ns")),
        ([1, None, 1, -5], pyarrow.int32(), pyarrow.dictionary(pyarrow.int8(), pyarrow.int32())),
        ([1, None, 1, -5], pyarrow.int32(), pyarrow.dictionary(pyarrow.uint8(), pyarrow.int64())),
        (
            [1.5, None, -0.0],
            pyarrow.float32(),
            pyarrow.dictionary(pyarrow.int32(), pyarrow.float64()),
        ),
        ([7, None, 7], pyarrow.date32(), pyarrow.dictionary(pyarrow.int16(), pyarrow.date32())),
        (
            [7, None, 7],
            pyarrow.timestamp("ms", "UTC"),
            pyarrow.dictionary(pyarrow.int64(), pyarrow.timestamp("us", "UTC")),
        ),
        (
            [1, None, 1],
            pyarrow.decimal128(9, 0),
            pyarrow.dictionary(pyarrow.int32(), pyarrow.decimal128(12, 2)),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, pyarrow.DataType) else "values",
)
def test_requested_dates_times_and_dictionaries_of_numbers(session, values, own, kind):
    array = pyarrow.array(values, own)
    table = pyarrow.table({"n": list(range(len(values))), "v": array})
    frame = session.create_dataframe_from_arrow(table)
    for rows in (frame, frame.filter("n > 0"), frame.limit(0), frame.union_all(frame)):
        got = requested(rows, ("n", pyarrow.int64()), ("v", kind))
        assert got.schema.field("v").type == kind
        got.validate(full=True)
        plain = pyarrow.table(rows).column("v")
        wanted = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
        decoded = got.column("v").cast(wanted)
        assert decoded.combine_chunks().equals(plain.cast(wanted).combine_chunks())


def test_a_requested_dictionary_of_too_many_numbers(session):
    frame = session.sql("SELECT n FROM range(0, 300) r(n)")
    with pytest.raises(pyarrow.ArrowInvalid, match=r"TypeMismatchError: .*300 different"):
        requested(frame, ("n", pyarrow.dictionary(pyarrow.int8(), pyarrow.int64())))


RUN_END = pyarrow.run_end_encoded


@pytest.mark.parametrize(
    ("values", "own", "kind"),
    [
        ([1.5, None, -0.0, float("inf")], pyarrow.float32(), pyarrow.float16()),
        ([1_000_000, None, 5_000_000], pyarrow.time64("us"), pyarrow.time32("s")),
        ([1_000, None, 5_000], pyarrow.time64("us"), pyarrow.time32("ms")),
        ([decimal.Decimal("1.25"), None], pyarrow.decimal128(7, 2), pyarrow.decimal32(7, 2)),
        ([decimal.Decimal("-1.25"), None], pyarrow.decimal128(7, 2), pyarrow.decimal64(9, 2)),
        ([b"abc", None, b"xyz"], pyarrow.binary(), pyarrow.binary(3)),
        ([True, True, None, False], pyarrow.bool_(), RUN_END(pyarrow.int16(), pyarrow.bool_())),
        ([1, 1, None, None, 1], pyarrow.int32(), RUN_END(pyarrow.int32(), pyarrow.int32())),
        ([1, 1, None, None, 1], pyarrow.int32(), RUN_END(pyarrow.int64(), pyarrow.int64())),
        ([1.5, 1.5, None], pyarrow.float32(), RUN_END(pyarrow.int32(), pyarrow.float16())),
        (["a", "a", None, "b" * 20], pyarrow.string(), RUN_END(pyarrow.int32(), pyarrow.string())),
        (["a", "a", None], pyarrow.string(), RUN_END(pyarrow.int16(), pyarrow.large_string())),
        ([7, 7, None], pyarrow.date32(), RUN_END(pyarrow.int32(), pyarrow.date64())),
    ],
    ids=lambda value: str(value) if isinstance(value, pyarrow.DataType) else "values",
)
def test_requested_narrow_types_and_runs(session, values, own, kind):
    array = pyarrow.array(values, own)
    table = pyarrow.table({"n": list(range(len(values))), "v": array})
    frame = session.create_dataframe_from_arrow(table)
    for rows in (frame, frame.filter("n > 0"), frame.limit(0), frame.union_all(frame)):
        got = requested(rows, ("n", pyarrow.int64()), ("v", kind))
        assert got.schema.field("v").type == kind
        got.validate(full=True)
        # What is given comes back as what it was.
        back = session.create_dataframe_from_arrow(got)
        assert back.to_rows() == rows.to_rows()
        assert got.column("v").to_pylist() == pyarrow.table(rows).column("v").to_pylist()


def test_a_requested_duration(session):
    lengths = [datetime.timedelta(hours=1), None, datetime.timedelta(microseconds=-5)]
    table = pyarrow.table({"d": pyarrow.array(lengths, pyarrow.duration("us"))})
    frame = session.create_dataframe_from_arrow(table)
    assert requested(frame, ("d", pyarrow.duration("us"))).equals(table)
    with pytest.raises(pyarrow.ArrowInvalid, match=r"column 'd': an interval of .* -5000 nanosec"):
        requested(frame, ("d", pyarrow.duration("ms")))


@pytest.mark.parametrize(
    ("values", "own", "kind", "seen"),
    [
        ([0.1], pyarrow.float32(), pyarrow.float16(), "0.1 is not a float16 exactly"),
        ([1_000_001], pyarrow.time64("us"), pyarrow.time32("ms"), "1000001 microseconds"),
        ([b"abc", b"de"], pyarrow.binary(), pyarrow.binary(3), "a value of 2 bytes"),
    ],
    ids=lambda value: str(value) if isinstance(value, pyarrow.DataType) else "values",
)
def test_a_requested_type_that_a_value_does_not_fit(session, values, own, kind, seen):
    frame = session.create_dataframe_from_arrow({"v": pyarrow.array(values, own)})
    with pytest.raises(pyarrow.ArrowInvalid, match=f"TypeMismatchError: column 'v': .*{seen}"):
        requested(frame, ("v", kind))


def test_requested_types_that_do_not_hold_the_values(session):
    table = pyarrow.table(
        {
            "t": pyarrow.array([1, None], pyarrow.time32("s")),
            "n": pyarrow.array([1, None], "int32"),
        }
    )
    frame = session.create_dataframe_from_arrow(table)
    for name, kind in (("t", pyarrow.timestamp("ns")), ("n", pyarrow.float32())):
        with pytest.raises(velaria.TypeMismatchError):
            requested(frame.select(name), (name, kind))
    far = session.sql("SELECT TIMESTAMP '9999-01-01' AS t")
    with pytest.raises((pyarrow.ArrowInvalid, velaria.TypeMismatchError), match="cannot cast"):
        requested(far, ("t", pyarrow.timestamp("ns")))


def test_a_requested_schema_that_could_lose_something(session):
    frame = session.create_dataframe_from_arrow({"n": [1, 300], "x": [0.1, 0.2], "s": ["1", "2"]})
    own = {"n": pyarrow.int64(), "x": pyarrow.float64(), "s": pyarrow.string()}
    for name, kind in [
        ("n", pyarrow.float64()),
        ("n", pyarrow.string()),
        ("n", pyarrow.bool_()),
        ("x", pyarrow.float32()),
        ("x", pyarrow.int64()),
        ("s", pyarrow.int64()),
    ]:
        with pytest.raises(velaria.TypeMismatchError, match=f"column '{name}' is requested as"):
            requested(frame, *{**own, name: kind}.items())
    with pytest.raises(velaria.TypeMismatchError, match="300"):
        requested(frame, *{**own, "n": pyarrow.int8()}.items())
    for fields in ([("n", own["n"])], [(f"{name}2", kind) for name, kind in own.items()]):
        with pytest.raises(velaria.SqlSemanticError, match="the rows have n, x, s"):
            requested(frame, *fields)


def test_rows_are_pulled_as_they_are_taken(session):
    """Nobody would wait for a million million rows."""
    frame = session.sql("SELECT n, n * 2 AS m FROM range(0, 1000000000000) r(n) WHERE n % 3 = 1")
    reader = pyarrow.RecordBatchReader.from_stream(frame)
    taken = []
    for _ in range(3):
        taken += reader.read_next_batch().column("n").to_pylist()
    assert taken == [3 * i + 1 for i in range(len(taken))]
    reader.close()
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_the_memory_of_a_stream_stays_bounded():
    code = """
        import pyarrow, resource, velaria
        # 400 million bytes of rows through less memory than that, by the kernel's own count too.
        session = velaria.Session(threads=2, memory_limit=96 << 20)
        frame = session.sql("SELECT n, n + 1 AS m FROM range(0, 25000000) r(n)")
        rows = total = 0
        for batch in pyarrow.RecordBatchReader.from_stream(frame):
            rows += batch.num_rows
            total += batch.column("m")[0].as_py() - batch.column("n")[0].as_py() == 1
            if rows < 3000000:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(rows, total > 100, (after - before) < 64 << 10)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "25000000 True True\n", (done.stdout, done.stderr)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t",
        "SELECT k, v FROM t WHERE v % 7 < 3",
        "SELECT t.v, u.w FROM t JOIN u ON t.k = u.k",
        "SELECT t.v, u.w FROM t FULL JOIN u ON t.k = u.k AND u.w > 5",
        "SELECT t.v, u.w FROM t JOIN u ON t.v % 40 > u.w",
        "SELECT k, sum(v) AS s FROM t GROUP BY k",
        "SELECT v FROM t ORDER BY k, v DESC",
        "SELECT v FROM t UNION ALL SELECT w FROM u UNION ALL SELECT v + 1 FROM t",
        "SELECT v FROM t LIMIT 700 OFFSET 33",
        "SELECT v, row_number() OVER (PARTITION BY k ORDER BY v) AS r FROM t",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50) "
        "SELECT n FROM c",
        "SELECT v FROM t WHERE v < 0",
        "SELECT 1 AS x",
    ],
)
def test_a_stream_gives_the_rows_of_the_query(session, query):
    keys = [i * 7919 % 13 if i % 11 else None for i in range(3000)]
    table = pyarrow.table({"k": pyarrow.array(keys, "int64"), "v": list(range(3000))})
    session.create_temp_view("t", session.create_dataframe_from_arrow(table))
    other = pyarrow.table({"k": list(range(20)), "w": list(range(20))})
    session.create_temp_view("u", session.create_dataframe_from_arrow(other))
    frame = session.sql(query)
    streamed = pyarrow.RecordBatchReader.from_stream(frame).read_all()
    assert streamed.equals(frame.to_arrow())


def test_a_stream_outlives_its_session():
    with velaria.Session() as session:
        frame = session.sql("SELECT n FROM range(0, 1000000) r(n)")
        reader = pyarrow.RecordBatchReader.from_stream(frame)
    del frame, session
    assert reader.read_all().num_rows == 1_000_000


def test_an_error_behind_the_first_batch_is_the_consumers(session):
    frame = session.sql("SELECT 10 / (200000 - n) + CAST(n AS INT8) * 0 AS x FROM range(0, 2) r(n)")
    assert pyarrow.table(frame).num_rows == 2
    frame = session.sql("SELECT CAST(CASE WHEN n < 200000 THEN 1 ELSE n END AS INT8) AS x "
                        "FROM range(0, 250000) r(n)")  # fmt: skip
    reader = pyarrow.RecordBatchReader.from_stream(frame)
    with pytest.raises((OSError, pyarrow.ArrowException), match=r"TypeMismatchError.*2[0-4]\d{4}"):
        reader.read_all()
    with pytest.raises((OSError, pyarrow.ArrowException), match=r"TypeMismatchError.*2[0-4]\d{4}"):
        reader.read_next_batch()


def test_functions_of_python_in_a_stream(session):
    """Whoever pulls, with Python's lock or without it: the kernel's threads get it."""
    session.create_function("same", lambda values: values, ["int64"], "int64")
    frame = session.sql("SELECT same(n) AS n FROM range(0, 30000) r(n)")
    assert pyarrow.RecordBatchReader.from_stream(frame).read_all().num_rows == 30_000
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(frame).height == 30_000
    nanoarrow = pytest.importorskip("nanoarrow")
    assert sum(len(batch) for batch in nanoarrow.ArrayStream(frame)) == 30_000


@pytest.mark.parametrize("method", ["to_arrow", "to_pandas", "to_polars"])
def test_what_fails_late_is_still_the_kernels_error(session, method):
    frame = session.sql(
        "SELECT CAST(CASE WHEN n < 300000 THEN 1 ELSE n END AS INT8) AS x "
        "FROM range(0, 1000000) r(n)"
    )
    with pytest.raises(velaria.TypeMismatchError, match="cannot cast 3"):
        getattr(frame, method)()


def test_capsules_and_lists_of_anything(session):
    batch = TABLE.combine_chunks().to_batches()[0]
    assert session.create_dataframe_from_arrow(batch.__arrow_c_array__()).to_rows() == ROWS
    pieces = [polars.DataFrame(TABLE), polars.DataFrame(TABLE)]
    assert session.create_dataframe_from_arrow(pieces).to_rows() == ROWS * 2
    mixed = (item for item in [batch, TABLE, nanoarrow.Array(batch)])
    assert session.create_dataframe_from_arrow(mixed).to_rows() == ROWS * 3


def test_data_sets_of_pyarrow(session, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    dataset = pytest.importorskip("pyarrow.dataset")
    parquet.write_table(TABLE, tmp_path / "a.parquet")
    parquet.write_table(TABLE, tmp_path / "b.parquet")
    found = dataset.dataset(tmp_path)
    assert session.create_dataframe_from_arrow(found).to_rows() == ROWS * 2
    # As a stream it is pulled, and once.
    stream = session.create_stream_from_arrow(found)
    sink = velaria.MemorySink()
    with stream.write_stream(sink) as query:
        assert query.await_termination() == 2
    assert sink.to_rows() == ROWS * 2
    with stream.write_stream(sink) as query, pytest.raises(velaria.StreamError, match="read once"):
        query.await_termination()
    few = found.scanner(columns=["i"])
    assert session.create_dataframe_from_arrow(few).columns == ["i"]


def test_numpy_there_and_back(session):
    numpy = pytest.importorskip("numpy")
    matrix = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
    frame = session.create_dataframe_from_arrow(
        {"v": matrix, "n": numpy.array([2**62 + 1, 5, -1]), "t": ["a", "b", None]}
    )
    assert frame.schema["v"].type == "fixed_size_list<float32>[4]"
    assert (frame.to_numpy("v") == matrix).all()
    assert frame.to_numpy("n").tolist() == [2**62 + 1, 5, -1]
    assert frame.filter("n < 0").select('n AS "a ""b"').to_numpy('a "b').tolist() == [-1]
    none = frame.limit(0)
    assert none.to_numpy("v").shape == (0, 4)
    assert none.to_numpy("n").dtype == numpy.int64
    with pytest.raises(velaria.InvalidArgumentError, match="1 NULLs"):
        frame.to_numpy("t")
    with pytest.raises(velaria.SqlSemanticError, match="vv"):
        frame.to_numpy("vv")


BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([BIG, None], pyarrow.int64()),
        ([None, 2**64 - 1], pyarrow.uint64()),
        ([[BIG, None]], pyarrow.list_(pyarrow.int64())),
        ([[-BIG, None]], pyarrow.list_(pyarrow.int64(), 2)),
        ([{"a": BIG}, {"a": None}], pyarrow.struct([("a", pyarrow.int64())])),
        ([[("k", BIG), ("l", None)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        ([{"a": [[BIG, None]]}], None),
    ],
    ids=str,
)
def test_integers_beside_nulls_keep_their_digits(session, values, kind):
    pytest.importorskip("pandas")
    table = pyarrow.table({"v": pyarrow.array(values, kind), "w": [None] * len(values)})
    table = table.set_column(1, "w", pyarrow.array([None, *[2**53] * (len(values) - 1)], "int64"))
    frame = session.create_dataframe_from_arrow(table)
    out = frame.to_pandas()
    text = repr(out["v"].tolist()[0]) + repr(out["v"].tolist()[-1])
    assert "e+" not in text, text
    assert str(BIG) in text or str(2**64 - 1) in text
    assert out["w"].dtype == "float64"
    with pytest.raises(velaria.InvalidArgumentError, match="NULLs"):
        frame.to_numpy("v")


def test_vectors_with_nulls_inside_are_no_matrix(session):
    pytest.importorskip("numpy")
    whole = pyarrow.array([[BIG, 1], [2, 3]], pyarrow.list_(pyarrow.int64(), 2))
    assert session.create_dataframe_from_arrow({"v": whole}).to_numpy("v").tolist() == [
        [BIG, 1],
        [2, 3],
    ]
    holes = pyarrow.array([[5, None]], pyarrow.list_(pyarrow.int32(), 2))
    with pytest.raises(velaria.InvalidArgumentError, match="1 NULLs inside"):
        session.create_dataframe_from_arrow({"v": holes}).to_numpy("v")


def test_rows_for_pyarrow_do_not_wait_for_pandas():
    program = """
        import sys, velaria
        session = velaria.Session()
        frame = session.sql("SELECT 1 AS x")
        assert frame.to_arrow().num_rows == 1
        session.create_function("same", lambda a: a, ["int64"], "int64")
        assert session.sql("SELECT same(1) AS x").to_rows() == [{"x": 1}]
        sink = velaria.MemorySink()
        with session.create_stream_from_arrow(frame).write_stream(sink) as query:
            query.await_termination()
        assert sink.to_arrow().num_rows == 1
        assert "pandas" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)


def test_without_pyarrow():
    """Arrow goes in and out by the protocol alone: no package of it is imported."""
    code = """
        import sys
        sys.modules["pyarrow"] = None
        import nanoarrow, polars, velaria
        session = velaria.Session()
        data = polars.DataFrame({"n": [1, 2, 3], "s": ["a", None, "c" * 20]})
        session.create_temp_view("t", session.create_dataframe_from_arrow(data))
        frame = session.sql("SELECT n * 2 AS n, s FROM t WHERE n > 1 ORDER BY n")
        print(polars.DataFrame(frame).to_dicts())
        print(nanoarrow.ArrayStream(frame).read_all().to_pylist())
        print(frame.to_rows())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [{"n": 4, "s": None}, {"n": 6, "s": "c" * 20}]
    assert done.stdout.splitlines() == [str(rows)] * 3


def test_moments_further_apart_than_an_interval_holds(session):
    moments = {"t": [2**62], "u": [0]}
    far = pyarrow.table(
        moments, schema=pyarrow.schema(dict.fromkeys(moments, pyarrow.timestamp("s")))
    )
    frame = session.create_dataframe_from_arrow(far)
    with pytest.raises(velaria.TypeMismatchError, match=r"age\(\): .* months are between"):
        frame.select("age(t, u) AS age").to_rows()
