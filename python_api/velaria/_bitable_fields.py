"""Bitable's fields as typed columns: one table of types says how."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import _velaria as core
from ._bitable_client import BitableField

_TIMESTAMP = "timestamp[ms, UTC]"
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class BitableColumn(NamedTuple):
    """A column made of a field: its type, and how a cell of the API becomes a value of it."""

    name: str
    type: str
    value: Callable[[Any, datetime.tzinfo], Any]


class _NotOfType(ValueError):
    pass


# ---- values. Each takes a cell that is not null, and the zone of dates that are texts.


def _plain(cell: Any) -> str:
    """What the base shows for a cell of any kind."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, (int, float)):
        return str(cell)
    if isinstance(cell, list):
        # The runs of one text stand without a gap, other lists with commas.
        return ("" if _are_runs(cell) else ", ").join(
            _plain(item) for item in cell if item is not None
        )
    if isinstance(cell, Mapping):
        for key in ("text", "name", "full_address", "link"):
            if isinstance(cell.get(key), str) and cell[key]:
                return str(cell[key])
        for key in ("link_record_ids", "users", "value"):
            if key in cell:
                return _plain(cell[key] or [])
    return _json(cell)


def _are_runs(cells: list[Any]) -> bool:
    """Whether they are the runs of one text, such as one with a link in it."""
    return all(isinstance(item, Mapping) and "text" in item and "id" not in item for item in cells)


def _text(cell: Any, zone: datetime.tzinfo) -> str:
    return _plain(cell)


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def _list(cell: Any, zone: datetime.tzinfo) -> str:
    return _json(cell if isinstance(cell, list) else [cell])


def _links(cell: Any, zone: datetime.tzinfo) -> str | None:
    if isinstance(cell, Mapping):
        cell = cell.get("link_record_ids")
    elif isinstance(cell, list) and cell and isinstance(cell[0], Mapping):
        cell = [record for item in cell for record in item.get("record_ids") or []]
    return None if cell is None else _json(cell)


def _number(cell: Any, zone: datetime.tzinfo) -> Any:
    if isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            pass
    raise _NotOfType("a number")


def _truth(cell: Any, zone: datetime.tzinfo) -> bool:
    if isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]
    if not isinstance(cell, bool):
        raise _NotOfType("a truth value")
    return cell


def milliseconds(cell: Any, zone: datetime.tzinfo) -> int:
    """A date as milliseconds since 1970-01-01 UTC: from such a number, or from the text of one."""
    if isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]
    if isinstance(cell, Mapping) and "text" in cell:
        cell = cell["text"]
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str):
        text = cell.strip()
        if text.lstrip("-").isdecimal():
            return int(text)
        text = text.replace("/", "-")
        if text.endswith(("Z", "z")):
            text = text[:-1] + "+00:00"
        try:
            moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise _NotOfType("a date") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return (moment - _EPOCH) // datetime.timedelta(milliseconds=1)
    raise _NotOfType("a date")


def _people(cell: Any) -> list[Any]:
    if isinstance(cell, Mapping):
        cell = cell.get("users", [cell])
    return cell if isinstance(cell, list) else [cell]


def _names(cell: Any, zone: datetime.tzinfo) -> str | None:
    names = [
        str(one.get("name") or one.get("en_name") or one.get("id") or "")
        if isinstance(one, Mapping)
        else str(one)
        for one in _people(cell)
    ]
    return ", ".join(names) if names else None


def _ids(cell: Any, zone: datetime.tzinfo) -> str | None:
    ids = [str(one["id"]) for one in _people(cell) if isinstance(one, Mapping) and one.get("id")]
    return ", ".join(ids) if ids else None


def _address_of_link(cell: Any, zone: datetime.tzinfo) -> str | None:
    if isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]
    return cell.get("link") if isinstance(cell, Mapping) else _plain(cell)


def _place(cell: Any, zone: datetime.tzinfo) -> str | None:
    if not isinstance(cell, Mapping):
        return _plain(cell)
    return cell.get("full_address") or cell.get("name") or cell.get("location")


