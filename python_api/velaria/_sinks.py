"""Where the results of streaming queries go."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from numbers import Real
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TextIO, cast

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import PathLike, a_kind_of, path_bytes, writer_option_texts
from ._optional import arrow_table, import_pyarrow
from ._waiting import until

if TYPE_CHECKING:
    import pyarrow


@explains_argument_types
class MemorySink:
    """Keeps everything that a streaming query writes: for tests and small results.

    It may be read while the query runs.

    >>> import velaria
    >>> session = velaria.Session()
    >>> frame = session.create_stream_from_arrow({"n": [1, 2, 3]})
    >>> sink = velaria.MemorySink()
    >>> with frame.select("n * 2 AS twice").write_stream(sink) as query:
    ...     _ = query.await_termination()
    >>> sink.to_rows()
    [{'twice': 2}, {'twice': 4}, {'twice': 6}]
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(self) -> None:
        self._core = core.MemorySink()

    @property
    def num_rows(self) -> int:
        """Rows written so far."""
        return self._core.num_rows()

    def to_rows(self) -> list[dict[str, Any]]:
        """All rows written so far, as dicts."""
        return self._core.collect().to_rows()

    def to_arrow(self) -> pyarrow.Table:
        """All rows written so far; without columns before a query opened the sink."""
        return arrow_table(import_pyarrow("to_arrow()"), self._core.collect())

    def batches(self) -> list[pyarrow.Table]:
        """One table for each batch that gave rows."""
        arrow = import_pyarrow("batches()")
        return [arrow_table(arrow, rows) for rows in self._core.batches()]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a MemorySink belongs to its process and cannot be pickled or copied; "
            "send its rows: sink.to_arrow()"
        )


@explains_argument_types
class CsvFileSink:
    """Writes a stream to one CSV file, which ``read_csv`` reads back.

    ``mode`` is ``"replace"`` (an existing file is emptied when the query starts, but not when it is
    restored from a checkpoint) or ``"append"``.
    Options are those of ``read_csv`` that matter for writing: ``delimiter``, ``quote``, ``header``,
    ``null_text`` (one text, written for NULL as it is). Raises InvalidArgumentError for another
    mode; options and path are checked when a session takes the sink, and FileAccessError comes from
    the query.

    >>> import pathlib, velaria
    >>> session = velaria.Session()
    >>> frame = session.create_stream_from_arrow({"n": [1, 2]})
    >>> with frame.write_stream(velaria.CsvFileSink("out.csv")) as query:
    ...     _ = query.await_termination()
    >>> pathlib.Path("out.csv").read_text()
    'n\\n1\\n2\\n'
    """

    __slots__ = ("_append", "_path", "_texts", "_use")

    def __init__(self, path: PathLike, mode: str = "replace", **options: Any) -> None:
        self._path = path_bytes(path)
        self._append = _appends(mode)
        self._texts = writer_option_texts(options)
        self._use = core.ExclusiveUse()


@explains_argument_types
class JsonFileSink:
    """Writes a stream to one file of JSON lines, an object for each row, as ``write_json`` does.

    ``mode``: as in ``CsvFileSink``. Raises InvalidArgumentError for another mode; FileAccessError
    comes from the query, and InvalidArgumentError when two of its columns have one name.

    >>> import pathlib, velaria
    >>> session = velaria.Session()
    >>> frame = session.create_stream_from_arrow({"n": [1, 2]})
    >>> with frame.write_stream(velaria.JsonFileSink("out.jsonl")) as query:
    ...     _ = query.await_termination()
    >>> pathlib.Path("out.jsonl").read_text()
    '{"n":1}\\n{"n":2}\\n'
    """

    __slots__ = ("_append", "_path", "_use")

    def __init__(self, path: PathLike, mode: str = "replace") -> None:
        self._path = path_bytes(path)
        self._append = _appends(mode)
        self._use = core.ExclusiveUse()


def _appends(mode: str) -> bool:
    if mode not in ("replace", "append"):
        raise core.InvalidArgumentError(f"mode={mode!r} must be 'replace' or 'append'")
    return mode == "append"


