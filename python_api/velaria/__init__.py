"""Velaria: a local-first dataflow engine.

SQL, frames, streams and exact vector search over typed columns, in one process:

>>> import velaria
>>> session = velaria.Session()
>>> session.sql("SELECT 1 + 1 AS two").to_rows()
[{'two': 2}]

Start with ``Session``. Everything that Velaria raises is a ``velaria.Error``.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

try:
    from . import _velaria  # noqa: F401
except ImportError as _error:
    from importlib.util import find_spec as _find_spec

    if _find_spec(f"{__name__}._velaria") is not None:
        raise  # it is there, and says itself why it cannot be loaded
    raise ImportError(
        "the compiled part of velaria is missing for this Python: in a checkout run "
        "./scripts/build_python.sh, elsewhere install a wheel that was made for it",
        name=f"{__name__}._velaria",
    ) from _error

from ._batch_query import BatchQuery
from ._frame import DataFrame, GroupedDataFrame
from ._grouping import group_rows_by_field, group_rows_count_by_field
from ._interval import Interval
from ._schema import Field, Schema
from ._session import Session
from ._shown import Plan, ProbeResult, Progress, ProgressEvent
from ._sinks import (
    ConsoleSink,
    CsvFileSink,
    JsonFileSink,
    MemorySink,
    PluginSink,
    RealtimeStreamSink,
)
from ._source_pump import StreamItem
from ._sources import RealtimeStreamSource
from ._streaming import GroupedStreamingDataFrame, StreamingDataFrame, StreamingQuery
from ._velaria import (
    CancelledError,
    CatalogError,
    CheckpointError,
    Error,
    FileAccessError,
    FileFormatError,
    InternalError,
    InvalidArgumentError,
    ResourceError,
    SqlSemanticError,
    SqlSyntaxError,
    SqlUnsupportedError,
    StreamError,
    TableKindError,
    TypeMismatchError,
)
from ._version import __version__
from ._workers import announce as _announce_workers

if TYPE_CHECKING:
    from ._bitable_client import (
        BitableClient,
        BitableError,
        BitableField,
        BitablePage,
        BitableTable,
    )
    from ._bitable_stream import create_stream_from_bitable
    from ._custom_sink import CustomArrowStreamSink, consume_arrow_batches_with_custom_sink
    from ._custom_source import CustomArrowStreamSource, create_stream_from_custom_source
    from ._excel import ExcelWarning, read_excel
    from ._workspace import Run, RunRecorder, Workspace

__all__ = [
    "BatchQuery",
    "BitableClient",
    "BitableError",
    "BitableField",
    "BitablePage",
    "BitableTable",
    "CancelledError",
    "CatalogError",
    "CheckpointError",
    "ConsoleSink",
    "CsvFileSink",
    "CustomArrowStreamSink",
    "CustomArrowStreamSource",
    "DataFrame",
    "Error",
    "ExcelWarning",
    "Field",
    "FileAccessError",
    "FileFormatError",
    "GroupedDataFrame",
    "GroupedStreamingDataFrame",
    "InternalError",
    "Interval",
    "InvalidArgumentError",
    "JsonFileSink",
    "MemorySink",
    "Plan",
    "PluginSink",
    "ProbeResult",
    "Progress",
    "ProgressEvent",
    "RealtimeStreamSink",
    "RealtimeStreamSource",
    "ResourceError",
    "Run",
    "RunRecorder",
    "Schema",
    "Session",
    "SqlSemanticError",
    "SqlSyntaxError",
    "SqlUnsupportedError",
    "StreamError",
    "StreamItem",
    "StreamingDataFrame",
    "StreamingQuery",
    "TableKindError",
    "TypeMismatchError",
    "Workspace",
    "__version__",
    "consume_arrow_batches_with_custom_sink",
    "create_stream_from_bitable",
    "create_stream_from_custom_source",
    "group_rows_by_field",
    "group_rows_count_by_field",
    "read_excel",
]


_announce_workers()


# Most programs need none of these, and what they bring along (HTTP, XML, logging) takes longer to
# import than all the rest.
_WHERE_LATER = {
    "BitableClient": "_bitable_client",
    "BitableError": "_bitable_client",
    "BitableField": "_bitable_client",
    "BitablePage": "_bitable_client",
    "BitableTable": "_bitable_client",
    "CustomArrowStreamSink": "_custom_sink",
    "CustomArrowStreamSource": "_custom_source",
    "ExcelWarning": "_excel",
    "Run": "_workspace",
    "RunRecorder": "_workspace",
    "Workspace": "_workspace",
    "consume_arrow_batches_with_custom_sink": "_custom_sink",
    "create_stream_from_bitable": "_bitable_stream",
    "create_stream_from_custom_source": "_custom_source",
    "read_excel": "_excel",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE_LATER:
        raise AttributeError(f"module 'velaria' has no attribute {name!r}")
    found = getattr(_import_module(f".{_WHERE_LATER[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
