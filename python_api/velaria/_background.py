"""The streaming queries that a session keeps running."""

from __future__ import annotations

import atexit
import threading
import weakref

from . import _velaria as core


class Background:
    """Owns started queries until they end, so that a dropped handle does not stop its query."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queries: list[core.StreamingQuery] = []
        _living.add(self)

    def keep(self, query: core.StreamingQuery) -> None:
        """Takes a share in a query that is about to start, and forgets those that ended."""
        with self._lock:
            known = [other for other in self._queries if not other.ended()]
            self._queries, ended = [*known, query], self._queries
        # Outside of the lock: the last share of a query frees its sink, which may be Python.
        del ended

    def stop(self) -> None:
        """Stops every query and waits for it."""
        with self._lock:
            queries, self._queries = self._queries, []
        for query in queries:
            query.stop(False)


_living: weakref.WeakSet[Background] = weakref.WeakSet()


def _stop_all() -> None:
    # Kernel threads must not call into an interpreter that is being taken down.
    for background in list(_living):
        background.stop()


atexit.register(_stop_all)
