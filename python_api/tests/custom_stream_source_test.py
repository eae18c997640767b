"""Stream sources written in Python: batches, lazy pulling, errors, offsets, the end."""

import gc
import threading
import time
import weakref

import pyarrow
import pytest
import velaria
from custom_sources import SCHEMA, Ticks, numbers, ticks


def run(session, source, sql="SELECT n FROM src", **options):
    stream = velaria.create_stream_from_custom_source(session, source)
    session.create_temp_view("src", stream)
    sink = velaria.MemorySink()
    session.register_stream_sink("out", sink)
    query = session.start_stream_sql(f"INSERT INTO out {sql}", **options)
    batches = query.await_termination(60_000)
    assert query.status == "stopped"
    return batches, [row["n"] for row in sink.to_rows()]


# ---- batches


def test_rows_of_every_shape(session):
    rows = [{"n": 1}, (2,), [3], {"n": None}, {}]
    source = velaria.CustomArrowStreamSource(rows, schema=SCHEMA)
    assert run(session, source)[1] == [1, 2, 3, None, None]


def test_arrow_data_of_every_kind(session):
    table = pyarrow.table({"n": pyarrow.array([1, 2], pyarrow.int64())})
    chunked = pyarrow.concat_tables([table, table])
    items = [table, table.to_batches()[0], chunked, table.slice(0, 0), session.sql("SELECT 9 AS n")]
    source = velaria.CustomArrowStreamSource(items, schema=table.schema)
    batches, got = run(session, source)
    assert got == [1, 2, 1, 2, 1, 2, 1, 2, 9]
    assert batches == 4  # each piece is a batch; an empty one is none


def test_the_schema_of_arrow_data_is_found(session):
    pulled = []

    def read():
        for n in range(3):
            pulled.append(n)
            yield pyarrow.table({"n": [n]})

    source = velaria.CustomArrowStreamSource(read)
    stream = velaria.create_stream_from_custom_source(session, source)
    assert stream.schema == [("n", "int64")]
    assert pulled == [0]
    assert run(session, source)[1] == [0, 1, 2]
    assert pulled == [0, 1, 2]


def test_without_schema_rows_are_refused(session):
    with pytest.raises(velaria.InvalidArgumentError, match="schema"):
        velaria.create_stream_from_custom_source(session, [{"n": 1}])


@pytest.mark.parametrize("read", [5, lambda: None])
def test_what_gives_no_items_is_named(session, read):
    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA)
    with pytest.raises(velaria.StreamError, match=r"(5|None) is not; give a list or a generator"):
        run(session, source)


@pytest.mark.parametrize(("rows", "emit_rows", "batches"), [(10, 3, 4), (9, 3, 3), (1, 100, 1)])
def test_emit_rows_counts_rows(session, rows, emit_rows, batches):
    source = velaria.CustomArrowStreamSource(numbers(rows), schema=SCHEMA, emit_rows=emit_rows)
    assert run(session, source) == (batches, list(range(rows)))


def test_emit_rows_cuts_and_joins_arrow_data(session, rng):
    sizes = [rng.randrange(0, 9) for _ in range(40)]
    items, start = [], 0
    for size in sizes:
        items.append(pyarrow.table({"n": pyarrow.array(range(start, start + size), "int64")}))
        start += size
    source = velaria.CustomArrowStreamSource(items, schema=SCHEMA, emit_rows=4)
    stream = velaria.create_stream_from_custom_source(session, source)
    sink = velaria.MemorySink()
    with stream.write_stream(sink) as query:
        query.await_termination()
    assert [row["n"] for row in sink.to_rows()] == list(range(start))
    got = [table.num_rows for table in sink.batches()]
    assert got[:-1] == [4] * (len(got) - 1)
    assert 1 <= got[-1] <= 4


def test_emit_interval_gives_what_there_is(session):
    go_on = threading.Event()

    def read():
        yield {"n": 1}
        yield {"n": 2}
        go_on.wait(30)
        yield {"n": 3}

    source = velaria.CustomArrowStreamSource(
        read, schema=SCHEMA, emit_rows=100, emit_interval_ms=20, bounded=False
    )
    sink = session.create_realtime_stream_sink()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(sink, idle_wait_ms=10).start()
    # The two rows come although the third one is not there yet.
    got = []
    while len(got) < 2:
        got += [row["n"] for row in sink.poll_rows(30)]
    assert got == [1, 2]
    go_on.set()
    assert sink.poll_rows(30) == [{"n": 3}]
    query.await_termination(30_000)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
