"""Streams: SQL and verbs, windows, sinks, progress, lifecycle, failures."""

import datetime
import json
import time

import pyarrow as pa
import pytest
import velaria

WAIT_MS = 60_000


def events(rng, rows):
    """Keys with NULLs, times in order with repeats, integers with NULLs."""
    start = datetime.datetime(2024, 1, 1)
    seconds = 0
    table = {"key": [], "ts": [], "n": []}
    for _ in range(rows):
        seconds += rng.randint(0, 7)
        table["key"].append(rng.choice(["a", "b", "c", None]))
        table["ts"].append(start + datetime.timedelta(seconds=seconds))
        table["n"].append(rng.choice([None, rng.randint(-1000, 1000)]))
    return pa.table(
        table, pa.schema([("key", "string"), ("ts", pa.timestamp("us")), ("n", "int64")])
    )


def split(rng, table):
    """The table's rows in random batches."""
    batches = []
    begin = 0
    while begin < table.num_rows:
        size = rng.randint(1, 40)
        batches.extend(table.slice(begin, size).to_batches())
        begin += size
    return pa.Table.from_batches(batches, table.schema)


def run(stream, **options):
    sink = velaria.MemorySink()
    with stream.write_stream(sink, **options) as query:
        query.await_termination(WAIT_MS)
        return sink, query.progress()


def last_by_key(rows, keys):
    """Update mode: the later row of a key replaces the earlier one."""
    return {tuple(row[key] for key in keys): row for row in rows}


QUERIES = [
    ("SELECT key, n * 2 AS twice FROM events WHERE n > 0", None),
    ("SELECT key, count(*) AS c, sum(n) AS s, min(n) AS low FROM events GROUP BY key", ["key"]),
    ("SELECT count(*) AS c, avg(n) AS mean FROM events", []),
    (
        "SELECT w, key, count(n) AS c, max(n) AS high FROM events "
        "WINDOW BY ts EVERY 60000 AS w GROUP BY w, key",
        ["w", "key"],
    ),
    (
        "SELECT w, sum(n) AS s FROM events WINDOW BY ts EVERY 60000 SLIDE 20000 AS w GROUP BY w",
        ["w"],
    ),
]


@pytest.mark.parametrize(("query", "keys"), QUERIES, ids=range(len(QUERIES)))
def test_any_split_gives_the_batch_answer(session, rng, query, keys):
    table = events(rng, 300)
    session.create_temp_view("events", session.create_dataframe_from_arrow(table))
    expected = session.sql(query).to_rows()
    for _ in range(3):
        stream = session.create_stream_from_arrow(split(rng, table))
        session.create_temp_view("events", stream)
        sink, progress = run(session.stream_sql(query))
        rows = sink.to_rows()
        assert progress["rows_in"] == 300
        if keys is None:
            assert rows == expected
        else:
            assert last_by_key(rows, keys) == last_by_key(expected, keys)
            assert len(last_by_key(expected, keys)) == len(expected)


def test_windows_against_python(session, rng):
    table = events(rng, 200)
    stream = session.create_stream_from_arrow(split(rng, table))
    frame = stream.window("ts", 60_000, "w", slide_ms=20_000).group_by("w").agg("count(*) AS c")
    sink, progress = run(frame)
    assert progress["has_window"] is True
    expected = {}
    epoch = datetime.datetime(1970, 1, 1)
    for moment in table.column("ts").to_pylist():
        ms = (moment - epoch) // datetime.timedelta(milliseconds=1)
        first = ms // 20_000 * 20_000
        for start in range(first, first - 60_000, -20_000):
            key = epoch + datetime.timedelta(milliseconds=start)
            expected[key] = expected.get(key, 0) + 1
    final = last_by_key(sink.to_rows(), ["w"])
    assert {key[0]: row["c"] for key, row in final.items()} == expected


