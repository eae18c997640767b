"""Live input for streams."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import a_kind_of, row_count
from ._optional import import_pyarrow
from ._schema import Schema
from ._waiting import until


def _several(rows: Any) -> Any:
    if isinstance(rows, Iterable):
        return rows
    raise core.InvalidArgumentError(
        f"{a_kind_of(rows)} is no list of rows; give dicts or sequences"
    )


@explains_argument_types
class RealtimeStreamSource:
    """A stream that the program pushes into while a query reads it.

    ``Session.create_realtime_stream_source`` makes it; it serves one query. Pushes may come from
    any thread. As a context manager it closes itself.

    >>> import velaria
    >>> session = velaria.Session()
    >>> source = session.create_realtime_stream_source({"key": "utf8", "n": "int64"})
    >>> sink = velaria.MemorySink()
    >>> frame = session.read_realtime_stream_source(source)
    >>> with frame.filter("n > 1").write_stream(sink) as query:
    ...     source.push_rows([{"key": "a", "n": 1}, {"key": "b", "n": 2}])
    ...     source.close()
    ...     batches = query.await_termination()
    >>> batches, sink.to_rows()
    (1, [{'key': 'b', 'n': 2}])
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(
        self,
        schema: Any,
        *,
        max_batches: int = 64,
        max_rows: int = 1 << 20,
        on_full: str = "block",
    ) -> None:
        self._core = core.RealtimeStreamSource(
            schema, max_batches=max_batches, max_rows=max_rows, policy=on_full
        )

    @property
    def schema(self) -> Schema:
        """Names and types of what may be pushed."""
        return Schema(self._core)

    def push_arrow(self, data: Any) -> None:
        """Pushes Arrow data as one batch of the stream.

        Columns are found by name and must have the source's types. Waits for room when the source
        was made with ``on_full="block"``. Raises InvalidArgumentError, TypeMismatchError,
        StreamError when the source is closed or its query has ended, and ResourceError when it is
        full and was made to fail.
        """
        self._core.push_arrow(as_arrow(data))

    def push_rows(self, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Pushes rows as one batch of the stream; needs no other package.

        A row is a dict (a missing key is NULL) or a sequence of all values. Values go in exactly
        or raise TypeMismatchError: dates and times are Python's, ISO texts, or for timestamps
        integers in the column's unit since 1970-01-01 UTC. Raises otherwise like ``push_arrow``.
        """
        self._core.push_rows(_several(rows))

    async def push_arrow_async(self, data: Any) -> None:
        """``push_arrow`` for coroutines: waits for room without holding up the event loop.

        Raises like ``push_arrow``, also when the source is closed or its query ends in between. A
        push whose task is cancelled while it waits has pushed nothing. Batches of one task keep
        their order; among tasks that wait there is none.

        >>> import asyncio, velaria
        >>> async def run():
        ...     source = velaria.Session().create_realtime_stream_source({"n": "int64"})
        ...     await source.push_rows_async([{"n": 1}, {"n": 2}])
        ...     return source.queued_batches
        >>> asyncio.run(run())
        1
        """
        await self._push(self._core.batch_from_arrow(as_arrow(data)))

    async def push_rows_async(self, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """``push_rows`` for coroutines; see ``push_arrow_async``."""
        await self._push(self._core.batch_from_rows(_several(rows)))

    async def _push(self, batch: core.RowSet) -> None:
        await until(lambda: self._core.try_push(batch))

    def close(self) -> None:
        """No more pushes: what was pushed is still read, then the query ends."""
        self._core.close()

    @property
    def closed(self) -> bool:
        """Whether ``close()`` was called."""
        return self._core.closed()

    @property
    def queued_batches(self) -> int:
        """Batches that no query has taken yet."""
        return self._core.queued_batches()

    @property
    def dropped_batches(self) -> int:
        """Batches that ``on_full="drop-oldest"`` threw away."""
        return self._core.dropped_batches()

    def __enter__(self) -> RealtimeStreamSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"RealtimeStreamSource({self.schema!r}, {state})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a realtime source belongs to its process and cannot be pickled or copied")


def is_pulled(data: Any) -> bool:
    """Whether the data is read once only, from front to back, as far as its reader wants it.

    What has a length lies in memory. An Arrow stream without one may be a producer that makes its
    rows as they are taken, and may have no end.
    """
    if hasattr(data, "__next__") or type(data).__name__ == "PyCapsule":
        return True
    producers = ("__arrow_c_stream__", "scanner", "to_reader")
    return not hasattr(data, "__len__") and any(hasattr(data, name) for name in producers)


def as_arrow(data: Any) -> Any:
    """An object of Arrow's PyCapsule protocol: the data itself, or what pyarrow makes of it.

    Dicts are tables by column; lists and iterators are record batches of the same columns.
    """
    kind = type(data)
    if kind.__name__ == "RecordBatchReader" and kind.__module__.startswith("pyarrow."):
        return _chained(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return data
    if isinstance(data, Mapping):
        pyarrow = import_pyarrow("a table made of a dict")
        return _by_pyarrow(pyarrow, lambda: pyarrow.table(_columns(pyarrow, data)))
    if isinstance(data, tuple) and [type(part).__name__ for part in data] == ["PyCapsule"] * 2:
        return _ArrayCapsules(data)
    if isinstance(data, (list, tuple)) or hasattr(data, "__next__"):
        return _chained(data)
    if hasattr(data, "scanner"):  # a data set of pyarrow
        data = data.scanner()
    if hasattr(data, "to_reader"):
        return data.to_reader()
    if callable(getattr(data, "collect", None)):
        raise core.InvalidArgumentError(
            f"{a_kind_of(data)} has no rows yet; give what its collect() gives"
        )
    return data


class _ArrayCapsules:
    """The two capsules of a record batch, as the object that gave them."""

    def __init__(self, capsules: tuple[Any, ...]) -> None:
        self._capsules = capsules

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, ...]:
        return self._capsules


def _columns(pyarrow: Any, data: Mapping[Any, Any]) -> dict[Any, Any]:
    """The columns of a dict; a matrix of NumPy is a column of vectors."""
    return {
        name: _vectors(pyarrow, values) if getattr(values, "ndim", 1) == 2 else values
        for name, values in data.items()
    }


def _vectors(pyarrow: Any, matrix: Any) -> Any:
    return pyarrow.FixedSizeListArray.from_arrays(
        pyarrow.array(matrix.reshape(-1)), matrix.shape[1]
    )


class _Part:
    """One of several items that together are a stream."""

    def __init__(self, pyarrow: Any, item: Any) -> None:
        self.schema, self.batches = _schema_and_batches(pyarrow, item)


class _Chained:
    """The batches of several items, or of a reader, as one stream.

    Arrow hands an error of ours on as a text only, so the misfit is kept beside.
    """

    misfit: core.TypeMismatchError | None = None

    def __init__(
        self, pyarrow: Any, parts: Iterator[_Part], first: _Part, of_a_reader: bool = False
    ) -> None:
        self._of_a_reader = of_a_reader
        # A later batch may have NULLs where the first says that there are none.
        self._schema = pyarrow.schema([field.with_nullable(True) for field in first.schema])
        self._parts = itertools.chain([first], parts)
        self._pyarrow = pyarrow

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        reader = self._pyarrow.RecordBatchReader.from_batches(self._schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[Any]:
        try:
            for number, part in enumerate(self._parts, start=1):
                _order(self._schema, part.schema, _item(number))  # it may have no batch
                for place, batch in enumerate(part.batches, start=1):
                    # pyarrow compares nothing here, and would read one type's bits as another's.
                    named = _batch(place) if self._of_a_reader else _item(number)
                    order = _order(self._schema, batch.schema, named)
                    yield batch if order is None else batch.select(order)
        except core.TypeMismatchError as error:
            self.misfit = error
            raise


def _item(number: int) -> tuple[str, str]:
    """What is compared, and with what."""
    return f"item {number} of the data", "the first item"


def _batch(number: int) -> tuple[str, str]:
    return f"batch {number} of the reader", "its schema"


def _order(wanted: Any, given: Any, compared: tuple[str, str]) -> list[int] | None:
    """Where the columns of an item are that the first item has; None is in their places."""
    item, first = compared
    order = None
    if given.names != wanted.names:
        names = set(wanted.names)
        if sorted(given.names) != sorted(wanted.names) or len(names) < len(wanted.names):
            raise core.TypeMismatchError(
                f"{item} has the columns {_listed(given.names)}, and {first} has "
                f"{_listed(wanted.names)}; give them the same columns"
            )
        order = [given.get_field_index(name) for name in wanted.names]
    for place, field in enumerate(wanted):
        kind = given.field(place if order is None else order[place]).type
        if not kind.equals(field.type):
            raise core.TypeMismatchError(
                f"column {field.name!r} is {kind} in {item}, and {field.type} in {first}; give "
                "them one type, as by pyarrow's cast()"
            )
    return order


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _chained(items: Iterable[Any]) -> _Chained:
    pyarrow = import_pyarrow("a stream of record batches")
    if isinstance(items, pyarrow.RecordBatchReader):
        return _Chained(pyarrow, iter(()), _Part(pyarrow, items), of_a_reader=True)
    if isinstance(items, (list, tuple)):
        # What lies in memory is compared now: a misfit is told before a row is read.
        items = [item if is_pulled(item) else _Part(pyarrow, item) for item in items]
    parts = (item if isinstance(item, _Part) else _Part(pyarrow, item) for item in items)
    first = next(parts, None)
    if first is None:
        raise core.InvalidArgumentError(
            "there is no record batch, so the columns are unknown; give a pyarrow.Table or a "
            "pyarrow.RecordBatchReader, which have a schema"
        )
    if isinstance(items, list):
        for number, item in enumerate(items, start=1):
            if isinstance(item, _Part):
                _order(first.schema, item.schema, _item(number))
    return _Chained(pyarrow, parts, first)


def _schema_and_batches(pyarrow: Any, item: Any) -> tuple[Any, Iterable[Any]]:
    if isinstance(item, pyarrow.RecordBatch):
        return item.schema, [item]
    if isinstance(item, pyarrow.RecordBatchReader):
        return item.schema, item  # its batches keep the types that they really have
    if hasattr(item, "__arrow_c_stream__"):
        reader = pyarrow.RecordBatchReader.from_stream(item)
        return reader.schema, reader
    if hasattr(item, "__arrow_c_array__"):
        batch = pyarrow.record_batch(item)
        return batch.schema, [batch]
    advice = "; rows are made into one by pyarrow.Table.from_pylist(rows)"
    raise core.InvalidArgumentError(
        f"{a_kind_of(item)} is no record batch; give record batches or tables"
        f"{advice if isinstance(item, dict) else ''}"
    )


def cut(data: Any, batch_rows: int) -> Any:
    """The same data in batches of at most ``batch_rows`` rows."""
    batch_rows = row_count("create_stream_from_arrow", batch_rows)
    if batch_rows < 1:
        raise core.InvalidArgumentError(f"batch_rows={batch_rows} must be at least 1")
    pyarrow = import_pyarrow("batch_rows")
    if not is_pulled(data):
        table = _by_pyarrow(pyarrow, lambda: pyarrow.table(data))
        return table.to_reader(max_chunksize=batch_rows)
    reader = pyarrow.RecordBatchReader.from_stream(data)
    pieces = (
        batch.slice(begin, batch_rows)
        for batch in reader
        for begin in range(0, batch.num_rows, batch_rows)
    )
    return pyarrow.RecordBatchReader.from_batches(reader.schema, pieces)


def _by_pyarrow(pyarrow: Any, make: Any) -> Any:
    try:
        return make()
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, TypeError) as error:
        raise core.TypeMismatchError(f"pyarrow cannot make a table of it: {error}") from error
