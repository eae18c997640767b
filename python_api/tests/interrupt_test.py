"""Ctrl-C: one KeyboardInterrupt out of any waiting call, and the session goes on."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

PRELUDE = """
import sys, time
import velaria
session = velaria.Session()

def interrupted(call):
    print("begin", flush=True)
    try:
        call()
    except KeyboardInterrupt:
        print("interrupted", time.process_time(), flush=True)
    else:
        print("finished 0", flush=True)
    # A second one would come out here.
    for _ in range(20):
        time.sleep(0.01)
    print(session.sql("SELECT 40 + 2 AS x").to_rows(), flush=True)
"""

# Windows multiply each row by 4000, twice: hours of work, also out of a single chunk.
ENDLESS = """
session = velaria.Session(threads=THREADS)
numbers = session.create_dataframe_from_arrow({"n": list(range(20000))})
once = numbers.select("n", "TIMESTAMP '2024-01-01 00:00:00' AS t").window("t", 4000, "w", 1)
twice = once.window("t", 4000, "v", 1).group_by("n").agg("count(*) AS c")
interrupted(twice.to_rows)
"""

# Each works for seconds in the part that its name says.
SORT = """
import pyarrow  # what an import swallows is no interrupt of a query
session = velaria.Session(threads=THREADS)
session.sql("CREATE TABLE t AS SELECT (n * 7919) % 10000019 AS k FROM range(0, 10000000) r(n)")
frame = session.sql("SELECT k FROM t ORDER BY k % 1000003, k")
interrupted(lambda: [frame.to_arrow() for _ in range(20)])
"""

JOIN = """
session = velaria.Session(threads=THREADS)
frame = session.sql(
    "SELECT count(*) AS c FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n")
interrupted(frame.to_rows)
"""

AGGREGATE = """
session = velaria.Session(threads=THREADS)
frame = session.sql(
    "SELECT n % 5000011 AS k, count(*) AS c FROM range(0, 1000000000) a(n) GROUP BY k")
interrupted(frame.to_rows)
"""

ONE_PARTITION = """
session = velaria.Session(threads=THREADS)
session.sql("CREATE TABLE t AS SELECT (n * 7919) % 3000017 AS k FROM range(0, 3000000) r(n)")
frame = session.sql(
    "SELECT count(*) FROM (SELECT FUNCTION AS q FROM t) WHERE q > 5")
interrupted(lambda: [frame.to_rows() for _ in range(20)])
"""

ONE_GROUP = """
session = velaria.Session(threads=THREADS)
session.sql("CREATE TABLE t AS SELECT 'text ' || (n * 7919 % 1000003) AS s "
            "FROM range(0, 3000000) r(n)")
frame = session.sql("SELECT length(FUNCTION) AS l FROM t")
interrupted(lambda: [frame.to_rows() for _ in range(20)])
"""

WINDOW = """
session = velaria.Session(threads=THREADS)
session.sql("CREATE TABLE t AS SELECT (n * 7919) % 3000017 AS k FROM range(0, 3000000) r(n)")
frame = session.sql(
    "SELECT count(*) FROM (SELECT sum(k) OVER (PARTITION BY k % 7 ORDER BY k) AS s, "
    "quantile_cont(k, 0.5) OVER (ORDER BY k ROWS 5000 PRECEDING) AS q FROM t) WHERE s + q > 5")
interrupted(lambda: [frame.to_rows() for _ in range(20)])
"""

VECTORS = """
import numpy as np
import pyarrow as pa
session = velaria.Session(threads=THREADS)
rows = np.ones((200000, 64), np.float32)
rows[:, 0] = np.arange(200000) % 1000
column = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 64)
session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": column})))
queries = np.ones((20000, 64), np.float32)
interrupted(lambda: [session.vector_search("t", "v", queries, metric="l2") for _ in range(50)])
"""

SCAN = """
import os, tempfile
session = velaria.Session(threads=THREADS)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "big.csv")
    session.sql(f"COPY (SELECT n, n * 7919 % 1000003 AS m, 'text ' || n AS t "
                f"FROM range(0, 1500000) r(n)) TO '{path}'")
    frame = session.read_csv(path).group_by("m % 7").agg("count(*) AS c", "max(t) AS t")
    interrupted(lambda: [frame.to_rows() for _ in range(200)])
"""

WAIT = """
frame = session.sql(
    "SELECT count(*) AS c FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n")
interrupted(frame.start().wait)
"""

PROGRESS = """
import pyarrow  # as in SORT
frame = session.sql(
    "SELECT count(*) AS c FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n")
interrupted(lambda: frame.to_arrow(progress=lambda moment: None))
"""

# The first rows come at once, the next ones never. What reads for the program may raise an error of
# its own first: the interrupt follows as soon as Python runs.
LATER = """
import pyarrow
session = velaria.Session(threads=THREADS)
frame = session.sql("SELECT n FROM range(0, 1000000000000) r(n) WHERE n < 5000000 OR n % 7 = 8")
reader = pyarrow.RecordBatchReader.from_stream(frame)
reader.read_next_batch()

def pull():
    try:
        reader.read_all()
    except OSError:
        time.sleep(1)

interrupted(pull)
"""

TO_ARROW = """
import pyarrow
frame = session.sql("SELECT n FROM range(0, 1000000000000) r(n) WHERE n < 5000000 OR n % 7 = 8")
interrupted(frame.to_arrow)
"""

# DuckDB looks for Ctrl-C between two batches, and says so with an error of its own.
DUCKDB = """
import duckdb
connection = duckdb.connect()
connection.execute("SET threads = 1")
frame = session.sql("SELECT n FROM range(0, 1000000000000) r(n)")

