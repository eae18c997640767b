"""Programs with a checkpointed stream, killed by SIGKILL at random moments and started again; and
streams in worker processes, of which some are killed.

VELARIA_CRASH_SEEDS=N does that many of each way, with the seeds from VELARIA_CRASH_FIRST_SEED on; a
failure prints its seed.
"""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import velaria
from worker_processes import workers_of

FIRST_SEED = int(os.environ.get("VELARIA_CRASH_FIRST_SEED", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("VELARIA_CRASH_SEEDS", "2")))
FILES, ROWS_OF_FILE, ROWS_OF_KEY = 60, 50, 400
MOST_RESTARTS = 40

PROGRAM = textwrap.dedent(
    """
    import sys
    import velaria

    folder, out, checkpoint, delivery, kind, writes = sys.argv[1:]
    session = velaria.Session()
    session.create_temp_view("rows_in", session.read_stream_csv_dir(folder))
    options = {
        "checkpoint_path": checkpoint,
        "checkpoint_delivery_mode": delivery,
        "checkpoint_async": writes == "async",
        "trigger_interval_ms": 3,
    }
    if kind == "rows":
        sink = velaria.CsvFileSink(out, mode="append")
        session.register_stream_sink("target", sink)
        query = "INSERT INTO target SELECT id, note FROM rows_in"
    else:
        session.sql(
            "CREATE SINK TABLE target (k BIGINT, n BIGINT, total BIGINT) "
            f"USING json OPTIONS(path: '{out}')"
        )
        query = (
            "INSERT INTO target SELECT k, COUNT(*) AS n, SUM(id) AS total FROM rows_in GROUP BY k"
        )
    running = session.start_stream_sql(query, **options)
    print("started", flush=True)
    running.await_termination()
    print("done", flush=True)
    """
)


