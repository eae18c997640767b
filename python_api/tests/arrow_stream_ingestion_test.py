"""Arrow in and out: every type, every shape, and as a stream."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest
import velaria
from random_tables import COLUMNS, random_column, random_table


def assert_same(actual, expected):
    assert actual.schema.names == expected.schema.names
    assert actual.num_rows == expected.num_rows
    for name in expected.schema.names:
        assert actual.column(name).type == expected.column(name).type, name
        assert actual.column(name).to_pylist() == expected.column(name).to_pylist(), name


@pytest.mark.parametrize("rows", [0, 1, 7, 100])
def test_all_types_there_and_back(session, rng, rows):
    table = random_table(rng, rows)
    frame = session.create_dataframe_from_arrow(table)
    assert_same(frame.to_arrow(), table)
    assert frame.count() == rows


@pytest.mark.parametrize("name", list(COLUMNS))
def test_rows_are_the_values_that_arrow_has(session, rng, name):
    column = random_column(rng, name, 40)
    frame = session.create_dataframe_from_arrow(pa.table({"x": column}))
    expected = column.to_pylist()
    if name == "timestamp_ns":
        expected = [None if v is None else v.replace(tzinfo=None) for v in expected]
    assert [row["x"] for row in frame.to_rows()] == expected


@pytest.mark.parametrize("name", list(COLUMNS))
def test_pushed_rows_are_read_back(session, rng, name):
    kind, _ = COLUMNS[name]
    values = random_column(rng, name, 30).to_pylist()
    source = session.create_realtime_stream_source(pa.schema([("x", kind)]))
    sink = velaria.MemorySink()
    with session.read_realtime_stream_source(source).write_stream(sink) as query:
        source.push_rows([{"x": value} for value in values])
        source.push_rows([(value,) for value in values])
        source.close()
        query.await_termination(60_000)
    assert sink.to_arrow().column("x").to_pylist() == values + values
    assert sink.to_arrow().schema.field("x").type == kind


def test_slices_keep_their_offset(session, rng):
    table = random_table(rng, 60)
    for offset, length in [(0, 0), (1, 5), (13, 30), (59, 1), (60, 0)]:
        part = table.slice(offset, length)
        assert_same(session.create_dataframe_from_arrow(part).to_arrow(), part)
    batch = table.combine_chunks().to_batches()[0].slice(9, 21)
    assert_same(session.create_dataframe_from_arrow(batch).to_arrow(), table.slice(9, 21))


def test_empty_tables_keep_their_schema(session, rng):
    table = random_table(rng, 10).slice(0, 0)
    frame = session.create_dataframe_from_arrow(table)
    assert frame.to_arrow().schema.names == table.schema.names
    assert frame.to_rows() == []
    without_batches = pa.Table.from_batches([], table.schema)
    assert session.create_dataframe_from_arrow(without_batches).columns == table.schema.names


def test_tables_without_columns_keep_their_count(session):
    batch = pa.RecordBatch.from_struct_array(pa.array([{}] * 5, pa.struct([])))
    frame = session.create_dataframe_from_arrow(batch)
    assert frame.columns == []
    assert frame.count() == 5
    assert frame.to_rows() == [{}] * 5


def test_dictionary_arrays_are_their_values(session, rng):
    for values in (["b", None, "a", "b"], [3, None, -1, 3], [None, None]):
        plain = pa.array(values, pa.int64() if isinstance(values[0], int) else pa.string())
        table = pa.table({"x": plain.dictionary_encode()})
        frame = session.create_dataframe_from_arrow(table)
        assert [row["x"] for row in frame.to_rows()] == values
        assert frame.to_arrow().column("x").to_pylist() == values
        sliced = session.create_dataframe_from_arrow(table.slice(1))
        assert [row["x"] for row in sliced.to_rows()] == values[1:]


def test_other_layouts_come_in_as_ours(session):
    table = pa.table(
        {
            "large": pa.array(["a", None, "long enough for the heap"], pa.large_string()),
            "view": pa.array(["a", None, "long enough for the heap"], pa.string_view()),
            "half": pa.array(np.array([0.5, 1, 2], np.float16)),
            "date64": pa.array([datetime.date(2024, 1, 2)] * 3, pa.date64()),
            "time32": pa.array([datetime.time(1, 2, 3)] * 3, pa.time32("s")),
        }
    )
    frame = session.create_dataframe_from_arrow(table)
    assert frame.schema.types == ["utf8", "utf8", "float32", "date32", "time64[us]"]
    assert frame.to_rows()[2] == {
        "large": "long enough for the heap",
        "view": "long enough for the heap",
        "half": 2.0,
        "date64": datetime.date(2024, 1, 2),
        "time32": datetime.time(1, 2, 3),
    }


def test_types_that_velaria_lacks_are_refused_by_name(session):
    odd = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    table = pa.table({"ok": [1], "odd": odd})
    with pytest.raises(velaria.TypeMismatchError, match="odd"):
        session.create_dataframe_from_arrow(table)
    with pytest.raises(velaria.Error):
        session.create_dataframe_from_arrow(pa.chunked_array([[1, 2]]))
    assert session.sql("SELECT 1 AS x").count() == 1


@pytest.mark.parametrize("bad", [7, "text", object(), None, [1, 2], b"x"])
def test_what_is_no_arrow_is_refused(session, bad):
    with pytest.raises(velaria.InvalidArgumentError):
        session.create_dataframe_from_arrow(bad)
    with pytest.raises(velaria.InvalidArgumentError):
        session.create_stream_from_arrow(bad)


def test_a_capsule_is_read_once(session):
    capsule = pa.table({"x": [1]}).__arrow_c_stream__()
    assert session.create_dataframe_from_arrow(capsule).count() == 1
    with pytest.raises(velaria.InvalidArgumentError, match="already"):
        session.create_dataframe_from_arrow(capsule)


def test_an_unread_capsule_frees_its_rows(session):
    capsule = session.create_dataframe_from_arrow({"x": [1]}).__arrow_c_stream__()
    del capsule


def test_columns_outlive_producer_and_session():
    with velaria.Session(threads=2) as session:
        frame = session.create_dataframe_from_arrow({"x": ["a" * 20, "b" * 20]})
        table = frame.to_arrow()
        reader = pa.RecordBatchReader.from_stream(frame)
    del frame, session
    assert table.column("x").to_pylist() == ["a" * 20, "b" * 20]
    assert reader.read_all().num_rows == 2


def test_producer_failures_have_their_text(session):
    def batches():
        yield pa.record_batch({"x": [1]})
        raise ValueError("the producer broke")

    schema = pa.schema([("x", pa.int64())])
    with pytest.raises(velaria.StreamError, match="the producer broke"):
        session.create_dataframe_from_arrow(pa.RecordBatchReader.from_batches(schema, batches()))
    stream = session.create_stream_from_arrow(pa.RecordBatchReader.from_batches(schema, batches()))
    query = stream.write_stream(velaria.MemorySink()).start()
    with pytest.raises(velaria.StreamError, match="the producer broke"):
        query.await_termination(60_000)
    assert query.status == "failed"


def run(stream, **options):
    sink = velaria.MemorySink()
    with stream.write_stream(sink, **options) as query:
        query.await_termination(60_000)
        progress = query.progress()
    return sink, progress


def test_a_table_streams_batch_by_batch(session, rng):
    table = random_table(rng, 50)
    sink, progress = run(session.create_stream_from_arrow(table))
    assert_same(sink.to_arrow(), table)
    assert progress["batches_processed"] == len(table.to_batches())
    assert progress["rows_in"] == 50


def test_batch_rows_cuts(session, rng):
    table = random_table(rng, 50)
    for data in (table, table.to_reader(), iter(table.to_batches()), table.to_batches()):
        sink, _ = run(session.create_stream_from_arrow(data, batch_rows=7))
        assert all(batch.num_rows <= 7 for batch in sink.batches())
        assert_same(sink.to_arrow(), table)
    with pytest.raises(velaria.InvalidArgumentError, match="batch_rows"):
        session.create_stream_from_arrow(table, batch_rows=0)


def test_a_held_stream_may_run_again(session):
    stream = session.create_stream_from_arrow({"x": [1, 2]})
    assert [run(stream)[0].num_rows for _ in range(2)] == [2, 2]


def test_readers_are_pulled_as_the_query_asks(session):
    pulled = []

    def batches():
        for i in range(1000):
            pulled.append(i)
            yield pa.record_batch({"x": [i]})

    stream = session.create_stream_from_arrow(batches())
    assert len(pulled) <= 1
    _, progress = run(stream, max_batches=5, max_inflight_batches=2)
    assert progress["batches_processed"] == 5
    assert len(pulled) < 50


class Producer:
    """Speaks nothing but Arrow's protocol, and never ends."""

    def __init__(self):
        self.pulled = 0

    def batches(self):
        while True:
            self.pulled += 1
            yield pa.record_batch({"n": pa.array([self.pulled])})

    def __arrow_c_stream__(self, requested_schema=None):
        schema = pa.schema({"n": pa.int64()})
        reader = pa.RecordBatchReader.from_batches(schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)


