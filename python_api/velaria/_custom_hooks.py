"""What custom sources and sinks have in common, whose __init__ a subclass need not call."""

from __future__ import annotations

import threading
from typing import Protocol

from . import _velaria as core

_making = threading.Lock()


class _UsedByOneQuery(Protocol):
    _use: core.ExclusiveUse | None


def exclusive_use_of(owner: _UsedByOneQuery) -> core.ExclusiveUse:
    """What all views of one source or sink share, so that one query has it at a time."""
    with _making:
        owner._use = owner._use or core.ExclusiveUse()
        return owner._use


def is_overridden(given: object, base: type, name: str) -> bool:
    """Whether a method is another one than the base's, by its class or on the object itself."""
    return getattr(getattr(given, name), "__func__", None) is not getattr(base, name)