def test_verbs(session):
    stream = session.create_stream_from_arrow({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert stream.bounded
    assert stream.schema == [("a", "int64"), ("b", "utf8")]
    assert repr(stream) == "StreamingDataFrame(a: int64, b: utf8)"
    assert pa.schema(stream).names == ["a", "b"]
    frame = stream.with_column("c", "a + 1").drop("b").select("c * 10 AS d").filter("d > 20")
    assert run(frame)[0].to_rows() == [{"d": 30}, {"d": 40}]
    with pytest.raises(velaria.SqlSemanticError, match="nope"):
        stream.filter("nope > 1")
    assert run(stream.order_by("a DESC").limit(2))[0].to_rows() == [
        {"a": 3, "b": "z"},
        {"a": 2, "b": "y"},
    ]
    assert run(stream.limit(1, offset=1))[0].to_rows() == [{"a": 2, "b": "y"}]


def test_a_missing_sink_says_how_one_is_made(session):
    session.create_temp_view("numbers", session.create_stream_from_arrow({"n": [1]}))
    with pytest.raises(velaria.CatalogError, match=r"'nowhere' does not exist.*CREATE SINK TABLE"):
        session.start_stream_sql("INSERT INTO nowhere SELECT n FROM numbers")


def test_verbs_of_a_frame_that_a_stream_lacks(session):
    stream = session.create_stream_from_arrow({"n": [1]})
    with pytest.raises(AttributeError, match="'to_rows': a stream has no rows of its own; start"):
        stream.to_rows()
    with pytest.raises(AttributeError, match=r"no attribute 'other'$"):
        _ = stream.other


def test_window_arguments(session):
    stream = session.create_stream_from_arrow(
        pa.table({"t": pa.array([0], pa.timestamp("ms")), "n": [1]})
    )
    with pytest.raises(velaria.SqlSemanticError):
        stream.window("nope", 1000)
    with pytest.raises(velaria.TypeMismatchError):
        stream.window("n", 1000)
    for window, slide in ((0, None), (-5, None), (1000, 0), (1000, 2000)):
        with pytest.raises(velaria.InvalidArgumentError):
            stream.window("t", window, slide_ms=slide)
    with pytest.raises(velaria.InvalidArgumentError):
        stream.window("t", 1000, "n")


FIELDS = [
    "query_id",
    "status",
    "requested_execution_mode",
    "execution_mode",
    "execution_reason",
    "transport_mode",
    "batches_pulled",
    "batches_processed",
    "blocked_count",
    "max_backlog_batches",
    "inflight_batches",
    "inflight_partitions",
    "last_batch_latency_ms",
    "last_sink_latency_ms",
    "last_state_latency_ms",
    "last_source_offset",
    "backpressure_active",
    "actor_eligible",
    "used_actor_runtime",
    "used_shared_memory",
    "has_stateful_ops",
    "has_window",
    "sink_is_blocking",
    "source_is_bounded",
    "estimated_partitions",
    "projected_payload_bytes",
    "sampled_batches",
    "sampled_rows_per_batch",
    "average_projected_payload_bytes",
    "actor_speedup",
    "compute_to_overhead_ratio",
    "estimated_state_size_bytes",
    "estimated_batch_cost",
    "backpressure_max_queue_batches",
    "backpressure_high_watermark",
    "backpressure_low_watermark",
    "checkpoint_delivery_mode",
]


def test_progress_is_one_list_of_fields(session, rng):
    stream = session.create_stream_from_arrow(split(rng, events(rng, 200)))
    frame = stream.group_by("key").agg("sum(n) AS s")
    query = frame.write_stream(velaria.MemorySink(), query_id="q1")
    before = query.progress()
    assert before["status"] == query.status == "created"
    query.start().await_termination(WAIT_MS)
    after = query.progress()
    assert list(after)[: len(FIELDS)] == FIELDS
    assert list(before) == list(after)
    snapshot = json.loads(query.snapshot_json())
    assert list(snapshot) == list(after)
    assert snapshot == after
    assert after["query_id"] == query.query_id == "q1"
    assert after["status"] == query.status == "stopped"
    assert after["batches_processed"] == after["batches_pulled"] > 0
    assert after["has_stateful_ops"] is True
    assert after["last_batch_latency_ms"] > 0
    assert after["state_size_bytes"] > 0
    assert after["last_error"] == ""
    assert query.exception is None


def test_explain_has_three_sections(session, monkeypatch):
    monkeypatch.delenv("VELARIA_STREAM_OPTIONS", raising=False)  # it is about what is said here
    session.create_temp_view("e", session.create_stream_from_arrow({"n": [1]}))
    session.register_stream_sink("out", velaria.MemorySink())
    for text in (
        session.explain_stream_sql("SELECT n FROM e"),
        session.explain_stream_sql("INSERT INTO out SELECT n FROM e", max_inflight_batches=3),
        session.stream_sql("SELECT n FROM e").explain(max_inflight_batches=3),
    ):
        heads = [line for line in text.splitlines() if line in ("logical", "physical", "strategy")]
        assert heads == ["logical", "physical", "strategy"]
        strategy = text.split("strategy\n", 1)[1].splitlines()
        values = dict(line.strip().split("=", 1) for line in strategy if "=" in line)
        assert values["selected_mode"] == "single-process"
        assert values["checkpoint_delivery_mode"] == "at-least-once"
    assert values["backpressure_max_queue_batches"] == "3"
    query = session.stream_sql("SELECT n FROM e").write_stream(velaria.MemorySink())
    assert query.explain().count("strategy\n") == 1


def test_insert_into_each_sink(session, tmp_path):
    memory = velaria.MemorySink()
    tables = []

    class Writer:
        def __init__(self):
            self.calls = []

        def open(self, context):
            self.calls.append(("open", context["query_id"]))

        def write_arrow(self, table):
            self.calls.append(("write", table.num_rows))

        def flush(self):
            self.calls.append(("flush",))

        def checkpoint(self, marker):
            self.calls.append(("checkpoint", marker["batches_processed"]))

        def close(self):
            self.calls.append(("close",))

    writer = Writer()
    csv = tmp_path / "out.csv"
    sinks = {"m": memory, "f": tables.append, "w": writer, "c": velaria.CsvFileSink(csv)}
    for name, sink in sinks.items():
        session.register_stream_sink(name, sink)
        session.create_temp_view(
            "e", session.create_stream_from_arrow({"n": [1, 2], "t": ["a", ""]})
        )
        query = session.start_stream_sql(
            f"INSERT INTO {name} SELECT * FROM e", query_id=f"q-{name}"
        )
        assert query.await_termination(WAIT_MS) == 1
    expected = [{"n": 1, "t": "a"}, {"n": 2, "t": ""}]
    assert memory.to_rows() == expected
    assert [table.to_pylist() for table in tables] == [expected]
    assert writer.calls == [
        ("open", "q-w"),
        ("write", 2),
        ("flush",),
        ("checkpoint", 1),
        ("close",),
    ]
    assert session.read_csv(csv).to_rows() == expected
    session.sql(f"CREATE SINK TABLE made USING csv OPTIONS(path: '{tmp_path / 'made.csv'}')")
    session.create_temp_view("e", session.create_stream_from_arrow({"n": [5]}))
    session.start_stream_sql("INSERT INTO made SELECT * FROM e").await_termination(WAIT_MS)
    assert session.read_csv(tmp_path / "made.csv").to_rows() == [{"n": 5}]
    with pytest.raises(velaria.TableKindError, match="sink"):
        session.sql("SELECT * FROM m")


def test_csv_sink_appends(session, tmp_path):
    path = tmp_path / "out.csv"
    for n in (1, 2):
        stream = session.create_stream_from_arrow({"n": [n]})
        with stream.write_stream(velaria.CsvFileSink(path, mode="append")) as query:
            query.await_termination(WAIT_MS)
    assert path.read_text() == "n\n1\n2\n"
    with pytest.raises(velaria.InvalidArgumentError, match="append"):
        velaria.CsvFileSink(path, mode="a")
    with pytest.raises(velaria.InvalidArgumentError):
        stream.write_stream(velaria.CsvFileSink(path, nope=1))


def test_json_sink_replaces_or_appends(session, tmp_path):
    path = tmp_path / "out.jsonl"
    for n, mode in ((0, "replace"), (1, "replace"), (2, "append")):
        stream = session.create_stream_from_arrow({"n": [n], "s": ["é"]})
        with stream.write_stream(velaria.JsonFileSink(path, mode)) as query:
            query.await_termination(WAIT_MS)
    assert path.read_text("utf-8") == '{"n":1,"s":"é"}\n{"n":2,"s":"é"}\n'
    session.register_stream_sink("rows_out", velaria.JsonFileSink(path))
    session.create_temp_view("numbers", session.create_stream_from_arrow({"n": [3]}))
    session.start_stream_sql("INSERT INTO rows_out SELECT n FROM numbers").await_termination()
    assert path.read_text("utf-8") == '{"n":3}\n'
    with pytest.raises(velaria.InvalidArgumentError, match="append"):
        velaria.JsonFileSink(path, mode="a")
    twice = stream.select("n", "n").write_stream(velaria.JsonFileSink(path)).start()
    with pytest.raises(velaria.StreamError, match="'n'"):
        twice.await_termination(WAIT_MS)


@pytest.mark.parametrize("where", ["open", "write_arrow", "flush", "close"])
def test_a_failing_python_sink_fails_the_query(session, where):
    class Broken:
        def write_arrow(self, table):
            pass

    def fail(self, *arguments):
        raise LookupError("the disk went away")

    setattr(Broken, where, fail)
    query = session.create_stream_from_arrow({"n": [1]}).write_stream(Broken()).start()
    with pytest.raises(velaria.StreamError, match="LookupError: the disk went away"):
        query.await_termination(WAIT_MS)
    assert query.status == "failed"
    assert isinstance(query.exception, velaria.StreamError)
    assert "the disk went away" in str(query.exception)
    assert "the disk went away" in query.progress()["last_error"]
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_an_unwritable_file_fails_the_query(session, tmp_path):
    stream = session.create_stream_from_arrow({"n": [1]})
    with pytest.raises(velaria.Error, match=r"out\.csv"):
        stream.write_stream(
            velaria.CsvFileSink(tmp_path / "no" / "out.csv")
        ).start().await_termination(WAIT_MS)


def test_a_bad_value_fails_the_query(session):
    stream = session.create_stream_from_arrow({"t": ["1", "x"]})
    query = stream.select("CAST(t AS BIGINT) AS n").write_stream(velaria.MemorySink()).start()
    with pytest.raises(velaria.StreamError, match="'x'"):
        query.await_termination(WAIT_MS)


@pytest.mark.parametrize("sink", [5, "text", None, object()])
def test_what_is_no_sink(session, sink):
    stream = session.create_stream_from_arrow({"n": [1]})
    with pytest.raises(velaria.InvalidArgumentError, match="no sink"):
        stream.write_stream(sink)
    with pytest.raises(velaria.InvalidArgumentError, match="no sink"):
        session.register_stream_sink("x", sink)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_inflight_batch": 1}, "max_inflight_batches"),
        ({"max_inflight_batches": 0}, "max_inflight_batches"),
        ({"trigger_interval_ms": -1}, "trigger_interval_ms"),
        ({"trigger_interval_ms": 1.5}, "trigger_interval_ms"),
        ({"checkpoint_delivery_mode": "exactly-once"}, "at-least-once"),
        ({"execution_mode": "cluster"}, "single-process"),
        ({"shared_memory_transport": "maybe"}, "shared_memory_transport"),
    ],
    ids=str,
)
def test_bad_options(session, options, text):
    stream = session.create_stream_from_arrow({"n": [1]})
    with pytest.raises(velaria.InvalidArgumentError, match=text):
        stream.write_stream(velaria.MemorySink(), **options)
    with pytest.raises(velaria.InvalidArgumentError, match=text):
        stream.explain(**options)


