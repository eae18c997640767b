"""SQL's INTERVAL as a Python value."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A calendar interval. The three parts do not convert into each other.

    >>> Interval(months=1, days=2, microseconds=500_000)
    Interval(months=1, days=2, microseconds=500000)
    """

    months: int
    days: int
    microseconds: int
