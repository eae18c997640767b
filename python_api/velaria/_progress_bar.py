"""A bar for people who wait. It is shown on a terminal and in a notebook, nowhere else."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import _velaria as core

Tell = Callable[[dict[str, Any]], object]

# Nobody wants to see a bar of a query that ends at once.
_SHOW_AFTER_S = 0.5
_WIDTH = 30


@contextlib.contextmanager
def progress_teller(progress: Any) -> Iterator[Tell | None]:
    """What to call with ``BatchQuery.progress()``: the caller's function, a bar, or nothing."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        bar = _notebook_bar() or _terminal_bar()
        if bar is None:
            yield None
            return
        try:
            yield bar.tell
        finally:
            bar.close()
    elif inspect.iscoroutinefunction(progress):
        raise core.InvalidArgumentError("progress is called, not awaited; give a plain function")
    elif callable(progress):
        yield progress
    else:
        raise core.InvalidArgumentError(
            f"progress={progress!r} must be True for a bar, or a function that takes a dict"
        )


def progress_text(progress: dict[str, Any]) -> str:
    """One line: a bar where the end is known, else how far it is by numbers."""
    seconds = progress["elapsed_ms"] / 1000
    fraction = progress["fraction_done"]
    if fraction >= 0:
        full = round(fraction * _WIDTH)
        bar = f"[{'#' * full}{'.' * (_WIDTH - full)}] {100 * fraction:3.0f} %"
    else:
        bar = "scanning"
    rows = f"{progress['rows_scanned']:,} rows"
    return f"{bar}  {rows}  {seconds:.1f} s"


class TerminalBar:
    """One line on a terminal that is written anew, and wiped at the end."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._begin = time.monotonic()
        self._shown = 0

    def tell(self, progress: dict[str, Any]) -> None:
        if not self._shown and time.monotonic() - self._begin < _SHOW_AFTER_S:
            return
        columns = os.get_terminal_size(self._file.fileno()).columns or 80
        text = progress_text(progress)[: columns - 1]
        self._file.write("\r" + text.ljust(self._shown))
        self._file.flush()
        self._shown = len(text)

    def close(self) -> None:
        if self._shown:
            self._file.write("\r" + " " * self._shown + "\r")
            self._file.flush()


def _terminal_bar() -> TerminalBar | None:
    file = sys.stderr
    try:
        if file.isatty() and os.environ.get("TERM") != "dumb":
            return TerminalBar(file)
    except (AttributeError, ValueError):
        pass  # no standard error, or a closed one
    return None


class _NotebookBar:
    def __init__(self, display: Any, html: Any) -> None:
        self._display = display
        self._html = html
        self._begin = time.monotonic()
        self._handle: Any = None

    def tell(self, progress: dict[str, Any]) -> None:
        from ._html import progress_html

        if self._handle is None and time.monotonic() - self._begin < _SHOW_AFTER_S:
            return
        shown = self._html(progress_html(progress))
        if self._handle is None:
            self._handle = self._display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update(self._html(""))


def _notebook_bar() -> _NotebookBar | None:
    # Whoever runs in a notebook has imported IPython already.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown = importlib.import_module("IPython.display")
    return _NotebookBar(shown.display, shown.HTML)
