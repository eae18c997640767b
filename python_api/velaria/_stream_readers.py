"""The streams that a session reads from files, plugins and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import (
    CsvArguments,
    JsonArguments,
    LineArguments,
    PathLike,
    option_text,
    path_bytes,
)
from ._background import Background
from ._streaming import StreamingDataFrame


def _csv_format(delimiter: str, options: Mapping[str, Any]) -> core.StreamFileFormat:
    given = CsvArguments(delimiter, options)
    return core.StreamFileFormat.csv(
        given.texts, given.columns, dict(given.types), given.null_texts
    )


def _json_format(
    columns: Any, format: str, types: Any, options: Mapping[str, Any]
) -> core.StreamFileFormat:
    given = JsonArguments(columns, format, types, options)
    return core.StreamFileFormat.json(given.texts, given.columns, given.types)


def _line_format(mappings: Any, types: Any, options: Mapping[str, Any]) -> core.StreamFileFormat:
    given = LineArguments(mappings, types, options)
    return core.StreamFileFormat.line(given.texts, given.mappings, given.types, given.null_texts)


@explains_argument_types
class StreamReaders:
    """What ``Session`` reads streams with."""

    __slots__ = ()

    _core: core.Session
    _background: Background

    def _stream(self, frame: core.StreamingDataFrame) -> StreamingDataFrame:
        return StreamingDataFrame(frame, self._background)

    def read_stream_csv_dir(
        self,
        path: PathLike,
        delimiter: str = ",",
        *,
        follow: bool = False,
        order: str = "name",
        pattern: str = "*.csv",
        settle_ms: int = 200,
        **options: Any,
    ) -> StreamingDataFrame:
        """The CSV files of a folder as a stream, one after the other.

        It ends behind the files that are there when a query starts; with ``follow`` it goes on
        with those that come later and has no end. Options are those of ``read_csv``. All files have
        the schema of the first one, or ``columns``.

        ``order``: "name" (``part-10`` before ``part-2``), "natural" (numbers in names by their
        value: ``part-2`` before ``part-10``) or "modified" (the time of the last write). A file
        that comes with a place before one that was read is read next. ``pattern``: which names are
        read; those that begin with ``.`` or ``_`` never are. ``settle_ms``: a file is read when it
        has not changed for so long, so that one being written is not; put files in place by
        renaming them, and 0 will do. One that changes after it was read fails a query that follows;
        one that a query stopped in and that has another size now is refused by its restart. An
        empty one gives no rows, and a warning.

        Raises FileAccessError, and InvalidArgumentError for a folder without a file when there are
        no ``columns``.
        """
        given = _csv_format(delimiter, options)
        return self._read_dir(path, given, follow, order, pattern, settle_ms)

    def read_stream_json_dir(
        self,
        path: PathLike,
        columns: Any = None,
        format: str = "json_lines",
        types: Any = None,
        *,
        follow: bool = False,
        order: str = "name",
        pattern: str = "*.jsonl",
        settle_ms: int = 200,
        **options: Any,
    ) -> StreamingDataFrame:
        """The JSON files of a folder as a stream, one after the other.

        ``columns``, ``format``, ``types`` and ``options`` are those of ``read_json``; ``columns``
        need a type each. Without them the first file says which keys there are, and any other key
        is an error later. The rest is as in ``read_stream_csv_dir``.
        """
        given = _json_format(columns, format, types, options)
        return self._read_dir(path, given, follow, order, pattern, settle_ms)

    def read_stream_line_dir(
        self,
        path: PathLike,
        mappings: Any = None,
        types: Any = None,
        *,
        follow: bool = False,
        order: str = "name",
        pattern: str = "*.log",
        settle_ms: int = 200,
        **options: Any,
    ) -> StreamingDataFrame:
        """The files of lines of a folder as a stream, one after the other.

        ``mappings``, ``types`` and ``options`` are those of ``read_line_file``. The rest is as in
        ``read_stream_csv_dir``.
        """
        given = _line_format(mappings, types, options)
        return self._read_dir(path, given, follow, order, pattern, settle_ms)

    def _read_dir(
        self,
        path: PathLike,
        format: core.StreamFileFormat,
        follow: bool,
        order: str,
        pattern: str,
        settle_ms: int,
    ) -> StreamingDataFrame:
        return self._stream(
            self._core.read_stream_dir(path_bytes(path), format, follow, order, pattern, settle_ms)
        )

    def read_stream_csv_tail(
        self, path: PathLike, delimiter: str = ",", *, follow: bool = True, **options: Any
    ) -> StreamingDataFrame:
        """One growing CSV file, such as a log, as a stream without an end.

        Its rows, and then those that are put behind them, each when its line end is there; with
        ``follow=False`` it ends with what the file holds when the query starts. Options
        are those of ``read_csv``; the columns are those that the file has now, or ``columns``. A
        query can be restored behind the bytes that it has read. Raises FileAccessError, and
        InvalidArgumentError for an empty file without ``columns``; a file that is replaced or
        becomes shorter fails its query.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("app.log.csv").write_text("level,n\\nwarn,1\\n")
        >>> session = velaria.Session()
        >>> sink = session.create_realtime_stream_sink()
        >>> with session.read_stream_csv_tail("app.log.csv").write_stream(sink, idle_wait_ms=5):
        ...     print(sink.poll_rows())
        ...     with open("app.log.csv", "a") as log:
        ...         _ = log.write("error,2\\n")
        ...     print(sink.poll_rows())
        [{'level': 'warn', 'n': 1}]
        [{'level': 'error', 'n': 2}]
        """
        return self._read_tail(path, _csv_format(delimiter, options), follow)

    def read_stream_json_tail(
        self,
        path: PathLike,
        columns: Any = None,
        types: Any = None,
        *,
        follow: bool = True,
        **options: Any,
    ) -> StreamingDataFrame:
        """One growing file of JSON lines, such as a log, as a stream without an end.

        ``columns``, ``types`` and ``options`` are those of ``read_json``; ``columns`` need a type
        each. Without them the lines that are there say which keys there are, and any other key is
        an error later. The rest is as in ``read_stream_csv_tail``.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("app.jsonl").write_text('{"level": "warn", "n": 1}\\n{"level": "er')
        >>> session = velaria.Session()
        >>> sink = session.create_realtime_stream_sink()
        >>> with session.read_stream_json_tail("app.jsonl").write_stream(sink, idle_wait_ms=5):
        ...     print(sink.poll_rows())
        ...     with open("app.jsonl", "a") as log:
        ...         _ = log.write('ror", "n": 2}\\n')
        ...     print(sink.poll_rows())
        [{'level': 'warn', 'n': 1}]
        [{'level': 'error', 'n': 2}]
        """
        return self._read_tail(path, _json_format(columns, "json_lines", types, options), follow)

    def read_stream_line_tail(
        self,
        path: PathLike,
        mappings: Any = None,
        types: Any = None,
        *,
        follow: bool = True,
        **options: Any,
    ) -> StreamingDataFrame:
        """One growing file of lines, such as a log, as a stream without an end.

        ``mappings``, ``types`` and ``options`` are those of ``read_line_file``, ``mode`` and
        ``preset`` among them. The rest is as in ``read_stream_csv_tail``.
        """
        return self._read_tail(path, _line_format(mappings, types, options), follow)

    def _read_tail(
        self, path: PathLike, format: core.StreamFileFormat, follow: bool
    ) -> StreamingDataFrame:
        return self._stream(self._core.read_stream_tail(path_bytes(path), format, follow))

    def read_stream_rate(
        self,
        rows_per_second: int = 1,
        *,
        rows: int | None = None,
        batch_rows: int | None = None,
        start: datetime | str = "1970-01-01 00:00:00",
        paced: bool = True,
    ) -> StreamingDataFrame:
        """Numbered rows at a steady rate: for tests and demonstrations.

        The columns are ``sequence``, 0, 1, 2, ..., and ``ts``, a timestamp: ``start`` and then 1 s
        / ``rows_per_second`` more for each row. No value depends on the clock: the same arguments
        give the same rows and batches in every run. The clock only says when they come, or nothing
        does, with ``paced=False``. The stream ends behind ``rows`` rows. ``batch_rows`` is a tenth
        of ``rows_per_second`` unless it is given. A query can be restored behind the rows that it
        has read. Raises InvalidArgumentError.

        >>> import velaria
        >>> stream = velaria.Session().read_stream_rate(2, rows=3, start="2026-01-31", paced=False)
        >>> sink = velaria.MemorySink()
        >>> with stream.select("sequence", "CAST(ts AS VARCHAR) AS t").write_stream(sink) as query:
        ...     _ = query.await_termination()
        >>> [tuple(row.values()) for row in sink.to_rows()][1:]
        [(1, '2026-01-31 00:00:00.5'), (2, '2026-01-31 00:00:01')]
        """
        given = {
            "rows_per_second": rows_per_second,
            "rows": rows,
            "batch_rows": batch_rows,
            "start": start,
            "paced": paced,
        }
        texts = {name: option_text(value) for name, value in given.items() if value is not None}
        return self._stream(self._core.read_stream_rate(texts))

    def read_stream_plugin(self, path: PathLike, options: str = "") -> StreamingDataFrame:
        """The stream of a source in a shared library, made for ``stream/source_sink_abi.h``.

        ``options`` is a text in the library's own form. The library is code that runs in this
        process, with all of its rights, and stays loaded until it ends. Raises FileAccessError for
        a file that cannot be loaded, StreamError with the library's reason, InvalidArgumentError
        for a library without a source, and in a session with ``allowed_paths``.
        """
        return self._stream(self._core.read_stream_plugin(path_bytes(path), options))
