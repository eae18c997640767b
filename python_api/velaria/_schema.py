"""Names and types of a frame's columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, overload

from . import _velaria as core
from ._optional import import_pyarrow

if TYPE_CHECKING:
    import pyarrow


class Field(NamedTuple):
    """A column: its name and the name of its type."""

    name: str
    type: str


def is_number(kind: str) -> bool:
    """Whether a type's values are numbers, which people read from the right."""
    return kind.startswith(("int", "uint", "float", "decimal")) and kind != "interval"


class _HasSchema(Protocol):
    def schema(self) -> list[tuple[str, str]]: ...
    def __arrow_c_schema__(self) -> object: ...


class Schema(Sequence[Field]):
    """The columns of a frame in order; needs nothing but Velaria.

    An immutable sequence of ``Field(name, type)``, equal to any sequence of the same
    ``(name, type)`` pairs. ``pyarrow.schema(schema)`` and ``schema.to_arrow()`` give Arrow's view.

    >>> import velaria
    >>> schema = velaria.Session().sql("SELECT 1 AS a, 'x' AS b").schema
    >>> schema
    Schema(a: int64, b: utf8)
    >>> schema["b"].type, schema.names, schema == [("a", "int64"), ("b", "utf8")]
    ('utf8', ['a', 'b'], True)
    """

    __slots__ = ("_fields", "_owner")

    def __init__(self, owner: _HasSchema) -> None:
        self._owner = owner
        self._fields = tuple(Field(*pair) for pair in owner.schema())

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [field.name for field in self._fields]

    @property
    def types(self) -> list[str]:
        """The type names in order."""
        return [field.type for field in self._fields]

    def to_arrow(self) -> pyarrow.Schema:
        """The same as a ``pyarrow.Schema``; raises ImportError without pyarrow."""
        return import_pyarrow("Schema.to_arrow()").schema(self)

    def __arrow_c_schema__(self) -> object:
        """Arrow's PyCapsule protocol."""
        return self._owner.__arrow_c_schema__()

    @overload
    def __getitem__(self, key: int | str) -> Field: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Field]: ...
    def __getitem__(self, key: int | str | slice) -> Field | Sequence[Field]:
        """The field at a position or of a name (exact spelling)."""
        if isinstance(key, str):
            for field in self._fields:
                if field.name == key:
                    return field
            raise KeyError(f"no column {key!r}; there are {self.names}")
        return self._fields[key]

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self._fields == tuple(other)

    def __hash__(self) -> int:
        return hash(self._fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _schema_of, (self._fields,)

    def __repr__(self) -> str:
        return f"Schema({', '.join(f'{name}: {kind}' for name, kind in self._fields)})"


def _schema_of(fields: Sequence[Field]) -> Schema:
    return Schema(core.RowReader(fields))
