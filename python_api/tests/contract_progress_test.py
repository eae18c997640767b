"""Fields of progress: each is measured, not only there."""

import math

import pyarrow as pa
import pytest
import velaria

WAIT_MS = 60_000
BATCHES, BATCH_ROWS = 4, 3000
KERNEL_CHUNK_ROWS = 2048


@pytest.fixture
def session(monkeypatch):
    monkeypatch.delenv("VELARIA_STREAM_OPTIONS", raising=False)  # the figures are those of one way
    with velaria.Session(threads=2) as made:
        yield made


def run(session, select, sink=None, **options):
    rows = BATCHES * BATCH_ROWS
    table = pa.table(
        {
            "t": pa.array(range(rows), pa.timestamp("ms")),
            "n": pa.array(range(rows), pa.int64()),
            "x": pa.array([0.5] * rows, pa.float64()),
        }
    )
    stream = session.create_stream_from_arrow(table, batch_rows=BATCH_ROWS)
    session.create_temp_view("events", stream)
    session.register_stream_sink("out", sink or velaria.MemorySink())
    query = session.start_stream_sql(f"INSERT INTO out {select}", **options)
    query.await_termination(WAIT_MS)
    return query.progress()


def test_the_payload_is_that_of_the_columns_which_the_plan_reads(session):
    for select, width in (
        ("SELECT n FROM events", 8),
        ("SELECT n + 1 AS m, x FROM events WHERE n >= 0", 16),
        ("SELECT n % 5 AS k, count(*) AS c FROM events GROUP BY n % 5", 8),
    ):
        progress = run(session, select)
        assert progress["projected_payload_bytes"] == width * BATCH_ROWS, select
        assert progress["average_projected_payload_bytes"] == width * BATCH_ROWS, select


def test_the_sample_is_the_first_batches(session):
    progress = run(session, "SELECT n FROM events")
    assert progress["sampled_batches"] == BATCHES
    assert progress["sampled_rows_per_batch"] == BATCH_ROWS
    assert progress["estimated_partitions"] == math.ceil(BATCH_ROWS / KERNEL_CHUNK_ROWS)
    assert 0 < progress["estimated_batch_cost"] < WAIT_MS
    assert run(session, "SELECT n FROM events", max_batches=1)["sampled_batches"] == 1


def test_more_work_costs_more(session):
    """The cost is measured. Work on letters shows, whatever else the machine does."""
    letters = "length(regexp_replace(repeat('ab', 50 + n % 2), 'b', 'c', 'g'))"
    costs = [run(session, "SELECT n FROM events")["estimated_batch_cost"] for _ in range(3)]
    slow = run(session, f"SELECT {letters} AS m FROM events")["estimated_batch_cost"]
    assert slow > 10 * min(costs) > 0


def test_estimates_of_the_state_are_those_of_the_real_one(session):
    few = run(session, "SELECT n % 5 AS k, sum(x) AS s FROM events GROUP BY n % 5")
    many = run(session, "SELECT n, sum(x) AS s FROM events GROUP BY n")
    for progress in (few, many):
        assert progress["estimated_state_size_bytes"] == progress["state_size_bytes"] > 0
    # 12000 groups of a key of 8 bytes and a sum.
    assert many["state_size_bytes"] > BATCHES * BATCH_ROWS * 16 > 10 * few["state_size_bytes"]
    assert run(session, "SELECT n FROM events")["state_size_bytes"] == 0


def test_without_workers_nothing_is_forecast(session):
    progress = run(session, "SELECT n % 5 AS k, count(*) AS c FROM events GROUP BY n % 5")
    assert progress["actor_eligible"] is True
    for field in ("actor_speedup", "compute_to_overhead_ratio"):
        assert progress[field] == 0
    for field in ("used_actor_runtime", "used_shared_memory"):
        assert progress[field] is False
    assert (progress["execution_mode"], progress["transport_mode"]) == ("single-process", "inproc")


def test_what_kind_of_query_it_is(session):
    window = "SELECT w, count(*) AS c FROM events WINDOW BY t EVERY 1000 AS w GROUP BY w"
    for select, stateful, windowed in (
        ("SELECT n FROM events", False, False),
        ("SELECT n % 2 AS k, count(*) AS c FROM events GROUP BY n % 2", True, False),
        (window, True, True),
    ):
        progress = run(session, select)
        assert progress["has_stateful_ops"] is stateful, select
        assert progress["has_window"] is windowed, select
        assert (progress["last_state_latency_ms"] > 0) is stateful, select
        assert 0 < progress["last_sink_latency_ms"] <= progress["last_batch_latency_ms"], select


