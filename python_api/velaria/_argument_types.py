"""What the methods of a class say when the kernel cannot take an argument's type."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from operator import index
from types import FunctionType
from typing import Any, TypeVar

from ._arguments import type_of
from ._velaria import InvalidArgumentError

_Class = TypeVar("_Class", bound=type)

# How pybind11 begins; behind it come signatures of the kernel, which say nothing to a caller.
_REFUSED = re.compile(r"\w+\(\): incompatible (?:function|constructor) arguments")
_LONGEST_VALUE = 60


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_integer(value)


def _is_integer(value: Any) -> bool:
    try:
        return -(2**63) <= index(value) < 2**63
    except TypeError:
        return False


_TAKES: dict[str, Callable[[Any], bool]] = {
    "None": lambda value: value is None,
    "bool": lambda value: isinstance(value, bool),
    "float": _is_number,
    "int": _is_integer,
    "str": lambda value: isinstance(value, str),
}


def _fits(annotation: Any, value: Any) -> bool | None:
    """None where the annotation does not tell."""
    checks = [_TAKES.get(part.strip()) for part in str(annotation).split("|")]
    if None in checks:
        return None
    return any(check(value) for check in checks if check is not None)


def _shown(name: str, value: Any) -> str:
    text = repr(value)
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "..."
    return f"{name}={text} ({type_of(value)})"


def _refusal(method: FunctionType, arguments: Any, named: Any) -> InvalidArgumentError:
    from inspect import signature

    shape = signature(method)
    given = dict(shape.bind(*arguments, **named).arguments)
    given.pop("self", None)
    annotated = {name: shape.parameters[name].annotation for name in given}
    verdicts = {name: _fits(annotated[name], value) for name, value in given.items()}
    wrong = [name for name in given if verdicts[name] is False]
    wrong = wrong or [name for name in given if verdicts[name] is None]
    called = method.__qualname__.split(".")[0 if method.__name__ == "__init__" else -1]
    seen = ", ".join(_shown(name, given[name]) for name in wrong or given)
    wanted = ", ".join(f"{name}: {annotated[name]}" for name in wrong or given)
    return InvalidArgumentError(f"{called}() cannot take {seen}; it takes {wanted}")


def _explained(method: FunctionType) -> Callable[..., Any]:
    @wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except TypeError as error:
            if not _REFUSED.match(str(error)):
                raise
            refusal = _refusal(method, arguments, named)
        raise refusal

    return call


def explains_argument_types(kind: _Class) -> _Class:
    """A class whose methods name the argument that the kernel refused, and what it takes.

    >>> import velaria
    >>> velaria.Session().drop_function(5)
    Traceback (most recent call last):
    velaria.InvalidArgumentError: drop_function() cannot take name=5 (int); it takes name: str
    """
    for name, member in list(vars(kind).items()):
        if isinstance(member, FunctionType) and (name == "__init__" or not name.startswith("_")):
            setattr(kind, name, _explained(member))
    return kind
