"""Names of the package that no other test looks at by themselves."""

import datetime
import json
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import velaria
from bitable_server import APP_TOKEN

WAIT_MS = 60_000
ROOT = Path(__file__).parents[2]


def library(place):
    """A shared library that Bazel builds; not there where nobody built it."""
    for path in (ROOT / place, ROOT / "bazel-bin" / place):
        if path.exists():
            return path
    pytest.skip(f"{place} is not built; bazel test //python_api:contract_surface_test builds it")


# ---- frames


def test_frames_are_written_for_other_programs(session, tmp_path):
    table = pa.table({"n": pa.array([1, None, 2**53 + 1]), "s": ["a", "", None]})
    frame = session.create_dataframe_from_arrow(table)
    assert frame.write_arrow(tmp_path / "t.arrow") == 3
    with pa.memory_map(str(tmp_path / "t.arrow")) as file:
        assert pa.ipc.open_file(file).read_all().equals(table)
    assert frame.write_parquet(tmp_path / "t.parquet") == 3
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
    with pytest.raises(velaria.TypeMismatchError):
        frame.select("CAST(s AS INT) AS n").write_parquet(tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").equals(table)


def test_streams_give_each_different_row_once(session):
    stream = session.create_stream_from_arrow({"n": [1, 2, 1, None, 2, None]}, batch_rows=2)
    sink = velaria.MemorySink()
    with stream.distinct().write_stream(sink) as query:
        query.await_termination(WAIT_MS)
    assert {row["n"] for row in sink.to_rows()} == {1, 2, None}
    # Update mode: a group may come again, but nothing that is none.
    assert len(sink.to_rows()) <= 6


def test_values_have_named_parts(session):
    (row,) = session.sql("SELECT INTERVAL '1 month 2 days 3 seconds' AS i").to_rows()
    assert (row["i"].months, row["i"].days, row["i"].microseconds) == (1, 2, 3_000_000)
    assert row["i"] == velaria.Interval(1, 2, 3_000_000)
    field = session.sql("SELECT 1 AS n, 'x' AS s").schema["s"]
    assert isinstance(field, velaria.Field)
    assert (field.name, field.type) == ("s", "utf8")
    schema = session.sql("SELECT 1 AS n, 'x' AS s").schema
    assert (schema.names, schema.types) == (["n", "s"], ["int64", "utf8"])


def test_a_background_query_says_how_it_ended(session):
    query = session.sql("SELECT n FROM range(0, 5000) r(n) WHERE n > 9").start()
    query.wait(WAIT_MS)
    progress = query.progress()
    assert json.loads(query.snapshot_json()) == progress
    assert (progress["status"], progress["rows_out"]) == ("finished", 4990)
    assert query.status == "finished"
    query.cancel()
    assert query.status == "finished"


# ---- sinks and sources


def test_a_sink_that_nobody_reads_any_more_holds_nothing_up(session):
    sink = session.create_realtime_stream_sink(max_batches=1)
    stream = session.create_stream_from_arrow({"n": list(range(50))}, batch_rows=1)
    query = stream.write_stream(sink, max_inflight_batches=2).start()
    assert sink.poll_rows(timeout=30) == [{"n": 0}]
    sink.stop_reading()
    assert query.await_termination(WAIT_MS) == 50
    assert sink.poll_rows(timeout=0) is None
    assert sink.closed()


def test_sources_and_sinks_are_shown_by_their_names(session):
    source = velaria.CustomArrowStreamSource([{"n": 1}], schema={"n": "int64"}, name="meter 7")
    stream = velaria.create_stream_from_custom_source(session, source)
    assert source.name == "meter 7"
    assert "python meter 7" in stream.explain()

    def fail(table):
        raise OSError("disk full")

    sink = velaria.CustomArrowStreamSink(fail, name="archive")
    assert sink.name == "archive"
    query = stream.write_stream(sink).start()
    with pytest.raises(velaria.StreamError) as caught:
        query.await_termination(WAIT_MS)
    assert "write() of the sink 'python archive' raised OSError: disk full" in str(caught.value)


def test_a_sink_of_ones_own_is_told_of_its_query(session, tmp_path):
    calls = []

    class Sink(velaria.CustomArrowStreamSink):
        def open(self, context):
            calls.append(("open", context["query_id"], context["checkpoint_path"]))
            assert [tuple(field) for field in context["schema"]] == [("n", "int64")]

        def write_arrow(self, table):
            calls.append(("write", table.num_rows))

        def flush(self):
            calls.append(("flush",))

        def checkpoint(self, marker):
            calls.append(("checkpoint", marker["source_offset"], marker["batches_processed"]))

        def close(self):
            calls.append(("close",))

    path = str(tmp_path / "q.ckpt")
    stream = session.create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=2)
    with stream.write_stream(Sink(), query_id="q", checkpoint_path=path) as query:
        query.await_termination(WAIT_MS)
    assert calls == [
        ("open", "q", path),
        *[("write", 2), ("flush",), ("checkpoint", "1@2", 1)],
        *[("write", 1), ("flush",), ("checkpoint", "2@3", 2)],
        ("close",),
    ]