@explains_argument_types
class ConsoleSink:
    """Prints what a stream gives, a table for each batch: for looking at a stream.

    ``file``: a text file, which is written and flushed once a batch; None is ``sys.stdout`` as it
    is then. ``rows``: so many of a batch are printed; its last line says how many there are. What
    the file raises fails the query. Raises InvalidArgumentError for negative ``rows``.

    >>> import velaria
    >>> session = velaria.Session()
    >>> frame = session.create_stream_from_arrow({"user": ["ann", "bob", "cyd"], "n": [15, 7, 1]})
    >>> with frame.write_stream(velaria.ConsoleSink(rows=2)) as query:
    ...     _ = query.await_termination()
    batch 1
    user      n
    utf8  int64
    ----  -----
    ann      15
    bob       7
    (2 of 3 rows)
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(self, file: TextIO | None = None, *, rows: int = 20) -> None:
        def write(text: str) -> None:
            write_console(text, file)

        self._core = core.console_sink(write, rows)


def write_console(text: str, file: TextIO | None = None) -> None:
    """Writes text, by default to ``sys.stdout``; what its encoding lacks is escaped."""
    out = sys.stdout if file is None else file
    if out is None:
        raise core.FileAccessError("this process has no standard output; give a file")
    try:
        out.write(text)
    except UnicodeEncodeError as error:
        out.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
    out.flush()


@explains_argument_types
class PluginSink:
    """A sink out of a shared library; ``Session.create_plugin_sink`` makes it."""

    __slots__ = ("__weakref__", "_core")

    def __init__(self, sink: core.StreamSink) -> None:
        self._core = sink


@explains_argument_types
class RealtimeStreamSink:
    """A sink that the program polls, or iterates, while the query runs.

    ``Session.create_realtime_stream_sink`` makes it; it serves one query. When ``max_batches``
    results wait unread, the query waits. ``for table in sink`` and ``async for table in sink`` end
    with the query.

    >>> import velaria
    >>> session = velaria.Session()
    >>> sink = session.create_realtime_stream_sink()
    >>> query = session.create_stream_from_arrow({"n": [1, 2]}).write_stream(sink).start()
    >>> [table.to_pylist() for table in sink]
    [[{'n': 1}, {'n': 2}]]
    >>> sink.closed()
    True
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(self, max_batches: int = 64) -> None:
        self._core = core.RealtimeStreamSink(max_batches)

    def poll_arrow(self, timeout: float | None = None) -> pyarrow.Table | None:
        """The oldest unread result, or None.

        Waits at most ``timeout`` seconds (None: until there is a result or the query has ended).
        None on timeout, and when the query has ended and everything was polled.
        """
        arrow = import_pyarrow("poll_arrow()")
        rows = self._poll(timeout)
        return None if rows is None else arrow_table(arrow, rows)

    def poll_rows(self, timeout: float | None = None) -> list[dict[str, Any]] | None:
        """Like ``poll_arrow``, as dicts; needs no other package."""
        rows = self._poll(timeout)
        return None if rows is None else rows.to_rows()

    def closed(self) -> bool:
        """True when the query has ended and everything was polled."""
        return self._core.closed()

    def stop_reading(self) -> None:
        """Drops unread and later results, so that a waiting query goes on."""
        self._core.stop_reading()

    def _poll(self, timeout: float | None) -> core.RowSet | None:
        given: Any = timeout
        if given is not None and not (isinstance(given, Real) and 0 <= float(given) < 1e9):
            raise core.InvalidArgumentError(f"timeout={timeout!r} must be seconds from 0 on")
        return self._core.poll(None if timeout is None else round(timeout * 1000))

    def __iter__(self) -> Iterator[pyarrow.Table]:
        while True:
            table = self.poll_arrow()
            if table is None:
                return
            yield table

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a RealtimeStreamSink belongs to its process and cannot be pickled or copied"
        )

    async def __aiter__(self) -> AsyncIterator[pyarrow.Table]:
        arrow = import_pyarrow("async for")
        rows: core.RowSet | None = None

        def arrived() -> bool:
            nonlocal rows
            rows = self._poll(0)
            return rows is not None or self.closed()

        while True:
            await until(arrived)
            if rows is None:
                return
            yield arrow_table(arrow, rows)


class ArrowWriter(Protocol):
    """An object that may be a sink. Its other methods, all optional, are called when it has them:
    ``open(context: dict)``, ``flush()``, ``checkpoint(marker: dict)``, ``close()``."""

    def write_arrow(self, table: pyarrow.Table) -> Any: ...


class _MakesFileSinks(Protocol):
    def csv_file_sink(
        self, path: bytes, append: bool, options: dict[str, str]
    ) -> core.StreamSink: ...
    def json_file_sink(self, path: bytes, append: bool) -> core.StreamSink: ...


def core_sink(maker: _MakesFileSinks, sink: Any) -> core.StreamSink:
    """The kernel's sink for anything that may be one."""
    if isinstance(sink, (ConsoleSink, MemorySink, PluginSink, RealtimeStreamSink)):
        return sink._core
    if isinstance(sink, CsvFileSink):
        return _one_of(sink, maker.csv_file_sink(sink._path, sink._append, sink._texts))
    if isinstance(sink, JsonFileSink):
        return _one_of(sink, maker.json_file_sink(sink._path, sink._append))
    if hasattr(sink, "core_sink"):
        return cast("core.StreamSink", sink.core_sink())
    write = getattr(sink, "write_arrow", None)
    if write is None and callable(sink):
        return _python_sink(cast("Callable[[Any], Any]", sink), None)
    if not callable(write):
        raise core.InvalidArgumentError(
            f"{a_kind_of(sink)} is no sink; give MemorySink, CsvFileSink, JsonFileSink, "
            "ConsoleSink, a realtime sink, an object with write_arrow(table), or a function that "
            "takes a pyarrow.Table"
        )
    return _python_sink(write, sink)


def _one_of(sink: CsvFileSink | JsonFileSink, made: core.StreamSink) -> core.StreamSink:
    # However often it is made, one query writes to the file at a time.
    made.share_exclusive_use(sink._use)
    return made


def refuse_coroutine(given: object) -> None:
    """Raises TypeError for what an ``async def`` gives: nobody would await it, and the rows that it
    took would be lost."""
    if isinstance(given, CoroutineType):
        given.close()
        raise TypeError(
            "the sink's function is a coroutine function, and a sink is called, not awaited; give "
            "a plain function, or read a realtime sink with 'async for'"
        )


def _python_sink(write: Callable[[Any], Any], owner: Any) -> core.StreamSink:
    arrow = import_pyarrow("a sink written in Python")

    def write_rows(rows: core.RowSet) -> None:
        refuse_coroutine(write(arrow_table(arrow, rows)))

    name = getattr(write if owner is None else type(owner), "__qualname__", "callable")
    return core.PythonSink(
        write_rows,
        open=getattr(owner, "open", None),
        flush=getattr(owner, "flush", None),
        checkpoint=getattr(owner, "checkpoint", None),
        close=getattr(owner, "close", None),
        description=f"python {name}",
    )
