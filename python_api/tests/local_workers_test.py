"""Streaming queries in worker processes: the same answers, and nothing left behind after faults."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import velaria
from worker_processes import workers_of

WAIT_MS = 60_000
ALWAYS = {"execution_mode": "local-workers", "local_workers": 2, "worker_choice": "always"}
TRANSPORTS = [
    {"shared_memory_min_payload_bytes": 0},
    {},
    {"shared_memory_transport": False},
]


@pytest.fixture
def session():
    with velaria.Session(threads=2) as made:
        yield made


def is_alive(process_id):
    try:
        text = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def shared_memory_files():
    folder = Path("/dev/shm")
    return sorted(folder.iterdir()) if folder.exists() else []


def events(count=20_000):
    return {
        "ts": [i * 37 % 50_000 for i in range(count)],
        "name": [f"name {i % 17}" if i % 29 else None for i in range(count)],
        "n": [i % 101 - 50 for i in range(count)],
        "x": [i / 7 for i in range(count)],
    }


QUERIES = [
    "SELECT name, n + 1 AS m, x FROM events WHERE n > 10",
    "SELECT upper(name) AS name, round(x, 1) AS x FROM events WHERE name LIKE '%1%'",
    "SELECT name, count(*) AS c, sum(n) AS s, avg(x) AS a, min(name) AS l FROM events "
    "GROUP BY name",
    "SELECT n, name, sum(x) AS s FROM events GROUP BY n, name HAVING sum(x) > 1000",
    "SELECT n % 7 AS k, max(x) AS m, median(x) AS q FROM events WHERE n > -40 GROUP BY n % 7",
    "SELECT DISTINCT name FROM events",
    "SELECT name, count(DISTINCT n) AS d, string_agg(name, ',') AS t FROM events GROUP BY name",
    "SELECT name, first(x) AS f, last(x) AS l, arg_max(n, x) AS b FROM events GROUP BY name",
    "SELECT name, w, sum(n) AS s FROM events WINDOW BY ts EVERY 5000 AS w GROUP BY name, w",
    "SELECT name, w, sum(n) AS s FROM events WINDOW BY ts EVERY 5000 SLIDE 1000 AS w "
    "GROUP BY name, w",
    "SELECT name, sum(n) AS s FROM events GROUP BY name ORDER BY s DESC, name LIMIT 5",
    "SELECT name, n FROM events WHERE n > 0 LIMIT 777",
    "SELECT sum(c) AS all_rows FROM (SELECT name, count(*) AS c FROM events GROUP BY name)",
]


def events_stream(session, batch_rows=3000):
    import pyarrow as pa

    table = pa.table(events())
    table = table.set_column(0, "ts", table["ts"].cast(pa.timestamp("ms")))
    return session.create_stream_from_arrow(table, batch_rows=batch_rows)


def run(session, sql, **options):
    session.create_temp_view("events", events_stream(session))
    sink = velaria.MemorySink()
    session.register_stream_sink("out", sink)
    query = session.start_stream_sql(f"INSERT INTO out {sql}", **options)
    query.await_termination(WAIT_MS)
    return sink.to_rows(), query.progress()


@pytest.mark.parametrize("transport", TRANSPORTS, ids=["shared", "default", "copies"])
def test_workers_give_the_rows_of_one_process_in_their_order(session, transport):
    for sql in QUERIES:
        here, _ = run(session, sql)
        there, progress = run(session, sql, **ALWAYS, **transport)
        assert there == here, sql
        assert progress["execution_mode"] == "local-workers", progress["execution_reason"]
        assert progress["used_actor_runtime"]
        copies = transport.get("shared_memory_transport") is False
        assert progress["transport_mode"] == ("rpc-copy" if copies else "shared-memory")
        if transport:  # by itself it depends on the size of the batches
            assert progress["used_shared_memory"] is not copies
    assert workers_of(os.getpid()) == []


def test_a_query_that_is_not_eligible_says_why(session):
    session.create_function("slug", lambda texts: texts, ["utf8"], "utf8")
    session.create_temp_view("names", session.create_dataframe_from_arrow({"name": ["name 1"]}))
    for sql, reason in [
        ("SELECT sum(n) AS s FROM events", "no keys"),
        ("SELECT slug(name) AS s FROM events", "slug"),
        ("SELECT e.n FROM events e JOIN names USING (name)", "joins"),
        ("SELECT w, sum(n) AS s FROM events WINDOW BY ts EVERY 5000 AS w GROUP BY w", "window"),
    ]:
        here, _ = run(session, sql)
        there, progress = run(session, sql, **ALWAYS)
        assert there == here
        assert progress["requested_execution_mode"] == "local-workers"
        assert progress["execution_mode"] == "single-process"
        assert progress["transport_mode"] == "inproc"
        assert reason in progress["execution_reason"]
        assert not progress["actor_eligible"]
        assert not progress["used_actor_runtime"]


def test_explain_and_progress_read_one_decision(session):
    session.create_temp_view("events", events_stream(session))
    session.register_stream_sink("out", velaria.MemorySink())
    sql = "INSERT INTO out SELECT name, sum(n) AS s FROM events GROUP BY name"
    text = str(session.explain_stream_sql(sql, **ALWAYS))
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    query = session.start_stream_sql(sql, **ALWAYS)
    query.await_termination(WAIT_MS)
    progress = query.progress()
    assert lines["selected_mode"] == progress["execution_mode"] == "local-workers"
    assert lines["reason"] == progress["execution_reason"]
    assert lines["transport_mode"] == progress["transport_mode"]
    assert lines["actor_eligible"] == "true"
    assert "name" in lines["actor_reason"]
    with pytest.raises(velaria.InvalidArgumentError, match="local_workers"):
        session.start_stream_sql(sql, local_workers=0)
    with pytest.raises(velaria.InvalidArgumentError, match="measured, always"):
        session.start_stream_sql(sql, worker_choice="allways")


def test_the_choice_is_measured(session):
    _, progress = run(
        session,
        "SELECT name, sum(n) AS s FROM events GROUP BY name",
        execution_mode="local-workers",
        local_workers=2,
    )
    # 7 batches of 3000 rows are not yet a sample.
    assert progress["execution_mode"] == "single-process"
    assert "to measure" in progress["execution_reason"]
    session.create_temp_view("events", events_stream(session, batch_rows=500))
    sink = velaria.MemorySink()
    query = (
        session.stream_sql("SELECT name, sum(n) AS s FROM events GROUP BY name")
        .write_stream(sink, execution_mode="local-workers", local_workers=2)
        .start()
    )
    query.await_termination(WAIT_MS)
    progress = query.progress()
    assert progress["sampled_batches"] == 8
    assert progress["sampled_rows_per_batch"] == 500
    assert progress["average_projected_payload_bytes"] > 0
    assert progress["actor_speedup"] > 0
    assert progress["compute_to_overhead_ratio"] > 0
    # Batches that take microseconds are never worth a message.
    assert progress["execution_mode"] == "single-process"
    assert "not worth it" in progress["execution_reason"]


def realtime_query(session, sql="SELECT name, sum(n) AS s FROM live GROUP BY name", **options):
    source = session.create_realtime_stream_source({"name": "utf8", "n": "int64"})
    session.create_temp_view("live", session.read_realtime_stream_source(source))
    sink = session.create_realtime_stream_sink()
    session.register_stream_sink("live_out", sink)
    query = session.start_stream_sql(f"INSERT INTO live_out {sql}", **ALWAYS, **options)
    return source, sink, query


def test_a_killed_worker_fails_the_query_by_name(session, faults):
    before = shared_memory_files()
    source, sink, query = realtime_query(session, shared_memory_min_payload_bytes=0)
    source.push_rows([["a", 1], ["b", 2]])
    assert sink.poll_arrow(timeout=30) is not None
    workers = workers_of(os.getpid())
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    faults["kills of a worker process"] += 1
    wait_until(lambda: not is_alive(workers[0]))
    source.push_rows([["a", 1]])
    with pytest.raises(velaria.StreamError, match=r"worker \d of 2 \(process \d+\)") as caught:
        query.await_termination(WAIT_MS)
    assert f"process {workers[0]}" in str(caught.value)
    assert "killed by signal 9" in str(caught.value)
    assert query.progress()["status"] == "failed"
    assert workers_of(os.getpid()) == []
    assert shared_memory_files() == before


# Each row takes long: matching a hundred thousand letters.
SLOW = "SELECT name, sum(length(regexp_replace(repeat(name, 3000000), '[a-y]+', ''))) AS s"


def test_a_worker_killed_in_the_middle_of_a_batch(session, faults):
    source, _, query = realtime_query(session, SLOW + " FROM live GROUP BY name")
    wait_until(lambda: len(workers_of(os.getpid())) == 2)
    source.push_rows([[f"name {i}", i] for i in range(400)])
    wait_until(lambda: query.progress()["batches_pulled"] == 1)
    time.sleep(0.2)  # it is in the batch by now; before it would fail as well
    victim = workers_of(os.getpid())[1]
    os.kill(victim, signal.SIGKILL)
    faults["kills of a worker process"] += 1
    with pytest.raises(velaria.StreamError, match=f"process {victim}"):
        query.await_termination(WAIT_MS)
    assert workers_of(os.getpid()) == []


def test_stop_does_not_wait_for_a_batch(session):
    source, _, query = realtime_query(session, SLOW + " FROM live GROUP BY name")
    wait_until(lambda: len(workers_of(os.getpid())) == 2)
    source.push_rows([[f"name {i}", i] for i in range(4000)])
    wait_until(lambda: query.progress()["batches_pulled"] == 1)
    query.stop()
    assert query.status == "stopped"
    assert query.progress()["batches_processed"] == 0
    assert workers_of(os.getpid()) == []


def test_an_error_in_a_worker_is_the_error_of_the_query(session):
    source, _, query = realtime_query(session, "SELECT CAST(name AS BIGINT) AS n FROM live")
    source.push_rows([["7", 1], ["seven", 2]])
    with pytest.raises(velaria.StreamError, match="seven"):
        query.await_termination(WAIT_MS)


PARENT = """
import sys, time, velaria
session = velaria.Session(threads=2)
source = session.create_realtime_stream_source({{"name": "utf8", "n": "int64"}})
session.create_temp_view("live", session.read_realtime_stream_source(source))
sink = session.create_realtime_stream_sink()
session.register_stream_sink("out", sink)
query = session.start_stream_sql(
    "INSERT INTO out {sql} FROM live GROUP BY name", execution_mode="local-workers",
    local_workers=3, worker_choice="always", shared_memory_min_payload_bytes=0,
    checkpoint_path=sys.argv[1], checkpoint_delivery_mode="best-effort")
