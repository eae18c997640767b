"""Runs that are kept: by one process, by several at once, and by processes that are killed."""

import errno
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pyarrow as pa
import pytest
import velaria

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def read(path):
    return json.loads(path.read_text())


def start_process(workspace, body, *arguments):
    """A program with the workspace at hand; it prints "ready" when it may be disturbed."""
    program = "import sys, time, velaria\nworkspace = velaria.Workspace(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", program + textwrap.dedent(body), str(workspace.home), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


# ---- one run


def test_what_a_run_leaves(workspace, one):
    run = workspace.run_sql(
        one, "SELECT n, n * 2 AS m FROM range(0, 5000) r(n) WHERE n >= $least",
        {"least": 10}, name="doubled",
    )  # fmt: skip
    files = sorted(str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file())
    assert files == [
        "artifacts/result.arrow", "explain.json", "inputs.json", "lock", "progress.jsonl",
        "run.json",
    ]  # fmt: skip
    assert run.path == workspace.home / "runs" / run.run_id
    record = read(run.path / "run.json")
    assert record == run.record
    assert (record["run_id"], record["name"], record["action"]) == (run.run_id, "doubled", "sql")
    assert (record["status"], record["row_count"], record["error"]) == ("succeeded", 4990, None)
    assert record["schema"] == [["n", "int64"], ["m", "int64"]]
    assert record["created_at"] <= record["finished_at"]
    assert record["duration_ms"] > 0
    assert record["pid"] == os.getpid()
    assert record["velaria_version"] == velaria.__version__
    inputs = read(run.path / "inputs.json")
    assert inputs["parameters"] == {"least": 10}
    assert "WHERE n >= $least" in inputs["sql"]
    assert inputs["cwd"] == os.getcwd()
    assert list(run.explain["sections"]) == ["logical", "optimized", "physical"]
    assert run.to_arrow().column("m").to_pylist() == [2 * n for n in range(10, 5000)]
    assert run.to_frame(one).filter("n > 4990").count() == 9
    last = run.last_progress()
    assert (last["status"], last["rows_out"], last["rows_scanned"]) == ("finished", 4990, 5000)
    assert run.size_bytes() >= run.artifact("result.arrow").stat().st_size


def test_results_keep_types_and_nulls(workspace, one):
    query = (
        "SELECT * FROM (VALUES (1, 'a', DATE '2024-01-01', CAST('1.50' AS DECIMAL(9,2)), 0.1, "
        "TIMESTAMP '2024-01-01 00:00:00', true), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)) "
        "v(i, s, d, m, f, t, b)"
    )
    assert workspace.run_sql(one, query).to_arrow().equals(one.sql(query).to_arrow())
    empty = workspace.run_sql(one, "SELECT 1 AS x WHERE false")
    assert empty.record["row_count"] == 0
    assert empty.to_arrow().schema.names == ["x"]


def test_a_failed_run_tells_why(workspace, one):
    with pytest.raises(velaria.SqlSemanticError):
        workspace.run_sql(one, "SELECT nope")
    with pytest.raises(velaria.TypeMismatchError):
        workspace.run_sql(one, "SELECT CAST('x' || n AS INT) FROM range(0, 9) r(n)")
    late, early = workspace.runs()
    assert [run["status"] for run in (early, late)] == ["failed", "failed"]
    assert early["error"]["error_type"] == "SqlSemanticError"
    assert early["error"]["phase"] == "plan"
    assert "'nope'" in early["error"]["error"]
    assert (late["error"]["error_type"], late["error"]["phase"]) == ("TypeMismatchError", "run")
    with pytest.raises(velaria.CatalogError, match=r"failed.*no result"):
        workspace.run(late["run_id"]).to_arrow()


def test_a_run_whose_result_cannot_be_written_has_failed(workspace, one, monkeypatch):
    """As when the disk is full at the very end: the run must not go on to be called running."""
    recorder = workspace.start("stream", {"sql": "SELECT 1 AS a"})
    recorder.add_progress("{}")
    write = recorder.stream_sink(one.sql("SELECT 1 AS a").schema)
    write(one.sql("SELECT 1 AS a").to_arrow())
    full = iter([OSError(errno.ENOSPC, "No space left on device")])

    def fsync(handle, real=os.fsync):
        for error in full:
            raise error
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        recorder.finish("succeeded")
    record = workspace.run(recorder.run_id).record
    assert (record["status"], record["error"]["error_type"]) == ("failed", "OSError")
    assert "No space" in record["error"]["error"]


