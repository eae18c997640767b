"""Tests that a source or sink written for Velaria should pass, for its own test suite.

>>> import velaria, velaria.testing
>>> def ticks(offset):
...     for n in range(int(offset or 0), 5):
...         yield {"n": n}
>>> def make():
...     return velaria.CustomArrowStreamSource(ticks, schema={"n": "int64"}, emit_rows=2)
>>> report = velaria.testing.check_stream_source(make, rows=[{"n": n} for n in range(5)])
>>> print(report)
ok: schema
ok: lifecycle
ok: rows
ok: max_batches
ok: stop
ok: restore behind each of 3 offsets
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _velaria as core
from ._custom_source import CustomArrowStreamSource, create_stream_from_custom_source
from ._optional import import_pyarrow
from ._session import Session
from ._sinks import MemorySink
from ._streaming import StreamingQuery

_TIMEOUT_MS = 60_000
_STOP_WITHIN_S = 10.0


class ConformanceError(AssertionError):
    """A source or sink breaks a rule; the text names the rule and what was seen."""


class Report:
    """What was checked; ``str()`` of it is a line for each."""

    def __init__(self) -> None:
        self.checked: list[str] = []

    def __str__(self) -> str:
        return "\n".join(f"ok: {name}" for name in self.checked)

    def __repr__(self) -> str:
        return f"Report({self.checked!r})"


def check_stream_source(
    make_source: Callable[[], CustomArrowStreamSource],
    *,
    rows: Sequence[Mapping[str, Any]] | None = None,
    max_batches: int = 100,
) -> Report:
    """Checks a source against the rules of its interface; raises ConformanceError.

    ``make_source`` makes a new source of the same data at each call. ``rows`` are the rows it
    should give, in order; without them it is compared with itself. Of a source without an end the
    first ``max_batches`` batches are looked at. What is checked: the schema is constant; every
    batch is of it; open, checkpoint and ack come and close comes once; offsets are texts and new
    with each batch that has rows; a query stops in time, also when it is in the middle; and, where
    the source can restore, behind the offset of each batch come exactly the rows behind it.
    """
    report = Report()
    _check_schema(make_source, report)
    offsets, batches = _check_lifecycle(make_source, max_batches, report)
    found = [row for batch in batches for row in batch]
    if rows is not None:
        expected = [dict(row) for row in rows]
        if found != expected:
            raise ConformanceError(_difference("rows", expected, found))
        report.checked.append("rows")
    _check_max_batches(make_source, batches, report)
    _check_stop(make_source, report)
    if make_source().can_restore:
        _check_restore(make_source, offsets, batches, max_batches, report)
    return report


def check_stream_sink(
    make_sink: Callable[[], Any], read_back: Callable[[Any], Iterable[Mapping[str, Any]]]
) -> Report:
    """Checks a sink against the rules of its interface; raises ConformanceError.

    ``make_sink`` makes a new, empty sink at each call: a CustomArrowStreamSink, or an object with
    ``write_arrow``. ``read_back`` gives the rows that are in the sink, as dicts. The rows of the
    checks have the columns ``n`` (int64) and ``text`` (utf8, with NULLs). What is checked: all rows
    arrive once and in order, for several sizes of batches, also without any row; with a checkpoint
    file, all rows of a batch are readable when the batch is recorded; and close comes once, also
    when the query fails or stops.
    """
    report = Report()
    for name, sizes in {
        "no rows": [],
        "one batch": [5],
        "batches of many sizes": [1, 7, 2, 300, 1, 1, 40],
    }.items():
        sink = _Watched(make_sink())
        _write(sink, sizes)
        _same_rows(name, _made_rows(sizes), list(read_back(sink.sink)))
        sink.closed_once(name)
        report.checked.append(name)
    _check_recorded_rows(make_sink, read_back, report)
    sink = _Watched(make_sink())
    with Session() as session:
        source = CustomArrowStreamSource(_failing, schema=_SINK_SCHEMA, emit_rows=2)
        query = create_stream_from_custom_source(session, source).write_stream(sink.sink).start()
        with contextlib.suppress(core.StreamError):
            query.await_termination(_TIMEOUT_MS)
        _ended(query)
    sink.closed_once("a query that fails")
    report.checked.append("closed after a failure")
    return report


# ---- sources


def _run(
    make_source: Callable[[], CustomArrowStreamSource], **options: Any
) -> tuple[list[list[dict[str, Any]]], list[str], dict[str, int], StreamingQuery]:
    """The batches that have rows, all offsets in order, how often each hook came."""
    source = make_source()
    offsets: list[str] = []
    calls = {"open": 0, "checkpoint": 0, "ack": 0, "close": 0}
    _count_calls(source, calls)
    inner = source.next_batch

    def next_batch() -> Any:
        given = inner()
        if isinstance(given, tuple):
            offsets.append(given[1])
        return given

    source.next_batch = next_batch  # type: ignore[method-assign]
    with Session() as session:
        sink = MemorySink()
        query = create_stream_from_custom_source(session, source).write_stream(sink, **options)
        query.start().await_termination(_TIMEOUT_MS)
        _ended(query)
        batches = [table.to_pylist() for table in sink.batches()]
    return batches, offsets, calls, query


def _count_calls(source: Any, calls: dict[str, int]) -> None:
    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls[name] += 1
            return method(*arguments)

        return call

    for name in calls:
        setattr(source, name, counted(name, getattr(source, name)))


def _ended(query: StreamingQuery) -> None:
    if query.status not in ("stopped", "failed"):
        query.stop()
        raise ConformanceError(
            f"the query did not end within {_TIMEOUT_MS // 1000} s; does next_batch() give None at "
            "the end?"
        )


def _check_schema(make_source: Callable[[], CustomArrowStreamSource], report: Report) -> None:
    schemas = [make_source().row_reader().schema() for _ in range(2)]
    if schemas[0] != schemas[1]:
        raise ConformanceError(_difference("two sources' schemas", *schemas))
    report.checked.append("schema")


def _check_lifecycle(
    make_source: Callable[[], CustomArrowStreamSource], max_batches: int, report: Report
) -> tuple[list[str], list[list[dict[str, Any]]]]:
    batches, offsets, calls, query = _run(make_source, max_batches=max_batches)
    done = query.progress()["batches_processed"]
    expected = {"open": 1, "checkpoint": done, "ack": done, "close": 1}
    if calls != expected:
        raise ConformanceError(_difference("calls of the lifecycle", expected, calls))
    if len(set(offsets)) != len(offsets) and len(batches) == len(offsets):
        raise ConformanceError(f"two batches have the same offset: {offsets[:50]}")
    report.checked.append("lifecycle")
    return offsets, batches


def _check_max_batches(
    make_source: Callable[[], CustomArrowStreamSource],
    batches: list[list[dict[str, Any]]],
    report: Report,
) -> None:
    if not batches:
        return
    first, _, calls, _ = _run(make_source, max_batches=1)
    rows = [row for batch in batches for row in batch]
    got = [row for batch in first for row in batch]
    _same_rows("a query of one batch", rows[: len(got)], got)
    if calls["close"] != 1:
        raise ConformanceError(
            f"close() came {calls['close']} times when max_batches ended a query"
        )
    report.checked.append("max_batches")


def _check_stop(make_source: Callable[[], CustomArrowStreamSource], report: Report) -> None:
    source = make_source()
    calls = {"close": 0}
    _count_calls(source, calls)
    asked = threading.Event()
    inner = source.next_batch

    def next_batch() -> Any:
        asked.set()
        return inner()

    source.next_batch = next_batch  # type: ignore[method-assign]
    with Session() as session:
        query = create_stream_from_custom_source(session, source).write_stream(MemorySink())
        query.start()
        asked.wait(_TIMEOUT_MS / 1000)
        begin = time.monotonic()
        query.stop()
        took = time.monotonic() - begin
    if took > _STOP_WITHIN_S:
        raise ConformanceError(
            f"stopping took {took:.1f} s: next_batch() must not wait longer than idle_wait_ms, and "
            "wake() ends its waiting"
        )
    if calls["close"] != 1:
        raise ConformanceError(f"close() came {calls['close']} times when the query was stopped")
    report.checked.append("stop")


def _check_restore(
    make_source: Callable[[], CustomArrowStreamSource],
    offsets: list[str],
    batches: list[list[dict[str, Any]]],
    max_batches: int,
    report: Report,
) -> None:
    rows = [row for batch in batches for row in batch]
    bounded = make_source().bounded
    checked = offsets[:20]
    with tempfile.TemporaryDirectory() as folder:
        for count, offset in enumerate(checked, start=1):
            options = {
                "checkpoint_path": str(Path(folder) / f"{count}"),
                "checkpoint_delivery_mode": "best-effort",
            }
            before, seen, _, _ = _run(make_source, max_batches=count, **options)
            if seen[-1:] != [offset] and bounded and make_source().emit_interval_ms is None:
                raise ConformanceError(
                    f"batch {count} has the offset {offset!r} once and {seen[-1:]!r} another time"
                )
            done = sum(map(len, before))
            wanted = rows[done:]
            after, _, _, _ = _run(make_source, max_batches=max_batches, **options)
            got = [row for batch in after for row in batch]
            if not bounded:
                wanted, got = wanted[: len(got)], got[: len(wanted)]
            _same_rows(f"behind the offset {seen[-1]!r}", wanted, got)
    report.checked.append(f"restore behind each of {len(checked)} offsets")


# ---- sinks

_SINK_SCHEMA = [("n", "int64"), ("text", "utf8")]


def _made_rows(sizes: Sequence[int]) -> list[dict[str, Any]]:
    return [{"n": n, "text": None if n % 5 == 3 else f"row {n} ü"} for n in range(sum(sizes))]


def _made_batches(sizes: Sequence[int]) -> Iterable[Any]:
    pyarrow = import_pyarrow("check_stream_sink()")
    schema = pyarrow.schema([("n", pyarrow.int64()), ("text", pyarrow.string())])
    rows = _made_rows(sizes)
    start = 0
    for size in sizes:
        yield pyarrow.Table.from_pylist(rows[start : start + size], schema=schema)
        start += size


def _failing() -> Iterable[Any]:
    yield from _made_rows([3])
    raise RuntimeError("a source that fails, to see the sink closed")


class _Watched:
    """A sink under test, whose close() is counted and whose checkpoint() is looked at."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        self.closes = 0
        self.on_checkpoint: Callable[[], None] = lambda: None
        close = getattr(sink, "close", None)
        checkpoint = getattr(sink, "checkpoint", None)

        def counted_close() -> None:
            self.closes += 1
            if close is not None:
                close()

        def watched_checkpoint(marker: dict[str, Any]) -> None:
            self.on_checkpoint()
            if checkpoint is not None:
                checkpoint(marker)

        sink.close = counted_close
        sink.checkpoint = watched_checkpoint

    def closed_once(self, when: str) -> None:
        if self.closes != 1:
            raise ConformanceError(f"close() came {self.closes} times after {when}")