def test_what_the_ends_are(session):
    assert run(session, "SELECT n FROM events")["sink_is_blocking"] is False
    source = session.create_realtime_stream_source({"n": "int64"})
    for sink, blocking in (
        (velaria.MemorySink(), False),
        (session.create_realtime_stream_sink(), True),
    ):
        query = session.read_realtime_stream_source(source).write_stream(sink)
        assert query.progress()["sink_is_blocking"] is blocking
        assert query.progress()["source_is_bounded"] is False
    stream = session.create_stream_from_arrow({"n": [1]})
    query = stream.write_stream(velaria.MemorySink())
    assert query.progress()["source_is_bounded"] is True


def test_thresholds_are_those_that_are_given(session):
    progress = run(
        session,
        "SELECT n FROM events",
        max_inflight_batches=9,
        backpressure_high_watermark=7,
        backpressure_low_watermark=2,
    )
    assert progress["backpressure_max_queue_batches"] == 9
    assert progress["backpressure_high_watermark"] == 7
    assert progress["backpressure_low_watermark"] == 2
    assert 1 <= progress["max_backlog_batches"] <= 7
    assert progress["inflight_batches"] == progress["inflight_partitions"] == 0
    assert progress["backpressure_active"] is False


def test_rates_are_rows_over_time(session):
    progress = run(session, "SELECT n FROM events")
    rows = BATCHES * BATCH_ROWS
    assert progress["rows_in"] == progress["rows_out"] == rows
    # Work in batches is a part of the time since the start.
    assert progress["processed_rows_per_second"] >= progress["input_rows_per_second"] > 0


def test_recent_progress_is_one_record_a_batch(session):
    stream = session.create_stream_from_arrow({"n": list(range(250))}, batch_rows=1)
    with stream.write_stream(velaria.MemorySink()) as query:
        query.await_termination(WAIT_MS)
        records = query.recent_progress()
    assert [record["batch"] for record in records] == list(range(151, 251))  # the newest 100
    assert set(records[0]) == {
        "batch", "finished_us", "source_offset", "rows_in", "rows_out", "batch_latency_ms",
        "sink_latency_ms", "state_latency_ms", "state_size_bytes",
    }  # fmt: skip
    assert [record["source_offset"] for record in records] == [f"{n}@{n}" for n in range(151, 251)]
    times = [record["finished_us"] for record in records]
    assert times == sorted(times)
    assert all(record["rows_in"] == record["rows_out"] == 1 for record in records)
    assert all(record["batch_latency_ms"] >= record["sink_latency_ms"] > 0 for record in records)


def test_records_tell_of_the_state(session):
    stream = session.create_stream_from_arrow({"n": list(range(3000))}, batch_rows=1000)
    with stream.group_by("n").agg("count(*) AS c").write_stream(velaria.MemorySink()) as query:
        query.await_termination(WAIT_MS)
        records, progress = query.recent_progress(), query.progress()
    sizes = [record["state_size_bytes"] for record in records]
    assert sizes == sorted(sizes)  # each batch brings a thousand groups
    assert sizes[-1] == progress["state_size_bytes"] > 3000 * 16
    assert all(record["state_latency_ms"] > 0 for record in records)
    assert records[-1]["state_latency_ms"] == progress["last_state_latency_ms"]


def test_a_restored_query_says_so_until_its_first_batch(session, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("n\n1\n")
    options = {
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": "best-effort",
        "idle_wait_ms": 5,
    }

    def start():
        stream = session.read_stream_csv_dir(
            folder, follow=True, columns={"n": "int64"}, settle_ms=0
        )
        sink = session.create_realtime_stream_sink()
        return stream.write_stream(sink, **options).start(), sink

    query, sink = start()
    assert sink.poll_rows(timeout=30) == [{"n": 1}]
    query.stop(drain=True)
    query, sink = start()
    assert query.status == query.progress()["status"] == "restored"
    part = folder / "b.part"
    part.write_text("n\n2\n")
    part.rename(folder / "b.csv")
    assert sink.poll_rows(timeout=30) == [{"n": 2}]
    query.await_termination(100)
    assert query.status == "running"
    query.stop()
    assert query.status == "stopped"