def test_progress_is_what_the_kernel_says(workspace, one):
    frame = one.create_stream_from_arrow(
        pa.table({"k": ["a", "b"] * 50, "n": list(range(100))}), batch_rows=10
    )
    with workspace.start("stream", {"sql": "..."}) as recorder:
        totals = frame.group_by("k").agg("sum(n) AS n")
        query = totals.write_stream(recorder.stream_sink(totals.schema))
        lines = []
        with query:
            while query.status not in ("stopped", "failed"):
                lines.append(query.snapshot_json())
                recorder.add_progress(lines[-1])
                query.await_termination(5)
            lines.append(query.snapshot_json())
            recorder.add_progress(lines[-1])
    run = recorder.run
    kept = (run.path / "progress.jsonl").read_text().splitlines()
    # Byte for byte what snapshot_json() gave, but nothing twice in a row.
    assert kept == [line for i, line in enumerate(lines) if i == 0 or line != lines[i - 1]]
    assert set(json.loads(kept[-1])) == set(query.progress())
    assert run.last_progress()["batches_processed"] == 10
    assert run.to_arrow().num_rows == 20
    assert run.record["row_count"] == 20
    assert run.to_arrow().to_pylist()[-2:] == [
        {"k": "a", "n": sum(range(0, 100, 2))},
        {"k": "b", "n": sum(range(1, 100, 2))},
    ]


def test_a_callback_sees_the_run(workspace, one):
    seen = []
    workspace.run_sql(one, "SELECT count(*) FROM range(0, 1000) r(n)", progress=seen.append)
    assert seen[-1]["status"] == "finished"

    def fail(moment):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        workspace.run_sql(one, "SELECT count(*) FROM range(0, 1000) r(n)", progress=fail)
    assert workspace.run("latest").record["error"]["error"] == "enough"


def test_artifact_names_stay_inside(workspace):
    with workspace.start("other", {}) as recorder:
        for name in ("", ".", "..", "../x", "a/b", ".hidden", "a\0b"):
            with pytest.raises(velaria.InvalidArgumentError, match="plain file name"):
                recorder.artifact_path(name)
        recorder.artifact_path("notes.txt").write_text("hello")
    run = recorder.run
    assert run.artifacts() == [{"name": "notes.txt", "size_bytes": 5}]
    with pytest.raises(velaria.CatalogError, match=r"'x'.*notes\.txt"):
        run.artifact("x")


# ---- finding runs


def test_runs_are_found(workspace, one):
    assert workspace.runs() == []
    with pytest.raises(velaria.CatalogError, match="none yet"):
        workspace.run("latest")
    first, second, third = (workspace.run_sql(one, f"SELECT {i} AS x") for i in range(3))
    assert [r["run_id"] for r in workspace.runs()] == [
        third.run_id, second.run_id, first.run_id,
    ]  # fmt: skip
    assert workspace.run("latest").run_id == third.run_id
    assert workspace.run(second.run_id[:-4]).run_id == second.run_id
    with pytest.raises(velaria.CatalogError, match="begins 3 runs"):
        workspace.run(first.run_id[:4])
    with pytest.raises(velaria.CatalogError, match="newest are"):
        workspace.run("nosuch")
    with pytest.raises(velaria.CatalogError):
        workspace.run("")
    assert len(workspace.runs(limit=2)) == 2
    assert workspace.runs(status="failed") == []
    assert workspace.runs(action="stream") == []


def test_a_run_by_its_name(workspace, one):
    first = workspace.run_sql(one, "SELECT 1 AS x", name="daily")
    workspace.run_sql(one, "SELECT 3 AS x", name="weekly")
    assert workspace.run("daily").run_id == first.run_id
    second = workspace.run_sql(one, "SELECT 2 AS x", name="daily")
    assert workspace.run("daily").run_id == second.run_id
    with pytest.raises(velaria.CatalogError, match="no run 'dail'"):
        workspace.run("dail")


