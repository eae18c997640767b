"""Velaria: a local-first dataflow engine.

SQL, frames, streams and exact vector search over typed columns, in one process:

>>> import velaria
>>> session = velaria.Session()
>>> session.sql("SELECT 1 + 1 AS two").to_rows()
[{'two': 2}]

Start with ``Session``. Everything that Velaria raises is a ``velaria.Error``.
"""

from ._frame import DataFrame, GroupedDataFrame
from ._interval import Interval
from ._schema import Field, Schema
from ._session import Session
from ._sinks import CsvFileSink, MemorySink, RealtimeStreamSink
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

__all__ = [
    "CancelledError",
    "CatalogError",
    "CheckpointError",
    "CsvFileSink",
    "DataFrame",
    "Error",
    "Field",
    "FileAccessError",
    "FileFormatError",
    "GroupedDataFrame",
    "GroupedStreamingDataFrame",
    "InternalError",
    "Interval",
    "InvalidArgumentError",
    "MemorySink",
    "RealtimeStreamSink",
    "RealtimeStreamSource",
    "ResourceError",
    "Schema",
    "Session",
    "SqlSemanticError",
    "SqlSyntaxError",
    "SqlUnsupportedError",
    "StreamError",
    "StreamingDataFrame",
    "StreamingQuery",
    "TableKindError",
    "TypeMismatchError",
    "__version__",
]
