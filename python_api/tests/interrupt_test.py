"""Ctrl-C: one KeyboardInterrupt out of any waiting call, and the session goes on."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

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
        print("interrupted", flush=True)
    else:
        print("finished", flush=True)
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
sink = session.create_realtime_stream_sink()
interrupted(sink.poll_arrow)
"""


def expect(process, line):
    got = process.stdout.readline().strip()
    if got != line:
        process.kill()
        pytest.fail(f"expected {line!r}, got {got!r}\n{process.stderr.read()}")


BODIES = {
    "query-1-thread": ENDLESS.replace("THREADS", "1"),
    "query-2-threads": ENDLESS.replace("THREADS", "2"),
    "await": AWAIT,
    "push": PUSH,
    "poll": POLL,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_ctrl_c(body):
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
        expect(process, "begin")
        time.sleep(0.5)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        expect(process, "interrupted")
        took = time.monotonic() - begin
        expect(process, "[{'x': 42}]")
        assert process.wait(60) == 0, process.stderr.read()
        # The promise is 100 ms; a loaded machine may add to it.
        assert took < 2
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