def test_a_producer_without_an_end_is_pulled_as_the_query_asks(session):
    producer = Producer()
    stream = session.create_stream_from_arrow(producer)
    assert producer.pulled == 0
    sink = velaria.MemorySink()
    with stream.write_stream(sink, max_batches=5, backpressure_high_watermark=2) as query:
        assert query.await_termination() == 5
    assert [row["n"] for row in sink.to_rows()] == [1, 2, 3, 4, 5]
    assert producer.pulled < 10
    with pytest.raises(velaria.StreamError, match="read once"):
        run(stream)


def test_a_frame_is_pulled_as_the_query_asks(session):
    frame = session.sql("SELECT n FROM range(0, 1000000000000) r(n)")
    sink = velaria.MemorySink()
    stream = session.create_stream_from_arrow(frame)
    with stream.write_stream(sink, max_batches=2) as query:
        query.await_termination()
    assert sink.num_rows > 0


def test_an_iterator_without_batches_has_no_schema(session):
    with pytest.raises(velaria.InvalidArgumentError, match="schema"):
        session.create_stream_from_arrow(iter([]))


UNLIKE = [
    ({"n": [1]}, {"n": [0.5]}, r"'n' is double in item 2 .*, and int64 in the first"),
    ({"n": [1], "x": [2]}, {"n": [1], "y": [2]}, r"item 2 .* 'n', 'y', .* has 'n', 'x'"),
    ({"n": [1], "x": [2]}, {"n": [1]}, r"item 2 .* 'n', and the first"),
    ({"n": ["a"]}, {"n": pa.array(["a"]).dictionary_encode()}, r"'n' is dictionary"),
    ({"n": [1]}, {"n": pa.array([], pa.float64())}, r"'n' is double"),
]


