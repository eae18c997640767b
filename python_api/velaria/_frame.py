"""Batch frames."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, NoReturn

from . import _velaria as core
from ._arguments import verb_texts
from ._optional import import_pandas, import_polars, import_pyarrow
from ._schema import Schema

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

_HTML_ROWS = 20


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

    @property
    def schema(self) -> Schema:
        """Names and types of the columns; runs nothing."""
        return Schema(self._core)

    @property
    def columns(self) -> list[str]:
        """The column names in order; runs nothing."""
        return self.schema.names

    def count(self) -> int:
        """The number of rows. Runs the query."""
        return self._core.count()

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a ``pyarrow.Table``. Buffers are shared where layouts agree.

        Raises what the query raises, and ImportError without pyarrow.

        >>> import velaria
        >>> velaria.Session().sql("SELECT 1 AS x").to_arrow().column("x").to_pylist()
        [1]
        """
        return import_pyarrow("to_arrow()").table(self._core)

    def to_rows(self) -> list[dict[str, Any]]:
        """All rows as dicts; needs no other package.

        Values are int, float, Decimal, str, bytes, date, time, datetime, lists of floats for
        vectors, ``velaria.Interval`` and None. Raises InvalidArgumentError when two columns share
        a name, and TypeMismatchError for a time that Python cannot hold (nanoseconds, the year
        10000): ``to_arrow()`` has them.

        >>> import velaria
        >>> velaria.Session().sql("SELECT 0.5 AS x, NULL AS y").to_rows()
        [{'x': 0.5, 'y': None}]
        """
        return self._core.collect().to_rows()

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a ``pandas.DataFrame``; raises ImportError without pandas and pyarrow."""
        import_pandas("to_pandas()")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """All rows as a ``polars.DataFrame``; raises ImportError without polars."""
        return import_polars("to_polars()").DataFrame(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's PyCapsule protocol: ``pyarrow.table(frame)``, ``polars.DataFrame(frame)``, ...

        Runs the query. A requested schema is not followed; the protocol lets the consumer cast.
        """
        return self._core.__arrow_c_stream__(requested_schema)

    def show(self, n: int = 20) -> None:
        """Prints the first ``n`` rows as a table."""
        print(self._core.to_text(n), end="")

    def explain(self) -> str:
        """The logical plan, the optimized one and the pipelines, each under a heading line."""
        return self._core.explain()

    def select(self, *items: str) -> DataFrame:
        """The given columns or expressions: ``select("city", "n * 2 AS twice")``."""
        return DataFrame(self._core.select(verb_texts("select", items)))

    def filter(self, condition: str) -> DataFrame:
        """The rows for which the condition is true: ``filter("n > 1")``."""
        return DataFrame(self._core.filter(condition))

    def with_column(self, name: str, expression: str) -> DataFrame:
        """One column more, or another meaning of the column of that name."""
        return DataFrame(self._core.with_column(name, expression))

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
        return DataFrame(self._core.limit(rows, offset))

    def distinct(self) -> DataFrame:
        """Each different row once."""
        return DataFrame(self._core.distinct())

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
        slide = window_ms if slide_ms is None else slide_ms
        return DataFrame(self._core.window(time_column, window_ms, output_column, slide))

    def __repr__(self) -> str:
        return f"DataFrame({', '.join(f'{name}: {kind}' for name, kind in self.schema)})"

    def _repr_html_(self) -> str:
        rows = self._core.limit(_HTML_ROWS + 1, 0).collect().to_texts()
        return html_table(self.schema, rows[:_HTML_ROWS], len(rows) > _HTML_ROWS)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a DataFrame is a query in a session and cannot be pickled or copied; "
            "send its rows: frame.to_arrow()"
        )


class GroupedDataFrame:
    """The groups of a frame, which ``agg`` turns into rows."""

    __slots__ = ("_core", "_keys")

    def __init__(self, frame: core.DataFrame, keys: list[str]) -> None:
        self._core = frame
        self._keys = keys

    def agg(self, *aggregates: str) -> DataFrame:
        """The keys, then the aggregates: ``agg("count(*) AS n", "avg(delay)")``."""
        return DataFrame(self._core.aggregate(self._keys, verb_texts("agg", aggregates)))


def html_table(schema: Schema, rows: list[list[str | None]], more: bool) -> str:
    """An HTML table of texts, escaped."""
    head = "".join(
        f"<th>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
        for name, kind in schema
    )
    body = []
    for row in rows:
        cells = "".join(
            "<td><i>NULL</i></td>" if text is None else f"<td>{html.escape(text)}</td>"
            for text in row
        )
        body.append(f"<tr>{cells}</tr>")
    note = "<p>more rows follow</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{note}"
