"""The front door."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, NoReturn

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import (
    CsvArguments,
    JsonArguments,
    LineArguments,
    PathLike,
    Paths,
    a_kind_of,
    column_names,
    file_option_texts,
    memory_bytes,
    name_text,
    path_bytes,
    paths_bytes,
    progress_hook,
    query_numbers,
    sql_text,
    stream_option_texts,
    type_of,
    with_article,
)
from ._background import Background
from ._formats import write_format
from ._frame import DataFrame
from ._functions import create_function
from ._parameters import typed_parameters
from ._schema import Field
from ._shown import Plan, ProbeResult, ProgressEvent
from ._sinks import PluginSink, RealtimeStreamSink, core_sink, write_console
from ._sources import RealtimeStreamSource, as_arrow, cut, is_pulled
from ._stream_readers import StreamReaders
from ._streaming import StreamingDataFrame, StreamingQuery


@explains_argument_types
class Session(StreamReaders):
    """Tables, files, queries, streams and vectors of one program.

    Sessions are independent of each other; every method may be called from any thread, and runs
    without Python's lock. A session stays usable after an error. As a context manager it closes
    itself.

    ``threads``: how many work, at most 1024; None is one per core that the process may use.
    ``memory_limit``: bytes, or a text such as ``"2GB"`` or ``"512MiB"``; None is no limit.
    ``temp_dir``: where ORDER BY, GROUP BY and JOIN put what does not fit into ``memory_limit``;
        None is the system's place. What must be in memory whole, such as a result, and does not
        fit is a ``ResourceError``.
    ``allowed_paths``: when given, files outside of these folders or files cannot be opened.

    >>> import velaria
    >>> with velaria.Session(threads=2, memory_limit="1GB") as session:
    ...     session.sql("SELECT 6 * 7 AS answer").to_rows()
    [{'answer': 42}]
    """

    __slots__ = ("__weakref__", "_background", "_core")

    def __init__(
        self,
        *,
        threads: int | None = None,
        memory_limit: int | str | None = None,
        temp_dir: PathLike | None = None,
        allowed_paths: Iterable[PathLike] | None = None,
        _chunk_rows: int = 2048,
    ) -> None:
        most = core.MOST_THREADS
        is_number = hasattr(threads, "__index__") and not isinstance(threads, bool)
        if threads is not None and not (is_number and 1 <= threads <= most):
            raise core.InvalidArgumentError(f"threads={threads!r} must be 1 to {most}, or None")
        if isinstance(allowed_paths, (str, bytes, os.PathLike)):
            raise core.InvalidArgumentError("allowed_paths is a list of paths, not one path")
        if allowed_paths is not None and not isinstance(allowed_paths, Iterable):
            raise core.InvalidArgumentError(
                f"allowed_paths={allowed_paths!r} is no list of paths; give one, or None for all"
            )
        self._core = core.Session(
            threads=threads or 0,
            memory_limit_bytes=memory_bytes(memory_limit),
            temp_dir=b"" if temp_dir is None else path_bytes(temp_dir),
            allowed_paths=None if allowed_paths is None else [path_bytes(p) for p in allowed_paths],
            chunk_rows=_chunk_rows,
            format_writer=write_format,
            console_writer=write_console,
        )
        self._background = Background()

    def close(self) -> None:
        """Stops the streaming queries, waits for them and forgets the tables.

        Frames of the session fail afterwards; closing again does nothing.
        """
        self._background.stop()
        self._core.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Session belongs to its process and cannot be pickled or copied")

    # ---- files

    def probe(self, path: Paths, *, encoding: str | None = None) -> dict[str, Any]:
        """What a file is, by evidence: format, settings and schema, with the reasons.

        Keys: kind, final_format, score, confidence, schema, suggested_table_name, candidates,
        warnings, and the settings that ``read`` would use. The same file gives the same answer.
        ``path`` may stand for several files, as in ``read_csv``; the first one is judged, and the
        schema is that of all. ``encoding`` is guessed where nobody says it, with
        ``encoding_confidence`` beside it.
        Raises FileAccessError and FileFormatError.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("probe_me.csv").write_text("name,n\\na,1\\nb,2\\n")
        >>> found = velaria.Session().probe("probe_me.csv")
        >>> found["final_format"], found["schema"][1]
        ('csv', Field(name='n', type='int64'))
        """
        result = ProbeResult(self._core.probe(paths_bytes(path), encoding or ""))
        for key in ("schema", "columns"):
            if key in result:
                result[key] = [Field(*pair) for pair in result[key]]
        return result

    def read(self, path: Paths, **options: Any) -> DataFrame:
        """Probes a file and reads it with the settings that were found.

        ``options`` are those of the reader of the probed kind (``read_csv``, ``read_json``,
        ``read_line_file``), and go over what was found. Raises FileAccessError, FileFormatError,
        and InvalidArgumentError for an unknown option.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("read_me.tsv").write_text("name\\tn\\na\\t1\\n")
        >>> velaria.Session().read("read_me.tsv").to_rows()
        [{'name': 'a', 'n': 1}]
        """
        return DataFrame(self._core.read(paths_bytes(path), file_option_texts(options)))

    def read_csv(self, path: Paths, delimiter: str = ",", **options: Any) -> DataFrame:
        """One or many CSV files as a frame.

        ``path``: a path, a pattern (``"data/*.csv"``, ``**`` for folders of any depth), a directory
        with files of one kind, ``"-"`` for standard input, or a list of those; the rows come in the
        order of the files. gzip and zstd are found by content.

        ``delimiter``: one or more bytes. Options: ``header`` (bool), ``quote`` (one character, ""
        for none), ``escape`` (a character that escapes quotes inside quotes, beside doubled ones),
        ``comment`` (lines that begin with it are no rows), ``skip_lines`` (before the header),
        ``encoding`` (such as "gb18030" or "cp1252"; UTF-8, or what a byte order mark says),
        ``columns`` (the whole schema by position: {name: type}, (name, type) pairs or a
        pyarrow.Schema), ``types`` (some columns: {name: type}), ``null_text`` (a word or a list of
        words that mean NULL beside the empty field), ``null_words`` (the same in columns that are
        not text), ``ragged`` ("error" or "pad"), ``on_error`` ("error", or "skip" to leave out rows
        with a defect or with a value that does not fit its type: see ``warnings`` and ``rejects``
        of the frame), ``on_type_error`` ("widen" or "fail"), ``filename`` (True, or a name, for a
        last column with each row's file),
        ``union_by_name`` (columns of several files go by name), ``sample_bytes``, ``range_bytes``,
        ``max_row_bytes``, ``max_decompressed_bytes``. Types are names such as "int64", pyarrow
        types, or Python's classes; "vector(3)" reads ``[1 2 3]`` and ``[1,2,3]``.

        Raises FileAccessError, FileFormatError with path and line, TypeMismatchError for a value
        that does not fit a type you named, InvalidArgumentError for an unknown option.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("zips.csv").write_text("zip,n\\n02134,5\\n,NA\\n")
        >>> velaria.Session().read_csv("zips.csv", null_text="NA", types={"n": int}).to_rows()
        [{'zip': '02134', 'n': 5}, {'zip': None, 'n': None}]
        """
        given = CsvArguments(delimiter, options)
        return DataFrame(
            self._core.read_csv(
                paths_bytes(path), given.texts, given.columns, dict(given.types), given.null_texts
            )
        )

    def _read_further_csv(self, path: PathLike, columns: Any, **options: Any) -> DataFrame:
        """Rows that came behind those of another file, whose types were found in them."""
        given = CsvArguments(",", {**options, "columns": columns})
        return DataFrame(
            self._core.read_further_csv(
                paths_bytes(path), given.texts, given.columns, given.null_texts
            )
        )

    def read_json(
        self,
        path: Paths,
        columns: Any = None,
        format: str = "json_lines",
        types: Any = None,
        **options: Any,
    ) -> DataFrame:
        """One or many JSON files as a frame: each object is a row, each key a column.

        ``path``: as in ``read_csv``; a key that one of several files lacks is NULL in its rows.

        ``columns``: which keys are read, in this order: names, {name: type}, (name, type) pairs or
        a pyarrow.Schema; None is every key, in the order in which they appear. ``format``:
        "json_lines" (objects behind each other, mostly one on each line) or "json_array" (one
        array of objects). ``types``: {column: type} for some columns; the others are inferred from
        every value of the file. Options: ``multiline`` (True: objects may span lines; found out
        when it is not said), ``on_error`` ("error", or "skip" to leave out lines that are no
        objects, or have a value that does not fit its type: see ``warnings`` and ``rejects`` of the
        frame), ``filename``, ``encoding``, ``max_columns``, ``range_bytes``, ``max_row_bytes``,
        ``max_decompressed_bytes``.

        A missing key and null are NULL. Nested objects and arrays are their JSON text; an array of
        numbers is a vector when its type is ``"fixed_size_list<float32>[n]"``. Integers keep every
        digit: beyond int64 they are text.

        Raises FileAccessError, FileFormatError with line, column and byte, TypeMismatchError for a
        value that does not fit a type you named, InvalidArgumentError for an unknown option.

        >>> import pathlib, velaria
        >>> rows = '{"id": 1, "tags": ["a"]}\\n{"id": 2, "x": 0.5}\\n'
        >>> _ = pathlib.Path("e.jsonl").write_text(rows)
        >>> velaria.Session().read_json("e.jsonl").to_rows()
        [{'id': 1, 'tags': '["a"]', 'x': None}, {'id': 2, 'tags': None, 'x': 0.5}]
        """
        given = JsonArguments(columns, format, types, options)
        return DataFrame(
            self._core.read_json(paths_bytes(path), given.texts, given.columns, given.types)
        )

    def read_line_file(
        self,
        path: Paths,
        mappings: Any = None,
        mode: str = "split",
        split_delimiter: str = ",",
        regex_pattern: str = "",
        skip_empty_lines: bool = True,
        types: Any = None,
        **options: Any,
    ) -> DataFrame:
        """One or many files of lines as a frame: each line is a row.

        ``path``: as in ``read_csv``.
        ``mode`` "split": fields between ``split_delimiter``s (one or more bytes; "whitespace": runs
        of spaces and tabs). ``mode`` "regex": the groups of ``regex_pattern`` (RE2's syntax) in the
        first match of each line. ``mappings``: {column: place}: the number of a field, from 0, or
        the number or name of a group, 0 being the whole match; without it there is a column for
        each field of the first line, or for each group. ``skip_empty_lines``: False makes them rows
        of NULLs. ``types``: {column: type} for some columns; the others are inferred from every
        value.

        Options: ``preset`` (the format of a log instead of a pattern: "apache_common",
        "apache_combined", "apache_error", "nginx_error", "syslog", "syslog_rfc5424", "stamped"),
        ``null_text`` (a word or a list of words that mean NULL beside the empty text), ``ragged``
        ("error", or "pad": missing fields are NULL), ``on_error`` ("error", or "skip" to leave
        out lines that do not match, or have a value that does not fit its type: see ``warnings``
        and ``rejects`` of the frame), ``filename``, ``union_by_name``, ``encoding``,
        ``range_bytes``, ``max_row_bytes``, ``max_decompressed_bytes``.

        Raises FileAccessError, FileFormatError with the line that does not fit, TypeMismatchError
        for a value that does not fit a type you named, InvalidArgumentError for an unknown option,
        SqlSemanticError for a wrong pattern.

        >>> import pathlib, velaria
        >>> _ = pathlib.Path("app.log").write_text("INFO up in 12 ms\\nWARN slow in 900 ms\\n")
        >>> session = velaria.Session()
        >>> pattern = r"^(?P<level>\\w+) .* in (?P<ms>\\d+) ms$"
        >>> session.read_line_file("app.log", mode="regex", regex_pattern=pattern).to_rows()
        [{'level': 'INFO', 'ms': 12}, {'level': 'WARN', 'ms': 900}]
        >>> session.read_line_file("app.log", {"level": 0, "ms": 3}, split_delimiter=" ").to_rows()
        [{'level': 'INFO', 'ms': 12}, {'level': 'WARN', 'ms': 900}]
        """
        given = LineArguments(
            mappings,
            types,
            {
                "mode": mode,
                "split_delimiter": split_delimiter,
                "regex_pattern": regex_pattern,
                "skip_empty_lines": skip_empty_lines,
                **options,
            },
        )
        return DataFrame(
            self._core.read_line_file(
                paths_bytes(path), given.texts, given.mappings, given.types, given.null_texts
            )
        )

    def read_excel(self, path: PathLike, **options: Any) -> DataFrame:
        """A worksheet of an .xlsx or .xlsm file; see ``velaria.read_excel``."""
        from ._excel import read_excel

        return read_excel(self, path, **options)

    # ---- SQL

    def sql(self, query: str, parameters: Any = None) -> DataFrame:
        """Runs a statement. A query gives a frame that runs when its rows are asked for; other
        statements run at once and give a frame that tells what they did: ``rows`` written, or a
        ``result``.

        ``parameters``: a list or tuple for ``?`` or ``$1``, a mapping for ``$name``. Values are
        None, bool, int, float, Decimal, str, bytes, date, time, datetime, timedelta,
        ``velaria.Interval``, lists of floats (vectors) and NumPy scalars; they never become SQL
        text.

        Raises SqlSyntaxError and the other SQL errors, with the position and a caret, and
        CatalogError for an unknown table.

        >>> import velaria
        >>> session = velaria.Session()
        >>> session.create_temp_view("t", session.create_dataframe_from_arrow({"n": [3, 4]}))
        >>> session.sql("SELECT sum(n) AS total FROM t").to_rows()
        [{'total': 7}]
        >>> session.sql("SELECT n FROM t WHERE n > $least", {"least": 3}).to_rows()
        [{'n': 4}]
        """
        return DataFrame(self._core.sql(sql_text("sql", query), *typed_parameters(parameters)))

    def explain_sql(self, query: str, analyze: bool = False) -> str:
        """The plans of a query: logical, optimized and physical. Runs nothing.

        With ``analyze`` the query runs, and the text tells where the time went.
        """
        return Plan(self._core.explain(sql_text("explain_sql", query), bool(analyze)))

    def split_statements(self, script: str) -> list[str]:
        r"""The statements of a script, which ``sql`` takes one by one.

        A ``;`` in a text, a quoted name or a comment separates nothing. Raises SqlSyntaxError for a
        text or comment that does not end.

        >>> import velaria
        >>> velaria.Session().split_statements("SELECT ';' AS a; -- nothing;\nSELECT 2")
        ["SELECT ';' AS a", 'SELECT 2']
        """
        return core.split_statements(sql_text("split_statements", script))

    def create_temp_view(self, name: str, frame: DataFrame | StreamingDataFrame) -> None:
        """Gives a frame or a stream a name for SQL, in place of what had the name before."""
        if not isinstance(frame, (DataFrame, StreamingDataFrame)):
            raise core.InvalidArgumentError(
                f"create_temp_view() takes a DataFrame or StreamingDataFrame of Velaria, not "
                f"{with_article(type_of(frame))}; make one with create_dataframe_from_arrow()"
            )
        self._core.create_temp_view(name_text("create_temp_view", name), frame._core)

    def table(self, name: str) -> DataFrame:
        """The table or view of a name; raises CatalogError with a suggestion."""
        return DataFrame(self._core.table(name_text("table", name)))

    def tables(self) -> list[str]:
        """The names of all tables, views, sources and sinks."""
        return self._core.tables()

    def create_function(
        self,
        name: str,
        function: Callable[..., Any],
        argument_types: Iterable[Any],
        return_type: Any,
    ) -> None:
        """Gives SQL and frame verbs of this session a scalar function written in Python.

        ``function`` takes one ``pyarrow.Array`` for each argument, all of one length, with their
        NULLs, and gives an array (or a list, or one of NumPy, pandas or polars) of that length and
        of ``return_type``. It is called once a batch of rows, from any thread with Python's lock
        held, and must be pure: the same arguments, the same result. Types are names such as
        "int64", pyarrow types, or Python's classes. A name ignores case; a function of the same
        name is replaced, and queries made before keep the old one.

        Raises InvalidArgumentError for the name of a built-in function. What the function raises
        fails the query with the function's name in an InvalidArgumentError.

        >>> import pyarrow.compute as pc, velaria
        >>> session = velaria.Session()
        >>> session.create_function("shout", lambda s: pc.utf8_upper(s), ["utf8"], "utf8")
        >>> session.sql("SELECT shout('hey') AS s").to_rows()
        [{'s': 'HEY'}]
        """
        create_function(self._core, name, function, argument_types, return_type)

    def drop_function(self, name: str) -> None:
        """Forgets a function of ``create_function``; raises CatalogError when there is none."""
        core.drop_function(self._core, name)

    # ---- Arrow

    def create_dataframe_from_arrow(self, data: Any) -> DataFrame:
        """Arrow data as a frame; its buffers are read where they lie.

        ``data``: a pyarrow Table, RecordBatch, RecordBatchReader or data set, anything with
        ``__arrow_c_stream__`` or ``__arrow_c_array__`` (polars, pandas, DuckDB, Velaria) or its
        capsules, a list of those, or a dict of columns, in which a matrix of NumPy is a column of
        vectors. A reader is read to its end now. The items of a list or iterator have the columns
        of the first one, in any order. Raises TypeMismatchError naming a column whose type Velaria
        does not have, or that an item has not or with another type, and InvalidArgumentError for
        other objects.

        >>> import pyarrow, velaria
        >>> frame = velaria.Session().create_dataframe_from_arrow(pyarrow.table({"n": [1, None]}))
        >>> frame.to_rows()
        [{'n': 1}, {'n': None}]
        """
        arrow = as_arrow(data)
        try:
            return DataFrame(self._core.create_dataframe_from_arrow(arrow))
        except core.StreamError as error:
            misfit = getattr(arrow, "misfit", None)
            if misfit is not None:
                raise misfit from None
            # A producer in Python can hand on no more of a Ctrl-C than its name.
            if "Python exception" in str(error) and "KeyboardInterrupt" in str(error):
                raise KeyboardInterrupt from error
            raise

    def create_stream_from_arrow(
        self, data: Any, *, batch_rows: int | None = None
    ) -> StreamingDataFrame:
        """Arrow data as a bounded stream, each record batch a batch of the stream.

        ``data`` is that of ``create_dataframe_from_arrow``. What has a length (tables, batches,
        lists) is held and may be read by several queries, one after the other. Everything else
        (readers, iterators, frames, any other ``__arrow_c_stream__``) is pulled as fast as its one
        query asks, and may have no end. ``batch_rows`` cuts larger batches. Raises like
        ``create_dataframe_from_arrow``; what an iterator gives late fails the query.

        Its offset in a checkpoint is "BATCHES@ROWS": a restart skips so many batches, and with
        other rows in them, as after another ``batch_rows``, the query fails with a CheckpointError.
        """
        lazily = is_pulled(data)
        arrow = as_arrow(data)
        if batch_rows is not None:
            arrow = cut(arrow, batch_rows)
        return self._stream(self._core.create_stream_from_arrow(arrow, lazily))

    # ---- streams

    def create_realtime_stream_source(
        self,
        schema: Any,
        *,
        max_batches: int = 64,
        max_rows: int = 1 << 20,
        on_full: str = "block",
    ) -> RealtimeStreamSource:
        """A source to push into.

        ``schema``: a pyarrow.Schema, {name: type}, (name, type) pairs, or a list of names, whose
        columns are utf8. ``max_batches`` and ``max_rows`` may wait; a push into a full source
        waits (``on_full="block"``), raises ResourceError (``"fail"``) or throws the oldest batches
        away (``"drop-oldest"``).
        """
        return RealtimeStreamSource(
            schema, max_batches=max_batches, max_rows=max_rows, on_full=on_full
        )

    def read_realtime_stream_source(self, source: RealtimeStreamSource) -> StreamingDataFrame:
        """The stream of what is pushed into a source."""
        if not isinstance(source, RealtimeStreamSource):
            raise core.InvalidArgumentError(
                f"{a_kind_of(source)} is no realtime source; make one with "
                "create_realtime_stream_source()"
            )
        return self._stream(self._core.read_realtime_stream_source(source._core))

    def create_realtime_stream_sink(self, *, max_batches: int = 64) -> RealtimeStreamSink:
        """A sink to poll or iterate; the query waits when ``max_batches`` results are unread."""
        return RealtimeStreamSink(max_batches)

    def create_plugin_sink(self, path: PathLike, options: str = "") -> PluginSink:
        """A sink out of a shared library; as ``read_stream_plugin``."""
        return PluginSink(self._core.plugin_sink(path_bytes(path), options))

    def register_stream_sink(self, name: str, sink: Any) -> None:
        """Gives a sink a name for INSERT INTO in stream SQL.

        ``sink``: MemorySink, CsvFileSink, a realtime sink, an object with ``write_arrow(table)``,
        or a function that takes a ``pyarrow.Table``.
        """
        self._core.register_stream_sink(name, core_sink(self._core, sink))

    def stream_sql(self, query: str) -> StreamingDataFrame:
        """A SELECT over streams, as a frame that is started by ``write_stream``."""
        return self._stream(self._core.stream_sql(sql_text("stream_sql", query)))

    def explain_stream_sql(self, query: str, **stream_options: Any) -> str:
        """The sections ``logical``, ``physical`` and ``strategy`` of a SELECT or INSERT."""
        return Plan(
            self._core.explain_stream_sql(
                sql_text("explain_stream_sql", query), stream_option_texts(stream_options)
            )
        )

    def start_stream_sql(
        self,
        query: str,
        *,
        on_progress: Callable[[ProgressEvent], object] | None = None,
        **stream_options: Any,
    ) -> StreamingQuery:
        """Starts ``INSERT INTO sink SELECT ...``; the query is running when this returns.

        Options: trigger_interval_ms (0), checkpoint_path ("": none; a file of one running query),
        checkpoint_interval_ms (0: each batch), checkpoint_async (True: written while the next
        batches run; so with an interval), checkpoint_delivery_mode ("at-least-once" or
        "best-effort"), execution_mode ("single-process" or "local-workers"), local_workers (1),
        worker_choice ("measured": workers run the query only where they are faster; "always"),
        max_inflight_batches (16), max_inflight_partitions, backpressure_high_watermark and
        _low_watermark (batches), max_batches (the query stops by itself after that many),
        max_retained_windows, window_retention_ms, shared_memory_transport (True),
        shared_memory_min_payload_bytes (65536), idle_wait_ms (100), query_id.

        ``on_progress(event)`` is called on a thread of the query's own, one call at a time, with a
        ``ProgressEvent`` when batches are done and once at the end with the last ``status``; what
        is done during a call comes together in the next one. The query does not wait for it, but
        ``await_termination`` and ``stop`` wait for its last call. What it raises is counted in
        ``query.warnings()`` and changes nothing else.

        Raises the SQL errors, InvalidArgumentError for a bad option, and CheckpointError for a
        checkpoint that cannot be used.

        >>> import velaria
        >>> session = velaria.Session()
        >>> session.create_temp_view("events", session.create_stream_from_arrow({"n": [1, 2, 3]}))
        >>> sink = velaria.MemorySink()
        >>> session.register_stream_sink("out", sink)
        >>> query = session.start_stream_sql("INSERT INTO out SELECT n FROM events WHERE n > 1")
        >>> query.await_termination(), sink.to_rows()
        (1, [{'n': 2}, {'n': 3}])
        """
        started = self._core.start_stream_sql(
            sql_text("start_stream_sql", query),
            stream_option_texts(stream_options),
            progress_hook(on_progress),
        )
        self._background.keep(started)
        return StreamingQuery(started, self._background)

    # ---- vectors

    def vector_search(
        self,
        table: str,
        vector_column: str,
        query_vector: Any,
        top_k: int = 10,
        metric: str = "cosine",
        *,
        where: str | None = None,
        score_threshold: float | None = None,
        columns: Sequence[str] | None = None,
    ) -> DataFrame:
        """The ``top_k`` rows whose vectors are nearest: row_id int64 and score float64, best first.

        ``vector_column`` holds fixed_size_list<float32>, or texts such as "[1 2 3]".
        ``query_vector``: a list, NumPy array or pyarrow array of that dimension; or a matrix with a
        query in each row, for which the table is read once and the result has query_id int64 before
        the others, the answers of the first query first.

        ``metric``: "cosine" (1 - cosine similarity) and "l2" (Euclidean distance) give the smallest
        scores, "dot" the largest. NULL and NaN vectors are left out; equal scores are in row order.
        ``where``: a condition of SQL over the table's columns. Only rows for which it is true take
        part, so that min(top_k, such rows) come back; row_id still counts all rows.
        ``score_threshold``: rows that score worse are left out (for "dot" those below it).
        ``columns``: columns of the table behind the score, fetched for the rows found only.

        Raises CatalogError, SqlSemanticError, TypeMismatchError and InvalidArgumentError, which
        names both dimensions when they differ.

        >>> import velaria
        >>> session = velaria.Session()
        >>> points = {"v": ["[0 0]", "[3 4]", "[1 1]"], "name": ["a", "b", "c"]}
        >>> session.create_temp_view("points", session.create_dataframe_from_arrow(points))
        >>> session.vector_search("points", "v", [0, 0], top_k=2, metric="l2").to_rows()[0]
        {'row_id': 0, 'score': 0.0}
        >>> session.vector_search(
        ...     "points", "v", [0, 0], 1, "l2", where="name <> 'a'", columns=["name"]
        ... ).to_rows()
        [{'row_id': 2, 'score': 1.4142135623730951, 'name': 'c'}]
        >>> session.vector_search("points", "v", [[0, 0], [3, 3]], 1, "l2").to_rows()
        [{'query_id': 0, 'row_id': 0, 'score': 0.0}, {'query_id': 1, 'row_id': 1, 'score': 1.0}]
        """
        return DataFrame(
            self._core.vector_search(
                table,
                vector_column,
                query_numbers(query_vector),
                top_k,
                metric,
                where or "",
                score_threshold,
                column_names(columns),
            )
        )

    def explain_vector_search(
        self,
        table: str,
        vector_column: str,
        query_vector: Any,
        top_k: int = 10,
        metric: str = "cosine",
        *,
        where: str | None = None,
        score_threshold: float | None = None,
        columns: Sequence[str] | None = None,
    ) -> str:
        """How ``vector_search`` with the same arguments works, as ``key=value`` lines.

        ``candidate_rows`` are those that are compared with the query: a ``where`` is run for it.
        """
        return Plan(
            self._core.explain_vector_search(
                table,
                vector_column,
                query_numbers(query_vector),
                top_k,
                metric,
                where or "",
                score_threshold,
                column_names(columns),
            )
        )
