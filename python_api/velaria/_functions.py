"""Python functions as scalar functions of SQL."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from . import _velaria as core
from ._arguments import a_kind_of
from ._optional import arrow_table, import_pyarrow


def create_function(
    session: core.Session,
    name: str,
    function: Callable[..., Any],
    argument_types: Iterable[Any],
    return_type: Any,
) -> None:
    """Registers ``function``, which takes and gives whole Arrow arrays, with a session."""
    arrow = import_pyarrow("create_function()")
    if not callable(function):
        raise core.InvalidArgumentError(f"{a_kind_of(function)} is no function")
    types = [argument_types] if isinstance(argument_types, str) else list(argument_types)
    if not types:
        raise core.InvalidArgumentError(f"{name}() needs at least one argument type")
    result_type = arrow.schema(core.RowReader([("result", return_type)])).field(0).type

    def call(rows: core.RowSet) -> Any:
        table = arrow_table(arrow, rows)
        given = function(*(_one_array(column) for column in table.columns))
        result = _cast(arrow, _as_array(arrow, given, result_type), result_type)
        if len(result) != table.num_rows:
            raise ValueError(
                f"it gave {len(result)} values for {table.num_rows} rows; it must give one for "
                "each row"
            )
        return arrow.record_batch([result], names=["result"])

    core.create_function(session, name, types, return_type, call)


def _one_array(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks()


def _as_array(arrow: Any, given: Any, result_type: Any) -> Any:
    """What a function gave, as one array of whatever type."""
    if isinstance(given, arrow.Array):
        return given
    if isinstance(given, arrow.ChunkedArray):
        return _one_array(given)
    if isinstance(given, (list, tuple)):
        return arrow.array(given, result_type)
    if isinstance(given, (str, bytes)) or not hasattr(given, "__len__"):
        raise TypeError(
            f"it gave {a_kind_of(given)}; it must give an array with a value for each row"
        )
    if hasattr(given, "__arrow_c_stream__"):
        return _one_array(arrow.chunked_array(given))
    return arrow.array(given)


def _cast(arrow: Any, array: Any, result_type: Any) -> Any:
    """An array as the declared type, where that changes no value."""
    if arrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == result_type:
        return array
    if not _is_alike(arrow.types, array.type, result_type):
        raise TypeError(f"it gave {array.type}, but is declared to give {result_type}")
    out = array.cast(result_type)
    if arrow.types.is_floating(array.type) and arrow.types.is_floating(result_type):
        # Arrow rounds these without a word.
        compute: Any = importlib.import_module("pyarrow.compute")

        same = compute.or_(compute.equal(out.cast(array.type), array), compute.is_nan(array))
        if not compute.all(same).as_py() and array.null_count < len(array):
            raise TypeError(
                f"it gave {array.type} with values that {result_type} rounds; declare {array.type}"
            )
    return out


def _is_alike(types: Any, given: Any, wanted: Any) -> bool:
    """Whether both are of one family, so that Arrow's checked cast keeps the values."""
    if types.is_null(given):
        return True
    families: list[Callable[[Any], bool]] = [
        lambda t: bool(types.is_integer(t) or types.is_floating(t) or types.is_decimal(t)),
        lambda t: str(t) in ("string", "large_string", "string_view"),
        lambda t: str(t).startswith(("binary", "large_binary", "fixed_size_binary")),
        lambda t: bool(types.is_timestamp(t)) and (t.tz is None) == (wanted.tz is None),
        types.is_date,
        types.is_time,
        lambda t: bool(types.is_list(t) or types.is_large_list(t) or types.is_fixed_size_list(t)),
    ]
    return any(family(wanted) and family(given) for family in families)