source.push_rows([["a", 1], ["b", 2]])
print("started", flush=True)
{then}
"""


def start_parent(tmp_path, sql, then):
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(PARENT).format(sql=sql, then=then),
            str(tmp_path / "checkpoint"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("busy", [False, True])
def test_a_killed_program_leaves_no_worker_and_no_shared_memory(tmp_path, busy, faults):
    before = shared_memory_files()
    sql = SLOW if busy else "SELECT name, sum(n) AS s"
    push = 'source.push_rows([[f"n {i}", i] for i in range(4000)])\n' if busy else ""
    with start_parent(tmp_path, sql, push + "time.sleep(600)") as parent:
        assert parent.stdout.readline() == "started\n"
        wait_until(lambda: len(workers_of(parent.pid)) == 3)
        workers = workers_of(parent.pid)
        if busy:
            time.sleep(0.2)
        os.kill(parent.pid, signal.SIGKILL)
        faults["kills of a program with workers"] += 1
        parent.wait(30)
        wait_until(lambda: not any(map(is_alive, workers)))
    assert shared_memory_files() == before


def test_ctrl_c_stops_the_wait_and_leaves_the_workers_to_the_query(tmp_path):
    then = """
try:
    query.await_termination()
except KeyboardInterrupt:
    assert query.status == "running", query.status
    source.push_rows([["a", 5]])
    source.close()
    query.await_termination(60_000)
    print(query.progress()["batches_processed"] >= 2, flush=True)