def test_emit_arguments_are_checked(value):
    for name in ("emit_rows", "emit_interval_ms"):
        with pytest.raises(velaria.InvalidArgumentError, match=name):
            velaria.CustomArrowStreamSource([], schema=SCHEMA, **{name: value})
        with pytest.raises(velaria.InvalidArgumentError, match=name):
            velaria.CustomArrowStreamSink(print, **{name: value})


def test_no_source_is_refused(session):
    with pytest.raises(velaria.InvalidArgumentError, match="int"):
        velaria.create_stream_from_custom_source(session, 7)
    source = velaria.CustomArrowStreamSource([], schema=SCHEMA)
    with pytest.raises(velaria.InvalidArgumentError, match="emit_rows"):
        velaria.create_stream_from_custom_source(session, source, emit_rows=3)


# ---- pulling


def test_items_are_pulled_as_the_query_asks(session):
    pulled = []

    def read():
        for n in range(10**9):
            pulled.append(n)
            yield {"n": n}

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=10)
    stream = velaria.create_stream_from_custom_source(session, source)
    time.sleep(0.05)
    assert pulled == []  # nothing before the query starts
    sink = session.create_realtime_stream_sink(max_batches=1)
    query = stream.write_stream(
        sink, max_inflight_batches=2, backpressure_high_watermark=2, backpressure_low_watermark=1
    ).start()
    assert len(sink.poll_rows(30)) == 10
    deadline = time.monotonic() + 1
    before = -1
    while before != len(pulled) and time.monotonic() < deadline:
        before = len(pulled)
        time.sleep(0.1)
    # The one read, one in the sink, one being written, two queued, one about to be.
    assert len(pulled) <= 70
    query.stop()


def test_nothing_now_is_no_end(session):
    def read():
        for n in range(5):
            yield None
            yield {"n": n}

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=2)
    assert run(session, source, idle_wait_ms=1) == (3, [0, 1, 2, 3, 4])


def test_max_batches_stops_an_endless_source(session):
    def read():
        n = 0
        while True:
            yield {"n": n}
            n += 1

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=3, bounded=False)
    assert run(session, source, max_batches=4) == (4, list(range(12)))


def test_a_source_that_hangs_does_not_hold_up_stop(session):
    released = threading.Event()

    def read():
        yield {"n": 1}
        released.wait(60)
        yield {"n": 2}

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=1, bounded=False)
    sink = session.create_realtime_stream_sink()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(sink).start()
    assert sink.poll_rows(30) == [{"n": 1}]
    begin = time.monotonic()
    query.stop()
    assert time.monotonic() - begin < 20
    assert query.status == "stopped"
    released.set()


def test_drain_gives_what_was_gathered(session):
    gathered = threading.Event()

    def read():
        yield {"n": 1}
        yield {"n": 2}
        gathered.set()
        while True:
            yield None

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=100, bounded=False)
    sink = velaria.MemorySink()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(sink, idle_wait_ms=1).start()
    assert gathered.wait(30)
    query.stop(drain=True)
    assert [row["n"] for row in sink.to_rows()] == [1, 2]


class Waiting(velaria.CustomArrowStreamSource):
    """Waits for what it makes in open(), and gives nothing."""

    schema = SCHEMA
    bounded = False

    def __init__(self):
        super().__init__()
        self.asked = threading.Event()
        self.wakes = 0

    def open(self, context):
        self.called = threading.Event()

    def next_batch(self):
        self.asked.set()
        self.called.wait(30)
        return False

    def wake(self):
        self.wakes += 1
        self.called.set()


def test_what_wake_raises_is_a_warning(session):
    class Source(Waiting):
        def wake(self):
            super().wake()
            raise ValueError("nobody sleeps here")

    source = Source()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(velaria.MemorySink()).start()
    assert source.asked.wait(30)
    query.stop()
    assert query.status == "stopped"
    (warning,) = query.warnings()
    assert "wake() of the Python source raised ValueError: nobody sleeps here" in warning

    # Of one that ends by itself, and by a failure.
    def write(table):
        raise RuntimeError("sink is down")

    class Ending(velaria.CustomArrowStreamSource):
        def wake(self):
            raise ValueError("nobody sleeps here")

    assert run(session, Ending(lambda: numbers(3), schema=SCHEMA))[1] == [0, 1, 2]
    stream = velaria.create_stream_from_custom_source(
        session, Ending(lambda: numbers(3), schema=SCHEMA)
    )
    failing = stream.write_stream(write).start()
    with pytest.raises(velaria.StreamError, match="sink is down"):
        failing.await_termination(30_000)


