"""Rules of the contract about streams: one explanation, what windows are, queries of their own."""

import datetime
import json
import threading
import time

import pyarrow as pa
import pytest
import velaria

WAIT_MS = 60_000
EPOCH = datetime.datetime(2026, 1, 1)


@pytest.fixture
def session(monkeypatch):
    monkeypatch.delenv("VELARIA_STREAM_OPTIONS", raising=False)
    with velaria.Session(threads=2) as made:
        yield made


def events(session, seconds, batch_rows=None):
    table = pa.table(
        {
            "t": pa.array([EPOCH + datetime.timedelta(seconds=s) for s in seconds]),
            "n": pa.array(range(len(seconds)), pa.int64()),
        }
    )
    session.create_temp_view(
        "events", session.create_stream_from_arrow(table, batch_rows=batch_rows)
    )


WINDOWED = "SELECT w, count(*) AS c FROM events WINDOW BY t EVERY 10000 {} AS w GROUP BY w"
QUERIES = [
    "SELECT n FROM events WHERE n > 1",
    "SELECT n % 2 AS k, sum(n) AS s FROM events GROUP BY n % 2",
    WINDOWED.format("SLIDE 5000"),
]


@pytest.mark.parametrize("query", QUERIES)
def test_only_the_strategy_section_explains_a_choice(session, query):
    events(session, [0])
    for options in ({}, {"execution_mode": "local-workers", "local_workers": 2}):
        text = session.explain_stream_sql(query, **options)
        plans, _, strategy = text.partition("strategy\n")
        keys = [line.split("=", 1)[0].strip() for line in strategy.splitlines()]
        assert {
            "requested_mode", "selected_mode", "reason", "actor_eligible", "transport_mode",
            "estimated_state_size_bytes", "estimated_batch_cost", "shared_memory_transport",
            "shared_memory_min_payload_bytes", "checkpoint_delivery_mode",
            "backpressure_max_queue_batches", "backpressure_high_watermark",
            "backpressure_low_watermark",
        } <= set(keys)  # fmt: skip
        assert len(keys) == len(set(keys))
        for key in keys:
            assert f"{key}=" not in plans, key


def test_the_snapshot_names_what_explain_names(session):
    """One word for one thing: the fields that explain and progress share mean the same."""
    events(session, [0])
    session.register_stream_sink("out", velaria.MemorySink())
    insert = f"INSERT INTO out {QUERIES[1]}"
    options = {"checkpoint_delivery_mode": "best-effort", "max_inflight_batches": 5}
    lines = session.explain_stream_sql(insert, **options).partition("strategy\n")[2].splitlines()
    strategy = dict(line.strip().split("=", 1) for line in lines)
    query = session.start_stream_sql(insert, **options)
    query.await_termination(WAIT_MS)
    snapshot = json.loads(query.snapshot_json())
    assert list(snapshot) == list(query.progress())
    same = {"requested_mode": "requested_execution_mode", "selected_mode": "execution_mode",
            "reason": "execution_reason"}  # fmt: skip
    for key in (
        "requested_mode", "selected_mode", "reason", "transport_mode", "actor_eligible",
        "checkpoint_delivery_mode", "backpressure_max_queue_batches",
        "backpressure_high_watermark", "backpressure_low_watermark",
    ):  # fmt: skip
        value = snapshot[same.get(key, key)]
        assert strategy[key] == (str(value).lower() if isinstance(value, bool) else str(value))


def counts(sink):
    """Update mode: the last count of each window counts."""
    return {row["w"]: row["c"] for row in sink.to_rows()}


def run(session, query, **options):
    sink = velaria.MemorySink()
    with session.stream_sql(query).write_stream(sink, **options) as running:
        running.await_termination(WAIT_MS)
        return sink, running.progress()


def test_slide_defaults_to_every(session):
    events(session, [0, 9, 10, 25])
    tumbling, _ = run(session, WINDOWED.format(""))
    same, _ = run(session, WINDOWED.format("SLIDE 10000"))
    starts = {EPOCH: 2, EPOCH + datetime.timedelta(seconds=10): 1}
    starts[EPOCH + datetime.timedelta(seconds=20)] = 1
    assert counts(tumbling) == counts(same) == starts


