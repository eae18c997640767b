"""Live sources and sinks: pushing and polling, full queues, threads and coroutines."""

import asyncio
import concurrent.futures
import datetime
import threading
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import velaria

WAIT_MS = 60_000


def test_realtime_end_to_end(session):
    source = session.create_realtime_stream_source(pa.schema([("k", "string"), ("n", "int64")]))
    sink = session.create_realtime_stream_sink()
    frame = session.read_realtime_stream_source(source).group_by("k").agg("sum(n) AS n")
    query = frame.write_stream(sink).start()
    assert sink.poll_arrow(timeout=0) is None
    assert sink.poll_arrow(timeout=0.01) is None
    source.push_arrow(pa.table({"k": ["a", "b"], "n": [1, 2]}))
    first = sink.poll_arrow(timeout=30)
    assert sorted(first.to_pylist(), key=lambda r: r["k"]) == [
        {"k": "a", "n": 1},
        {"k": "b", "n": 2},
    ]
    source.push_rows([{"k": "a", "n": 5}])
    assert sink.poll_rows(timeout=30) == [{"k": "a", "n": 6}]
    source.close()
    assert source.closed
    assert query.await_termination(WAIT_MS) == 2
    assert sink.poll_arrow() is None
    assert sink.closed()
    with pytest.raises(velaria.StreamError):
        source.push_rows([{"k": "a", "n": 5}])
    with pytest.raises(velaria.InvalidArgumentError, match="timeout"):
        sink.poll_arrow(timeout=-1)


def test_full_sources(session):
    for policy in ("fail", "drop-oldest"):
        source = session.create_realtime_stream_source(
            {"n": "int64"}, max_batches=2, on_full=policy
        )
        source.push_rows([[1]])
        source.push_rows([[2]])
        if policy == "fail":
            with pytest.raises(velaria.ResourceError):
                source.push_rows([[3]])
        else:
            source.push_rows([[3]])
            assert source.dropped_batches == 1
        assert source.queued_batches == 2
    with pytest.raises(velaria.InvalidArgumentError, match="block"):
        session.create_realtime_stream_source({"n": "int64"}, on_full="blok")
    with pytest.raises(velaria.InvalidArgumentError):
        session.create_realtime_stream_source({"n": "int64"}, max_batches=0)


def test_closing_wakes_a_blocked_pusher(session):
    source = session.create_realtime_stream_source({"n": "int64"}, max_batches=1)
    source.push_rows([[1]])
    raised = []

    def push():
        try:
            source.push_rows([[2]])
        except velaria.StreamError as error:
            raised.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    time.sleep(0.1)
    assert thread.is_alive()
    source.close()
    thread.join(30)
    assert len(raised) == 1


def test_a_slow_reader_holds_the_query_back(session):
    stream = session.create_stream_from_arrow({"n": list(range(50))}, batch_rows=1)
    sink = session.create_realtime_stream_sink(max_batches=1)
    query = stream.write_stream(sink, max_inflight_batches=2).start()
    deadline = time.monotonic() + 30
    while query.progress()["blocked_count"] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    progress = query.progress()
    assert progress["blocked_count"] > 0
    assert progress["batches_pulled"] < 10
    assert [n for table in sink for n in table.column("n").to_pylist()] == list(range(50))
    assert query.await_termination(WAIT_MS) == 50


def test_async_iteration(session):
    async def read(sink):
        return [n async for table in sink for n in table.column("n").to_pylist()]

    sink = session.create_realtime_stream_sink(max_batches=2)
    stream = session.create_stream_from_arrow({"n": list(range(20))}, batch_rows=1)
    query = stream.write_stream(sink).start()
    assert asyncio.run(read(sink)) == list(range(20))
    query.await_termination(WAIT_MS)