@pytest.mark.parametrize(("first", "second", "text"), UNLIKE)
@pytest.mark.parametrize("make", [pa.table, pa.record_batch])
def test_items_of_other_columns_are_refused(session, first, second, text, make):
    items = [make(first), make(second)]
    with pytest.raises(velaria.TypeMismatchError, match=text):
        session.create_dataframe_from_arrow(items)
    with pytest.raises(velaria.TypeMismatchError, match=text):
        session.create_dataframe_from_arrow(iter(items))
    with pytest.raises(velaria.TypeMismatchError, match=text):
        session.create_stream_from_arrow(items)
    for batch_rows in (None, 1):
        stream = session.create_stream_from_arrow(iter(items), batch_rows=batch_rows)
        with pytest.raises(velaria.StreamError, match=text):
            run(stream)
    # A reader whose batches are not what it says.
    readers = [
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
        for table in map(pa.table, (first, second))
    ]
    with pytest.raises(velaria.TypeMismatchError, match=text):
        session.create_dataframe_from_arrow(readers)


def test_a_reader_whose_batches_are_not_what_it_says(session):
    said = pa.schema([("n", pa.int64()), ("t", pa.string())])
    good = pa.record_batch([[1], ["a"]], schema=said)
    odd = pa.record_batch({"n": ["x" * 20], "t": ["b"]})
    text = "'n' is string in batch 2 of the reader, and int64 in its schema"
    for batch_rows in (None, 1):
        reader = pa.RecordBatchReader.from_batches(said, [good, odd])
        with pytest.raises(velaria.StreamError, match=text):
            run(session.create_stream_from_arrow(reader, batch_rows=batch_rows))
    reader = pa.RecordBatchReader.from_batches(said, [good, odd])
    with pytest.raises(velaria.TypeMismatchError, match=text):
        session.create_dataframe_from_arrow(reader)
    reader = pa.RecordBatchReader.from_batches(said, [good, good.select([1, 0])])
    rows = session.create_dataframe_from_arrow(reader).to_rows()
    assert rows == [{"n": 1, "t": "a"}] * 2
    reader = pa.RecordBatchReader.from_batches(said, [])
    assert session.create_dataframe_from_arrow(reader).schema.names == ["n", "t"]


