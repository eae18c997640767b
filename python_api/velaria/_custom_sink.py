"""Stream sinks that a program writes in Python."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from . import _velaria as core
from ._custom_hooks import exclusive_use_of, is_overridden
from ._optional import arrow_table, import_pyarrow
from ._own_calls import asks_only
from ._sinks import refuse_coroutine
from ._source_pump import check_emit
from ._streaming import StreamingDataFrame

if TYPE_CHECKING:
    import pyarrow

    from ._session import Session


class CustomArrowStreamSink:
    """A stream sink written in Python.

    ``write`` takes a ``pyarrow.Table``; a subclass may override ``write_arrow`` instead, and
    ``open``, ``flush``, ``checkpoint`` and ``close``.

    ``emit_rows``: ``write`` gets tables of so many rows, the last one fewer.
    ``emit_interval_ms``: ... or what has come when its first row has waited so long. With neither,
        each batch of the query is written as it comes.
    ``name``: how errors name the sink.

    Calls never overlap; those that an interval causes come from a thread of the sink. A query with
    a checkpoint file, or whose source or sink has a ``checkpoint`` or ``ack`` that hears what is
    done, writes each batch before it says so, whatever ``emit_rows`` says: such a row is out of our
    hands. What the sink raises fails the query with its text. One query writes to a sink at a time.

    >>> import velaria
    >>> got = []
    >>> sink = velaria.CustomArrowStreamSink(got.append, emit_rows=4)
    >>> session = velaria.Session()
    >>> stream = session.create_stream_from_arrow({"n": list(range(10))}, batch_rows=3)
    >>> with stream.write_stream(sink) as query:
    ...     _ = query.await_termination()
    >>> [table.num_rows for table in got]
    [4, 4, 2]
    """

    _write: Callable[[Any], Any] | None = None
    _buffer: _Buffer | None = None
    _use: core.ExclusiveUse | None = None

    name: str | None = None
    emit_rows: int | None = None
    emit_interval_ms: int | None = None

    def __init__(
        self,
        write: Callable[[pyarrow.Table], Any] | None = None,
        *,
        emit_rows: int | None = None,
        emit_interval_ms: int | None = None,
        name: str | None = None,
    ) -> None:
        self._write = write
        if emit_rows is not None:
            self.emit_rows = emit_rows
        if emit_interval_ms is not None:
            self.emit_interval_ms = emit_interval_ms
        if name is not None:
            self.name = name
        check_emit(self.emit_rows, self.emit_interval_ms)

    def write_arrow(self, table: pyarrow.Table) -> Any:
        """Takes rows, which are in order and belong to the sink."""
        if self._write is None:
            raise NotImplementedError(
                f"{type(self).__name__} writes nowhere: give write, or override write_arrow()"
            )
        return self._write(table)

    def open(self, context: dict[str, Any]) -> None:
        """A query begins; ``context`` tells its schema, query_id, checkpoint_path and so on."""

    def flush(self) -> None:
        """What was written is out of the sink's hands when this returns; after every batch."""

    def checkpoint(self, marker: dict[str, Any]) -> None:
        """Everything up to ``marker["source_offset"]`` is written and recorded."""

    def close(self) -> None:
        """The query has ended; comes once for each that was started."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} belongs to its process and cannot be pickled or copied; "
            "make another one"
        )

    def core_sink(self) -> core.StreamSink:
        """The kernel's view of this sink."""
        import_pyarrow("a sink written in Python")
        check_emit(self.emit_rows, self.emit_interval_ms)
        sink = core.PythonSink(
            self._take,
            open=self._open,
            flush=self._flush,
            checkpoint=self._checkpoint if self._hears_checkpoints() else None,
            close=self._close,
            description=f"python {self.name or type(self).__qualname__}",
        )
        sink.share_exclusive_use(exclusive_use_of(self))
        return sink

    def _hears_checkpoints(self) -> bool:
        return is_overridden(self, CustomArrowStreamSink, "checkpoint")

    def _open(self, context: dict[str, Any]) -> None:
        # A row that somebody is told is done may not wait here.
        told = context["checkpoint_path"] or context["source_hears"] or self._hears_checkpoints()
        self._buffer = _Buffer(self, keeps=not told)
        self.open(context)

    def _checkpoint(self, marker: dict[str, Any]) -> None:
        assert self._buffer is not None
        with self._buffer.alone():
            self.checkpoint(marker)

    def _take(self, rows: core.RowSet) -> None:
        assert self._buffer is not None
        self._buffer.add(arrow_table(import_pyarrow("a sink written in Python"), rows))

    def _flush(self) -> None:
        assert self._buffer is not None
        self._buffer.flush()

    def _close(self) -> None:
        buffer, self._buffer = self._buffer, None
        try:
            if buffer is not None:
                buffer.close()
        finally:
            self.close()