def test_a_source_is_not_woken_before_it_is_open(session):
    class Closed(velaria.CustomArrowStreamSink):
        def open(self, context):
            raise ConnectionError("no such host")

    source = Waiting()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(Closed(print)).start()
    with pytest.raises(velaria.StreamError, match="no such host"):
        query.await_termination(30_000)
    assert source.wakes == 0
    assert query.warnings() == []


def test_what_drain_raises_fails_the_query(session):
    class Source(Waiting):
        def drain(self):
            raise ValueError("no plug")

    source = Source()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(velaria.MemorySink()).start()
    assert source.asked.wait(30)
    query.stop(drain=True)
    assert query.status == "failed"
    with pytest.raises(velaria.StreamError, match=r"drain\(\) .* raised ValueError: no plug"):
        query.await_termination(30_000)


def test_a_session_stops_all_queries_whatever_their_sources_raise():
    class Source(Waiting):
        def wake(self):
            super().wake()
            raise ValueError("nobody sleeps here")

    queries = []
    with velaria.Session() as session:
        for source in (Source(), Waiting()):
            stream = velaria.create_stream_from_custom_source(session, source)
            queries.append(stream.write_stream(velaria.MemorySink()).start())
            assert source.asked.wait(30)
    assert [query.status for query in queries] == ["stopped", "stopped"]


def test_a_function_serves_query_after_query(session):
    source = velaria.CustomArrowStreamSource(lambda: numbers(3), schema=SCHEMA)
    assert run(session, source)[1] == [0, 1, 2]
    assert run(session, source)[1] == [0, 1, 2]


def test_an_iterator_serves_one_query(session):
    source = velaria.CustomArrowStreamSource(numbers(3), schema=SCHEMA)
    assert run(session, source)[1] == [0, 1, 2]
    with pytest.raises(velaria.StreamError, match="once"):
        run(session, source)


def test_one_query_at_a_time(session):
    hold = threading.Event()

    def read():
        yield {"n": 1}
        hold.wait(30)

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=1)
    sink = session.create_realtime_stream_sink()
    stream = velaria.create_stream_from_custom_source(session, source)
    first = stream.write_stream(sink).start()
    assert sink.poll_rows(30) == [{"n": 1}]
    with pytest.raises(velaria.StreamError, match="another query"):
        stream.write_stream(velaria.MemorySink()).start()
    # Also of another stream of the same source, however that one ends.
    other = velaria.create_stream_from_custom_source(session, source)
    second = other.write_stream(velaria.MemorySink())
    with pytest.raises(velaria.StreamError, match="another query"):
        second.start()
    assert second.status == "created"
    second.stop()
    assert first.status == "running"
    hold.set()
    first.await_termination(30_000)
    assert first.status == "stopped"


def test_a_drain_does_not_wait_for_a_source_that_hangs(session):
    hold = threading.Event()

    def read():
        yield {"n": 1}
        yield {"n": 2}
        hold.wait(60)

    class OwnBatches(velaria.CustomArrowStreamSource):
        schema = SCHEMA

        def next_batch(self):
            time.sleep(0.005)
            return False

    sink = velaria.MemorySink()
    reads = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=1000)
    for source, rows in ((reads, [{"n": 1}, {"n": 2}]), (OwnBatches(), [])):
        stream = velaria.create_stream_from_custom_source(session, source)
        query = stream.write_stream(sink if rows else velaria.MemorySink()).start()
        time.sleep(0.2)
        query.stop(drain=True)
        assert query.status == "stopped"
    hold.set()
    assert sink.to_rows() == [{"n": 1}, {"n": 2}]


def test_items_have_offsets_of_their_own_or_none_has_in_all_batches(session):
    def read(offset):
        yield velaria.StreamItem({"n": 1}, "byte 900")
        yield {"n": 2}

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=1)
    with pytest.raises(velaria.StreamError, match="offsets of their own"):
        run(session, source)


