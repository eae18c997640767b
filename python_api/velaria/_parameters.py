"""Python values as the parameters of SQL."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Optional

from ._arguments import a_kind_of, vector_numbers
from ._interval import Interval
from ._velaria import InvalidArgumentError, TypeMismatchError

Typed = tuple[Optional[str], Any]

_PLAIN = {
    bool: "bool",
    float: "float64",
    str: "utf8",
    bytes: "binary",
    datetime.date: "date32",
    datetime.time: "time64[us]",
    datetime.timedelta: "interval",
    Interval: "interval",
}


def typed_parameters(parameters: Any) -> tuple[list[Typed], list[tuple[str, Typed]]]:
    """Values by position and by name, each with its SQL type."""
    if parameters is None:
        return [], []
    if isinstance(parameters, Mapping):
        for name in parameters:
            if not isinstance(name, str):
                raise InvalidArgumentError(f"names of parameters are str, not {name!r}")
        return [], [(name, _typed(f"${name}", value)) for name, value in parameters.items()]
    if isinstance(parameters, (list, tuple)) and not isinstance(parameters, Interval):
        return [_typed(f"{i}", value) for i, value in enumerate(parameters, start=1)], []
    raise InvalidArgumentError(
        "parameters are a list or tuple for ? and $1, or a mapping for $name, not "
        f"{type(parameters).__name__}"
    )


def _typed(name: str, value: Any) -> Typed:
    if value is None:
        return None, None
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain, value
    if type(value).__name__ == "NaTType":  # of pandas, which is a datetime without a time
        return None, None
    if getattr(value, "nanosecond", 0) or (
        isinstance(value, datetime.timedelta) and getattr(value, "nanoseconds", 0)
    ):
        raise _finer(name, value)  # Python's own times have neither
    if isinstance(value, datetime.datetime):
        return ("timestamp[us]" if value.tzinfo is None else "timestamp[us, UTC]"), value
    if isinstance(value, int) and not isinstance(value, bool):
        return _typed_int(name, value)
    if isinstance(value, Decimal):
        return _typed_decimal(name, value)
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        return _typed(name, _numpy_scalar(name, value))
    for known, type_name in _PLAIN.items():  # subclasses, as an Enum of texts is
        if isinstance(value, known):
            # The plain value: the extension module asks for exact types.
            if isinstance(value, (float, str, bytes)):
                return type_name, _without_subclass(value)
            return type_name, value
    if isinstance(value, Sequence) or hasattr(value, "__array__"):
        vector = vector_numbers(value)
        return f"fixed_size_list<float32>[{len(vector)}]", vector
    raise TypeMismatchError(f"parameter {name} is {a_kind_of(value)}, which SQL has no type for")


def _without_subclass(value: float | str | bytes) -> float | str | bytes:
    if isinstance(value, str):
        return str.__str__(value)  # str() of an Enum would be the name of its member
    return bytes(memoryview(value)) if isinstance(value, bytes) else float(value)


def _typed_int(name: str, value: int) -> Typed:
    if -(2**63) <= value < 2**63:
        return "int64", int(value)
    if 0 <= value < 2**64:
        return "uint64", int(value)
    if abs(value) < 10**38:
        return "decimal(38, 0)", Decimal(value)
    raise TypeMismatchError(f"parameter {name} is {value}, which is beyond 38 digits")


def _typed_decimal(name: str, value: Decimal) -> Typed:
    sign_digits_exponent = value.as_tuple()
    exponent = sign_digits_exponent.exponent
    if not isinstance(exponent, int):
        raise TypeMismatchError(f"parameter {name} is {value}, which no decimal is")
    scale = max(0, -exponent)
    precision = max(1, scale, len(sign_digits_exponent.digits) + max(0, exponent))
    if precision > 38:
        raise TypeMismatchError(f"parameter {name} is {value}, which needs more than 38 digits")
    return f"decimal({precision}, {scale})", value


def _numpy_scalar(name: str, value: Any) -> Any:
    if value.dtype.kind not in "mM":
        return value.item()
    # item() of a finer unit would be a bare int.
    exact = value.astype(f"{value.dtype.kind}8[us]")
    if exact != value and not str(value) == "NaT":
        raise _finer(name, value)
    return exact.item()


def _finer(name: str, value: Any) -> TypeMismatchError:
    return TypeMismatchError(
        f"parameter {name} is {value}, which is finer than microseconds; round it"
    )
