"""Standard input as a live source: CSV lines, taken as they come."""

from __future__ import annotations

import codecs
import os
import re
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
# What the first lines say of those behind them.
_DIALECT = ("delimiter", "quote", "escape", "comment", "null_words")
# UTF-32 first: its mark begins like that of UTF-16.
_WIDE_MARKS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


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
        # Until the first lines say more.
        self._quoted: re.Pattern[bytes] | None = _quoted_fields('"', r"[,;\t|]", "")
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
            end = _whole_lines(self._rest, self._quoted) if block else len(self._rest)
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
        for name, marks in _WIDE_MARKS.items():
            if lines.startswith(marks):
                message = (
                    f"standard input is {name}, as its byte order mark says, in which a line end "
                    f"is no single byte; make it UTF-8, as with: iconv -f {name} -t UTF-8"
                )
                raise core.FileFormatError(message)

        def read(path: str) -> DataFrame:
            found = self._session.probe(path)
            if found["kind"] != "csv":
                raise click.UsageError(f"standard input is {found['kind']}; a live source is CSV")
            self._settings = {key: found[key] for key in _DIALECT}
            # Only what was guessed is said again: a byte order mark is in the first lines alone.
            if "encoding_confidence" in found:
                self._settings["encoding"] = found["encoding"]
            quote, escape = self._settings["quote"], self._settings["escape"]
            delimiter = re.escape(self._settings["delimiter"])
            self._quoted = _quoted_fields(quote, delimiter, escape) if quote else None
            return self._session.read(path).cache()

        return self._parsed(lines, read)

    def _parsed(self, lines: bytes, read: Callable[[str], DataFrame]) -> DataFrame:
        with tempfile.NamedTemporaryFile(prefix="velaria-", suffix=".csv") as file:
            file.write(lines)
            file.flush()
            return read(file.name)

    def _pump(self) -> None:
        def read(path: str) -> DataFrame:
            return self._session._read_further_csv(path, self._schema, **self._settings).cache()

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


def _quoted_fields(quote: str, delimiter: str, escape: str) -> re.Pattern[bytes]:
    """What finds a field in quotes with the byte before it; its group `end` if the field ends.

    A quote within a field that does not begin with one, as in `5" pipe`, quotes nothing.
    """
    q = re.escape(quote)
    e = re.escape(escape)
    inner = f"[^{q}]" if not escape or escape == quote else f"(?:[^{q}{e}]|{e}.)"
    pattern = rf"(?:\A|[\r\n]|{delimiter}){q}{inner}*(?:{q}{q}{inner}*)*(?P<end>{q})?"
    return re.compile(pattern.encode(), re.DOTALL)


def _whole_lines(text: bytes, quoted: re.Pattern[bytes] | None) -> int:
    """The end of the last line that is outside of quotes; 0 without one."""
    end = 0
    behind = 0  # the last field in quotes
    for field in quoted.finditer(text) if quoted else ():
        end = text.rfind(b"\n", behind, field.start() + 1) + 1 or end
        if field["end"] is None:
            return end
        behind = field.end()
    return text.rfind(b"\n", behind) + 1 or end