@pytest.fixture
def rows(tmp_path):
    """A folder of CSV files with rows (id, k, note); the notes need quotes and have line ends."""
    folder = tmp_path / "in"
    folder.mkdir()
    made = []
    for number in range(FILES):
        with (folder / f"part{number:03d}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "k", "note"])
            for _ in range(ROWS_OF_FILE):
                # A key is over some time: what was written of it does not come again.
                row = (len(made), len(made) // ROWS_OF_KEY, f'note "{len(made)}",\nsecond line')
                writer.writerow(row)
                made.append(row)
    return folder, made


def live(arguments, seed, faults):
    """Runs the program until it is done. How often it was killed."""
    choice = random.Random(seed)
    for kills in range(MOST_RESTARTS):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            if kills < 2 or choice.random() < 0.4:
                # The work takes about 0.2 s; what comes before it counts from the first line.
                if choice.random() < 0.9:
                    program.stdout.readline()
                time.sleep(choice.random() * 0.25)
                program.kill()
            _, error = program.communicate()
        if program.returncode == 0:
            faults["kills of a Python program at a random moment"] += kills
            return kills
        assert program.returncode == -9, f"seed {seed}: {error}"
    raise AssertionError(f"seed {seed}: never done")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("delivery", ["at-least-once", "best-effort"])
def test_rows_are_never_lost(rows, tmp_path, delivery, seed, faults):
    folder, made = rows
    out = tmp_path / "out.csv"
    writes = ("async", "sync")[seed % 2]
    arguments = [str(folder), str(out), str(tmp_path / "q.ckpt"), delivery, "rows", writes]
    kills = live(arguments, seed, faults)
    with out.open(newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == ["id", "note"]
    times = Counter()
    notes = {str(row[0]): row[2] for row in made}
    for row in read[1:]:
        assert row == [row[0], notes[row[0]]]  # none is torn
        times[row[0]] += 1
    assert set(times) == set(notes)
    assert max(times.values()) <= 1 + kills
    if delivery == "best-effort" and writes == "sync":
        # The batch that was in work comes twice, and nothing else: a file is one batch.
        assert sum(times.values()) - len(made) <= kills * ROWS_OF_FILE


def last_totals(out):
    """What the last line of each key says."""
    last = {}
    for line in out.read_text().splitlines():
        row = json.loads(line)
        last[row["k"]] = (row["n"], row["total"])
    return last


def totals_of(made):
    wanted: dict = {}
    for row_id, k, _ in made:
        n, total = wanted.get(k, (0, 0))
        wanted[k] = (n + 1, total + row_id)
    return wanted


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("delivery", ["at-least-once", "best-effort"])
def test_last_totals_are_right(rows, tmp_path, delivery, seed, faults):
    folder, made = rows
    out = tmp_path / "out.jsonl"
    writes = ("async", "sync")[seed % 2]
    arguments = [str(folder), str(out), str(tmp_path / "q.ckpt"), delivery, "totals", writes]
    live(arguments, seed, faults)
    assert last_totals(out) == totals_of(made)


def kill_one_worker(choice, over):
    """Kills one of the workers at a random moment, if there are any by then."""
    while not over.wait(0.001):
        if len(workers_of(os.getpid())) == 2:
            break
    over.wait(choice.random() * 0.25)
    workers = workers_of(os.getpid())
    if not workers:
        return None
    victim = choice.choice(workers)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return victim


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("delivery", ["at-least-once", "best-effort"])
def test_totals_are_right_when_workers_are_killed(rows, tmp_path, delivery, seed, faults):
    folder, made = rows
    out = tmp_path / "out.jsonl"
    choice = random.Random(seed)
    options = {
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": delivery,
        "execution_mode": "local-workers",
        "local_workers": 2,
        "worker_choice": "always",
        "shared_memory_transport": seed % 2 == 0,
        "shared_memory_min_payload_bytes": 0,
        "trigger_interval_ms": 3,
    }
    shared_memory = Path("/dev/shm")
    before = sorted(shared_memory.iterdir()) if shared_memory.exists() else []
    for attempt in range(MOST_RESTARTS):
        with velaria.Session(threads=2) as session:
            session.create_temp_view("rows_in", session.read_stream_csv_dir(str(folder)))
            session.sql(
                "CREATE SINK TABLE target (k BIGINT, n BIGINT, total BIGINT) "
                f"USING json OPTIONS(path: '{out}')"
            )
            query = session.start_stream_sql(
                "INSERT INTO target SELECT k, COUNT(*) AS n, SUM(id) AS total FROM rows_in "
                "GROUP BY k",
                **options,
            )
            over = threading.Event()
            victims = []
            killer = threading.Thread(
                target=lambda over=over, victims=victims: victims.append(
                    kill_one_worker(choice, over)
                )
            )
            if attempt < 2 or choice.random() < 0.4:
                killer.start()
            failure = None
            try:
                assert query.await_termination(120_000) is not None
            except velaria.StreamError as error:
                failure = str(error)
            over.set()
            if killer.ident is not None:
                killer.join()
        assert workers_of(os.getpid()) == []
        if failure is None:
            break
        assert f"process {victims[0]}" in failure, f"seed {seed}: {failure}"
        faults["kills of a worker process at a random moment"] += 1
    else:
        raise AssertionError(f"seed {seed}: never done")
    assert last_totals(out) == totals_of(made)
    assert (sorted(shared_memory.iterdir()) if shared_memory.exists() else []) == before


def test_one_program_at_a_time_has_a_checkpoint(tmp_path):
    program = textwrap.dedent(
        """
        import sys
        import velaria

        session = velaria.Session()
        source = session.create_realtime_stream_source({"n": "int64"})
        stream = session.read_realtime_stream_source(source)
        options = {"checkpoint_path": sys.argv[1], "query_id": "orders"}
        query = stream.write_stream(velaria.MemorySink(), **options).start()
        print("started", flush=True)
        query.await_termination()
        """
    )
    path = tmp_path / "q.ckpt"
    session = velaria.Session()

    def start():
        stream = session.create_stream_from_arrow({"n": [1]})
        return stream.write_stream(velaria.MemorySink(), checkpoint_path=str(path)).start()

    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "started\n"
        wanted = f"in use by query 'orders' of process {owner.pid}"
        with pytest.raises(velaria.CheckpointError, match=wanted):
            start()
        owner.kill()
        owner.wait()
    assert start().await_termination() == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["q.ckpt"]
