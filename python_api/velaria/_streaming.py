"""Streaming frames and queries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import (
    milliseconds,
    name_text,
    progress_hook,
    row_count,
    sql_text,
    stream_option_texts,
    verb_texts,
    window_arguments,
)
from ._background import Background
from ._frame import DataFrame
from ._own_calls import only_asks
from ._schema import Schema
from ._shown import Plan, Progress, ProgressEvent
from ._sinks import core_sink
from ._waiting import until


@explains_argument_types
class StreamingDataFrame:
    """A stream that was not started yet: the verbs of ``DataFrame`` over rows that keep coming.

    A session makes it (``stream_sql``, ``create_stream_from_arrow``, ``read_stream_csv_dir``,
    ``read_realtime_stream_source``); ``write_stream`` gives the query that runs it. What needs all
    rows, such as ``order_by``, is given out when the stream has ended; over a stream without an end
    it raises SqlUnsupportedError there.

    >>> import velaria
    >>> session = velaria.Session()
    >>> stream = session.create_stream_from_arrow({"k": ["a", "b", "a"], "n": [1, 2, 3]})
    >>> sink = velaria.MemorySink()
    >>> with stream.group_by("k").agg("sum(n) AS n").write_stream(sink) as query:
    ...     _ = query.await_termination()
    >>> sorted((row["k"], row["n"]) for row in sink.to_rows())
    [('a', 4), ('b', 2)]
    """

    __slots__ = ("__weakref__", "_background", "_core")

    def __init__(self, frame: core.StreamingDataFrame, background: Background) -> None:
        if not isinstance(frame, core.StreamingDataFrame):
            raise TypeError("streams are made by a Session: stream_sql(), ...")
        self._core = frame
        self._background = background

    def _next(self, frame: core.StreamingDataFrame) -> StreamingDataFrame:
        return StreamingDataFrame(frame, self._background)

    if not TYPE_CHECKING:  # a type checker shall still see what is missing

        def __getattr__(self, name):
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if hasattr(DataFrame, name):
                text += (
                    ": a stream has no rows of its own; start it into a sink, as in "
                    "write_stream(velaria.MemorySink()), and ask that"
                )
            raise AttributeError(text)

    @property
    def schema(self) -> Schema:
        """Names and types of the columns."""
        return Schema(self._core)

    @property
    def columns(self) -> list[str]:
        """The column names in order."""
        return self.schema.names

    @property
    def bounded(self) -> bool:
        """Whether the stream ends by itself."""
        return self._core.bounded()

    def select(self, *items: str) -> StreamingDataFrame:
        """The given columns or expressions: ``select("k", "n * 2 AS twice")``."""
        return self._next(self._core.select(verb_texts("select", items)))

    def filter(self, condition: str) -> StreamingDataFrame:
        """The rows for which the condition is true."""
        return self._next(self._core.filter(sql_text("filter", condition)))

    def with_column(self, name: str, expression: str) -> StreamingDataFrame:
        """One column more, or another meaning of the column of that name."""
        return self._next(
            self._core.with_column(
                name_text("with_column", name), sql_text("with_column", expression)
            )
        )

    def drop(self, *columns: str) -> StreamingDataFrame:
        """All columns but these."""
        return self._next(self._core.drop(verb_texts("drop", columns)))

    def group_by(self, *keys: str) -> GroupedStreamingDataFrame:
        """Groups for ``agg()``. After each batch the groups that it touched are written."""
        return GroupedStreamingDataFrame(self, verb_texts("group_by", keys))

    def order_by(self, *keys: str) -> StreamingDataFrame:
        """Sorted rows, given out when the stream has ended.

        A query of it over a stream without an end raises SqlUnsupportedError.
        """
        return self._next(self._core.order_by(verb_texts("order_by", keys)))

    def limit(self, rows: int, offset: int = 0) -> StreamingDataFrame:
        """The first ``rows`` rows behind ``offset``; then the query ends by itself.

        Over groups it is taken when the stream has ended.
        """
        return self._next(self._core.limit(row_count("limit", rows), row_count("limit", offset)))

    def distinct(self) -> StreamingDataFrame:
        """Each different row once."""
        return self._next(self._core.distinct())

    def window(
        self,
        time_column: str,
        window_ms: int,
        output_column: str = "window_start",
        slide_ms: int | None = None,
    ) -> StreamingDataFrame:
        """Adds the start of each time window that covers the row: one row per window.

        ``window_ms`` and ``slide_ms`` are milliseconds, ``slide_ms <= window_ms``; without it the
        windows do not overlap. A window starts at a whole multiple of ``slide_ms`` since
        1970-01-01 UTC. Raises SqlSemanticError for an unknown column, TypeMismatchError for one
        that is no timestamp, InvalidArgumentError for sizes out of range.

        >>> import velaria
        >>> from datetime import datetime
        >>> session = velaria.Session()
        >>> stream = session.create_stream_from_arrow({"ts": [datetime(2024, 1, 1, 0, 0, 7)]})
        >>> sink = velaria.MemorySink()
        >>> with stream.window("ts", 5000).write_stream(sink) as query:
        ...     _ = query.await_termination()
        >>> sink.to_rows()[0]["window_start"].second
        5
        """
        return self._next(
            self._core.window(*window_arguments(time_column, window_ms, output_column, slide_ms))
        )

    def write_stream(
        self,
        sink: Any,
        *,
        on_progress: Callable[[ProgressEvent], object] | None = None,
        **options: Any,
    ) -> StreamingQuery:
        """A query of this stream into a sink; ``start()`` it, or use it as a context manager.

        ``sink``: MemorySink, CsvFileSink, a realtime sink, an object with ``write_arrow(table)``,
        or a function that takes a ``pyarrow.Table``; the last two are called on a thread of the
        query. ``options`` and ``on_progress`` are those of ``Session.start_stream_sql``. Raises
        InvalidArgumentError for a bad option and SqlUnsupportedError for what a stream refuses.

        >>> import velaria
        >>> stream = velaria.Session().create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=2)
        >>> seen = []
        >>> query = stream.write_stream(velaria.MemorySink(), on_progress=seen.append)
        >>> query.start().await_termination()
        2
        >>> sum(batch["rows_in"] for event in seen for batch in event.batches), seen[-1]["status"]
        (3, 'stopped')
        """
        target = core_sink(self._core, sink)
        query = self._core.write_stream(
            target, stream_option_texts(options), progress_hook(on_progress)
        )
        return StreamingQuery(query, self._background)

    def explain(self, **options: Any) -> str:
        """Three sections, ``logical``, ``physical`` and ``strategy``, for these stream options."""
        return Plan(self._core.explain(stream_option_texts(options)))

    def __arrow_c_schema__(self) -> object:
        """Arrow's PyCapsule protocol: ``pyarrow.schema(stream)``."""
        return self._core.__arrow_c_schema__()

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}: {kind}" for name, kind in self.schema)
        return f"StreamingDataFrame({fields})"

    def _repr_html_(self) -> str:
        from ._html import schema_html

        return f"<b>stream</b>{schema_html(self.schema)}"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a StreamingDataFrame belongs to its session and cannot be pickled or copied"
        )