def test_good_options(session):
    stream = session.create_stream_from_arrow({"n": list(range(10))}, batch_rows=1)
    sink, progress = run(
        stream, max_batches=4, trigger_interval_ms=1, shared_memory_transport=False, idle_wait_ms=5
    )
    assert sink.num_rows == 4
    assert progress["batches_processed"] == 4
    assert run(stream, max_batches=None)[0].num_rows == 10


def test_a_query_runs_once(session):
    query = session.create_stream_from_arrow({"n": [1]}).write_stream(velaria.MemorySink())
    query.start().await_termination(WAIT_MS)
    with pytest.raises(velaria.StreamError):
        query.start()


def test_dropping_the_handle_does_not_stop_the_query():
    session = velaria.Session()
    source = session.create_realtime_stream_source({"n": "int64"})
    sink = session.create_realtime_stream_sink()
    session.create_temp_view("e", session.read_realtime_stream_source(source))
    session.register_stream_sink("out", sink)
    session.start_stream_sql("INSERT INTO out SELECT n + 1 AS m FROM e")
    session.read_realtime_stream_source(session.create_realtime_stream_source({"n": "int64"}))
    for n in range(3):
        source.push_rows([[n]])
        assert sink.poll_rows(timeout=30) == [{"m": n + 1}]
    session.close()
    assert sink.poll_rows(timeout=30) is None
    assert sink.closed()


