"""File formats that pyarrow writes for the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._optional import import_pyarrow
from ._velaria import InvalidArgumentError, TypeMismatchError

# What pyarrow is given for each option that may be named.
_OPTIONS: dict[str, dict[str, Callable[[str], Any]]] = {
    "arrow": {"compression": str},
    "parquet": {"compression": str, "compression_level": int, "row_group_size": int},
}


class _Output:
    """The kernel's file as a Python file that pyarrow writes to."""

    closed = False

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._position = 0

    def write(self, data: Any) -> int:
        block = bytes(data)
        self._write(block)
        self._position += len(block)
        return len(block)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """The kernel flushes at the end."""

    def close(self) -> None:
        """The kernel closes its file itself."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _Rows:
    """A stream capsule as an object that pyarrow takes."""

    def __init__(self, capsule: object) -> None:
        self._capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._capsule


def _checked(format: str, options: dict[str, str]) -> dict[str, Any]:
    known = _OPTIONS[format]
    for name in options:
        if name not in known:
            message = f"{format} files have no option {name!r}; the options are {', '.join(known)}"
            raise InvalidArgumentError(message)
    try:
        return {name: known[name](text) for name, text in options.items()}
    except ValueError as error:
        raise InvalidArgumentError(f"an option of {format} files is no number: {error}") from None


def write_format(
    format: str, options: dict[str, str], stream: object, write: Callable[[bytes], None]
) -> None:
    """Writes the rows of an Arrow stream as an Arrow (IPC) or Parquet file."""
    arrow = import_pyarrow(f"writing {format} files")
    chosen = _checked(format, options)
    reader = arrow.RecordBatchReader.from_stream(_Rows(stream))
    # Views of texts are not for files: other readers may not know them.
    schema = arrow.schema(
        [field.with_type(_plain_type(arrow, field.type)) for field in reader.schema]
    )
    sink = arrow.PythonFile(_Output(write), mode="w")
    row_group_size = None
    try:
        if format == "arrow":
            write_options = arrow.ipc.IpcWriteOptions(compression=chosen.get("compression"))
            writer = arrow.ipc.new_file(sink, schema, options=write_options)
        else:
            from pyarrow import parquet

            row_group_size = chosen.pop("row_group_size", None)
            chosen.setdefault("compression", "zstd")
            writer = parquet.ParquetWriter(sink, schema, **chosen)
    except (ValueError, TypeError, arrow.ArrowException) as error:
        if format == "parquet" and _unwritten_columns(arrow, schema):
            raise not_for_parquet(arrow, schema, error) from None
        raise InvalidArgumentError(f"an option of {format} files is not good: {error}") from None
    with writer:
        for batch in reader:
            table = arrow.Table.from_batches([batch]).cast(schema)
            if format != "parquet":
                writer.write_table(table)
                continue
            try:
                writer.write_table(table, row_group_size=row_group_size)
            except arrow.ArrowNotImplementedError as error:
                raise not_for_parquet(arrow, schema, error) from None


def not_for_parquet(arrow: Any, schema: Any, error: Exception) -> TypeMismatchError:
    """What to say when pyarrow has no form in Parquet for a column."""
    columns = _unwritten_columns(arrow, schema)
    which = f"column {', '.join(columns)}" if columns else "a column"
    return TypeMismatchError(
        f"{which} has no form in Parquet files ({error}); write it as a text, by CAST(... AS "
        "VARCHAR), or write an Arrow file"
    )


def _unwritten_columns(arrow: Any, schema: Any) -> list[str]:
    from pyarrow import parquet

    out = []
    for field in schema:
        try:
            parquet.ParquetWriter(arrow.BufferOutputStream(), arrow.schema([field])).close()
        except (arrow.ArrowException, NotImplementedError):
            out.append(f"{field.name!r} ({field.type})")
    return out


def _plain_type(arrow: Any, kind: Any) -> Any:
    if kind == arrow.string_view():
        return arrow.large_string()
    if kind == arrow.binary_view():
        return arrow.large_binary()
    return kind