def test_waiting_coroutines_need_no_threads(session):
    source = session.create_realtime_stream_source({"n": "int64"})
    sink = session.create_realtime_stream_sink()
    query = session.read_realtime_stream_source(source).write_stream(sink).start()
    hold = threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor(1) as only_one:
            loop.set_default_executor(only_one)
            busy = loop.run_in_executor(None, hold.wait)
            source.push_rows([[7]])
            source.close()
            got = [table.to_pylist() async for table in sink]
            batches = await query.result()
            hold.set()
            await busy
        return got, batches

    try:
        assert asyncio.run(asyncio.wait_for(main(), 60)) == ([[{"n": 7}]], 1)
    finally:
        hold.set()


def small_source(session, **options):
    return session.create_realtime_stream_source({"n": "int64"}, max_batches=1, **options)


def test_async_pushes_wait_without_holding_the_loop(session):
    source = small_source(session)
    sink = session.create_realtime_stream_sink(max_batches=1)
    query = session.read_realtime_stream_source(source).write_stream(sink).start()
    turns = 0

    async def produce():
        for n in range(0, 40, 2):
            await source.push_rows_async([[n]])
            await source.push_arrow_async({"n": [n + 1]})
        source.close()

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main():
        producer = asyncio.create_task(produce())
        counter = asyncio.create_task(count_turns())
        # Nobody reads: the queues fill up, the producer waits, and the loop goes on.
        while source.queued_batches == 0 or query.status != "backpressure":
            await asyncio.sleep(0.001)
        before = turns
        while turns < before + 100:
            await asyncio.sleep(0)
        assert not producer.done()
        got = [n async for table in sink for n in table.column("n").to_pylist()]
        await producer
        counter.cancel()
        return got, await query.result()

    assert asyncio.run(asyncio.wait_for(main(), 60)) == (list(range(40)), 40)


def test_a_cancelled_async_push_has_pushed_nothing(session):
    source = small_source(session)

    async def main():
        await source.push_rows_async([[1]])
        waiting = asyncio.create_task(source.push_rows_async([[2], [3]]))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        at_once = asyncio.create_task(source.push_rows_async([[4]]))
        at_once.cancel()
        with pytest.raises(asyncio.CancelledError):
            await at_once

    asyncio.run(main())
    assert source.queued_batches == 1
    source.close()
    sink = velaria.MemorySink()
    query = session.read_realtime_stream_source(source).write_stream(sink).start()
    assert query.await_termination(WAIT_MS) == 1
    assert sink.to_rows() == [{"n": 1}]


def test_tasks_cancelled_at_any_moment_push_whole_batches(session):
    source = small_source(session)
    sink = velaria.MemorySink()
    query = session.read_realtime_stream_source(source).write_stream(sink).start()
    pushed = []

    async def main():
        for n in range(200):
            task = asyncio.create_task(source.push_rows_async([[n], [n], [n]]))
            for _ in range(n % 4):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
                pushed.append(n)
            except asyncio.CancelledError:
                pass

    asyncio.run(main())
    source.close()
    query.await_termination(WAIT_MS)
    assert [row["n"] for row in sink.to_rows()] == [n for n in pushed for _ in range(3)]
    assert 0 < len(pushed) < 200


@pytest.mark.parametrize("end", ["close", "stop"])
def test_the_end_wakes_async_pushes_like_others(session, end):
    source = small_source(session)

    async def main():
        if end == "stop":
            sink = session.create_realtime_stream_sink(max_batches=1)
            query = session.read_realtime_stream_source(source).write_stream(sink).start()

        async def push_on():
            while True:
                await source.push_rows_async([[1]])

        waiting = asyncio.create_task(push_on())
        if end == "close":
            while source.queued_batches == 0:
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            source.close()
        else:
            while query.status != "backpressure":
                await asyncio.sleep(0.001)
            query.stop()
        with pytest.raises(velaria.StreamError) as woken:
            await waiting
        with pytest.raises(velaria.StreamError) as blocking:
            source.push_rows([[1]])
        assert str(woken.value) == str(blocking.value)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_async_pushes_obey_the_other_policies(session):
    async def push(source, rows):
        for row in rows:
            await source.push_rows_async([row])

    failing = small_source(session, on_full="fail")
    with pytest.raises(velaria.ResourceError, match="full"):
        asyncio.run(push(failing, [[1], [2]]))
    dropping = small_source(session, on_full="drop-oldest")
    asyncio.run(push(dropping, [[1], [2], [3]]))
    assert (dropping.queued_batches, dropping.dropped_batches) == (1, 2)
    asyncio.run(dropping.push_rows_async([]))
    with pytest.raises(velaria.TypeMismatchError):
        asyncio.run(push(dropping, [["no number"]]))
    assert (dropping.queued_batches, dropping.dropped_batches) == (1, 2)


