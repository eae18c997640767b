"""Programs with a checkpointed stream, killed by SIGKILL at random moments and started again.

VELARIA_CRASH_SEEDS=N kills that many programs in each way; the seeds are printed by a failure.
"""

import csv
import json
import os
import random
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest
import velaria

SEEDS = int(os.environ.get("VELARIA_CRASH_SEEDS", "2"))
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


def live(arguments, seed):
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
            return kills
        assert program.returncode == -9, f"seed {seed}: {error}"
    raise AssertionError(f"seed {seed}: never done")


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("delivery", ["at-least-once", "best-effort"])
def test_rows_are_never_lost(rows, tmp_path, delivery, seed):
    folder, made = rows
    out = tmp_path / "out.csv"
    writes = ("async", "sync")[seed % 2]
    arguments = [str(folder), str(out), str(tmp_path / "q.ckpt"), delivery, "rows", writes]
    kills = live(arguments, seed)
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


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("delivery", ["at-least-once", "best-effort"])
def test_last_totals_are_right(rows, tmp_path, delivery, seed):
    folder, made = rows
    out = tmp_path / "out.jsonl"
    writes = ("async", "sync")[seed % 2]
    arguments = [str(folder), str(out), str(tmp_path / "q.ckpt"), delivery, "totals", writes]
    live(arguments, seed)
    last = {}
    for line in out.read_text().splitlines():
        row = json.loads(line)
        last[row["k"]] = (row["n"], row["total"])
    wanted: dict = {}
    for row_id, k, _ in made:
        n, total = wanted.get(k, (0, 0))
        wanted[k] = (n + 1, total + row_id)
    assert last == wanted


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
