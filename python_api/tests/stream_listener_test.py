"""What a streaming query tells while it runs: on_progress, warnings, rows that were left out."""

import gc
import json
import threading
import weakref

import pytest
import velaria

WAIT_MS = 60_000


def numbers(session, rows, batch_rows=1):
    return session.create_stream_from_arrow({"n": list(range(rows))}, batch_rows=batch_rows)


def test_every_batch_and_the_end_are_heard_of(session):
    events = []
    threads = set()

    def hear(event):
        events.append(event)
        threads.add(threading.get_ident())

    stream = numbers(session, 30)
    query = stream.write_stream(velaria.MemorySink(), on_progress=hear, query_id="q1").start()
    assert query.await_termination(WAIT_MS) == 30
    assert all(isinstance(event, velaria.ProgressEvent) for event in events)
    assert [batch["batch"] for event in events for batch in event.batches] == [*range(1, 31)]
    assert events[-1] == query.progress()
    assert events[-1]["status"] == "stopped"
    assert {event["query_id"] for event in events} == {"q1"}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert events[-1]._repr_html_()
    assert query.warnings() == []


def test_a_slow_listener_gets_batches_together(session):
    heard = threading.Event()
    let_go = threading.Event()
    sizes = []

    def hear(event):
        sizes.append(len(event.batches))
        heard.set()
        let_go.wait(60)

    sink = velaria.MemorySink()
    query = numbers(session, 50).write_stream(sink, on_progress=hear).start()
    try:
        while query.progress()["batches_processed"] < 50:  # the query does not wait for it
            query.await_termination(5)
        assert heard.wait(60)
        assert len(sizes) == 1
    finally:
        let_go.set()
    query.await_termination(WAIT_MS)
    assert sum(sizes) == 50


def test_what_a_listener_raises_is_counted(session):
    def hear(event):
        raise ValueError("no dashboard")

    query = numbers(session, 3).write_stream(velaria.MemorySink(), on_progress=hear).start()
    assert query.await_termination(WAIT_MS) == 3
    (warning,) = query.warnings()
    assert "on_progress raised ValueError: no dashboard" in warning
    assert query.status == "stopped"


def test_a_listener_hears_of_a_failure_and_may_stop_a_query(session):
    def sink(table):
        raise RuntimeError("sink is down")

    heard = []
    query = numbers(session, 3).write_stream(sink, on_progress=heard.append).start()
    with pytest.raises(velaria.StreamError, match="sink is down"):
        query.await_termination(WAIT_MS)
    assert heard[-1]["status"] == "failed"
    assert "sink is down" in heard[-1]["last_error"]

    source = session.create_realtime_stream_source({"n": "int64"})
    stream = session.read_realtime_stream_source(source)
    query = stream.write_stream(velaria.MemorySink(), on_progress=lambda event: query.stop())
    query.start()
    source.push_rows([[1]])
    assert query.await_termination(WAIT_MS) == 1


def test_in_sql_and_wrong_listeners(session):
    session.create_temp_view("numbers", numbers(session, 4, batch_rows=2))
    session.register_stream_sink("out", velaria.MemorySink())
    heard = []
    query = session.start_stream_sql(
        "INSERT INTO out SELECT n FROM numbers", on_progress=heard.append, query_id="q2"
    )
    query.await_termination(WAIT_MS)
    assert heard[-1]["rows_out"] == 4
    with pytest.raises(velaria.InvalidArgumentError, match="on_progress"):
        numbers(session, 1).write_stream(velaria.MemorySink(), on_progress="print")


def test_a_listener_is_let_go_when_the_query_is_over(session):
    class Dashboard:
        def hear(self, event):
            pass

    dashboard = Dashboard()
    gone = weakref.ref(dashboard)
    query = numbers(session, 2).write_stream(velaria.MemorySink(), on_progress=dashboard.hear)
    del dashboard
    query.start().await_termination(WAIT_MS)
    gc.collect()
    assert gone() is None


def test_rows_that_are_left_out_are_counted(session, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n2\n3,c\nx,d\n")
    (tmp_path / "b.csv").write_text("id,name\n4,e\n")
    stream = session.read_stream_csv_dir(
        tmp_path, on_error="skip", columns={"id": "int64", "name": "utf8"}
    )
    sink = velaria.MemorySink()
    query = stream.write_stream(sink).start()
    query.await_termination(WAIT_MS)
    assert [row["id"] for row in sink.to_rows()] == [1, 3, 4]
    assert query.progress()["rejected_rows"] == 2
    assert json.loads(query.snapshot_json())["rejected_rows"] == 2
    (warning,) = query.warnings()
    assert str(tmp_path / "a.csv") in warning
    assert "2 of 4 rows are left out" in warning
    assert "line 3" in warning
