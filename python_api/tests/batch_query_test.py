"""Batch queries in the background: awaited, watched, cancelled."""

import asyncio
import copy
import pickle

import pytest
import velaria

ENDLESS = "SELECT count(*) AS c FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n"


def test_await_and_cancel(one):
    endless = one.sql(ENDLESS)

    async def work():
        quick = one.sql("SELECT sum(n) AS s FROM range(0, 100) r(n)").start()
        slow = endless.start()
        assert (await quick.result()).to_rows() == [{"s": 4950}]
        waiting = asyncio.create_task(slow.result())
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(velaria.CancelledError):
            await slow.result()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(endless.start().result(), 0.1)
        failing = one.sql("SELECT CAST('x' || n AS INT) FROM range(0, 3) r(n)").start()
        with pytest.raises(velaria.TypeMismatchError):
            await failing.result()

    asyncio.run(work())


def test_wait_cancel_and_time_out(one):
    endless = one.sql(ENDLESS)
    with endless.start() as query:
        with pytest.raises(TimeoutError, match="50 ms"):
            query.wait(timeout_ms=50)
        assert query.status == "running"
        assert not query.done()
        moment = query.progress()
        assert moment["rows_to_scan"] == 2_000_000
        assert 0 <= moment["fraction_done"] <= 1
        assert "running" in query._repr_html_()
    assert query.done()
    assert query.status == "cancelled"
    with pytest.raises(velaria.CancelledError):
        query.wait()
    with pytest.raises(velaria.InvalidArgumentError):
        query.wait(timeout_ms=-1)
    # The session is none the worse for it.
    assert one.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_a_callback_that_fails_cancels(one):
    frame = one.sql(ENDLESS)

    def fail(moment):
        raise RuntimeError("no more")

    for call in (frame.to_arrow, frame.to_rows, frame.cache):
        with pytest.raises(RuntimeError, match="no more"):
            call(progress=fail)
    with pytest.raises(velaria.InvalidArgumentError, match="progress=5"):
        frame.cache(progress=5)

    # Also one of the kind that wait() itself raises at its deadline, which cancels nothing.
    def late(moment):
        raise TimeoutError("the callback's own")

    query = frame.start()
    with pytest.raises(TimeoutError, match="own"):
        query.wait(timeout_ms=60_000, progress=late)
    assert query.done()
    assert query.status == "cancelled"


def test_a_callback_is_called_and_not_awaited(one):
    async def tell(moment):
        raise AssertionError("nobody awaits this")

    with pytest.raises(velaria.InvalidArgumentError, match="not awaited"):
        one.sql("SELECT 1 AS x").to_arrow(progress=tell)


def test_cached_rows_do_not_run_again(one, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("n\n1\n2\n")
    frame = one.read_csv(path).cache()
    path.unlink()
    assert frame.filter("n > 1").to_rows() == [{"n": 2}]
    assert frame.columns == ["n"]


def test_no_bar_where_there_is_no_terminal(one, capfd):
    assert one.sql("SELECT 1 AS x").to_rows(progress=True) == [{"x": 1}]
    one.sql("SELECT count(*) FROM range(0, 30000000) a(n) WHERE n % 7 = 1").cache(progress=True)
    assert capfd.readouterr() == ("", "")


def test_no_pickles(one):
    query = one.sql("SELECT 1 AS x").start()
    query.wait()
    for action in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="pickled"):
            action(query)
