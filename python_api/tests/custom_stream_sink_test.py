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
        ("checkpoint", "1"),
        ("write", 3),
        ("checkpoint", "2"),
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