class Waits(velaria.CustomArrowStreamSource):
    """Waits for its next row until it is woken, and holds one back for the end."""

    schema = {"n": "int64"}  # noqa: RUF012
    bounded = False

    def __init__(self):
        super().__init__()
        self.woken = threading.Event()
        self.waiting = threading.Event()
        self.drained = False
        self.given = 0

    def next_batch(self):
        if self.given == 0 or (self.drained and self.given == 1):
            self.given += 1
            return pa.table({"n": [self.given]}), str(self.given)
        if self.drained:
            return None
        self.waiting.set()
        self.woken.wait(60)
        return False

    def wake(self):
        self.woken.set()

    def drain(self):
        self.drained = True
        self.woken.set()
        return True


@pytest.mark.parametrize("drain", [False, True])
def test_a_source_is_woken_and_drained(session, drain):
    source, sink = Waits(), velaria.MemorySink()
    stream = velaria.create_stream_from_custom_source(session, source)
    assert stream.bounded is False
    query = stream.write_stream(sink).start()
    assert source.waiting.wait(30)
    query.stop(drain=drain)
    assert source.woken.is_set()
    assert source.drained is drain
    # A stop without drain may come before the row that was given is written.
    rows = [row["n"] for row in sink.to_rows()]
    assert rows == [1, 2] if drain else rows in ([], [1])


def test_the_kernels_view_of_sources_and_sinks(session):
    """What a session takes of an object of another class: one method, core_source or core_sink."""
    got = []
    inner = velaria.CustomArrowStreamSink(lambda table: got.extend(table.column("n").to_pylist()))

    class Other:
        def core_sink(self):
            return inner.core_sink()

    source = velaria.CustomArrowStreamSource([{"n": 1}, (2,)], schema={"n": "int64"})
    assert type(source.core_source()) is type(source.core_source())
    assert type(source.row_reader()).__name__ == "RowReader"
    stream = velaria.create_stream_from_custom_source(session, source)
    with stream.write_stream(Other()) as query:
        query.await_termination(WAIT_MS)
    assert got == [1, 2]


def test_a_source_out_of_a_shared_library(session):
    path = library("examples/c/libticks.so")
    stream = session.read_stream_plugin(path, "250")
    assert stream.bounded
    assert stream.schema == [("n", "int64")]
    sink = velaria.MemorySink()
    with stream.write_stream(sink) as query:
        assert query.await_termination(WAIT_MS) == 3
        assert query.progress()["last_source_offset"] == "250"
    assert [row["n"] for row in sink.to_rows()] == list(range(250))
    with pytest.raises(velaria.StreamError, match="number of rows"):
        session.read_stream_plugin(path, "many")
    with pytest.raises(velaria.InvalidArgumentError, match="velaria_make_sink"):
        session.create_plugin_sink(path)