def test_items_find_their_columns_by_name(session):
    items = [pa.record_batch({"p": [1], "q": [2]}), pa.record_batch({"q": [20], "p": [10]})]
    expected = [{"p": 1, "q": 2}, {"p": 10, "q": 20}]
    assert session.create_dataframe_from_arrow(items).to_rows() == expected
    assert session.create_dataframe_from_arrow(iter(items)).to_rows() == expected
    # Of one name twice there is only the place.
    twice = pa.schema([("n", pa.int64()), ("n", pa.float64())])
    items = [pa.table([[1], [0.5]], schema=twice), pa.table([[2], [1.5]], schema=twice)]
    texts = session.create_dataframe_from_arrow(items)._core.collect().to_texts()
    assert texts == [["1", "0.5"], ["2", "1.5"]]
    with pytest.raises(velaria.TypeMismatchError, match="'n' is double in item 2"):
        session.create_dataframe_from_arrow([items[0], items[1].select([1, 0])])


def test_items_differ_in_what_no_value_has(session):
    strict = pa.schema([pa.field("n", pa.int64(), nullable=False)], metadata={"a": "b"})
    items = [
        pa.table([[1]], schema=strict),
        pa.table({"n": [None, 2]}, pa.schema([("n", "int64")])),
    ]
    rows = session.create_dataframe_from_arrow(items).to_rows()
    assert [row["n"] for row in rows] == [1, None, 2]
    kinds = [pa.table({"k": pa.array([text]).dictionary_encode()}) for text in "ab"]
    assert session.create_dataframe_from_arrow(kinds).to_rows() == [{"k": "a"}, {"k": "b"}]


def test_schema_speaks_arrow(session):
    frame = session.create_dataframe_from_arrow(
        pa.table({"a": pa.array([], pa.decimal128(10, 2)), "b": pa.array([], pa.bool_())})
    )
    assert frame.schema == [("a", "decimal128(10, 2)"), ("b", "bool")]
    assert frame.schema.to_arrow() == pa.schema([("a", pa.decimal128(10, 2)), ("b", pa.bool_())])
    assert frame.schema["b"].type == "bool"
    with pytest.raises(KeyError, match="no column 'c'"):
        frame.schema["c"]
    assert repr(frame.schema) == "Schema(a: decimal128(10, 2), b: bool)"


def test_what_python_cannot_hold_is_not_bent(session):
    late = pa.table({"t": pa.array([2**62], pa.timestamp("us"))})
    with pytest.raises(velaria.TypeMismatchError, match="to_arrow"):
        session.create_dataframe_from_arrow(late).to_rows()
    fine = pa.table({"t": pa.array([1], pa.timestamp("ns"))})
    with pytest.raises(velaria.TypeMismatchError, match="nanoseconds"):
        session.create_dataframe_from_arrow(fine).to_rows()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "+02:00", "UTC"])
def test_zones(session, zone):
    moment = datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc)
    table = pa.table({"t": pa.array([moment], pa.timestamp("ms", zone))})
    value = session.create_dataframe_from_arrow(table).to_rows()[0]["t"]
    assert value == moment
    assert value.utcoffset() == datetime.timedelta(hours=0 if zone == "UTC" else 2)


BAD_VALUES = [
    ("int8", 128, "out of range"),
    ("uint64", -1, "out of range"),
    ("int64", 2**63, "out of range"),
    ("int64", 1.5, "int64"),
    ("int64", "1", "int64"),
    ("int64", True, "int64"),
    ("bool", 1, "bool"),
    ("float64", 2**53 + 1, "digits"),
    ("float32", 1e300, "out of range"),
    ("float64", "1.5", "float64"),
    ("utf8", 5, "utf8"),
    ("utf8", b"5", "utf8"),
    ("binary", "x", "binary"),
    ("date", "2024-02-30", "date32"),
    ("date", datetime.datetime(2024, 1, 1), "date32"),
    ("timestamp", "yesterday", "timestamp"),
    ("timestamp", "2024-01-01T00:00:00Z", "time zone"),
    ("timestamp", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), "time zone"),
    ("timestamptz", datetime.datetime(2024, 1, 1), "time zone"),
    ("timestamp[s]", datetime.datetime(2024, 1, 1, microsecond=1), "finer"),
    ("timestamp[ns]", datetime.datetime(9999, 1, 1), "out of range"),
    (pa.decimal128(4, 2), decimal.Decimal("123.45"), "precision"),
    (pa.decimal128(4, 2), decimal.Decimal("1.234"), "precision"),
    (pa.decimal128(4, 2), decimal.Decimal("NaN"), "precision"),
    ("interval", (2**31, 0, 0), "months are out of range"),
    ("interval", (0, -(2**31) - 1, 0), "days are out of range"),
    ("interval", (0, 0, 2**63), "microseconds are out of range"),
    ("interval", (0, 0), "interval"),
    ("interval", (0, 0, 1.5), "interval"),
    (pa.list_(pa.float32(), 2), [1.0], "1 elements"),
    (pa.list_(pa.float32(), 2), [1.0, None], "fixed_size_list"),
]


