"""The thread that pulls the items of a source written in Python, and makes batches of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _velaria as core
from ._sources import as_arrow

if TYPE_CHECKING:
    from ._custom_source import CustomArrowStreamSource

# When rows are given one by one and nothing is said: large batches, but no row waits for long.
_DEFAULT_EMIT_ROWS = 1024
_DEFAULT_EMIT_INTERVAL_MS = 100
# How long close() waits for a reader that is in the middle of something.
_CLOSE_WAIT_S = 1.0


class StreamItem(NamedTuple):
    """What ``read`` yields when it knows its own offsets: data, and the offset behind it.

    ``data`` is a row, or Arrow data; ``offset`` is the text that ``read`` gets back when a query
    goes on behind this item.

    >>> StreamItem({"n": 1}, "line 17")
    StreamItem(data={'n': 1}, offset='line 17')
    """

    data: Any
    offset: str


def check_emit(emit_rows: int | None, emit_interval_ms: int | None) -> None:
    """Raises InvalidArgumentError for rules of emitting that cannot be."""
    for name, value in (("emit_rows", emit_rows), ("emit_interval_ms", emit_interval_ms)):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value < 1
        ):
            raise core.InvalidArgumentError(f"{name}={value!r} must be a whole number from 1 on")


def is_arrow(data: Any) -> bool:
    """Whether it is Arrow data, and no row."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