def _write(sink: _Watched, sizes: Sequence[int], **options: Any) -> None:
    with Session() as session:
        source = CustomArrowStreamSource(_made_batches(sizes), schema=_SINK_SCHEMA)
        query = create_stream_from_custom_source(session, source).write_stream(sink.sink, **options)
        query.start().await_termination(_TIMEOUT_MS)
        _ended(query)


def _check_recorded_rows(
    make_sink: Callable[[], Any],
    read_back: Callable[[Any], Iterable[Mapping[str, Any]]],
    report: Report,
) -> None:
    sizes = [3, 1, 8]
    sink = _Watched(make_sink())
    recorded: list[int] = []

    def look() -> None:
        recorded.append(len(list(read_back(sink.sink))))

    sink.on_checkpoint = look
    with tempfile.TemporaryDirectory() as folder:
        _write(sink, sizes, checkpoint_path=str(Path(folder) / "checkpoint"))
    if recorded != [3, 4, 12]:
        raise ConformanceError(
            f"batches of 3, 1 and 8 rows were recorded when {recorded} rows were readable: flush() "
            "must give out what was written"
        )
    report.checked.append("rows are out before they are recorded")


def _same_rows(what: str, expected: Any, found: Any) -> None:
    found = [dict(row) for row in found]
    if found != expected:
        raise ConformanceError(_difference(what, expected, found))


def _difference(what: str, expected: Any, found: Any) -> str:
    if isinstance(expected, list) and isinstance(found, list):
        for place, (one, other) in enumerate(zip(expected, found)):
            if one != other:
                return f"{what}: row {place} is {other!r}, expected {one!r}"
        return f"{what}: {len(found)} rows, expected {len(expected)}"
    return f"{what}: {found!r}, expected {expected!r}"
