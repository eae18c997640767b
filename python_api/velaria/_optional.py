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
