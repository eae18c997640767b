"""What the tools print: counts of what they tried, measurements, and failures.

A tool says `tried: 1,234 kills of a process` for each kind of fault, and `measured: TEXT` for what
else is worth to be told. A line may come several times; counts of one kind are added up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TRIED = re.compile(r"^tried: ([\d,]+) (\S.*)$")
_MEASURED = re.compile(r"^measured: (\S.*)$")

# The lines that say what went wrong, of the tools that are run.
_FAILURES = [
    re.compile(pattern)
    for pattern in (
        r"^\[  FAILED  \] \S+\.\S+",  # GoogleTest
        r"^\S+:\d+: Failure$",
        r"^(FAILED|ERROR) \S+",  # pytest
        r"^E  +\S",
        r"^//\S+ +(FAILED|TIMEOUT|NO STATUS)",  # Bazel
        r"^ERROR: ",
        r"(ERROR|SUMMARY|WARNING): \w*(Sanitizer|libFuzzer)",
        r": runtime error: ",
        r"^difference \(seed ",  # random queries
        r"^(BAD|failed:) ",  # checks of this project
        r"^(wrong|unexpected): ",
        r"^velaria: ",
        r"^Traceback ",
        r"^\w+(Error|Exception): ",
        r"memory grew from",
    )
]
_MOST_FAILURE_LINES = 20
_LINES_WITHOUT_A_FAILURE = 10


@dataclass
class Output:
    """What one command printed."""

    tried: dict[str, int] = field(default_factory=dict)
    measured: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def read_output(text: str) -> Output:
    out = Output()
    for raw in text.splitlines():
        line = raw.rstrip()
        tried = _TRIED.match(line)
        measured = _MEASURED.match(line)
        if tried:
            what = tried.group(2)
            out.tried[what] = out.tried.get(what, 0) + int(tried.group(1).replace(",", ""))
        elif measured:
            out.measured.append(measured.group(1))
        elif any(pattern.search(line) for pattern in _FAILURES) and line not in out.failures:
            out.failures.append(line)
    del out.failures[_MOST_FAILURE_LINES:]
    return out


def last_lines(text: str) -> list[str]:
    """For a command that failed without a word that is known."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return lines[-_LINES_WITHOUT_A_FAILURE:]
