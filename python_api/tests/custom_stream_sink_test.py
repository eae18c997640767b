"""Stream sinks written in Python: by rows, by time, errors, the end."""

import threading
import time

import pyarrow
import pytest
import velaria
from custom_sources import SCHEMA


def batches(*sizes):
    start = 0
    for size in sizes:
        yield pyarrow.record_batch({"n": pyarrow.array(range(start, start + size), "int64")})
        start += size


def consume(session, sink, *sizes, **options):
    return velaria.consume_arrow_batches_with_custom_sink(session, batches(*sizes), sink, **options)


def test_a_sink_gets_each_batch(session):
    got = []
    assert consume(session, velaria.CustomArrowStreamSink(got.append), 2, 3) == 2
    assert [table.column("n").to_pylist() for table in got] == [[0, 1], [2, 3, 4]]


def test_a_sink_by_rows(session, rng):
    sizes = [rng.randrange(1, 12) for _ in range(20)]
    got = []
    consume(session, velaria.CustomArrowStreamSink(got.append, emit_rows=5), *sizes)
    lengths = [table.num_rows for table in got]
    assert lengths[:-1] == [5] * (len(lengths) - 1)
    values = [value for table in got for value in table.column("n").to_pylist()]
    assert values == list(range(sum(sizes)))


def test_a_sink_by_interval(session):
    got = []
    arrived = threading.Event()

    def write(table):
        got.append(table.num_rows)
        arrived.set()

    sink = velaria.CustomArrowStreamSink(write, emit_rows=100, emit_interval_ms=20)
    source = session.create_realtime_stream_source(SCHEMA)
    stream = session.read_realtime_stream_source(source)
    query = stream.write_stream(sink).start()
    source.push_rows([[1], [2]])
    # No later batch comes, and yet the rows do.
    assert arrived.wait(30)
    assert sum(got) == 2
    source.push_rows([[3]])
    source.close()
    query.await_termination(30_000)
    assert sum(got) == 3


def test_a_failing_interval_fails_the_query(session):
    failed = threading.Event()

    def write(table):
        failed.set()
        raise OSError("disk full")

    sink = velaria.CustomArrowStreamSink(write, emit_rows=100, emit_interval_ms=10)
    source = session.create_realtime_stream_source(SCHEMA)
    query = session.read_realtime_stream_source(source).write_stream(sink).start()
    source.push_rows([[1]])
    assert failed.wait(30)
    source.close()
    with pytest.raises(velaria.StreamError, match="OSError: disk full"):
        query.await_termination(30_000)


def test_a_checkpoint_waits_for_no_buffer(session, tmp_path):
    calls = []

    class Sink(velaria.CustomArrowStreamSink):
        emit_rows = 100

        def write_arrow(self, table):
            calls.append(("write", table.num_rows))

        def checkpoint(self, marker):
            calls.append(("checkpoint", marker["source_offset"]))

        def close(self):
            calls.append(("close",))

    consume(session, Sink(), 2, 3, checkpoint_path=str(tmp_path / "c"))
    assert calls == [
        ("write", 2),
        ("checkpoint", "1@2"),
        ("write", 3),
        ("checkpoint", "2@5"),
        ("close",),
    ]


def test_a_failing_sink_is_closed_once(session):
    calls = []

    class Sink(velaria.CustomArrowStreamSink):
        def write_arrow(self, table):
            raise ValueError("no room")

        def close(self):
            calls.append("close")

    sink = Sink()
    with pytest.raises(velaria.StreamError, match="ValueError: no room"):
        consume(session, sink, 1, 1)
    assert calls == ["close"]
    # ... and may be used again.
    sink.write_arrow = lambda table: calls.append(table.num_rows)
    consume(session, sink, 4)
    assert calls == ["close", 4, "close"]


def test_a_sink_without_write_is_refused(session):
    with pytest.raises(velaria.StreamError, match="write"):
        consume(session, velaria.CustomArrowStreamSink(), 1)


def test_consume_takes_frames_and_streams(session):
    got = []
    frame = session.sql("SELECT 7 AS n")
    velaria.consume_arrow_batches_with_custom_sink(session, frame, got.append)
    stream = session.create_stream_from_arrow({"n": [8]})
    velaria.consume_arrow_batches_with_custom_sink(session, stream.filter("n > 1"), got.append)
    assert [table.to_pylist() for table in got] == [[{"n": 7}], [{"n": 8}]]
    with pytest.raises(velaria.InvalidArgumentError, match="int is no sink"):
        velaria.consume_arrow_batches_with_custom_sink(session, frame, 7)


def test_consume_pulls_lazily(session):
    pulled = []
    hold = threading.Event()

    def read():
        for batch in batches(*[1] * 1000):
            pulled.append(1)
            yield batch

    def write(table):
        hold.wait(30)

    done = threading.Thread(
        target=velaria.consume_arrow_batches_with_custom_sink,
        args=(session, read(), velaria.CustomArrowStreamSink(write)),
        kwargs={"max_inflight_batches": 4},
    )
    done.start()
    time.sleep(0.3)
    assert len(pulled) < 50
    hold.set()
    done.join(60)
    assert len(pulled) == 1000


