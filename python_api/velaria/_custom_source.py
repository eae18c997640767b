"""Stream sources that a program writes in Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from . import _velaria as core
from ._arguments import a_kind_of
from ._custom_hooks import exclusive_use_of, is_overridden
from ._optional import import_pyarrow
from ._source_pump import SourcePump, StreamItem, check_emit, is_arrow
from ._streaming import StreamingDataFrame

if TYPE_CHECKING:
    from ._session import Session


class CustomArrowStreamSource:
    """A stream source written in Python.

    ``read`` gives the items of the stream: an iterable, or a function that returns one (a generator
    function), which is called anew for each query. An item is a row (a dict, or a sequence of all
    values), Arrow data (a table, a record batch, anything with ``__arrow_c_stream__``), a
    ``StreamItem`` of one of these with its offset, or None for "nothing now". A subclass may
    override ``read(offset)`` instead, or ``next_batch()`` for everything.

    ``schema``: a pyarrow.Schema, {name: type}, (name, type) pairs, or names of utf8 columns. May be
        left out when the first item is Arrow data, which is then pulled when the stream is made.
    ``emit_rows``: a batch is given out when it has so many rows; larger Arrow data is cut.
    ``emit_interval_ms``: ... or when its first row has waited so long. With neither, each piece of
        Arrow data is a batch, and rows are gathered up to 1024 of them or 100 ms.
    ``bounded``: whether the stream ends by itself.
    ``name``: how explain shows the source.

    Items are pulled only as the query asks for them, on a thread of the source: one that takes long
    holds up nobody who stops the query. What ``read`` raises fails the query with its text;
    rows before it may have been processed by then, or not. One query reads a source at a time.

    Restore: a ``read`` that takes an argument gets None, or the offset to go on behind. Items with
    offsets of their own are never cut, and a batch ends only behind one; the others are counted:
    the offset "3" is behind the third row.

    >>> import velaria
    >>> def ticks(offset):
    ...     for n in range(int(offset or 0), 5):
    ...         yield {"n": n}
    >>> source = velaria.CustomArrowStreamSource(ticks, schema={"n": "int64"}, emit_rows=2)
    >>> session, sink = velaria.Session(), velaria.MemorySink()
    >>> stream = velaria.create_stream_from_custom_source(session, source)
    >>> with stream.filter("n > 2").write_stream(sink) as query:
    ...     batches = query.await_termination()
    >>> batches, sink.to_rows()
    (3, [{'n': 3}, {'n': 4}])
    """

    # Of this class, so that a subclass need not call __init__.
    _read: Iterable[Any] | Callable[..., Iterable[Any]] | None = None
    _pump: SourcePump | None = None
    _offset: str | None = None
    _rows: core.RowReader | None = None
    _peeked: Iterator[Any] | None = None
    _spent = False
    _use: core.ExclusiveUse | None = None

    # A subclass may set these instead of giving them to __init__.
    schema: Any = None
    bounded: bool = True
    name: str | None = None
    emit_rows: int | None = None
    emit_interval_ms: int | None = None

    def __init__(
        self,
        read: Iterable[Any] | Callable[..., Iterable[Any]] | None = None,
        *,
        schema: Any = None,
        emit_rows: int | None = None,
        emit_interval_ms: int | None = None,
        bounded: bool | None = None,
        name: str | None = None,
    ) -> None:
        self._read = read
        if schema is not None:
            self.schema = schema
        if emit_rows is not None:
            self.emit_rows = emit_rows
        if emit_interval_ms is not None:
            self.emit_interval_ms = emit_interval_ms
        if bounded is not None:
            self.bounded = bounded
        if name is not None:
            self.name = name
        check_emit(self.emit_rows, self.emit_interval_ms)

    # ---- what a subclass may override

    def read(self, offset: str | None) -> Iterable[Any]:
        """The items of the stream behind ``offset`` (None: from the start)."""
        read = self._read
        if read is None:
            raise NotImplementedError(
                f"{type(self).__name__} has nothing to read: give read, or override read(offset) "
                "or next_batch()"
            )
        if not callable(read):
            if self._spent:
                raise RuntimeError(
                    "an iterator can be read once, and a query has read this one; give a function "
                    "that makes a new one"
                )
            self._spent = hasattr(read, "__next__")
            return read
        return read(offset) if _takes_offset(read) else read()

    @property
    def can_restore(self) -> bool:
        """Whether a query may go on behind an offset: ``read`` takes one."""
        if type(self).read is not CustomArrowStreamSource.read:
            return True
        if type(self).restore is not CustomArrowStreamSource.restore:
            return True
        return callable(self._read) and _takes_offset(self._read)

    def open(self, context: dict[str, Any]) -> None:
        """A query begins; ``context`` tells query_id, idle_wait_ms, checkpoint_path and so on."""

    def next_batch(self) -> tuple[Any, str] | bool | None:
        """The next batch: ``(data, offset)``, None at the end, False for "not now".

        ``data`` is Arrow data of the schema, or a list of it; ``offset`` is the text that
        ``restore`` gets back. It may wait for about ``idle_wait_ms`` of the context.
        """
        assert self._pump is not None
        return self._pump.next_batch()

    def checkpoint(self, marker: dict[str, Any]) -> None:
        """Everything up to ``marker["source_offset"]`` is in the sink and in the checkpoint."""

    def ack(self, offset: str) -> None:
        """The batch of this offset and all before it are done and may be forgotten."""

    def restore(self, offset: str) -> None:
        """After ``open``, before the first batch: go on behind ``offset``."""
        self._offset = offset

    def close(self) -> None:
        """The query has ended; comes once for each that was started."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} belongs to its process and cannot be pickled or copied; "
            "make another one"
        )

    def drain(self) -> bool:
        """Any thread, between ``open`` and ``close``: nothing new is wanted.

        True: ``next_batch`` gives what it has and then None; False, as a ``next_batch`` of your
        own has it unless you say more: it is just not called any more. What this raises fails the
        query.
        """
        pump = self._pump
        if pump is None or is_overridden(self, CustomArrowStreamSource, "next_batch"):
            return False
        pump.drain()
        return True

    def wake(self) -> None:
        """Any thread, between ``open`` and ``close``: a waiting ``next_batch`` should return False
        soon. What this raises is one of the query's ``warnings()``."""

    # ---- what the kernel calls

    def core_source(self) -> core.PythonSource:
        """The kernel's view of this source."""
        # Made anew, not kept: it holds this object's methods, and a cycle through it would stay.
        check_emit(self.emit_rows, self.emit_interval_ms)
        schema = self.row_reader()
        hears = {
            name: getattr(self, name)
            for name in ("checkpoint", "ack")
            if is_overridden(self, CustomArrowStreamSource, name)
        }
        source = core.PythonSource(
            schema,
            self._next,
            open=self._open,
            **hears,
            restore=self._restore if self.can_restore else None,
            close=self._close,
            wake=self._wake,
            drain=self.drain,
            bounded=bool(self.bounded),
            description=f"python {self.name or type(self).__qualname__}",
        )
        source.share_exclusive_use(exclusive_use_of(self))
        return source

    def row_reader(self) -> core.RowReader:
        """Makes rows and Arrow data into batches of the schema."""
        if self._rows is None:
            self._rows = core.RowReader(self._known_schema())
        return self._rows

    def _known_schema(self) -> Any:
        if self.schema is not None:
            return self.schema
        if type(self).next_batch is not CustomArrowStreamSource.next_batch:
            raise core.InvalidArgumentError(f"{type(self).__name__} needs a schema")
        items = _iterator(self.read(None))
        first = next(items, None)
        data = first.data if isinstance(first, StreamItem) else first
        if not is_arrow(data):
            raise core.InvalidArgumentError(
                "the source has no schema and its first item is no Arrow data; give schema="
            )
        self._peeked = _pushed_back(first, items)
        return import_pyarrow("a source without a schema").table(data).schema

    def _items(self) -> Iterator[Any]:
        offset, self._offset = self._offset, None
        peeked, self._peeked = self._peeked, None
        if peeked is not None and offset is None:
            return peeked
        return _iterator(self.read(offset))

    def _open(self, context: dict[str, Any]) -> None:
        self._offset = None
        self._pump = SourcePump(self, context["idle_wait_ms"] / 1000)
        self.open(context)

    def _restore(self, offset: str) -> None:
        self.restore(offset)
        if self._pump is not None:
            self._pump.start_behind(offset)

    def _next(self) -> tuple[Any, str] | bool | None:
        return self.next_batch()

    def _wake(self) -> None:
        pump = self._pump
        if pump is not None:
            pump.wake()
        self.wake()

    def _close(self) -> None:
        pump, self._pump = self._pump, None
        try:
            if pump is not None:
                pump.close()
        finally:
            self.close()


