"""Batch queries that run in the background: watched, awaited, cancelled."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Union

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import milliseconds
from ._shown import Progress

if TYPE_CHECKING:
    from ._frame import DataFrame
    from ._progress_bar import Tell

ProgressOption = Union[bool, Callable[[dict[str, Any]], object], None]
"""Who is told how far a batch query is: a function that takes the dict, or True for a bar."""

_TELL_EVERY_S = 0.1


@explains_argument_types
class BatchQuery:
    """A run of a frame in the background; ``DataFrame.start`` makes it.

    It works at once, on the threads of its session. ``await query.result()`` and ``query.wait()``
    give its rows as a frame that has them in memory. As a context manager it is cancelled at the
    end, if it still runs. Any thread may call it.

    >>> import velaria
    >>> session = velaria.Session()
    >>> query = session.sql("SELECT sum(n) AS s FROM range(0, 1000) r(n)").start()
    >>> query.wait().to_rows()
    [{'s': 499500}]
    >>> query.status, query.progress()["rows_scanned"]
    ('finished', 1000)

    In a coroutine:

    >>> import asyncio
    >>> async def total():
    ...     query = session.sql("SELECT count(*) AS c FROM range(0, 10) r(n)").start()
    ...     return (await query.result()).to_rows()
    >>> asyncio.run(total())
    [{'c': 10}]
    """

    __slots__ = ("__weakref__", "_done", "_failure", "_frame", "_lock", "_monitor", "_result",
                 "_thread", "_waiting")  # fmt: skip

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame
        self._monitor = core.QueryMonitor()
        self._result: DataFrame | None = None
        self._failure: BaseException | None = None
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="velaria-query", daemon=True)
        _living.add(self)
        self._thread.start()

    def _run(self) -> None:
        try:
            rows = self._frame._core.collect(self._monitor)
            self._result = type(self._frame)(self._frame._core.with_rows(rows))
        except BaseException as failure:
            self._failure = failure
        with self._lock:
            self._done.set()
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    @property
    def status(self) -> str:
        """``created``, ``running``, ``finished``, ``failed`` or ``cancelled``."""
        return str(self._monitor.progress()["status"])

    def progress(self) -> Progress:
        """How far the query is, under the kernel's field names.

        Keys: status, elapsed_ms, rows_scanned (given out by tables and files so far), rows_to_scan
        (-1 where a file does not know its rows), fraction_done (0 to 1, by rows scanned; -1: not
        known), rows_out, last_error.
        """
        return Progress(self._monitor.progress())

    def snapshot_json(self) -> str:
        """``progress()`` as one line of JSON."""
        return self._monitor.snapshot_json()

    def cancel(self) -> None:
        """Asks the query to end soon. Waiting for it then raises CancelledError."""
        self._monitor.cancel()

    def done(self) -> bool:
        """Whether the query has ended, in whatever way."""
        return self._done.is_set()

    def wait(self, timeout_ms: int | None = None, progress: ProgressOption = None) -> DataFrame:
        """The rows, as a frame in memory; waits for them.

        ``progress``: a function that is called about ten times a second with ``progress()``, on
        this thread, and once at the end; True shows a bar on a terminal or in a notebook. Raises
        what the query raises, CancelledError after ``cancel()``, and TimeoutError after
        ``timeout_ms`` milliseconds, which leaves the query running. Ctrl-C, and an error of
        ``progress``, cancel it.
        """
        from ._progress_bar import progress_teller

        deadline = None if timeout_ms is None else _Deadline(timeout_ms)
        with progress_teller(progress) as tell:
            try:
                ended = self._watch(tell, deadline)
            except BaseException:  # also a TimeoutError, which is then one of `progress`
                self.cancel()
                self._thread.join()
                raise
            if not ended:
                raise TimeoutError(f"the query still runs after {timeout_ms} ms")
        return self._outcome()

    def _watch(self, tell: Tell | None, deadline: _Deadline | None) -> bool:
        """Tells how far the query is until it has ended; False when the deadline came first."""
        while not self._done.wait(_slice(tell is not None, deadline)):
            if tell is not None:
                tell(self.progress())
            if deadline is not None and deadline.left_s() <= 0:
                return False
        if tell is not None:
            tell(self.progress())
        return True

    async def result(self) -> DataFrame:
        """The rows, as a frame in memory. Cancelling the task that waits cancels the query."""
        import asyncio

        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            # A loop that is closed by now has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ended.set)

        with self._lock:
            if self._done.is_set():
                ended.set()
            else:
                self._waiting.append(wake)
        try:
            await ended.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._outcome()

    def _outcome(self) -> DataFrame:
        if self._failure is not None:
            raise self._failure
        assert self._result is not None
        return self._result

    def __enter__(self) -> BatchQuery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()
        self._thread.join()

    def __repr__(self) -> str:
        return f"BatchQuery({self.status})"

    def _repr_html_(self) -> str:
        return self.progress()._repr_html_()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BatchQuery belongs to its process and cannot be pickled or copied")


class _Deadline:
    def __init__(self, timeout_ms: int) -> None:
        import time

        timeout_ms = milliseconds("wait", "timeout_ms", timeout_ms)
        if timeout_ms < 0:
            raise core.InvalidArgumentError(f"timeout_ms={timeout_ms} must be 0 or more")
        self._now = time.monotonic
        self._end = self._now() + timeout_ms / 1000

    def left_s(self) -> float:
        return self._end - self._now()


def _slice(telling: bool, deadline: _Deadline | None) -> float | None:
    """How long to wait before looking again; None: until the query has ended."""
    left = None if deadline is None else max(0.0, deadline.left_s())
    if not telling:
        return left
    return _TELL_EVERY_S if left is None else min(left, _TELL_EVERY_S)


_living: weakref.WeakSet[BatchQuery] = weakref.WeakSet()


def _cancel_all() -> None:
    # Threads must not come back into an interpreter that is being taken down.
    for query in list(_living):
        query.cancel()
    for query in list(_living):
        query._thread.join()


atexit.register(_cancel_all)