def test_windows_and_groups_of_a_custom_source(session):
    rows = [{"t": 1000 * n, "k": "ab"[n % 2], "n": n} for n in range(10)]
    source = velaria.CustomArrowStreamSource(
        rows, schema={"t": "timestamp[ms]", "k": "utf8", "n": "int64"}, emit_rows=10
    )
    session.create_temp_view("ticks", velaria.create_stream_from_custom_source(session, source))
    sink = velaria.MemorySink()
    session.register_stream_sink("out", sink)
    query = session.start_stream_sql(
        "INSERT INTO out SELECT w, k, sum(n) AS s FROM ticks WINDOW BY t EVERY 5000 AS w "
        "GROUP BY w, k"
    )
    query.await_termination(30_000)
    got = sorted((row["w"].second, row["k"], row["s"]) for row in sink.to_rows())
    assert got == [(0, "a", 6), (0, "b", 4), (5, "a", 14), (5, "b", 21)]


# ---- errors


def test_an_error_of_the_source_fails_the_query(session):
    def read():
        yield {"n": 1}
        yield {"n": 2}
        raise RuntimeError("the wire was cut")

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=100)
    sink = velaria.MemorySink()
    stream = velaria.create_stream_from_custom_source(session, source)
    query = stream.write_stream(sink).start()
    with pytest.raises(velaria.StreamError, match="RuntimeError: the wire was cut"):
        query.await_termination(30_000)
    assert query.status == "failed"
    assert "the wire was cut" in query.progress()["last_error"]
    # A failing query stops at once: the batch before may have been processed, or not.
    assert [row["n"] for row in sink.to_rows()] in ([], [1, 2])


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"n": "x"}, "row 0, column 'n'"),
        ({"n": 2**63}, "out of range"),
        ({"m": 1}, "'m'"),
        ((1, 2), "2 values"),
        (7, "row"),
        (pyarrow.table({"n": ["x"]}), "column 'n' is utf8"),
        (pyarrow.table({"x": [1]}), "no column 'n'"),
        (velaria.StreamItem({"n": 1}, 7), "must be a str"),
    ],
)
def test_bad_items_are_named(session, item, text):
    source = velaria.CustomArrowStreamSource([item], schema=SCHEMA)
    with pytest.raises(velaria.StreamError, match=text):
        run(session, source)


def test_an_error_says_where_it_was_raised(session):
    def read():
        yield {"n": 1}
        yield {"n": int("x")}

    line = read.__code__.co_firstlineno + 2
    with pytest.raises(velaria.StreamError) as caught:
        run(session, velaria.CustomArrowStreamSource(read, schema=SCHEMA))
    assert f"{__file__}, line {line})" in str(caught.value)


def test_async_generators_are_refused_by_name(session):
    async def read():
        yield {"n": 1}

    with pytest.raises(velaria.StreamError, match="realtime source"):
        run(session, velaria.CustomArrowStreamSource(read, schema=SCHEMA))


def test_hooks_come_in_order_and_close_once(session, tmp_path):
    calls = []

    class Source(velaria.CustomArrowStreamSource):
        schema = SCHEMA
        emit_rows = 2

        def read(self, offset):
            calls.append(("read", offset))
            return [{"n": 1}, {"n": 2}, {"n": 3}]

        def open(self, context):
            calls.append(("open", context["query_id"]))

        def checkpoint(self, marker):
            calls.append(("checkpoint", marker["source_offset"]))

        def ack(self, offset):
            calls.append(("ack", offset))

        def close(self):
            calls.append(("close",))

    run(session, Source(), query_id="q", checkpoint_path=str(tmp_path / "c"))
    assert calls == [
        ("open", "q"),
        ("read", None),
        *[(what, offset) for offset in ("2", "3") for what in ("checkpoint", "ack")],
        ("close",),
    ]


@pytest.mark.parametrize("where", ["open", "read", "checkpoint", "ack", "close"])
def test_what_a_hook_raises_fails_the_query(session, where):
    closed = []

    class Source(velaria.CustomArrowStreamSource):
        schema = SCHEMA

        def close(self):
            closed.append(1)
            if where == "close":
                raise ValueError("no close today")

    def fail(self, *arguments):
        raise ValueError(f"no {where} today")

    if where != "close":
        setattr(Source, where, fail)
    source = Source([{"n": 1}])
    with pytest.raises(velaria.StreamError, match=f"no {where} today"):
        run(session, source)
    assert closed == [1]