def _takes_offset(read: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(read).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        parameter.kind
        in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
        for parameter in parameters
    )


def _iterator(items: Any) -> Iterator[Any]:
    if hasattr(items, "__aiter__") or inspect.iscoroutine(items):
        raise TypeError(
            "a source is read without await; give a plain generator, or push the rows into a "
            "realtime source, as by await source.push_rows_async(rows)"
        )
    if not hasattr(items, "__iter__") and not hasattr(items, "__getitem__"):
        raise TypeError(
            f"a source reads from what can be iterated over, and {items!r} is not; give a list or "
            "a generator, or a function that returns one"
        )
    return iter(items)


def _pushed_back(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def create_stream_from_custom_source(
    session: Session,
    source: CustomArrowStreamSource | Iterable[Any] | Callable[..., Iterable[Any]],
    **options: Any,
) -> StreamingDataFrame:
    """The stream of a source that is written in Python.

    ``source``: a CustomArrowStreamSource, or what ``CustomArrowStreamSource(source, **options)``
    takes. Raises InvalidArgumentError for something else and for a missing schema, and what the
    source raises when its schema must be looked up.

    >>> import velaria
    >>> session, sink = velaria.Session(), velaria.MemorySink()
    >>> rows = ({"n": n} for n in range(3))
    >>> stream = velaria.create_stream_from_custom_source(session, rows, schema={"n": "int64"})
    >>> with stream.group_by().agg("sum(n) AS total").write_stream(sink) as query:
    ...     _ = query.await_termination()
    >>> sink.to_rows()[-1]
    {'total': 3}
    """
    if isinstance(source, CustomArrowStreamSource):
        if options:
            raise core.InvalidArgumentError(
                f"{', '.join(options)}: give options to the CustomArrowStreamSource itself"
            )
    elif callable(source) or hasattr(source, "__iter__"):
        source = CustomArrowStreamSource(source, **options)
    else:
        raise core.InvalidArgumentError(
            f"{a_kind_of(source)} is no source; give a CustomArrowStreamSource, an iterable "
            "or a function that returns one"
        )
    return session._stream(session._core.read_python_source(source.core_source()))
