"""Calls of a query's own sink that come from a thread which the kernel does not know."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


@contextmanager
def asks_only() -> Iterator[None]:
    """What stops a query in it asks and does not wait: the query waits for this thread."""
    _here.asks = True
    try:
        yield
    finally:
        _here.asks = False


def only_asks() -> bool:
    return getattr(_here, "asks", False)