class _Buffer:
    """Rows on their way to a sink, until there are enough of them or they have waited enough."""

    def __init__(self, sink: CustomArrowStreamSink, keeps: bool) -> None:
        self._sink = sink
        self._keeps = keeps  # rows may wait across flushes
        self._interval_s = None if sink.emit_interval_ms is None else sink.emit_interval_ms / 1000
        self._changed = threading.Condition(threading.RLock())
        self._tables: list[pyarrow.Table] = []
        self._rows = 0
        self._first_at = 0.0
        self._error: BaseException | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def alone(self) -> threading.Condition:
        """What a call of the sink has while it runs."""
        return self._changed

    def add(self, table: pyarrow.Table) -> None:
        with self._changed:
            self._raise_earlier()
            if self._sink.emit_rows is None and self._interval_s is None:
                self._write(table)
                return
            if not self._rows:
                self._first_at = time.monotonic()
            self._tables.append(table)
            self._rows += table.num_rows
            self._emit_full()
            if self._rows and self._interval_s is not None:
                if time.monotonic() >= self._first_at + self._interval_s:
                    self._emit_rest()
                elif self._thread is None:
                    self._thread = threading.Thread(
                        target=self._emit_in_time, name="velaria-sink", daemon=True
                    )
                    self._thread.start()
                else:
                    self._changed.notify_all()

    def flush(self) -> None:
        with self._changed:
            self._raise_earlier()
            if not self._keeps:
                self._emit_rest()
            self._sink.flush()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._raise_earlier()
            if self._rows:
                self._emit_rest()
                self._sink.flush()

    def _write(self, table: pyarrow.Table) -> None:
        refuse_coroutine(self._sink.write_arrow(table))

    def _raise_earlier(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            self._tables, self._rows = [], 0
            raise error

    def _emit_full(self) -> None:
        size = self._sink.emit_rows
        if size is None or self._rows < size:
            return
        whole = self._joined()
        # Should a write fail, the query has failed, and nothing of this is written again.
        self._tables, self._rows = [], 0
        begin = 0
        while whole.num_rows - begin >= size:
            self._write(whole.slice(begin, size))
            begin += size
        self._rows = whole.num_rows - begin
        self._tables = [whole.slice(begin)] if self._rows else []
        self._first_at = time.monotonic()

    def _emit_rest(self) -> None:
        if not self._rows:
            return
        whole = self._joined()
        self._tables, self._rows = [], 0
        self._write(whole)

    def _joined(self) -> pyarrow.Table:
        return import_pyarrow("a sink written in Python").concat_tables(self._tables)

    def _emit_in_time(self) -> None:
        assert self._interval_s is not None
        with self._changed:
            while not self._closed:
                if not self._rows:
                    self._changed.wait()
                    continue
                left = self._first_at + self._interval_s - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                try:
                    with asks_only():
                        self._emit_rest()
                        self._sink.flush()
                except BaseException as error:
                    # The query hears of it with its next batch, or at its end.
                    self._error = error
                    self._changed.wait_for(lambda: self._closed or self._error is None)


def consume_arrow_batches_with_custom_sink(
    session: Session, data: Any, sink: Any, **stream_options: Any
) -> int:
    """Sends a stream, a frame or Arrow data through a sink and waits for the end.

    ``data``: a StreamingDataFrame, a DataFrame, or what ``Session.create_stream_from_arrow`` takes:
    frames, readers and iterators are pulled as fast as the sink takes them. ``sink``: a
    CustomArrowStreamSink or any other sink. ``stream_options`` are those of
    ``Session.start_stream_sql``. Returns the number of batches. Raises StreamError with the text of
    what failed, InvalidArgumentError for no sink or a bad option. Ctrl-C stops it.

    >>> import pyarrow, velaria
    >>> batches = pyarrow.table({"n": [1, 2, 3]}).to_batches(max_chunksize=2)
    >>> got = []
    >>> velaria.consume_arrow_batches_with_custom_sink(velaria.Session(), batches, got.append)
    2
    >>> [table.num_rows for table in got]
    [2, 1]
    """
    if not isinstance(data, StreamingDataFrame):
        data = session.create_stream_from_arrow(data)
    stream: StreamingDataFrame = data
    with stream.write_stream(sink, **stream_options) as query:
        return query.await_termination()
