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
        return _array_of(arrow, given, result_type)
    if isinstance(given, (str, bytes)) or not hasattr(given, "__len__"):
        raise TypeError(
            f"it gave {a_kind_of(given)}; it must give an array with a value for each row"
        )
    if hasattr(given, "__arrow_c_stream__"):
        return _one_array(arrow.chunked_array(given))
    return arrow.array(given)


def _array_of(arrow: Any, values: Any, result_type: Any) -> Any:
    """Python's values as an array, of a type of their own where the declared one could lose some:
    pyarrow rounds to the type that it is given."""
    try:
        array = arrow.array(values)
    except (arrow.ArrowException, TypeError, ValueError, OverflowError):
        return arrow.array(values, result_type)
    types = arrow.types
    if types.is_timestamp(array.type):
        if types.is_timestamp(result_type):
            return array.cast(arrow.timestamp(array.type.unit, result_type.tz))
        return array  # which is refused: a date would drop the time
    if types.is_integer(array.type) and types.is_decimal(result_type):
        return arrow.array(values, result_type)  # exact; a cast wants room for any integer
    return array if _is_alike(types, array.type, result_type) else arrow.array(values, result_type)


def _cast(arrow: Any, array: Any, result_type: Any) -> Any:
    """An array as the declared type, where that changes no value."""
    if arrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == result_type:
        return array
    if not _is_alike(arrow.types, array.type, result_type):
        raise TypeError(f"it gave {array.type}, but is declared to give {result_type}")
    out = array.cast(result_type)
    if not _is_same(arrow, array, out):
        raise TypeError(
            f"it gave {array.type} with values that {result_type} rounds; declare {array.type}, or "
            f"round them in the function"
        )
    return out


def _is_same(arrow: Any, array: Any, out: Any) -> bool:
    """Whether a cast has changed no value; Arrow rounds several without a word."""
    types = arrow.types
    compute: Any = importlib.import_module("pyarrow.compute")
    if _is_list(types, array.type):
        # A vector is of float32, and Python has only wider numbers.
        is_vector = types.is_fixed_size_list(out.type) and types.is_float32(out.type.value_type)
        return is_vector or _is_same(arrow, array.flatten(), out.flatten())
    if not (_is_number(types, array.type) or types.is_temporal(array.type)):
        return True
    try:
        same = compute.equal(out.cast(array.type), array)
    except arrow.ArrowInvalid:  # beyond the digits of its decimal
        return False
    if types.is_floating(array.type):
        same = compute.or_(same, compute.is_nan(array))
    return bool(compute.all(same, min_count=0).as_py())


def _is_number(types: Any, kind: Any) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _is_list(types: Any, kind: Any) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_alike(types: Any, given: Any, wanted: Any) -> bool:
    """Whether both are of one family, so that Arrow's checked cast keeps the values."""
    if types.is_null(given):
        return True
    families: list[Callable[[Any], bool]] = [
        lambda t: _is_number(types, t),
        lambda t: str(t) in ("string", "large_string", "string_view"),
        lambda t: str(t).startswith(("binary", "large_binary", "fixed_size_binary")),
        lambda t: bool(types.is_timestamp(t)) and (t.tz is None) == (wanted.tz is None),
        types.is_date,
        types.is_time,
        lambda t: _is_list(types, t),
    ]
    return any(family(wanted) and family(given) for family in families)
