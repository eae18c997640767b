"""What is different between the results of two runs. The kernel compares; this only asks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _velaria as core

if TYPE_CHECKING:
    from .._schema import Schema
    from .._session import Session
    from ._run import Run

_SHOWN_ROWS = 10


def diff_runs(left: Run, right: Run, key: Sequence[str] | None = None) -> dict[str, Any]:
    """How the results of two runs differ.

    The answer's keys: ``same``; ``left`` and ``right``, the run ids; ``schema`` with ``same``,
    ``only_left``, ``only_right`` and ``changed_types``; ``row_count`` with ``left`` and ``right``;
    ``values`` of the columns that both have with the same type: ``columns``, ``only_left`` and
    ``only_right`` (how many rows have no equal on the other side, each counted), ``same_order``,
    and of a ``key`` also ``changed``; ``examples`` shows the first rows of each as texts. Equal
    is as in SQL's EXCEPT: NULL equals NULL, NaN equals NaN, and no float is rounded.

    Raises CatalogError for a run without a result, and InvalidArgumentError for a bad ``key``.
    """
    from .._session import Session

    with Session() as session:
        frames = {"l": left.to_frame(session), "r": right.to_frame(session)}
        for name, frame in frames.items():
            session.create_temp_view(f"{name}_all", frame)
        schema = _schema_diff(frames["l"].schema, frames["r"].schema)
        counts = {"left": frames["l"].count(), "right": frames["r"].count()}
        types = dict(frames["r"].schema)
        shared = [name for name, kind in frames["l"].schema if types.get(name) == kind]
        values = _Values(session, shared, list(key or ())).diff() if shared else None
    same = bool(schema["same"]) and counts["left"] == counts["right"]
    if values is not None:
        same = same and values["same_order"]
    return {
        "same": same,
        "left": left.run_id,
        "right": right.run_id,
        "schema": schema,
        "row_count": counts,
        "values": values,
    }


def _schema_diff(left: Schema, right: Schema) -> dict[str, Any]:
    for side, schema in (("left", left), ("right", right)):
        if len(set(schema.names)) < len(schema):
            raise core.InvalidArgumentError(
                f"the {side} result has two columns of one name: {schema!r}; give them names"
            )
    there, here = dict(left), dict(right)
    return {
        "same": left == right,
        "only_left": [name for name in there if name not in here],
        "only_right": [name for name in here if name not in there],
        "changed_types": [
            {"column": name, "left": kind, "right": here[name]}
            for name, kind in there.items()
            if here.get(name, kind) != kind
        ],
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Values:
    """Compares the views l_all and r_all of a session over some columns."""

    def __init__(self, session: Session, columns: list[str], key: list[str]) -> None:
        missing = [name for name in key if name not in columns]
        if missing:
            raise core.InvalidArgumentError(
                f"key column {missing[0]!r} is not in both results with one type; "
                f"shared are: {', '.join(columns)}"
            )
        self._session = session
        self._columns = columns
        self._key = key
        listed = ", ".join(_quoted(name) for name in columns)
        for side in "lr":
            session.create_temp_view(side, session.sql(f"SELECT {listed} FROM {side}_all"))

    def _rows(self, query: str) -> tuple[int, list[list[str | None]]]:
        rows = self._session.sql(query).cache()
        return rows.count(), rows._core.limit(_SHOWN_ROWS, 0).collect().to_texts()

    def diff(self) -> dict[str, Any]:
        if self._key:
            self._check_key()
            return self._by_key()
        only_left, left_rows = self._rows("SELECT * FROM l EXCEPT ALL SELECT * FROM r")
        only_right, right_rows = self._rows("SELECT * FROM r EXCEPT ALL SELECT * FROM l")
        return {
            "columns": self._columns,
            "only_left": only_left,
            "only_right": only_right,
            "same_order": not only_left and not only_right and self._same_order(),
            "examples": {"only_left": left_rows, "only_right": right_rows},
        }

    def _same_order(self) -> bool:
        numbered = "SELECT *, row_number() OVER () FROM"
        moved, _ = self._rows(f"{numbered} l EXCEPT ALL {numbered} r")
        return moved == 0

    def _check_key(self) -> None:
        listed = ", ".join(_quoted(name) for name in self._key)
        for side, word in (("l", "left"), ("r", "right")):
            twice, rows = self._rows(
                f"SELECT {listed} FROM {side} GROUP BY {listed} HAVING count(*) > 1"
            )
            if twice:
                raise core.InvalidArgumentError(
                    f"the key {', '.join(self._key)} does not name one row of the {word} result: "
                    f"{rows[0]} occurs more than once"
                )

    def _by_key(self) -> dict[str, Any]:
        others = [name for name in self._columns if name not in self._key]
        on = " AND ".join(f"l.{_quoted(k)} IS NOT DISTINCT FROM r.{_quoted(k)}" for k in self._key)
        left = f"SELECT * FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE {on})"
        right = f"SELECT * FROM r WHERE NOT EXISTS (SELECT 1 FROM l WHERE {on})"
        only_left, left_rows = self._rows(left)
        only_right, right_rows = self._rows(right)
        changed = 0
        changed_rows: list[list[str | None]] = []
        if others:
            sides = ", ".join(
                f"l.{_quoted(n)}, r.{_quoted(n)} AS {_quoted(n + ' (right)')}" for n in others
            )
            keys = ", ".join(f"l.{_quoted(k)}" for k in self._key)
            unequal = " OR ".join(f"l.{_quoted(n)} IS DISTINCT FROM r.{_quoted(n)}" for n in others)
            changed, changed_rows = self._rows(
                f"SELECT {keys}, {sides} FROM l JOIN r ON {on} WHERE {unequal}"
            )
        nothing = not only_left and not only_right and not changed
        return {
            "columns": self._columns,
            "key": self._key,
            "only_left": only_left,
            "only_right": only_right,
            "changed": changed,
            "same_order": nothing and self._same_order(),
            "examples": {
                "only_left": left_rows,
                "only_right": right_rows,
                "changed": changed_rows,
            },
        }
