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


def test_a_requested_schema_is_not_followed(session):
    """The protocol lets a producer ignore it; the consumer then casts."""
    frame = session.create_dataframe_from_arrow({"n": [1, 2]})
    capsule = frame.__arrow_c_stream__(pyarrow.schema([("n", "int32")]).__arrow_c_schema__())
    assert pyarrow.RecordBatchReader._import_from_c_capsule(capsule).schema.field(0).type == "int64"
    wanted = pyarrow.schema([("n", pyarrow.int32())])
    reader = pyarrow.RecordBatchReader.from_stream(frame)
    assert reader.read_all().cast(wanted).column("n").to_pylist() == [1, 2]


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