def test_stop_drains(session):
    for drain in (True, False):
        source = session.create_realtime_stream_source({"n": "int64"})
        for n in range(20):
            source.push_rows([[n]])
        sink = velaria.MemorySink()
        query = session.read_realtime_stream_source(source).write_stream(sink).start()
        query.stop(drain=drain)
        assert query.status == "stopped"
        assert sink.num_rows == 20 if drain else sink.num_rows <= 20
        query.stop()


def test_await_times_out(session):
    source = session.create_realtime_stream_source({"n": "int64"})
    query = session.read_realtime_stream_source(source).write_stream(velaria.MemorySink()).start()
    begin = time.monotonic()
    assert query.await_termination(timeout_ms=50) == 0
    assert 0.04 < time.monotonic() - begin < 20
    assert query.status == "running"
    query.stop()


def test_a_sink_may_stop_its_own_query(session):
    queries = []
    seen = []

    def sink(table):
        seen.append(table.num_rows)
        queries[0].stop()

    stream = session.create_stream_from_arrow({"n": list(range(100))}, batch_rows=1)
    queries.append(stream.write_stream(sink))
    queries[0].start().await_termination(WAIT_MS)
    assert queries[0].status == "stopped"
    assert 1 <= len(seen) < 100


def test_checkpoints(session, tmp_path):
    path = tmp_path / "q.ckpt"
    table = pa.table({"k": ["a", "b", "a"], "n": [1, 2, 4]})

    def start(**options):
        sink = velaria.MemorySink()
        stream = session.create_stream_from_arrow(table, batch_rows=1)
        frame = stream.group_by("k").agg("sum(n) AS s")
        query = frame.write_stream(sink, checkpoint_path=str(path), **options)
        return query, sink

    query, _ = start(max_batches=2)
    query.start().await_termination(WAIT_MS)
    assert path.exists()
    query, sink = start(checkpoint_delivery_mode="best-effort")
    assert query.start().await_termination(WAIT_MS) == 1
    assert sink.to_rows() == [{"k": "a", "s": 5}]
    path.write_bytes(b"not a checkpoint")
    query, _ = start(checkpoint_delivery_mode="best-effort")
    with pytest.raises(velaria.CheckpointError, match=r"q\.ckpt"):
        query.start()
    assert session.sql("SELECT 1 AS x").count() == 1