def test_a_generator_cleans_up_when_the_query_stops(session):
    cleaned = threading.Event()

    def read():
        try:
            n = 0
            while True:
                yield {"n": n}
                n += 1
        finally:
            cleaned.set()

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=1, bounded=False)
    run(session, source, max_batches=2)
    assert cleaned.wait(30)


def test_sources_are_freed(session):
    source = velaria.CustomArrowStreamSource(lambda: numbers(3), schema=SCHEMA)
    alive = weakref.ref(source)
    stream = velaria.create_stream_from_custom_source(session, source)
    with stream.write_stream(velaria.MemorySink()) as query:
        query.await_termination()
    del source, stream, query
    session.close()
    deadline = time.monotonic() + 10
    while alive() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert alive() is None


# ---- full control


def test_next_batch_overridden(session):
    assert run(session, Ticks(), idle_wait_ms=1) == (4, [1, 2, 3, 4])


@pytest.mark.parametrize("given", [7, ("x",), (pyarrow.table({"n": [1]}), 7), "end"])
def test_what_next_batch_may_give_is_checked(session, given):
    class Source(velaria.CustomArrowStreamSource):
        schema = SCHEMA

        def next_batch(self):
            return given

    with pytest.raises(velaria.StreamError, match=r"next_batch|offset"):
        run(session, Source())


# ---- offsets


def test_restore_goes_on_behind_the_offset(session, tmp_path):
    options = {"checkpoint_path": str(tmp_path / "c"), "checkpoint_delivery_mode": "best-effort"}
    sql = "SELECT sum(n) AS n FROM src"
    source = velaria.CustomArrowStreamSource(ticks, schema=SCHEMA, emit_rows=3)
    assert source.can_restore
    first = run(session, source, sql, max_batches=2, **options)
    assert first == (2, [3, 15])
    again = velaria.CustomArrowStreamSource(ticks, schema=SCHEMA, emit_rows=3)
    assert run(session, again, sql, **options) == (2, [36, 45])


def test_own_offsets(session, tmp_path):
    seen = []

    def log(offset):
        seen.append(offset)
        lines = ["a", "b", "c", "d"]
        start = 0 if offset is None else lines.index(offset) + 1
        for line in lines[start:]:
            yield velaria.StreamItem({"line": line}, line)

    options = {"checkpoint_path": str(tmp_path / "c"), "checkpoint_delivery_mode": "best-effort"}

    def lines(**more):
        source = velaria.CustomArrowStreamSource(log, schema={"line": "utf8"}, emit_rows=1)
        sink = velaria.MemorySink()
        stream = velaria.create_stream_from_custom_source(session, source)
        query = stream.write_stream(sink, **options, **more).start()
        query.await_termination(30_000)
        return "".join(row["line"] for row in sink.to_rows()), query.progress()

    got, progress = lines(max_batches=3)
    assert (got, progress["last_source_offset"]) == ("abc", "c")
    assert lines()[0] == "d"
    assert seen == [None, "c"]


def test_items_with_offsets_are_never_cut(session):
    def read(offset):
        for n in range(3):
            yield velaria.StreamItem(pyarrow.table({"n": [n] * 5}), str(n))

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=7)
    sink = velaria.MemorySink()
    stream = velaria.create_stream_from_custom_source(session, source)
    with stream.write_stream(sink) as query:
        query.await_termination()
    assert [table.num_rows for table in sink.batches()] == [10, 5]


def test_mixed_offsets_are_refused(session):
    def read(offset):
        yield velaria.StreamItem({"n": 1}, "1")
        yield {"n": 2}

    source = velaria.CustomArrowStreamSource(read, schema=SCHEMA, emit_rows=10)
    with pytest.raises(velaria.StreamError, match="offsets of their own"):
        run(session, source)


def test_without_restore_it_says_so(session, tmp_path):
    source = velaria.CustomArrowStreamSource(lambda: numbers(3), schema=SCHEMA)
    assert not source.can_restore
    stream = velaria.create_stream_from_custom_source(session, source)
    text = stream.explain(
        checkpoint_path=str(tmp_path / "c"), checkpoint_delivery_mode="best-effort"
    )
    assert "python CustomArrowStreamSource" in text
    options = {"checkpoint_path": str(tmp_path / "c"), "checkpoint_delivery_mode": "best-effort"}
    assert run(session, source, **options)[1] == [0, 1, 2]
    assert run(session, source, **options)[1] == [0, 1, 2]  # all of it again: nothing is lost


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