def test_a_frame_is_pulled_as_the_sink_takes_it(session):
    frame = session.sql("SELECT n FROM range(0, 1000000000000) r(n)")
    got = []
    batches_read = velaria.consume_arrow_batches_with_custom_sink(
        session, frame, got.append, max_batches=2
    )
    assert batches_read == 2
    assert got[0].column("n")[0].as_py() == 0


class Coroutine:
    async def write_arrow(self, table):
        raise AssertionError("nobody awaits this")


async def coroutine(table):
    raise AssertionError("nobody awaits this")


@pytest.mark.parametrize(
    "sink",
    [coroutine, Coroutine(), velaria.CustomArrowStreamSink(coroutine)],
    ids=["function", "object", "custom"],
)
def test_rows_are_not_lost_in_a_coroutine(session, sink):
    with pytest.raises(velaria.StreamError, match="called, not awaited"):
        consume(session, sink, 1)


def test_what_was_written_before_a_failure_is_not_written_again(session):
    calls = []

    def write(table):
        calls.append(table.column("n").to_pylist())
        if len(calls) == 2:
            raise ValueError("no room")

    with pytest.raises(velaria.StreamError, match="no room"):
        consume(session, velaria.CustomArrowStreamSink(write, emit_rows=2), 7)
    assert calls == [[0, 1], [2, 3]]


def test_a_query_that_is_not_let_in_disturbs_nobody(session):
    got = []
    sink = velaria.CustomArrowStreamSink(got.append)
    source = session.create_realtime_stream_source({"n": "int64"})
    with session.read_realtime_stream_source(source).write_stream(sink) as query:
        source.push_rows([[1]])
        while not got:
            time.sleep(0.005)
        with pytest.raises(velaria.StreamError, match="another query that has not ended"):
            consume(session, sink, 1)
        source.push_rows([[2]])
        source.close()
        assert query.await_termination(20_000) == 2
    assert [table.column("n").to_pylist() for table in got] == [[1], [2]]
    # Behind it the sink is free.
    assert consume(session, sink, 1) == 1


@pytest.mark.parametrize("make", [velaria.CsvFileSink, velaria.JsonFileSink])
def test_one_query_at_a_time_writes_a_file(session, tmp_path, make):
    sink = make(tmp_path / "out")
    source = session.create_realtime_stream_source({"n": "int64"})
    with session.read_realtime_stream_source(source).write_stream(sink) as query:
        with pytest.raises(velaria.StreamError, match="another query that has not ended"):
            consume(session, sink, 1)
        source.push_rows([[1]])
        source.close()
        assert query.await_termination(20_000) == 1
    assert "1" in (tmp_path / "out").read_text()
    assert consume(session, sink, 1) == 1


def test_a_row_that_is_told_to_be_done_does_not_wait_in_the_sink(session):
    told = []

    class Queue(velaria.CustomArrowStreamSource):
        schema = SCHEMA
        emit_rows = 1

        def read(self, offset):
            yield from ({"n": n} for n in range(3))

        def ack(self, offset):
            told.append(("done", offset))

    def write(table):
        told.append(("written", table.num_rows))

    stream = velaria.create_stream_from_custom_source(session, Queue())
    sink = velaria.CustomArrowStreamSink(write, emit_rows=1000)
    with stream.write_stream(sink) as query:
        query.await_termination(20_000)
    for n in range(1, 4):
        done = told.index(("done", str(n)))
        assert sum(rows for what, rows in told[:done] if what == "written") >= n


def test_stop_in_a_write_that_an_interval_caused_asks_and_does_not_wait(session):
    queries = []
    stopped = threading.Event()

    def write(table):
        queries[0].stop()
        stopped.set()

    source = session.create_realtime_stream_source(SCHEMA)
    sink = velaria.CustomArrowStreamSink(write, emit_interval_ms=50)
    queries.append(session.read_realtime_stream_source(source).write_stream(sink).start())
    source.push_rows([[1]])
    assert stopped.wait(20)
    queries[0].await_termination(20_000)
    assert queries[0].status == "stopped"


def test_the_last_share_of_a_query_may_go_in_its_own_sink(session):
    shares = []

    def write(table):
        # As Python's garbage collector may do.
        shares.clear()

    source = session.create_realtime_stream_source(SCHEMA)
    query = session.read_realtime_stream_source(source).write_stream(write).start()
    shares.append(query._core)
    # What the session keeps so that a dropped handle does not stop its query.
    session._background._queries.clear()
    del query
    source.push_rows([[1]])
    # The query has no owner any more: it stops, and refuses what is pushed.
    deadline = time.monotonic() + 30

    def push_until_refused():
        while time.monotonic() < deadline:
            source.push_rows([[2]])
            time.sleep(0.01)

    with pytest.raises(velaria.StreamError, match="ended"):
        push_until_refused()


@pytest.mark.parametrize("text", ["\ud800", "caf\u00e9"])
def test_a_failure_is_named_whatever_its_text(session, text):
    def write(table):
        raise ValueError(text)

    shown = r"\\ud800" if text == "\ud800" else text
    with pytest.raises(velaria.StreamError, match=rf"write\(\) .* raised ValueError: {shown}"):
        consume(session, write, 1)


def test_a_failure_without_a_text_is_named(session):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    def write(table):
        raise Mute

    with pytest.raises(velaria.StreamError, match=r"write\(\) .* raised Mute: \(its text cannot"):
        consume(session, write, 1)