def test_a_restart_with_other_batches_is_refused(session, tmp_path):
    def run(batch_rows, **options):
        stream = session.create_stream_from_arrow({"n": list(range(10))}, batch_rows=batch_rows)
        sink = velaria.MemorySink()
        options = {"checkpoint_delivery_mode": "best-effort", **options}
        with stream.write_stream(sink, checkpoint_path=str(tmp_path / "c"), **options) as query:
            query.await_termination(60_000)
        return [row["n"] for row in sink.to_rows()]

    assert run(2, max_batches=2) == [0, 1, 2, 3]
    with pytest.raises(velaria.StreamError, match=r"had 4 rows and have 8 now; .*batch_rows"):
        run(4)
    assert run(2) == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(("kind", "value", "text"), BAD_VALUES, ids=lambda v: repr(v)[:40])
def test_values_that_do_not_fit_are_refused(kind, value, text):
    session = velaria.Session(threads=1)
    source = session.create_realtime_stream_source({"x": kind})
    with pytest.raises(velaria.TypeMismatchError) as caught:
        source.push_rows([{"x": None}, {"x": value}])
    assert "row 1, column 'x'" in str(caught.value)
    assert text in str(caught.value)
    assert source.queued_batches == 0


GOOD_VALUES = [
    ("timestamp", "2024-01-02T03:04:05.25", datetime.datetime(2024, 1, 2, 3, 4, 5, 250000)),
    ("timestamp[ms]", 1704067200000, datetime.datetime(2024, 1, 1)),
    ("date", "2024-02-29", datetime.date(2024, 2, 29)),
    ("time", "05:06:07", datetime.time(5, 6, 7)),
    ("float64", 2**53, float(2**53)),
    ("int64", np.int32(5), 5),
    ("float32", np.float64(0.5), 0.5),
    ("bool", np.bool_(True), True),
    ("interval", datetime.timedelta(days=1, seconds=2), velaria.Interval(0, 1, 2000000)),
    ("interval", (-(2**31), 2**31 - 1, 2**40), velaria.Interval(-(2**31), 2**31 - 1, 2**40)),
    (pa.list_(pa.float32(), 2), np.array([1, 2]), [1.0, 2.0]),
    (pa.decimal128(4, 2), 12, decimal.Decimal("12.00")),
]


@pytest.mark.parametrize(("kind", "value", "expected"), GOOD_VALUES, ids=lambda v: repr(v)[:40])
def test_values_that_fit_in_another_spelling(kind, value, expected):
    session = velaria.Session(threads=1)
    source = session.create_realtime_stream_source({"x": kind})
    sink = velaria.MemorySink()
    with session.read_realtime_stream_source(source).write_stream(sink) as query:
        source.push_rows([[value]])
        source.close()
        query.await_termination(60_000)
    assert sink.to_rows() == [{"x": expected}]


def test_pushed_data_must_fit_the_source(session):
    source = session.create_realtime_stream_source({"key": "utf8", "n": "int64"})
    with pytest.raises(velaria.InvalidArgumentError, match="did you mean 'key'"):
        source.push_rows([{"kei": "a"}])
    with pytest.raises(velaria.InvalidArgumentError, match="3 values"):
        source.push_rows([["a", 1, 2]])
    with pytest.raises(velaria.InvalidArgumentError, match="dict"):
        source.push_rows(["ab"])
    with pytest.raises(velaria.InvalidArgumentError, match="no column 'n'"):
        source.push_arrow(pa.table({"key": ["a"]}))
    with pytest.raises(velaria.InvalidArgumentError, match="3 columns"):
        source.push_arrow(pa.table({"key": ["a"], "n": [1], "z": [1]}))
    with pytest.raises(velaria.TypeMismatchError, match="'n' is float64"):
        source.push_arrow(pa.table({"key": ["a"], "n": [1.0]}))
    assert source.queued_batches == 0
    source.push_arrow(pa.table({"n": [1], "key": pa.array(["a"]).dictionary_encode()}))
    assert source.queued_batches == 1
    for bad in (5, "ab", [], {"a": "integr"}, [("a",)], {"a": object}):
        with pytest.raises(velaria.Error):
            session.create_realtime_stream_source(bad)
    names = session.create_realtime_stream_source(["a", "b"])
    assert names.schema == [("a", "utf8"), ("b", "utf8")]


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