def test_a_window_has_a_width(session):
    """There is no window over everything: EVERY is needed, and is at least a millisecond."""
    events(session, [0])
    with pytest.raises(velaria.SqlSyntaxError, match="EVERY"):
        session.stream_sql("SELECT w FROM events WINDOW BY t AS w")
    for clause, message in (
        ("EVERY 0", "EVERY"),
        ("EVERY 1000 SLIDE 0", "SLIDE"),
        ("EVERY 1000 SLIDE 1001", "SLIDE 1001 is larger than EVERY 1000"),
    ):
        with pytest.raises(velaria.SqlSemanticError, match=message):
            session.stream_sql(f"SELECT w FROM events WINDOW BY t {clause} AS w")
    stream = session.stream_sql("SELECT t, n FROM events")
    for width, slide in ((0, None), (1000, 0), (1000, 1001)):
        with pytest.raises(velaria.InvalidArgumentError):
            stream.window("t", width, slide_ms=slide)


def test_no_window_is_closed_by_a_clock_or_a_later_row(session):
    """Watermarks are no part of the contract: a row counts in its windows however late it comes."""
    late = [0, 100_000, 1, 200_000, 2]
    events(session, late, batch_rows=1)
    sink, progress = run(session, WINDOWED.format(""), trigger_interval_ms=2)
    assert counts(sink)[EPOCH] == 3
    assert progress["late_rows"] == 0
    for option in ("watermark", "watermark_ms", "event_time", "allowed_lateness_ms"):
        with pytest.raises(velaria.InvalidArgumentError, match=option):
            run(session, WINDOWED.format(""), **{option: 1})
    with pytest.raises(velaria.SqlSyntaxError, match="WATERMARK"):
        session.stream_sql("SELECT w FROM events WINDOW BY t EVERY 1000 WATERMARK 5 AS w")


def test_a_row_is_in_every_window_that_covers_it(session):
    """Planner, stream and batch agree on width, slide, name and expansion."""
    seconds = [0, 3, 9, 10, 11, 27]
    for width, slide in ((10, 5), (10, 3), (10, 10), (7, 2)):
        events(session, seconds, batch_rows=2)
        query = (
            f"SELECT win, count(*) AS c FROM events WINDOW BY t EVERY {width * 1000} "
            f"SLIDE {slide * 1000} AS win GROUP BY win"
        )
        begin = int((EPOCH - datetime.datetime(1970, 1, 1)).total_seconds())
        expected = {}
        for second in seconds:
            first = (begin + second) // slide * slide
            for start in range(first, begin + second - width, -slide):
                expected[start - begin] = expected.get(start - begin, 0) + 1
        text = session.explain_stream_sql(query)
        shown = f"t every {width * 1000} ms"
        if slide != width:
            shown += f" slide {slide * 1000} ms"
        assert f"{shown} as win" in text
        sink, _ = run(session, query)
        table = pa.table({"t": [EPOCH + datetime.timedelta(seconds=s) for s in seconds]})
        session.create_temp_view("events", session.create_dataframe_from_arrow(table))
        for rows in (sink.to_rows(), session.sql(query).to_rows()):
            got = {(row["win"] - EPOCH).total_seconds(): row["c"] for row in rows}
            assert got == expected, (width, slide)


def test_queries_know_nothing_of_each_other(session):
    """Each has its id, source offset, progress and end; one that fails leaves the other."""
    calls = []

    class Sink:
        def __init__(self, fails):
            self.fails = fails

        def open(self, context):
            calls.append(context["query_id"])

        def write_arrow(self, table):
            if self.fails:
                raise OSError("disk full")

    queries = {}
    for name, fails in (("first", False), ("second", True)):
        stream = session.create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=1)
        queries[name] = stream.write_stream(Sink(fails), query_id=name).start()
    assert queries["first"].await_termination(WAIT_MS) == 3
    with pytest.raises(velaria.StreamError, match="disk full"):
        queries["second"].await_termination(WAIT_MS)
    assert sorted(calls) == ["first", "second"]
    first, second = (queries[name].progress() for name in ("first", "second"))
    assert (first["query_id"], first["status"], first["last_source_offset"]) == (
        "first", "stopped", "3@3",
    )  # fmt: skip
    assert (second["query_id"], second["status"], second["batches_processed"]) == (
        "second", "failed", 0,
    )  # fmt: skip