"""
    with start_parent(tmp_path, "SELECT name, sum(n) AS s", then) as parent:
        assert parent.stdout.readline() == "started\n"
        wait_until(lambda: len(workers_of(parent.pid)) == 3)
        time.sleep(0.2)
        parent.send_signal(signal.SIGINT)
        out, err = parent.communicate(timeout=60)
        assert out == "True\n", err


def test_checkpoints_go_from_one_mode_to_the_other(session, tmp_path):
    """A query goes on in the other mode, and ends with the answer of all rows."""
    sql = "SELECT name, count(*) AS c, sum(n) AS s FROM rows GROUP BY name"
    (tmp_path / "in").mkdir()
    expected = {}
    for turn in range(6):
        lines = ["name,n"]
        for i in range(500):
            name, n = f"name {(i * 7 + turn) % 23}", i * turn % 91
            lines.append(f"{name},{n}")
            c, s = expected.get(name, (0, 0))
            expected[name] = (c + 1, s + n)
        (tmp_path / "in" / f"{turn}.csv").write_text("\n".join(lines) + "\n")
        options = ALWAYS if turn % 2 else {}
        stream = session.read_stream_csv_dir(
            tmp_path / "in", columns={"name": "utf8", "n": "int64"}
        )
        session.create_temp_view("rows", stream)
        sink = velaria.MemorySink()
        query = session.stream_sql(sql).write_stream(
            sink,
            checkpoint_path=str(tmp_path / "checkpoint"),
            checkpoint_delivery_mode="best-effort",
            **options,
        )
        query.start().await_termination(WAIT_MS)
        assert query.progress()["batches_processed"] == 1
        got = {row["name"]: (row["c"], row["s"]) for row in sink.to_rows()}
        assert got == expected


def test_many_queries_with_workers_at_once(session):
    for i in range(4):
        session.create_temp_view(f"events_{i}", events_stream(session))
    results = []

    def one(i):
        sink = velaria.MemorySink()
        stream = session.stream_sql(f"SELECT name, sum(n) AS s FROM events_{i} GROUP BY name")
        stream.write_stream(sink, **ALWAYS).start().await_termination(WAIT_MS)
        results.append(sink.to_rows())

    threads = [threading.Thread(target=one, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(rows == results[0] for rows in results)
    assert workers_of(os.getpid()) == []


WITH_WORKERS = ("--execution-mode", "local-workers", "--local-workers", 2, "--set",
                "worker_choice=always")  # fmt: skip


def test_the_command_line_with_workers(cli):
    sql = "SELECT k, count(*) AS c, sum(n) AS s FROM e GROUP BY k"
    here = cli("stream", "--source", "e=events", sql).stdout
    there = cli("stream", "--source", "e=events", *WITH_WORKERS, "--progress-file", "p", sql).stdout
    assert there == here
    last = json.loads((cli.folder / "p").read_text().splitlines()[-1])
    assert last["execution_mode"] == "local-workers"
    assert last["used_actor_runtime"] is True


def test_ctrl_c_ends_the_command_line_and_its_workers(cli):
    process = cli.start(
        "stream", "--source", "s=-", *WITH_WORKERS, "SELECT a, count(*) AS c FROM s GROUP BY a",
        stdin=subprocess.PIPE,
    )  # fmt: skip
    with process:
        process.stdin.write("a,b\n1,x\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"a": 1, "c": 1}
        workers = workers_of(process.pid)
        assert len(workers) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)
        wait_until(lambda: not any(map(is_alive, workers)))
        assert "Traceback" not in process.stderr.read()
