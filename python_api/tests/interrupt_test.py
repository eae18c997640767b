"""Ctrl-C: one KeyboardInterrupt out of any waiting call, and the session goes on."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

PRELUDE = """
import sys, time
import velaria
session = velaria.Session(threads=2)

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

LONG_QUERY = """
import array
numbers = session.create_dataframe_from_arrow({"n": list(range(20000))})
# Far too many pairs to be through before the signal: the windows multiply the rows.
times = numbers.select("n", "TIMESTAMP '2024-01-01 00:00:00' AS t").window(
    "t", 4000, "w", slide_ms=1
)
interrupted(lambda: times.window("t", 4000, "v", slide_ms=1).group_by("n % 7").agg("count(*) AS c").to_rows())
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


@pytest.mark.parametrize(
    "body", [LONG_QUERY, AWAIT, PUSH, POLL], ids=["query", "await", "push", "poll"]
)
def test_ctrl_c(body):
    program = textwrap.dedent(PRELUDE) + textwrap.dedent(body)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
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
        process.kill()
        process.communicate()