def _coordinates(cell: Any, zone: datetime.tzinfo) -> str | None:
    return cell.get("location") if isinstance(cell, Mapping) else None


_Parts = tuple[tuple[str, str, Callable[[Any, datetime.tzinfo], Any]], ...]

_TEXT: _Parts = (("", "utf8", _text),)
_TIME: _Parts = (("", _TIMESTAMP, milliseconds),)
_PERSON: _Parts = (("", "utf8", _names), (".id", "utf8", _ids))
_LINK: _Parts = (("", "utf8", _links),)

# The API's number of a type: the columns of such a field, as (ending of the name, type, value).
FIELD_TYPES: dict[int, _Parts] = {
    1: _TEXT,  # text, also barcode and e-mail
    2: (("", "float64", _number),),  # number, also currency, progress and rating
    3: _TEXT,  # one option
    4: (("", "utf8", _list),),  # several options
    5: _TIME,
    7: (("", "bool", _truth),),
    11: _PERSON,
    13: _TEXT,  # phone
    15: (("", "utf8", _text), (".link", "utf8", _address_of_link)),
    17: (("", "utf8", _list),),  # attachments
    18: _LINK,
    21: _LINK,  # both ways
    22: (("", "utf8", _place), (".location", "utf8", _coordinates)),
    23: _PERSON,  # groups
    24: _TEXT,  # stage
    1001: _TIME,  # created
    1002: _TIME,  # last modified
    1003: _PERSON,
    1004: _PERSON,
    1005: _TEXT,  # number given by the base
    3001: _TEXT,  # button
}
_LOOKUP, _FORMULA = 19, 20
_PEOPLE = (11, 23, 1003, 1004)
_RECORDS = (18, 21)
# What explode can part: several options, attachments and all above.
_SEVERAL = (4, 17, *_RECORDS, *_PEOPLE, _LOOKUP, _FORMULA)
_DATES = (5, 1001, 1002)


def _unwrapped(cell: Any) -> tuple[int | None, Any]:
    """A formula's or lookup's cell without its wrapping, and the type that the wrapping names."""
    if isinstance(cell, Mapping) and "value" in cell and isinstance(cell.get("type"), int):
        return cell["type"], cell["value"]
    return None, cell


def _parted(cell: Any, field_type: int) -> list[Any]:
    """The values of a cell of a field of several ones, each as a cell of its own."""
    kind, inside = _unwrapped(cell)
    if isinstance(inside, Mapping):
        inside = inside.get("link_record_ids", inside.get("users", inside))
    if inside is None:
        return []
    if not isinstance(inside, list):
        return [cell]
    computed = field_type in (_LOOKUP, _FORMULA)
    if (kind if computed else field_type) in _RECORDS:
        # Links also come as objects that have some ids each.
        each = (item.get("record_ids") if isinstance(item, Mapping) else [item] for item in inside)
        inside = [record for records in each for record in records or []]
    several = [item for item in inside if item is not None]
    if not computed:
        return several
    if several and _are_runs(several):
        return [cell]
    # Each keeps what the wrapping says, such as that it is a date.
    return [[one] if kind is None else {"type": kind, "value": [one]} for one in several]


def _computed(declared: int | None) -> _Parts:
    """The columns of a formula or lookup, whose values say themselves what they are."""
    if declared in (2, 7, *_DATES):
        ((_, type_name, value),) = FIELD_TYPES[declared]

        def typed(cell: Any, zone: datetime.tzinfo) -> Any:
            _, inside = _unwrapped(cell)
            if isinstance(inside, list):
                if not inside:
                    return None
                if len(inside) > 1:
                    raise _NotOfType("one value")
            return value(inside, zone)

        return (("", type_name, typed),)

    def text(cell: Any, zone: datetime.tzinfo) -> str | None:
        kind, inside = _unwrapped(cell)
        if isinstance(inside, list) and not inside:
            return None
        if kind in _DATES:
            dates = inside if isinstance(inside, list) else [inside]
            return ", ".join(_date_text(milliseconds(one, zone)) for one in dates)
        return _plain(inside)

    return (("", "utf8", text),)