def test_cancelled_async_readers_lose_nothing(session):
    sink = session.create_realtime_stream_sink(max_batches=2)
    stream = session.create_stream_from_arrow({"n": list(range(30))}, batch_rows=1)
    query = stream.write_stream(sink, trigger_interval_ms=5).start()
    seen = []

    async def read():
        async for table in sink:
            seen.extend(table.column("n").to_pylist())

    async def patient():
        try:
            await asyncio.wait_for(read(), 0.02)
        except asyncio.TimeoutError:
            return False
        return True

    for _ in range(200):
        if asyncio.run(patient()):
            break
    asyncio.run(read())
    assert sorted(seen) == list(range(30))
    query.await_termination(WAIT_MS)


def test_times_of_numpy_and_pandas_keep_their_digits(session):
    def pushed(kind, value):
        source = session.create_realtime_stream_source({"t": kind})
        source.push_rows([{"t": value}])
        source.close()
        sink = velaria.MemorySink()
        with session.read_realtime_stream_source(source).write_stream(sink) as query:
            query.await_termination(WAIT_MS)
        column = sink.to_arrow().column("t")
        return column.cast("int64").to_pylist()[0] if "timestamp" in kind else column.to_pylist()[0]

    day_us = 1_704_067_200_000_000
    finer = "2024-01-01T00:00:00.000000789"
    for unit in ("D", "s", "ms", "us", "ns"):
        assert pushed("timestamp[us]", np.datetime64("2024-01-01", unit)) == day_us
    assert pushed("timestamp[ns]", np.datetime64(finer, "ns")) == day_us * 1000 + 789
    assert pushed("timestamp[ns]", pd.Timestamp(finer)) == day_us * 1000 + 789
    assert pushed("date32", np.datetime64("2024-01-01", "D")) == datetime.date(2024, 1, 1)
    for nothing in (np.datetime64("NaT"), pd.NaT):
        assert pushed("timestamp[us]", nothing) is None
    for value in (np.datetime64(finer, "ns"), pd.Timestamp(finer)):
        with pytest.raises(velaria.TypeMismatchError, match="finer"):
            pushed("timestamp[us]", value)
    for value in (np.timedelta64(1, "ns"), pd.Timedelta(1, "ns")):
        with pytest.raises(velaria.TypeMismatchError, match="finer"):
            pushed("interval", value)
    with pytest.raises(velaria.TypeMismatchError, match="beyond the years"):
        pushed("timestamp[us]", np.datetime64("12024-01-01", "us"))


def test_one_query_at_a_time(session):
    source = session.create_realtime_stream_source({"n": "int64"})
    sink = session.create_realtime_stream_sink()
    frame = session.read_realtime_stream_source(source)
    other = session.create_stream_from_arrow({"n": [7]})
    with frame.write_stream(sink) as query:
        for second in (frame.write_stream(velaria.MemorySink()), other.write_stream(sink)):
            with pytest.raises(velaria.StreamError, match="another query that has not ended"):
                second.start()
            assert second.status == "created"
            second.stop()
        source.push_rows([[1]])
        assert sink.poll_rows(20) == [{"n": 1}]
        source.close()
        assert query.await_termination(20_000) == 1


def test_two_queries_of_one_stream_come_one_after_the_other(session, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    frame = session.read_stream_csv_dir(tmp_path)
    sinks = [velaria.MemorySink(), velaria.MemorySink()]
    for sink in sinks:
        with frame.write_stream(sink) as query:
            query.await_termination()
    assert [sink.num_rows for sink in sinks] == [2, 2]