def pull():
    try:
        connection.sql("SELECT sum(n) FROM frame").fetchall()
    except RuntimeError as error:
        assert "interrupted" in str(error), error
        raise KeyboardInterrupt from None

interrupted(pull)
"""

PRODUCER = """
import pyarrow

def batches():
    while True:
        time.sleep(0.001)
        yield pyarrow.record_batch({"n": [1]})

reader = pyarrow.RecordBatchReader.from_batches(pyarrow.schema({"n": pyarrow.int64()}), batches())
interrupted(lambda: session.create_dataframe_from_arrow(reader))
"""

AWAIT = """
source = session.create_realtime_stream_source({"n": "int64"})
query = session.read_realtime_stream_source(source).write_stream(velaria.MemorySink()).start()
interrupted(query.await_termination)
assert query.status == "running", query.status
query.stop()
"""

PUSH = """
source = session.create_realtime_stream_source({"n": "int64"}, max_batches=1)
source.push_rows([[1]])
interrupted(lambda: source.push_rows([[2]]))
assert source.queued_batches == 1
"""

POLL = """
import pyarrow  # as in SORT
sink = session.create_realtime_stream_sink()
interrupted(sink.poll_arrow)
"""


def line_of(process, start):
    got = process.stdout.readline().strip()
    if not got.startswith(start):
        process.kill()
        pytest.fail(f"expected {start!r}, got {got!r}\n{process.stderr.read()}")
    return got


def processor_s(process):
    """Processor time that all threads of the process have used, to a hundredth of a second."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_asleep(process):
    """Whether every thread of the process waits for something."""
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        try:
            if (task / "stat").read_text().rpartition(")")[2].split()[0] != "S":
                return False
        except OSError:  # the thread has ended
            continue
    return True


def wait_until_amid(process):
    """Until the call has worked for a while, or has been waiting for others for a while."""
    begin_s = processor_s(process)
    asleep = 0
    while processor_s(process) - begin_s < 0.4 and asleep < 20:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
        asleep = asleep + 1 if is_asleep(process) else 0


BODIES = {
    "query-1-thread": ENDLESS.replace("THREADS", "1"),
    "query-2-threads": ENDLESS.replace("THREADS", "2"),
    "sort-1-thread": SORT.replace("THREADS", "1"),
    "sort-2-threads": SORT.replace("THREADS", "2"),
    "join-1-thread": JOIN.replace("THREADS", "1"),
    "join-2-threads": JOIN.replace("THREADS", "2"),
    "aggregate-1-thread": AGGREGATE.replace("THREADS", "1"),
    "aggregate-2-threads": AGGREGATE.replace("THREADS", "2"),
    **{
        f"{name}-one-group-{threads}-threads": ONE_GROUP.replace("FUNCTION", function).replace(
            "THREADS", threads
        )
        for name, function in {
            "string_agg": "string_agg(s, ',')",
            "ordered": "string_agg(s, ',' ORDER BY s)",
            "distinct": "string_agg(DISTINCT s, ',')",
            "quantile": "quantile_disc(s, 0.3)",
        }.items()
        for threads in ("1", "2")
    },
    "window-1-thread": WINDOW.replace("THREADS", "1"),
    "window-2-threads": WINDOW.replace("THREADS", "2"),
    **{
        f"{name}-one-partition-{threads}-threads": ONE_PARTITION.replace(
            "FUNCTION", function
        ).replace("THREADS", threads)
        for name, function in {
            "quantile": "quantile_cont(k, 0.5) OVER (ORDER BY k ROWS 5000 PRECEDING)",
            "sum": "sum(k) OVER (ORDER BY k ROWS BETWEEN 500 PRECEDING AND 7 FOLLOWING)",
            "max": "max(k) OVER (ORDER BY k ROWS 5000 PRECEDING)",
            "lag": "lag(k) OVER (ORDER BY k % 1000, k::text)",
        }.items()
        for threads in ("1", "2")
    },
    "scan-1-thread": SCAN.replace("THREADS", "1"),
    "scan-2-threads": SCAN.replace("THREADS", "2"),
    "vectors-1-thread": VECTORS.replace("THREADS", "1"),
    "vectors-2-threads": VECTORS.replace("THREADS", "2"),
    "later-batch-1-thread": LATER.replace("THREADS", "1"),
    "later-batch-2-threads": LATER.replace("THREADS", "2"),
    "to-arrow": TO_ARROW,
    "duckdb": DUCKDB,
    "producer-in-python": PRODUCER,
    "wait": WAIT,
    "progress": PROGRESS,
    "await": AWAIT,
    "push": PUSH,
    "poll": POLL,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_ctrl_c(body):
    # The promise is 100 ms. Other load on the machine makes the clock go on, and the processor time
    # of the two threads less so: the best of three counts. 10 ms are the grain of what /proc tells.
    most_s = 2 * 0.1 + 0.02
    used_s = interrupt(body)
    for _ in range(2):
        if used_s >= most_s:
            used_s = min(used_s, interrupt(body))
    assert used_s < most_s


def interrupt(body):
    """Runs a program, interrupts it, and gives the processor time it took to stop."""
    program = textwrap.dedent(PRELUDE) + textwrap.dedent(body)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        line_of(process, "begin")
        wait_until_amid(process)
        begin, begin_processor_s = time.monotonic(), processor_s(process)
        process.send_signal(signal.SIGINT)
        used_s = float(line_of(process, "interrupted").split()[1]) - begin_processor_s
        took_s = time.monotonic() - begin
        line_of(process, "[{'x': 42}]")
        assert process.wait(60) == 0, process.stderr.read()
        assert took_s < 2
        return used_s
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
