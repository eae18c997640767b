"""Packages that Velaria uses when they are there. They are imported by the call that needs them."""

from __future__ import annotations

import importlib
from typing import Any


def _import(name: str, needed_for: str, hint: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{needed_for} needs {name}, which is not installed; run: {hint}"
        raise ImportError(message, name=name) from error


def import_pyarrow(needed_for: str) -> Any:
    """pyarrow, or an ImportError that says what to install."""
    return _import("pyarrow", needed_for, "pip install 'velaria[arrow]'")


def arrow_table(pyarrow: Any, rows: Any) -> Any:
    """``pyarrow.table(rows)`` of an Arrow stream, which would import pandas to ask whether it is
    one of its frames."""
    return pyarrow.RecordBatchReader.from_stream(rows).read_all()


def floats_lose_digits(column: Any) -> bool:
    """Whether a column of pyarrow has NULLs beside integers that no float holds: with NULLs pandas
    and NumPy have floats. Looks into lists, structs and maps."""
    kind = column.type
    types = importlib.import_module("pyarrow.types")
    if types.is_integer(kind):
        if column.null_count == 0 or kind.bit_width < 64:
            return False
        ends = importlib.import_module("pyarrow.compute").min_max(column).as_py()
        return ends["min"] is not None and (ends["min"] < -(2**53) or ends["max"] > 2**53)
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not (is_list or types.is_struct(kind) or types.is_map(kind)):
        return False
    array = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if types.is_map(kind):
        inner = [array.keys, array.items]
    else:
        inner = [array.flatten()] if is_list else array.flatten()
    return any(map(floats_lose_digits, inner))


def import_numpy(needed_for: str) -> Any:
    """NumPy, or an ImportError that says what to install."""
    return _import("numpy", needed_for, "pip install numpy")


def import_pandas(needed_for: str) -> Any:
    """pandas, or an ImportError that says what to install."""
    return _import("pandas", needed_for, "pip install pandas")


def import_polars(needed_for: str) -> Any:
    """polars, or an ImportError that says what to install."""
    return _import("polars", needed_for, "pip install polars")


def import_openpyxl(needed_for: str) -> Any:
    """openpyxl, or an ImportError that says what to install."""
    return _import("openpyxl", needed_for, "pip install 'velaria[excel]'")


def import_calamine(needed_for: str) -> Any:
    """python-calamine, or an ImportError that says what to install."""
    return _import("python_calamine", needed_for, "pip install 'velaria[calamine]'")