def test_a_sink_out_of_a_shared_library(session, tmp_path):
    path = library("tests/stream/libcounting_sink.so")
    out = tmp_path / "calls"
    sink = session.create_plugin_sink(path, str(out))
    assert isinstance(sink, velaria.PluginSink)
    stream = session.create_stream_from_arrow({"n": [1, 2, 3], "s": ["a", "b", "c"]}, batch_rows=2)
    with stream.write_stream(sink, query_id="q7") as query:
        assert query.await_termination(WAIT_MS) == 2
    assert out.read_text().splitlines() == [
        "open q7 with 2 columns",
        "write 2 rows",
        "write 1 rows",
        "close",
    ]
    many = session.create_stream_from_arrow({"n": list(range(101))})
    query = many.write_stream(session.create_plugin_sink(path, str(out))).start()
    with pytest.raises(velaria.StreamError, match="rows are too many"):
        query.await_termination(WAIT_MS)
    with pytest.raises(velaria.StreamError, match="path of a file"):
        session.create_plugin_sink(path, str(tmp_path / "no" / "calls"))


# ---- Bitable


def test_what_the_service_tells(server):
    options = {"options": [{"name": "open"}, {"name": "done"}]}
    records = [{"Task": f"t{n}", "Status": "open"} for n in range(3)]
    table_id = server.add_table("tasks", [("Task", 1), ("Status", 3, options)], records)
    with server.client() as client:
        (table,) = client.tables(APP_TOKEN)
        assert isinstance(table, velaria.BitableTable)
        assert (table.table_id, table.name) == (table_id, "tasks")
        task, status = client.fields(APP_TOKEN, table_id)
        assert isinstance(task, velaria.BitableField)
        assert (task.field_id, task.name, task.type) == ("fld0", "Task", 1)
        assert status.property == options
        first, last = client.search_records(APP_TOKEN, table_id, page_size=2)
        assert isinstance(first, velaria.BitablePage)
        assert [len(page.records) for page in (first, last)] == [2, 1]
        assert (first.page_token, last.page_token) == ("page-2", None)
        assert first.total == 3
        now = datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000
        assert abs(first.server_time_ms - now) < 600_000
    client.close()  # a second time does nothing
    with pytest.raises(velaria.BitableError) as caught:
        server.client().fields(APP_TOKEN, "tbl9")
    assert caught.value.code == 1254041
    assert caught.value.log_id == "log-1"


# ---- runs


def test_a_run_that_a_program_records(session, tmp_path):
    workspace = velaria.Workspace(tmp_path / "home")
    frame = session.sql("SELECT n FROM range(0, 3) r(n)")
    recorder = workspace.start("sql", {"sql": "..."}, name="by hand")
    assert isinstance(recorder, velaria.RunRecorder)
    recorder.write_explain(frame.explain())
    for status in ("running", "running", "finished"):
        recorder.add_progress(json.dumps({"status": status}))
    recorder.write_result(frame)
    assert recorder.run.status == "running"
    recorder.finish("succeeded")
    recorder.finish("failed")  # it has ended already
    run = recorder.run
    assert isinstance(run, velaria.Run)
    assert (run.run_id, run.path) == (recorder.run_id, recorder.path)
    assert (run.status, run.record["row_count"]) == ("succeeded", 3)
    assert run.inputs["sql"] == "..."
    assert run.explain["text"] == str(frame.explain())
    assert [moment["status"] for moment in run.progress()] == ["running", "finished"]
    assert run.to_arrow().column("n").to_pylist() == [0, 1, 2]
    broken = workspace.start("sql", {})
    broken.finish("failed", ValueError("no such thing"))
    assert broken.run.record["error"]["error"] == "no such thing"
    assert broken.run.record["error"]["error_type"] == "ValueError"