def test_where_the_workspace_is(tmp_path, monkeypatch):
    monkeypatch.setenv("VELARIA_HOME", str(tmp_path / "there"))
    assert velaria.Workspace().home == tmp_path / "there"
    monkeypatch.setenv("VELARIA_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert velaria.Workspace().home == tmp_path / ".velaria"
    assert velaria.Workspace("~/x").home == tmp_path / "x"
    (tmp_path / "file").write_text("")
    with pytest.raises(velaria.FileAccessError, match="recorded"):
        velaria.Workspace(tmp_path / "file").start("sql", {})


@pytest.mark.parametrize("damage", ["gone", "torn", "foreign", "of-the-future", "stale"])
def test_the_index_is_only_a_copy(workspace, one, damage):
    runs = [workspace.run_sql(one, f"SELECT {i} AS x").run_id for i in range(3)]
    index = workspace.home / "index.json"
    if damage == "gone":
        index.unlink()
    elif damage == "torn":
        index.write_bytes(index.read_bytes()[:50])
    elif damage == "foreign":
        index.write_text("[1]")
    elif damage == "of-the-future":
        index.write_text('{"version": 99, "runs": 5}')
    else:
        known = read(index)
        del known["runs"][runs[0]]
        known["runs"]["nosuch"] = {"run_id": "nosuch", "status": "succeeded"}
        index.write_text(json.dumps(known))
    assert [run["run_id"] for run in workspace.runs()] == runs[::-1]
    runs.append(workspace.run_sql(one, "SELECT 1 AS x").run_id)
    assert sorted(read(index)["runs"]) == runs
    assert [run["run_id"] for run in workspace.runs()] == runs[::-1]


# ---- several processes, and the end of one


def test_a_killed_run_is_shown_as_killed(workspace):
    process = start_process(
        workspace,
        """
        recorder = workspace.start("stream", {"sql": "..."}, name="doomed")
        frame = velaria.Session().sql("SELECT 1 AS x")
        write = recorder.stream_sink(frame.schema)
        write(frame.to_arrow())
        recorder.add_progress('{"status": "running"}')
        print(recorder.run_id, flush=True)
        time.sleep(60)
        """,
    )
    try:
        run = workspace.run(process.stdout.readline().strip())
        assert run.status == "running"
        assert [r["status"] for r in workspace.runs()] == ["running"]
        assert workspace.runs(status="running")[0]["name"] == "doomed"
        # What it wrote can be read while it goes on.
        assert run.to_arrow().to_pylist() == [{"x": 1}]
        assert workspace.cleanup(keep=0, older_than_s=0, max_size=1).removed == []
        process.kill()
        process.wait()
        assert run.status == "killed"
        assert [r["status"] for r in workspace.runs()] == ["killed"]
        assert run.to_arrow().to_pylist() == [{"x": 1}]
        assert run.last_progress() == {"status": "running"}
        assert read(run.path / "run.json")["status"] == "running"
        assert workspace.cleanup(keep=0).removed == [run.run_id]
        assert workspace.runs() == []
    finally:
        process.kill()
        process.stdout.close()


def test_ctrl_c_is_an_interrupted_run(workspace):
    process = start_process(
        workspace,
        """
        print("ready", flush=True)
        workspace.run_sql(velaria.Session(),
            "SELECT count(*) FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n")
        """,
    )
    try:
        process.stdout.readline()
        while not workspace.runs() or workspace.run("latest").last_progress() is None:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.wait(300)
        record = workspace.run("latest").record
        assert record["status"] == "interrupted"
        assert record["error"]["error_type"] == "KeyboardInterrupt"
    finally:
        process.kill()
        process.stdout.close()


def test_cleanup_keeps_away_from_a_run_that_is_being_made(workspace):
    workspace.run_sql(velaria.Session(), "SELECT 1 AS x")
    half = workspace.home / "runs" / ".new-20200101-000000-abcdef"
    (half / "artifacts").mkdir(parents=True)
    # Who makes a run shares this lock; when nobody holds it, whoever made this one has died.
    with open(workspace.home / "making.lock") as making:
        fcntl.flock(making, fcntl.LOCK_SH)
        workspace.cleanup(keep=1)
        assert (half / "artifacts").is_dir()
    assert workspace.cleanup(keep=1) == ([], 0)
    assert not half.exists()
    assert len(workspace.runs()) == 1


def test_processes_at_once_lose_nothing(workspace):
    body = """
        session = velaria.Session(threads=1)
        for i in range(12):
            workspace.run_sql(session, f"SELECT {i} AS x", name=f"{sys.argv[2]}-{i}")
            workspace.runs()
            workspace.cleanup(older_than_s=3600)
        """
    processes = [start_process(workspace, body, name) for name in "abc"]
    for process in processes:
        assert process.wait(120) == 0
        process.stdout.close()
    expected = sorted(f"{name}-{i}" for name in "abc" for i in range(12))
    assert sorted(run["name"] for run in workspace.runs()) == expected
    assert sorted(run["name"] for run in read(workspace.home / "index.json")["runs"].values()) == (
        expected
    )
    assert {run["status"] for run in workspace.runs()} == {"succeeded"}


def test_processes_that_make_and_delete_at_once(workspace):
    body = """
        session = velaria.Session(threads=1)
        for i in range(10):
            run = workspace.run_sql(session, f"SELECT {i} AS x")
            workspace.cleanup(keep=2)
            workspace.runs()
        """
    processes = [start_process(workspace, body) for _ in range(3)]
    for process in processes:
        assert process.wait(120) == 0
        process.stdout.close()
    workspace.cleanup(keep=2)
    assert len(workspace.runs()) == 2
    assert len(read(workspace.home / "index.json")["runs"]) == 2
    assert [p.name for p in (workspace.home / "runs").iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_nothing_is_broken(workspace, seed):
    """Whatever instant a process dies at, the workspace stays readable and goes on."""
    rng = random.Random(seed)
    body = """
        session = velaria.Session(threads=1)
        print("ready", flush=True)
        while True:
            workspace.run_sql(session, "SELECT n FROM range(0, 100) r(n)")
            workspace.cleanup(keep=3)
        """
    for _ in range(3):
        process = start_process(workspace, body)
        process.stdout.readline()
        time.sleep(rng.random() * 0.3)
        process.kill()
        process.wait()
        process.stdout.close()
        for run in workspace.runs():
            assert run["status"] in ("succeeded", "killed")
            if run["status"] == "succeeded":
                assert workspace.run(run["run_id"]).to_arrow().num_rows == 100
    with velaria.Session() as session:
        assert workspace.run_sql(session, "SELECT 1 AS x").status == "succeeded"
    workspace.cleanup(keep=1)
    assert [run["status"] for run in workspace.runs()] == ["succeeded"]
    left = sorted(p.name for p in (workspace.home / "runs").iterdir())
    assert left == [workspace.runs()[0]["run_id"]]


def test_threads_of_one_process(workspace, one):
    def work(k):
        for i in range(5):
            workspace.run_sql(one, f"SELECT {k * 10 + i} AS x", name=str(k * 10 + i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for entry in workspace.runs():
        assert workspace.run(entry["run_id"]).to_arrow().to_pylist() == [{"x": int(entry["name"])}]
    assert len(workspace.runs()) == 20


# ---- cleanup


def made_at(workspace, one, days_ago, size=10):
    """A run that began some days ago."""
    run = workspace.run_sql(one, f"SELECT n FROM range(0, {size}) r(n)")
    record = read(run.path / "run.json")
    past = time.time() - days_ago * 86400
    record["created_at"] = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(past))
    (run.path / "run.json").write_text(json.dumps(record))
    return run.run_id


def test_cleanup_by_age_number_and_size(workspace, one):
    old, middle, new = (made_at(workspace, one, days) for days in (40, 20, 0))
    assert workspace.cleanup(older_than_s=30 * 86400, dry_run=True).removed == [old]
    assert len(workspace.runs()) == 3
    done = workspace.cleanup(older_than_s=30 * 86400)
    assert done.removed == [old]
    assert done.freed_bytes > 0
    assert not (workspace.home / "runs" / old).exists()
    assert workspace.cleanup(keep=1).removed == [middle]
    assert workspace.cleanup(keep=1).removed == []
    big = made_at(workspace, one, 0, size=100_000)
    fits = workspace.run(big).size_bytes() + 100
    assert workspace.cleanup(max_size=fits).removed == [new]
    assert [run["run_id"] for run in workspace.runs()] == [big]
    assert workspace.cleanup(max_size=1000).removed == [big]
    assert workspace.runs() == []
    assert read(workspace.home / "index.json")["runs"] == {}


def test_cleanup_keeps_what_runs_in_this_process(workspace):
    with workspace.start("other", {}) as recorder:
        assert workspace.cleanup(keep=0).removed == []
        assert recorder.run.status == "running"
    assert workspace.cleanup(keep=0).removed == [recorder.run_id]


def test_cleanup_needs_a_condition(workspace):
    with pytest.raises(velaria.InvalidArgumentError, match="condition"):
        workspace.cleanup()
    for bad in ({"keep": -1}, {"older_than_s": -1}, {"older_than_s": float("nan")},
                {"max_size": "much"}):  # fmt: skip
        with pytest.raises(velaria.InvalidArgumentError):
            workspace.cleanup(**bad)


# ---- diff


def test_equal_runs(workspace, one):
    query = "SELECT n, CAST('nan' AS DOUBLE) AS f, NULL AS z FROM range(0, 50) r(n)"
    a, b = workspace.run_sql(one, query), workspace.run_sql(one, query)
    found = workspace.diff(a.run_id, b.run_id)
    assert found["same"]
    assert found["schema"]["same"]
    assert found["values"]["same_order"]
    assert workspace.diff(a.run_id, b.run_id, key=["n"])["same"]


def test_another_order_is_a_difference(workspace, one):
    a = workspace.run_sql(one, "SELECT n FROM range(0, 5) r(n)")
    b = workspace.run_sql(one, "SELECT n FROM range(0, 5) r(n) ORDER BY n DESC")
    found = workspace.diff(a.run_id, b.run_id)
    assert not found["same"]
    assert (found["values"]["only_left"], found["values"]["only_right"]) == (0, 0)
    assert not found["values"]["same_order"]


def test_rows_count_as_often_as_they_occur(workspace, one):
    a = workspace.run_sql(one, "SELECT * FROM (VALUES (1), (1), (2), (NULL)) v(x)")
    b = workspace.run_sql(one, "SELECT * FROM (VALUES (1), (NULL), (2), (NULL)) v(x)")
    values = workspace.diff(a.run_id, b.run_id)["values"]
    assert (values["only_left"], values["only_right"]) == (1, 1)
    assert values["examples"] == {"only_left": [["1"]], "only_right": [[None]]}


def test_columns_and_types_that_differ(workspace, one):
    a = workspace.run_sql(one, 'SELECT 1 AS k, \'x\' AS "a""b", 1 AS t, 2 AS gone')
    b = workspace.run_sql(one, "SELECT 1 AS k, 'y' AS \"a\"\"b\", '1' AS t, 3 AS new")
    found = workspace.diff(a.run_id, b.run_id, key=["k"])
    assert found["schema"] == {
        "same": False,
        "only_left": ["gone"],
        "only_right": ["new"],
        "changed_types": [{"column": "t", "left": "int64", "right": "utf8"}],
    }
    assert found["values"]["columns"] == ["k", 'a"b']
    assert found["values"]["changed"] == 1
    assert found["values"]["examples"]["changed"] == [["1", "x", "y"]]


def test_rows_by_key(workspace, one):
    a = workspace.run_sql(one, "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (NULL, 'c')) v(k, x)")
    b = workspace.run_sql(one, "SELECT * FROM (VALUES (2, 'B'), (NULL, 'c'), (4, 'd')) v(k, x)")
    values = workspace.diff(a.run_id, b.run_id, key=["k"])["values"]
    assert (values["only_left"], values["only_right"], values["changed"]) == (1, 1, 1)
    assert values["examples"]["changed"] == [["2", "b", "B"]]
    with pytest.raises(velaria.InvalidArgumentError, match="'nope'"):
        workspace.diff(a.run_id, b.run_id, key=["nope"])
    twice = workspace.run_sql(one, "SELECT * FROM (VALUES (1, 'a'), (1, 'b')) v(k, x)")
    with pytest.raises(velaria.InvalidArgumentError, match="more than once"):
        workspace.diff(a.run_id, twice.run_id, key=["k"])


@pytest.mark.parametrize("keyed", [False, True])
def test_random_tables_against_python(workspace, one, rng, keyed):
    def rows():
        keys = rng.sample(range(30), rng.randrange(1, 25))
        return [{"k": k, "x": rng.choice([None, 0, 1, 2])} for k in keys]

    for _ in range(6):
        left, right = rows(), rows()
        runs = []
        for table in (left, right):
            schema = pa.schema([("k", pa.int64()), ("x", pa.int64())])
            one.create_temp_view(
                "t", one.create_dataframe_from_arrow(pa.Table.from_pylist(table, schema))
            )
            runs.append(workspace.run_sql(one, "SELECT * FROM t").run_id)
        found = workspace.diff(*runs, key=["k"] if keyed else None)
        values = found["values"]
        if keyed:
            a, b = ({row["k"]: row["x"] for row in side} for side in (left, right))
            assert values["only_left"] == len(a.keys() - b.keys())
            assert values["only_right"] == len(b.keys() - a.keys())
            assert values["changed"] == sum(a[k] != b[k] for k in a.keys() & b.keys())
        else:
            assert values["only_left"] == sum(row not in right for row in left)
            assert values["only_right"] == sum(row not in left for row in right)
        assert found["same"] is (left == right)


# ---- the command line on top


@pytest.fixture
def cli(workspace, tmp_path):
    (tmp_path / "x.csv").write_text("k,n\na,1\nb,2\n")
    events = tmp_path / "events"
    events.mkdir()
    (events / "1.csv").write_text("k,n\na,1\nb,2\na,3\n")
    environment = {**ENVIRONMENT, "VELARIA_HOME": str(workspace.home), "COLUMNS": "200"}

    def call(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "velaria", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    call.json = lambda *arguments, code=0: json.loads(call(*arguments, "--json", code=code))
    return call


def test_runs_by_the_command_line(cli, workspace):
    query = "SELECT k, n FROM t"
    started = json.loads(
        cli("run", "start", "--json", "--name", "n1", "sql", "-t", "t=x.csv", query)
    )
    run = workspace.run(started["run_id"])
    assert started["run"] == run.record
    assert run.inputs["sql"] == query
    (table,) = run.inputs["tables"]
    assert (table["name"], table["size_bytes"]) == ("t", 12)
    assert os.path.isabs(table["path"])
    assert "n1" in cli("run", "list")
    assert cli.json("run", "list")["runs"][0]["run_id"] == run.run_id
    shown = cli.json("run", "show", "latest")
    assert shown["run"] == run.record
    assert shown["inputs"]["sql"] == query
    assert shown["progress"]["status"] == "finished"
    assert query in cli("run", "show", run.run_id)
    assert cli("run", "result", "latest", "-f", "csv") == "k,n\na,1\nb,2\n"
    cli("run", "start", "sql", "SELECT k, n + 1 AS n FROM 'x.csv'")
    assert (
        cli.json("run", "diff", run.run_id, "latest", "--key", "k", code=4)["values"]["changed"]
        == 2
    )
    assert "different" in cli("run", "diff", run.run_id, "latest", code=4)
    assert cli.json("run", "diff", "latest", "latest")["same"]
    listed = cli.json("artifacts", "list", "latest")["artifacts"]
    assert [artifact["name"] for artifact in listed] == ["result.arrow"]
    assert os.path.exists(listed[0]["path"])
    assert "result.arrow" in cli("artifacts", "list")
    assert cli.json("artifacts", "preview", run.run_id, "--rows", 1)["rows"] == [{"k": "a", "n": 1}]
    assert cli.json("run", "cleanup", "--keep", 1)["removed"] == [run.run_id]
    assert cli.json("run", "show", run.run_id, code=1)["phase"] == "workspace"


def test_streams_and_searches_as_runs(cli, workspace):
    cli("run", "start", "stream", "--source", "e=events", "SELECT k, sum(n) AS s FROM e GROUP BY k")
    run = workspace.run("latest")
    assert run.record["action"] == "stream"
    assert list(run.explain["sections"]) == ["logical", "physical", "strategy"]
    assert run.last_progress()["status"] == "stopped"
    assert run.to_arrow().to_pylist() == [{"k": "a", "s": 4}, {"k": "b", "s": 2}]
    assert "stream" in cli("top", "--all", "--once")
    cli("run", "start", "sql", "SELECT nope", code=1)
    assert workspace.run("latest").record["error"]["phase"] == "plan"
    (workspace.home.parent / "v.csv").write_text('id,v\n1,"[1 0]"\n2,"[0 1]"\n')
    cli("run", "start", "vector-search", "v.csv", "v", "[0 1]", "-k", 1)
    run = workspace.run("latest")
    assert run.to_arrow().to_pylist() == [{"row_id": 1, "score": 0.0}]
    assert run.inputs["top_k"] == 1
    assert "mode=exact-scan" in run.explain["text"]


def test_a_run_in_the_background(cli, workspace):
    endless = "SELECT count(*) FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n"
    run_id = cli("run", "start", "--background", "sql", endless).strip()
    run = workspace.run(run_id)
    assert run.status == "running"
    assert run.record["pid"] != os.getpid()
    assert run_id in cli("top")
    assert cli.json("top")["runs"][0]["run_id"] == run_id
    assert "interrupted" in cli("run", "stop", run_id)
    assert run.status == "interrupted"
    assert "interrupted" in cli("run", "stop", run_id)
    failed = cli.json("run", "start", "--background", "sql", "SELECT 1", "-t", "nosense", code=2)
    assert failed["error_type"] == "UsageError"


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