def test_a_restart_with_other_batches_is_refused(session, tmp_path):
    def start(batch_rows, **more):
        stream = session.create_stream_from_arrow({"n": [1, 2, 3, 4]}, batch_rows=batch_rows)
        path = str(tmp_path / "q.ckpt")
        query = stream.write_stream(velaria.MemorySink(), checkpoint_path=path, **more)
        query.start().await_termination(WAIT_MS)
        return query

    assert start(1, max_batches=2).progress()["last_source_offset"] == "2@2"
    with pytest.raises((velaria.CheckpointError, velaria.StreamError), match="batch_rows"):
        start(2, checkpoint_delivery_mode="best-effort")


def test_wrong_kinds(session):
    source = session.create_realtime_stream_source({"n": "int64"})
    session.create_temp_view("live", session.read_realtime_stream_source(source))
    session.register_stream_sink("out", velaria.MemorySink())
    session.create_temp_view("still", session.create_dataframe_from_arrow({"n": [1]}))
    with pytest.raises(velaria.TableKindError):
        session.sql("SELECT * FROM live").to_rows()
    with pytest.raises(velaria.TableKindError):
        session.start_stream_sql("INSERT INTO still SELECT n FROM live")
    with pytest.raises(velaria.CatalogError):
        session.start_stream_sql("INSERT INTO nowhere SELECT n FROM live")
    with pytest.raises(velaria.SqlSemanticError, match="INSERT"):
        session.start_stream_sql("SELECT n FROM live")
    with pytest.raises(velaria.SqlSemanticError):
        session.stream_sql("INSERT INTO out SELECT n FROM live")
    with pytest.raises(velaria.SqlUnsupportedError):
        session.start_stream_sql("INSERT INTO out SELECT n FROM live ORDER BY n")
    with pytest.raises(velaria.TableKindError):
        session.start_stream_sql("INSERT INTO out SELECT n FROM still")
    with pytest.raises(velaria.InvalidArgumentError, match="realtime"):
        session.read_realtime_stream_source(5)


def test_a_running_query_does_not_hold_up_the_end(tmp_path):
    import subprocess
    import sys

    code = """
import velaria
session = velaria.Session()
source = session.create_realtime_stream_source({"n": "int64"})
def sink(table):
    print("rows", table.num_rows, flush=True)
query = session.read_realtime_stream_source(source).write_stream(sink).start()
source.push_rows([[1]])
while query.progress()["batches_processed"] == 0:
    query.await_termination(10)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "rows 1\n"
    assert done.stderr == ""


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