@pytest.mark.parametrize(("limit", "batches"), [(4, 2), (1, 1)])
def test_a_limit_of_partitions_holds_the_producer_back(session, limit, batches):
    """A batch of 3000 rows is two pieces of a chunk's rows; a batch that is larger than the limit
    is queued alone."""
    let_go = threading.Event()
    source = session.create_stream_from_arrow({"n": list(range(30_000))}, batch_rows=3000)
    query = source.write_stream(
        lambda table: let_go.wait(60),
        max_inflight_partitions=limit,
        max_inflight_batches=10,
        backpressure_high_watermark=10,
    ).start()
    try:
        end = time.monotonic() + 30
        while not query.progress()["backpressure_active"]:
            assert time.monotonic() < end
            time.sleep(0.005)
        progress = query.progress()
        assert progress["inflight_partitions"] == 2 * progress["inflight_batches"]
    finally:
        let_go.set()
    assert query.await_termination(WAIT_MS) == 10
    assert query.progress()["max_backlog_batches"] <= batches


def strategy_of(text):
    lines = str(text).partition("strategy\n")[2].splitlines()
    return dict(line.strip().split("=", 1) for line in lines)


def test_every_option_shows_in_the_strategy(session, tmp_path):
    events(session, [0])
    given = {
        "execution_mode": "local-workers",
        "local_workers": 3,
        "worker_choice": "always",
        "shared_memory_transport": False,
        "shared_memory_min_payload_bytes": 17,
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": "best-effort",
        "checkpoint_interval_ms": 250,
        "max_inflight_batches": 9,
        "max_inflight_partitions": 33,
        "backpressure_high_watermark": 7,
        "backpressure_low_watermark": 2,
        "trigger_interval_ms": 5,
    }
    query = WINDOWED.format("").replace("w,", "w, n % 2 AS k,").replace("BY w", "BY w, n % 2")
    strategy = strategy_of(session.explain_stream_sql(query, **given))
    shown = {
        "requested_mode": "local-workers",
        "selected_mode": "local-workers",
        "transport_mode": "rpc-copy",
        "local_workers": "3",
        "worker_choice": "always",
        "shared_memory_transport": "false",
        "shared_memory_min_payload_bytes": "17",
        "checkpoint_delivery_mode": "best-effort",
        "checkpoint_interval_ms": "250",
        "checkpoint_async": "true",  # an interval is written so, unless it is said
        "restores_state": "true",
        "backpressure_max_queue_batches": "9",
        "backpressure_high_watermark": "7",
        "backpressure_low_watermark": "2",
        "max_inflight_partitions": "33",
        "trigger_interval_ms": "5",
        "has_stateful_ops": "true",
        "has_window": "true",
        "source_is_bounded": "true",
        "sink_is_blocking": "false",
    }
    assert {key: strategy[key] for key in shown} == shown
    assert "k" in strategy["actor_reason"] or "n" in strategy["actor_reason"]
    plain = strategy_of(session.explain_stream_sql(query, checkpoint_async=True))
    assert (plain["checkpoint_async"], plain["restores_state"]) == ("true", "false")
    assert plain["checkpoint_interval_ms"] == plain["trigger_interval_ms"] == "0"
    # Estimates of a query that has seen no batch.
    assert plain["estimated_partitions"] == "1"
    assert float(plain["estimated_batch_cost"]) > 0
    assert int(plain["estimated_state_size_bytes"]) > 0
    stateless = strategy_of(session.explain_stream_sql("SELECT n FROM events"))
    assert stateless["estimated_state_size_bytes"] == "0"
    for option in ("max_retained_windows", "window_retention_ms"):
        assert option not in plain
        kept = strategy_of(session.explain_stream_sql(query, **{option: 50_000}))
        assert kept[option] == "50000"


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("SELECT n FROM events WHERE n > 1", "append"),
        ("SELECT n % 2 AS k, count(*) AS c FROM events GROUP BY n % 2", "update"),
        ("SELECT n FROM events ORDER BY n DESC", "at-end"),
    ],
)
def test_how_a_query_gives_its_rows(session, query, mode):
    events(session, range(6), batch_rows=2)
    assert strategy_of(session.explain_stream_sql(query))["output_mode"] == mode
    sink, _ = run(session, query)
    rows = [len(batch) for batch in sink.batches()]
    if mode == "append":
        assert rows == [2, 2]
    elif mode == "update":
        assert rows == [2, 2, 2]
        assert [row["c"] for row in sink.to_rows()] == [1, 1, 2, 2, 3, 3]
    else:
        assert [row["n"] for row in sink.to_rows()] == [5, 4, 3, 2, 1, 0]
        assert rows == [6]