class SourcePump:
    """Pulls the items of a source on a thread of its own, one when it is wanted, and makes batches.

    ``next_batch`` comes from one thread of the query, ``wake``, ``drain`` and ``close`` from any.
    """

    def __init__(self, source: CustomArrowStreamSource, idle_wait_s: float) -> None:
        self._source = source
        self._idle_wait_s = idle_wait_s
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._woken = False
        self._draining = False
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        self._own_offsets: bool | None = None  # of the items, as the first one has it
        self._pieces: deque[_Piece] = deque()
        self._rows = 0
        self._first_at = 0.0
        self._given_rows = 0

    def start_behind(self, offset: str) -> None:
        # Rows without offsets of their own are counted on from here.
        self._given_rows = int(offset) if offset.isdecimal() else 0

    # ---- the query's side

    def next_batch(self) -> tuple[Any, str] | bool | None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="velaria-source", daemon=True
                )
                self._thread.start()
            self._wanted = True
            self._changed.notify_all()
            until = time.monotonic() + self._idle_wait_s
            while True:
                now = time.monotonic()
                count = self._ready_pieces(now)
                if count:
                    return self._take(count)
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                if self._ended or self._draining:
                    return None  # a reader that hangs is not waited for
                if self._woken or now >= until:
                    self._woken = False
                    return False
                self._changed.wait(self._wait_s(now, until))

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def drain(self) -> None:
        with self._changed:
            self._draining = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._pieces.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_WAIT_S)

    # ---- batches

    def _emit_rows(self) -> int | None:
        source = self._source
        if source.emit_rows is not None:
            return source.emit_rows
        if source.emit_interval_ms is None and self._pieces and self._pieces[0].is_row:
            return _DEFAULT_EMIT_ROWS
        return None

    def _emit_interval_s(self) -> float | None:
        source = self._source
        if source.emit_interval_ms is not None:
            return source.emit_interval_ms / 1000
        if source.emit_rows is None and self._pieces and self._pieces[0].is_row:
            return _DEFAULT_EMIT_INTERVAL_MS / 1000
        return None

    def _wait_s(self, now: float, until: float) -> float:
        interval = self._emit_interval_s()
        if interval is not None and self._pieces:
            until = min(until, max(self._first_at + interval, now + 0.001))
        return until - now

    def _ready_pieces(self, now: float) -> int:
        """How many pieces make a batch now; 0: none yet."""
        if not self._pieces:
            return 0
        emit_rows, interval = self._emit_rows(), self._emit_interval_s()
        if self._rows >= (emit_rows or (1 if interval is None else 1 << 62)):
            return self._count_up_to(emit_rows)
        over = self._ended or self._draining or self._error is not None
        if over or (interval is not None and now >= self._first_at + interval):
            return self._count_up_to(None, partly=over)
        return 0

    def _count_up_to(self, emit_rows: int | None, partly: bool = False) -> int:
        single = emit_rows is None and self._emit_interval_s() is None and not partly
        rows = count = 0
        for piece in self._pieces:
            rows += piece.rows
            count += 1
            if single or (emit_rows is not None and rows >= emit_rows):
                break
        return count

    def _take(self, count: int) -> tuple[Any, str]:
        emit_rows = self._emit_rows()
        taken: list[_Piece] = []
        rows = 0
        for _ in range(count):
            piece = self._pieces.popleft()
            room = None if emit_rows is None else emit_rows - rows
            if room is not None and piece.rows > room and not piece.own_offsets:
                self._pieces.appendleft(piece.rest(room))
                piece = piece.head(room)
            taken.append(piece)
            rows += piece.rows
        self._rows -= rows
        self._first_at = time.monotonic()
        self._wanted = False
        self._given_rows += rows
        offset = taken[-1].offset
        if offset is None:
            offset = str(self._given_rows)
        reader = self._source.row_reader()
        data: list[Any] = []
        run: list[Any] = []
        for piece in taken:
            if piece.is_row:
                run.append(piece.data)
                continue
            if run:
                data.append(reader.from_rows(run))
                run = []
            data.append(piece.data)
        if run:
            data.append(reader.from_rows(run))
        return data, offset

    # ---- the reader's side

    def _run(self) -> None:
        items: Iterator[Any] | None = None
        try:
            items = self._source._items()
            while self._wait_until_wanted():
                item = next(items, _END)
                if item is _END:
                    break
                if item is None:
                    self._pause()
                else:
                    self._add(item)
        except BaseException as error:
            with self._changed:
                self._error = error
        finally:
            try:
                # A generator's own clean-up, on the thread that ran it.
                close = getattr(items, "close", None)
                if close is not None:
                    close()
            except BaseException as error:
                with self._changed:
                    self._error = self._error or error
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _wait_until_wanted(self) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._draining or (self._wanted and not self._full())
            )
            return not self._closed and not self._draining

    def _full(self) -> bool:
        """Whether what is gathered makes a batch, so that nothing more need be pulled."""
        return self._ready_pieces(time.monotonic()) > 0

    def _pause(self) -> None:
        # "Nothing now": the query hears of it, and the source is asked again when it asks.
        with self._changed:
            self._wanted = False
            self._woken = self._woken or not self._pieces
            self._changed.notify_all()

    def _add(self, item: Any) -> None:
        offset: str | None = None
        own = False
        if isinstance(item, StreamItem):
            item, offset = item
            own = True
            if not isinstance(offset, str):
                raise TypeError(f"the offset of a StreamItem is {offset!r}; it must be a str")
        if is_arrow(item):
            rows = self._source.row_reader().from_arrow(as_arrow(item))
            piece = _Piece(rows, rows.num_rows, offset, own, False)
        else:
            piece = _Piece(item, 1, offset, own, True)
        if piece.rows == 0 and not own:
            return
        with self._changed:
            # What comes once the query drains was not accepted before it.
            if self._closed or self._draining:
                return
            if not self._pieces:
                self._first_at = time.monotonic()
            if self._own_offsets is None:
                self._own_offsets = own
            elif self._own_offsets != own:
                raise ValueError("either all items of a source have offsets of their own, or none")
            self._pieces.append(piece)
            self._rows += piece.rows
            if self._full():
                self._wanted = False
                self._changed.notify_all()
            elif len(self._pieces) == 1:
                self._changed.notify_all()


class _Piece(NamedTuple):
    data: Any  # a row, or a RowSet
    rows: int
    offset: str | None
    own_offsets: bool
    is_row: bool

    def head(self, rows: int) -> _Piece:
        return self._replace(data=self.data.slice(0, rows), rows=rows)

    def rest(self, rows: int) -> _Piece:
        left = self.rows - rows
        return self._replace(data=self.data.slice(rows, left), rows=left)


_END = object()