def _date_text(ms: int) -> str:
    moment = _EPOCH + datetime.timedelta(milliseconds=ms)
    return moment.isoformat(sep=" ", timespec="milliseconds" if ms % 1000 else "seconds")


def _unknown(cell: Any, zone: datetime.tzinfo) -> str:
    return cell if isinstance(cell, str) else _json(cell)


def columns_of(field: BitableField) -> list[BitableColumn]:
    """The columns of a field; of a type that is not known, its JSON as text."""
    if field.type in (_LOOKUP, _FORMULA):
        kind = field.property.get("type")
        declared = kind.get("data_type") if isinstance(kind, Mapping) else None
        parts = _computed(declared)
    else:
        parts = FIELD_TYPES.get(field.type, (("", "utf8", _unknown),))
    return [BitableColumn(field.name + ending, kind, value) for ending, kind, value in parts]


# What the API says of every record when it is asked for automatic_fields.
_AUTOMATIC = (
    ("created_time", 1001),
    ("created_by", 1003),
    ("last_modified_time", 1002),
    ("last_modified_by", 1004),
)


class RecordTable:
    """Records of the API as rows of one schema."""

    def __init__(
        self,
        fields: Iterable[BitableField],
        *,
        automatic_fields: bool,
        explode: str | None,
        zone: datetime.tzinfo,
    ) -> None:
        fields = list(fields)
        self._zone = zone
        self._explode = explode
        if explode is not None and explode not in [field.name for field in fields]:
            names = ", ".join(repr(field.name) for field in fields)
            raise core.InvalidArgumentError(f"explode={explode!r} is no field; there are {names}")
        for field in fields:
            if field.name == explode and field.type not in _SEVERAL:
                raise core.InvalidArgumentError(
                    f"explode={explode!r} is a field of type {field.type}, which has one value in "
                    "each record; give one of people, groups, several options, attachments, linked "
                    "records, a lookup or a formula, or leave explode out"
                )
        self._exploded_type = next((field.type for field in fields if field.name == explode), 0)
        # (where the cell is, column, what an exploded cell's column does)
        self._columns: list[tuple[str, bool, BitableColumn]] = []
        taken = {"record_id"}
        self.schema: list[tuple[str, str]] = [("record_id", "utf8")]
        for field in fields:
            columns = columns_of(field)
            if field.name == explode and field.type not in (*_PEOPLE, _LOOKUP, _FORMULA):
                # A single value is shown as it is, not as a list of one.
                columns = [BitableColumn(field.name, "utf8", _text)]
            for column in columns:
                self._add(field.name, False, column, taken)
        if automatic_fields:
            for key, kind in _AUTOMATIC:
                for column in columns_of(BitableField("", key, kind, {})):
                    self._add(key, True, column, taken)

    def _add(self, key: str, automatic: bool, column: BitableColumn, taken: set[str]) -> None:
        name = column.name
        number = 2
        while name in taken:
            name = f"{column.name}_{number}"
            number += 1
        taken.add(name)
        self.schema.append((name, column.type))
        self._columns.append((key, automatic, column))

    def rows(self, records: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The rows of records: one each, or one for each value of the exploded field."""
        return [row for record in records for row in self._rows_of(record)]

    def _rows_of(self, record: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
        cells = record.get("fields") or {}
        if self._explode is None:
            yield self._row(record, cells)
            return
        for one in _parted(cells.get(self._explode), self._exploded_type) or [None]:
            yield self._row(record, {**cells, self._explode: one})

    def _row(self, record: Mapping[str, Any], cells: Mapping[str, Any]) -> tuple[Any, ...]:
        row: list[Any] = [record.get("record_id")]
        for key, automatic, column in self._columns:
            cell = record.get(key) if automatic else cells.get(key)
            if cell is None or cell == []:
                row.append(None)
                continue
            try:
                row.append(column.value(cell, self._zone))
            except (_NotOfType, OverflowError) as error:
                raise core.TypeMismatchError(
                    f"record {record.get('record_id')!r}, field {key!r}: {_json(cell)[:200]} is "
                    f"not {error}, which its type in the base promises"
                ) from None
        return tuple(row)
