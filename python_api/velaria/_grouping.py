"""Rows in Python's memory, put into groups by a field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import _velaria as core
from ._arguments import a_kind_of


def group_rows_by_field(rows: Any, field: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by the value of a field, in the order of the first row of each group.

    ``rows``: dicts, a DataFrame, a MemorySink, a pyarrow.Table, or records of the Bitable API,
    whose ``fields`` are looked at. A field with several values (people, options, links) puts its
    row into the group of each of them, by the name of a person; a row without a value is in the
    group None. For large data group in SQL. Raises InvalidArgumentError when no row has the field;
    the API leaves empty fields out of a record, so also when all records have it empty.

    >>> rows = [{"owner": "Ada", "n": 1}, {"owner": "Bo", "n": 2}, {"owner": "Ada", "n": 3}]
    >>> group_rows_by_field(rows, "owner")["Ada"]
    [{'owner': 'Ada', 'n': 1}, {'owner': 'Ada', 'n': 3}]
    """
    groups: dict[Any, list[dict[str, Any]]] = {}
    known = False
    seen: list[Mapping[str, Any]] = []
    for place, row in enumerate(_dicts(rows)):
        if not isinstance(row, Mapping):
            raise core.InvalidArgumentError(
                f"row {place} of rows is {a_kind_of(row)} ({row!r}); give dicts"
            )
        record = isinstance(row.get("fields"), Mapping) and "record_id" in row
        cells = row["fields"] if record else row
        known = known or field in cells
        if not known and len(seen) < 10:
            seen.append(cells)
        for key in dict.fromkeys(_keys(cells.get(field))) or [None]:
            groups.setdefault(key, []).append(row)
    if groups and not known:
        there = dict.fromkeys(name for row in seen for name in row)
        message = f"no row has a field {field!r}; the first rows have {', '.join(map(repr, there))}"
        raise core.InvalidArgumentError(message)
    return groups


def group_rows_count_by_field(rows: Any, field: str) -> dict[Any, int]:
    """How many rows each group of ``group_rows_by_field`` has.

    >>> group_rows_count_by_field([{"owner": "Ada"}, {"owner": "Bo"}, {"owner": "Ada"}], "owner")
    {'Ada': 2, 'Bo': 1}
    """
    return {key: len(group) for key, group in group_rows_by_field(rows, field).items()}


def _dicts(rows: Any) -> Iterable[dict[str, Any]]:
    for method in ("to_rows", "to_pylist", "to_dicts"):
        if hasattr(rows, method):
            return getattr(rows, method)()  # type: ignore[no-any-return]
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise core.InvalidArgumentError(
            f"rows is {a_kind_of(rows)}; give a list of dicts, a DataFrame or a table"
        )
    return rows


def _keys(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key in ("link_record_ids", "users", "value"):
            if isinstance(value.get(key), list):
                yield from _keys(value[key])
                return
        for key in ("name", "text", "id"):
            if value.get(key):
                yield value[key]
                return
        yield json.dumps(value, ensure_ascii=False, sort_keys=True)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _keys(one)
    elif value is not None:
        yield value
