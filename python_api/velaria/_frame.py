"""Batch frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from . import _velaria as core
from ._argument_types import explains_argument_types
from ._arguments import (
    PathLike,
    name_text,
    path_bytes,
    row_count,
    sql_text,
    text_pairs,
    type_of,
    verb_texts,
    window_arguments,
    with_article,
    writer_option_texts,
)
from ._batch_query import BatchQuery, ProgressOption
from ._optional import (
    arrow_table,
    floats_lose_digits,
    import_numpy,
    import_pandas,
    import_polars,
    import_pyarrow,
)
from ._schema import Schema
from ._shown import Plan

if TYPE_CHECKING:
    import numpy
    import pandas
    import polars
    import pyarrow

_HTML_ROWS = 20
# What other libraries call the verbs, for those who come from there.
_OTHER_NAMES = {
    "agg": "group_by().agg(...)",
    "assign": "with_column(name, expression)",
    "collect": "to_arrow()",
    "df": "to_pandas()",
    "fetchall": "to_rows()",
    "groupby": "group_by(...)",
    "head": "limit(rows)",
    "merge": "join(other, on)",
    "query": "filter(condition)",
    "sort": "order_by(...)",
    "sort_values": "order_by(...)",
    "to_csv": "write_csv(path)",
    "to_dicts": "to_rows()",
    "to_parquet": "write_parquet(path)",
    "where": "filter(condition)",
}


@explains_argument_types
class DataFrame:
    """A batch query that runs when its rows are asked for.

    Frames are small, immutable and thread-safe; a session makes them (``sql``, ``read``,
    ``create_dataframe_from_arrow``) and every verb gives a new one. Verbs take SQL expressions as
    texts, and fail at once with the errors of the same SQL. A frame runs anew each time its rows
    are asked for. It has no length: ``count()`` runs a query.

    >>> import velaria
    >>> session = velaria.Session()
    >>> frame = session.create_dataframe_from_arrow({"city": ["A", "B", "A"], "n": [1, 2, 3]})
    >>> frame.filter("n > 1").group_by("city").agg("sum(n) AS n").order_by("city").to_rows()
    [{'city': 'A', 'n': 3}, {'city': 'B', 'n': 2}]
    """

    __slots__ = ("__weakref__", "_core")

    def __init__(self, frame: core.DataFrame) -> None:
        if not isinstance(frame, core.DataFrame):
            raise TypeError("frames are made by a Session: sql(), read(), ...")
        self._core = frame

    if not TYPE_CHECKING:  # a type checker shall still see what is missing

        def __getattr__(self, name):
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in _OTHER_NAMES:
                text += f"; it is {_OTHER_NAMES[name]}"
            elif not name.startswith("_") and name in self.columns:
                text += f"; a column is taken by select({name!r})"
            raise AttributeError(text)

    @property
    def schema(self) -> Schema:
        """Names and types of the columns; runs nothing."""
        return Schema(self._core)

    @property
    def columns(self) -> list[str]:
        """The column names in order; runs nothing."""
        return self.schema.names

    @property
    def warnings(self) -> list[str]:
        """What the readers of the frame's files have to say: columns renamed, rows left out.

        The frame of a statement that wrote rows (CREATE TABLE AS, INSERT, COPY) and that of
        ``vector_search`` say what the readers of their tables have to say.
        """
        return self._core.warnings()

    def rejects(self) -> DataFrame:
        """The rows that ``on_error="skip"`` left out: file, line, byte, column, value, reason.

        Raises InvalidArgumentError when nothing was read so.
        """
        return DataFrame(self._core.rejects())

    def write_csv(self, path: PathLike, **options: Any) -> int:
        """Writes the rows as CSV that ``read_csv`` reads back equal; gives their number.

        Read with the same types named, that is: without them, digits in a text column are numbers.
        The file is replaced as a whole when all is written, or stays as it was. Options: ``header``
        (True), ``delimiter``, ``quote``, ``null_text`` (one text, written for NULL as it is),
        ``compression`` ("none", "gzip", "zstd"; by default what the path's ``.gz`` or ``.zst``
        says). A path that ends in .tsv or .tab has tabs. Raises what the query raises,
        FileAccessError and InvalidArgumentError.

        >>> import velaria
        >>> session = velaria.Session()
        >>> session.sql("SELECT 1 AS n, 'a,b' AS t").write_csv("written.csv")
        1
        >>> session.read_csv("written.csv").to_rows()
        [{'n': 1, 't': 'a,b'}]
        """
        return self._write("csv", path, options)

    def write_json(self, path: PathLike, **options: Any) -> int:
        """Writes the rows as JSON lines, one object each; gives their number.

        Every column is a key of every object, NULL is null. Integers and decimals keep every digit;
        dates, times and timestamps are strings of ISO 8601; vectors are arrays; nan and infinities
        are the strings "nan", "inf" and "-inf"; binary is a string of hexadecimal digits behind
        ``\\x``. Option: ``compression``. Raises like ``write_csv``, and InvalidArgumentError for
        two columns of one name.

        >>> import pathlib, velaria
        >>> session = velaria.Session()
        >>> session.sql("SELECT 9007199254740993 AS n, NULL AS x").write_json("n.jsonl")
        1
        >>> print(pathlib.Path("n.jsonl").read_text().strip())
        {"n":9007199254740993,"x":null}
        """
        return self._write("json", path, options)

    def write_arrow(self, path: PathLike, **options: Any) -> int:
        """Writes the rows as an Arrow IPC file, through pyarrow; gives their number.

        Option: ``compression`` ("lz4" or "zstd"). Raises like ``write_csv``, and ImportError when
        pyarrow is not installed.
        """
        return self._write("arrow", path, options)

    def write_parquet(self, path: PathLike, **options: Any) -> int:
        """Writes the rows as a Parquet file, through pyarrow; gives their number.

        Options: ``compression`` ("zstd"), ``compression_level``, ``row_group_size`` (rows). Raises
        like ``write_csv``, and ImportError when pyarrow is not installed.
        """
        return self._write("parquet", path, options)

    def _write(self, format: str, path: PathLike, options: Mapping[str, Any]) -> int:
        texts = writer_option_texts(options)
        if "format" in texts:
            message = (
                f"write_{format} takes no option 'format'; write_csv, write_json, write_arrow and "
                "write_parquet each write their own, and COPY takes any"
            )
            raise core.InvalidArgumentError(message)
        return self._core.write(path_bytes(path), {"format": format, **texts})

    def count(self) -> int:
        """The number of rows. Runs the query."""
        return self._core.count()

    def start(self) -> BatchQuery:
        """Runs the query in the background: ``await query.result()``, watch it, cancel it.

        >>> import velaria
        >>> with velaria.Session().sql("SELECT 1 AS x").start() as query:
        ...     query.wait(timeout_ms=60_000).to_rows()
        [{'x': 1}]
        """
        return BatchQuery(self)

    def cache(self, progress: ProgressOption = None) -> DataFrame:
        """Runs the query and gives its rows as a frame that has them in memory.

        ``progress``: True shows a bar while it runs, on a terminal or in a notebook and nowhere
        else; a function is called about ten times a second with the dict of
        ``BatchQuery.progress``, on this thread, and an error of it cancels the query.

        >>> import velaria
        >>> seen = []
        >>> frame = velaria.Session().sql("SELECT n FROM range(0, 5) r(n)").cache(seen.append)
        >>> frame.count(), seen[-1]["status"], seen[-1]["rows_out"]
        (5, 'finished', 5)
        """
        if progress is None or progress is False:
            return DataFrame(self._core.with_rows(self._core.collect()))
        return self.start().wait(progress=progress)

    def to_arrow(self, progress: ProgressOption = None) -> pyarrow.Table:
        """All rows as a ``pyarrow.Table``. Buffers are shared where layouts agree.

        ``progress`` is that of ``cache``, here and in the methods below. Raises what the query
        raises, and ImportError without pyarrow.

        >>> import velaria
        >>> velaria.Session().sql("SELECT 1 AS x").to_arrow().column("x").to_pylist()
        [1]
        """
        arrow = import_pyarrow("to_arrow()")
        return arrow_table(arrow, _Collected(self._watched(progress)))

    def _watched(self, progress: ProgressOption) -> core.DataFrame:
        return self._core if progress is None else self.cache(progress)._core

    def to_rows(self, progress: ProgressOption = None) -> list[dict[str, Any]]:
        """All rows as dicts; needs no other package.

        Values are int, float, Decimal, str, bytes, date, time, datetime, lists of floats for
        vectors, ``velaria.Interval`` and None; lists, dicts and lists of pairs for Arrow's lists,
        structs and maps. Raises InvalidArgumentError when two columns share
        a name, and TypeMismatchError for a time that Python cannot hold (nanoseconds, the year
        10000): ``to_arrow()`` has them.

        >>> import velaria
        >>> velaria.Session().sql("SELECT 0.5 AS x, NULL AS y").to_rows()
        [{'x': 0.5, 'y': None}]
        """
        return self._watched(progress).collect().to_rows()

    def to_pandas(self, progress: ProgressOption = None) -> pandas.DataFrame:
        """All rows as a ``pandas.DataFrame``; raises ImportError without pandas and pyarrow.

        Integers with NULLs become floats, as is pandas' way, with NaN for NULL. Where a value is
        beyond 2**53, so that a float could not hold it, the column is one of Python's objects, with
        None for NULL; so are the integers in such a column of lists.

        >>> import velaria
        >>> session = velaria.Session()
        >>> frame = session.create_dataframe_from_arrow({"n": [9007199254740993, None]})
        >>> frame.to_pandas()["n"].tolist()
        [9007199254740993, None]
        """
        import_pandas("to_pandas()")
        table = self.to_arrow(progress)
        frame = table.to_pandas()
        for place, column in enumerate(table.columns):
            if floats_lose_digits(column):
                frame.isetitem(place, column.to_pandas(integer_object_nulls=True))
        return frame

    def to_polars(self, progress: ProgressOption = None) -> polars.DataFrame:
        """All rows as a ``polars.DataFrame``; raises ImportError without polars."""
        package = import_polars("to_polars()")
        frame: polars.DataFrame = package.DataFrame(_Collected(self._watched(progress)))
        return frame

    def to_numpy(self, column: str, progress: ProgressOption = None) -> numpy.ndarray[Any, Any]:
        """One column as a NumPy array; vectors as the rows of a matrix.

        Numbers, vectors and times keep their bits; other types are an array of Python's objects.
        Raises InvalidArgumentError for a column with NULLs, also inside vectors, which have no
        place in such an array, SqlSemanticError for an unknown column, and ImportError without
        numpy and pyarrow.

        >>> import velaria
        >>> points = {"name": ["a", "b"], "v": ["[0 1]", "[2 3]"]}
        >>> frame = velaria.Session().create_dataframe_from_arrow(points)
        >>> frame.select("CAST(v AS FLOAT[2]) AS v").to_numpy("v").tolist()
        [[0.0, 1.0], [2.0, 3.0]]
        """
        import_numpy("to_numpy()")
        quoted = '"' + name_text("to_numpy", column).replace('"', '""') + '"'
        array = self.select(quoted).to_arrow(progress).column(0).combine_chunks()
        if array.null_count > 0:
            raise core.InvalidArgumentError(
                f"column {column!r} has {array.null_count} NULLs, which a NumPy array cannot hold; "
                f"leave them out, as by filter({quoted + ' IS NOT NULL'!r})"
            )
        inner = array
        while hasattr(inner.type, "list_size"):
            inner = inner.flatten()
            if inner.null_count > 0:
                raise core.InvalidArgumentError(
                    f"column {column!r} has {inner.null_count} NULLs inside its vectors, which a "
                    f"NumPy array cannot hold; to_arrow() and to_rows() keep them"
                )
        if floats_lose_digits(inner):
            raise core.InvalidArgumentError(
                f"column {column!r} has NULLs beside integers beyond 2**53 in its values, which "
                f"NumPy would round; to_arrow() and to_rows() keep them"
            )
        if not hasattr(array.type, "list_size"):
            return cast("numpy.ndarray[Any, Any]", array.to_numpy(zero_copy_only=False))
        numbers = array.flatten().to_numpy(zero_copy_only=False)
        return cast("numpy.ndarray[Any, Any]", numbers.reshape(len(array), array.type.list_size))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's PyCapsule protocol: ``pyarrow.table(frame)``, ``polars.DataFrame(frame)``, ...

        The rows come bit by bit: the query runs as far as the batches that the consumer takes need
        it, so that a result larger than memory can be read. What must see all rows (ORDER BY, GROUP
        BY) runs first, and so does the first batch; what fails behind it is an error of the
        consumer, with the same text.

        ``requested_schema`` (``pyarrow.RecordBatchReader.from_stream(frame, schema)``) is followed
        where its types hold every value unchanged: wider numbers, finer times, and narrower
        integers, where one that does not fit fails. Raises SqlSemanticError for other names of
        columns, and TypeMismatchError for types that could lose something. Columns come in the
        layout that is asked for: large texts, views, dictionaries, run-end encoding, fixed_size
        binary, date64, time32 and time64[ns], durations, float16, decimal32 and decimal64. A value
        that the layout cannot hold unchanged fails the stream, naming the column and the value.

        Ctrl-C stops the query when the consumer pulls on Python's main thread; on other threads it
        is the consumer that must notice. DuckDB does at once with ``SET threads = 1``; with more
        threads it waits for its running tasks first, whatever they read.
        """
        return self._core.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Arrow's PyCapsule protocol: ``pyarrow.schema(frame)``. Runs nothing."""
        return self._core.__arrow_c_schema__()

    def show(self, n: int = 20) -> None:
        """Prints the first ``n`` rows as a table."""
        print(self._core.to_text(row_count("show", n)), end="")

    def explain(self, analyze: bool = False) -> str:
        """The logical plan, the optimized one and the pipelines, each under a heading line.

        With ``analyze`` the query runs, and the text is a tree of its operators with rows, bytes,
        memory and time; ``profile()`` gives the same as values.
        """
        return Plan(self._core.analyze()[0] if analyze else self._core.explain())

    def profile(self) -> dict[str, Any]:
        """Runs the query, throws its rows away and tells where the time went.

        Keys: rows, planning_ms, execution_ms, threads, peak_memory_bytes, pipelines (description,
        wall_ms, tasks) and operators: name, rows, chunks, bytes, time_ms (added up over tasks),
        peak_memory_bytes, spilled_bytes (written to disk), tasks and children.

        >>> import velaria
        >>> profile = velaria.Session().sql("SELECT 1 AS x").profile()
        >>> profile["rows"], profile["operators"]["name"]
        (1, 'Result')
        """
        return self._core.analyze()[1]

    def select(self, *items: str) -> DataFrame:
        """The given columns or expressions: ``select("city", "n * 2 AS twice")``."""
        return DataFrame(self._core.select(verb_texts("select", items)))

    def filter(self, condition: str) -> DataFrame:
        """The rows for which the condition is true: ``filter("n > 1")``."""
        return DataFrame(self._core.filter(sql_text("filter", condition)))

    def with_column(self, name: str, expression: str) -> DataFrame:
        """One column more, or another meaning of the column of that name."""
        return DataFrame(
            self._core.with_column(
                name_text("with_column", name), sql_text("with_column", expression)
            )
        )

    def drop(self, *columns: str) -> DataFrame:
        """All columns but these."""
        return DataFrame(self._core.drop(verb_texts("drop", columns)))

    def group_by(self, *keys: str) -> GroupedDataFrame:
        """Groups for ``agg()``; without keys all rows are one group."""
        return GroupedDataFrame(self._core, verb_texts("group_by", keys))

    def order_by(self, *keys: str) -> DataFrame:
        """Sorted rows: ``order_by("n DESC", "city")``. NULLs come last unless said otherwise."""
        return DataFrame(self._core.order_by(verb_texts("order_by", keys)))

    def limit(self, rows: int, offset: int = 0) -> DataFrame:
        """At most ``rows`` rows after the first ``offset`` ones."""
        return DataFrame(self._core.limit(row_count("limit", rows), row_count("limit", offset)))

    def distinct(self) -> DataFrame:
        """Each different row once."""
        return DataFrame(self._core.distinct())

    def with_columns(self, columns: Mapping[str, str]) -> DataFrame:
        """Several columns more, name by name: ``with_columns({"a": "n + 1", "b": "n * 2"})``.

        A later expression sees the columns before it.
        """
        frame = self
        for name, expression in text_pairs("with_columns", columns, "{'half': 'n / 2'}"):
            frame = frame.with_column(name, expression)
        return frame

    def rename(self, names: Mapping[str, str]) -> DataFrame:
        """Other names for columns: ``rename({"old": "new"})``."""
        return DataFrame(self._core.rename(text_pairs("rename", names, "{'old': 'new'}")))

    def join(
        self, other: DataFrame, on: str | Sequence[str] | None = None, how: str = "inner"
    ) -> DataFrame:
        """The rows of two frames that belong together.

        ``on``: a column that both have, or a list of them, which come out once; or a condition over
        ``l`` (this frame) and ``r`` (the other one) as one text. ``how``: "inner", "left", "right",
        "full", "semi" (rows with a match), "anti" (rows without one), "cross".

        >>> import velaria
        >>> session = velaria.Session()
        >>> a = session.create_dataframe_from_arrow({"k": [1, 2], "x": [10, 20]})
        >>> b = session.create_dataframe_from_arrow({"k": [2, 3], "y": [5, 6]})
        >>> a.join(b, "k").to_rows()
        [{'k': 2, 'x': 20, 'y': 5}]
        >>> a.join(b, "l.k < r.k", how="semi").count()
        2
        """
        core_other = _other("join", other)
        if isinstance(on, str) and on in self.columns and on in other.columns:
            on = [on]
        if isinstance(on, str):
            return DataFrame(self._core.join_where(core_other, on, how))
        if on is not None and not isinstance(on, Iterable):
            raise core.InvalidArgumentError(
                f"join() takes on as a column's name, a list of them, or a condition as a str, not "
                f"{type_of(on)} ({on!r})"
            )
        columns = [] if on is None else verb_texts("join", list(on))
        return DataFrame(self._core.join(core_other, columns, how))

    def union(self, other: DataFrame) -> DataFrame:
        """The rows of both frames, each different one once; columns by position."""
        return DataFrame(self._core.union_distinct(_other("union", other)))

    def union_all(self, other: DataFrame) -> DataFrame:
        """The rows of this frame, then those of the other one; columns by position."""
        return DataFrame(self._core.union_all(_other("union_all", other)))

    def intersect(self, other: DataFrame) -> DataFrame:
        """The different rows that are in both frames."""
        return DataFrame(self._core.intersect(_other("intersect", other)))

    def except_(self, other: DataFrame) -> DataFrame:
        """The different rows that the other frame does not have."""
        return DataFrame(self._core.except_(_other("except_", other)))

    def window(
        self,
        time_column: str,
        window_ms: int,
        output_column: str = "window_start",
        slide_ms: int | None = None,
    ) -> DataFrame:
        """Adds the start of each time window that covers the row: one row per window.

        ``window_ms`` and ``slide_ms`` are milliseconds, ``slide_ms <= window_ms``; without it the
        windows do not overlap. The same rows give the same windows as in a stream.
        """
        return DataFrame(
            self._core.window(*window_arguments(time_column, window_ms, output_column, slide_ms))
        )

    def __repr__(self) -> str:
        return f"DataFrame({', '.join(f'{name}: {kind}' for name, kind in self.schema)})"

    def _repr_html_(self) -> str:
        from ._html import table_html

        rows = self._core.limit(_HTML_ROWS + 1, 0).collect().to_texts()
        return table_html(self.schema, rows[:_HTML_ROWS], len(rows) > _HTML_ROWS)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a DataFrame is a query in a session and cannot be pickled or copied; "
            "send its rows: frame.to_arrow()"
        )


class _Collected:
    """The rows of a frame, all of them when somebody asks: what fails is the kernel's own error."""

    def __init__(self, frame: core.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.collect_stream()


def _other(verb: str, frame: Any) -> core.DataFrame:
    if isinstance(frame, DataFrame):
        return frame._core
    raise core.InvalidArgumentError(
        f"{verb}() takes a DataFrame, not {with_article(type_of(frame))}"
    )


@explains_argument_types
class GroupedDataFrame:
    """The groups of a frame, which ``agg`` turns into rows."""

    __slots__ = ("_core", "_keys")

    def __init__(self, frame: core.DataFrame, keys: list[str]) -> None:
        self._core = frame
        self._keys = keys

    def agg(self, *aggregates: str) -> DataFrame:
        """The keys, then the aggregates: ``agg("count(*) AS n", "avg(delay)")``."""
        return DataFrame(self._core.aggregate(self._keys, verb_texts("agg", aggregates)))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the groups of a DataFrame belong to its session and cannot be pickled")
