"""Standard input as a live source: CSV lines, taken as they come."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import click

from .. import _velaria as core
from .._frame import DataFrame
from .._session import Session
from .._sources import RealtimeStreamSource

_BLOCK = 1 << 18
_QUOTE = b'"'
# What the first lines say of those behind them.
_DIALECT = ("delimiter", "quote", "escape", "comment", "null_words")


class StandardInput:
    """Reads a handle to its end on a thread, and pushes what came as batches.

    The kernel's CSV reader makes rows of the lines. Names and types are those of the first lines
    that come, header included; later lines must fit them. A batch ends at the end of a line that
    is outside of quotes.
    """

    def __init__(self, session: Session, handle: int) -> None:
        self._session = session
        self._handle = handle
        self._rest = b""
        self._ended = False
        self._settings: dict[str, Any] = {}
        self.failure: BaseException | None = None
        first = self._first_lines()
        frame = self._read_first(first)
        self._schema = list(frame.schema)
        self.source: RealtimeStreamSource = session.create_realtime_stream_source(self._schema)
        self._pending: DataFrame | None = frame
        self._thread = threading.Thread(target=self._pump, name="velaria-stdin", daemon=True)

    def start(self) -> None:
        """Begins to push; a query should read the source."""
        self._thread.start()

    def _lines(self) -> bytes:
        """What came since, up to the last end of a line; empty at the end of the input."""
        while not self._ended:
            block = os.read(self._handle, _BLOCK)
            self._ended = not block
            self._rest += block
            end = _whole_lines(self._rest) if block else len(self._rest)
            if end:
                lines, self._rest = self._rest[:end], self._rest[end:]
                return lines
        return b""

    def _first_lines(self) -> bytes:
        lines = self._lines()
        while not self._ended and lines.count(b"\n") < 2:
            lines += self._lines()
        return lines

    def _read_first(self, lines: bytes) -> DataFrame:
        if not lines:
            raise core.FileFormatError("standard input is empty; its first line names the columns")

        def read(path: str) -> DataFrame:
            found = self._session.probe(path)
            if found["kind"] != "csv":
                raise click.UsageError(f"standard input is {found['kind']}; a live source is CSV")
            self._settings = {key: found[key] for key in _DIALECT}
            return self._session.read(path).cache()

        return self._parsed(lines, read)

    def _parsed(self, lines: bytes, read: Callable[[str], DataFrame]) -> DataFrame:
        with tempfile.NamedTemporaryFile(prefix="velaria-", suffix=".csv") as file:
            file.write(lines)
            file.flush()
            return read(file.name)

    def _pump(self) -> None:
        def read(path: str) -> DataFrame:
            frame = self._session.read_csv(
                path, header=False, columns=self._schema, on_type_error="fail", **self._settings
            )
            return frame.cache()

        try:
            if self._pending is not None and self._pending.count():
                self.source.push_arrow(self._pending)
            self._pending = None
            while lines := self._lines():
                self.source.push_arrow(self._parsed(lines, read))
        except core.StreamError:
            pass  # the query has ended and says why
        except BaseException as failure:
            self.failure = failure
        finally:
            self.source.close()


def _whole_lines(text: bytes) -> int:
    """The end of the last line that is outside of quotes; 0 without one."""
    end = text.rfind(b"\n") + 1
    while end and text.count(_QUOTE, 0, end) % 2:
        end = text.rfind(b"\n", 0, end - 1) + 1
    return end