@explains_argument_types
class GroupedStreamingDataFrame:
    """The groups of a stream, which ``agg`` turns into rows."""

    __slots__ = ("_frame", "_keys")

    def __init__(self, frame: StreamingDataFrame, keys: list[str]) -> None:
        self._frame = frame
        self._keys = keys

    def agg(self, *aggregates: str) -> StreamingDataFrame:
        """The keys, then the aggregates: ``agg("count(*) AS n", "avg(delay)")``."""
        frame = self._frame
        return frame._next(frame._core.aggregate(self._keys, verb_texts("agg", aggregates)))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "the groups of a StreamingDataFrame belong to its session and cannot be pickled or "
            "copied"
        )


@explains_argument_types
class StreamingQuery:
    """A stream that runs in the background once it is started.

    Nobody has to wait for it, and dropping this object does not stop it: the session keeps it
    until it ends or the session closes. As a context manager it is started at the beginning, if it
    was not, and stopped at the end.

    >>> import velaria
    >>> session = velaria.Session()
    >>> query = session.create_stream_from_arrow({"n": [1]}).write_stream(velaria.MemorySink())
    >>> query.status
    'created'
    >>> query.start().await_termination(), query.status
    (1, 'stopped')
    """

    __slots__ = ("__weakref__", "_background", "_core")

    def __init__(self, query: core.StreamingQuery, background: Background) -> None:
        self._core = query
        self._background = background

    def start(self) -> StreamingQuery:
        """Starts the query and returns it at once.

        Raises CheckpointError for a checkpoint that is torn, foreign or in use by another running
        query, and StreamError when it was started before, or when another query that has not ended
        reads its source (that of the same frame, say) or writes to its sink.
        """
        self._background.keep(self._core)
        self._core.start()
        return self

    def await_termination(self, timeout_ms: int | None = None) -> int:
        """Waits until the query has ended, at most ``timeout_ms`` milliseconds.

        Returns the number of batches processed so far. Raises StreamError when the query failed.
        Ctrl-C ends the waiting, not the query.
        """
        if timeout_ms is not None:
            timeout_ms = milliseconds("await_termination", "timeout_ms", timeout_ms)
        return self._core.await_termination(timeout_ms)

    async def result(self) -> int:
        """Waits in a coroutine until the query has ended: the number of batches processed.

        Raises StreamError when the query failed. Cancelling the task that waits ends the waiting
        at once; the query goes on.

        >>> import asyncio, velaria
        >>> async def run():
        ...     stream = velaria.Session().create_stream_from_arrow({"n": [1, 2]})
        ...     return await stream.write_stream(velaria.MemorySink()).start().result()
        >>> asyncio.run(run())
        1
        """
        await until(self._core.ended)
        return self._core.await_termination(None)

    def stop(self, drain: bool = False) -> None:
        """Ends the query and waits for it. ``drain``: first processes what the source accepted.

        Without ``drain`` a batch in work is given up: it comes again after a restart, and so does,
        for queries with state, what was done since the last checkpoint.
        In a call of the query's own source, sink or listener it asks, and does not wait.
        """
        if only_asks():
            # The kernel does not know this thread, which the query waits for.
            threading.Thread(target=self._core.stop, args=(bool(drain),), daemon=True).start()
            return
        self._core.stop(bool(drain))

    def progress(self) -> Progress:
        """What the query reports about itself now, under the kernel's field names."""
        return Progress(self._core.progress())

    def recent_progress(self) -> list[dict[str, Any]]:
        """The newest batches that are done, at most 100, the oldest of them first.

        Each is a dict: ``batch`` (its number), ``finished_us`` (microseconds since 1970 by the wall
        clock), ``source_offset``, ``rows_in``, ``rows_out``, ``batch_latency_ms``,
        ``sink_latency_ms``, ``state_latency_ms``, ``state_size_bytes``.

        >>> import velaria
        >>> stream = velaria.Session().create_stream_from_arrow({"n": [1, 2, 3]}, batch_rows=2)
        >>> with stream.write_stream(velaria.MemorySink()) as query:
        ...     _ = query.await_termination()
        >>> [(batch["batch"], batch["rows_in"]) for batch in query.recent_progress()]
        [(1, 2), (2, 1)]
        """
        return self._core.recent_progress()

    def warnings(self) -> list[str]:
        """What there is to know beside the numbers, at most 100 texts: the files of which
        ``on_error="skip"`` left rows out, and how often ``on_progress`` and a source's ``wake``
        raised."""
        return self._core.warnings()

    def snapshot_json(self) -> str:
        """``progress()`` as one line of JSON."""
        return self._core.snapshot_json()

    @property
    def query_id(self) -> str:
        """The query's name: the option ``query_id``, or one made up."""
        return self._core.query_id()

    @property
    def status(self) -> str:
        """``created``, ``running``, ``restored``, ``backpressure``, ``stopped`` or ``failed``."""
        return self._core.status()

    @property
    def exception(self) -> core.Error | None:
        """The StreamError of a failed query, else None."""
        return self._core.exception()

    def explain(self) -> str:
        """Three sections: ``logical``, ``physical`` and ``strategy``."""
        return Plan(self._core.explain())

    def __enter__(self) -> StreamingQuery:
        if self.status == "created":
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _repr_html_(self) -> str:
        return self.progress()._repr_html_()

    def __repr__(self) -> str:
        return f"StreamingQuery({self.query_id!r}, {self.status})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a StreamingQuery belongs to its process and cannot be pickled or copied")
