"""The stages of a run: which tools try which faults, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MINUTE = 60
HOUR = 60 * MINUTE


@dataclass(frozen=True)
class Command:
    """One tool. It tells what it tried, see outputs.py, and ends with 0 when nothing was lost."""

    name: str
    arguments: list[str]


@dataclass(frozen=True)
class Stage:
    name: str
    title: str
    holds: str  # what its tools check after each fault
    seconds: int  # the budget when none is given
    # Whether the budget is how long its tools work; else it is what its fixed work may take, with
    # what has to be built before.
    fills_its_time: bool
    commands: Callable[[int], list[Command]]  # of a budget in seconds


def _script(name: str, *arguments: str) -> list[str]:
    return [str(ROOT / "scripts" / name), *arguments]


def _one(name: str, *arguments: str) -> list[Command]:
    return [Command(name.partition(".")[0], _script(name, *arguments))]


def _fuzzers(seconds: int) -> list[Command]:
    targets = sorted(path.name[: -len("_fuzz.cc")] for path in ROOT.glob("tests/fuzz/*_fuzz.cc"))
    each = str(max(1, seconds // max(1, len(targets))))
    return [Command(target, _script("run_fuzzer.sh", target, each)) for target in targets]


_NOTHING_LOST = (
    "started again, no row is lost, torn or wrong, and totals are right; no process or memory stays"
)

STAGES = [
    Stage(
        "sanitizers",
        "C++ tests under the sanitizers of addresses and undefined behaviour",
        "no error of memory, nothing leaks, no undefined behaviour",
        3 * HOUR,
        False,
        lambda seconds: [Command("asan+ubsan", _script("run_sanitizers.sh", "asan+ubsan"))],
    ),
    Stage(
        "thread_sanitizer",
        "C++ tests under the sanitizer of threads",
        "no data race",
        3 * HOUR,
        False,
        lambda seconds: [Command("tsan", _script("run_sanitizers.sh", "tsan"))],
    ),
    Stage(
        "fuzzers",
        "libFuzzer with the address sanitizer",
        "an answer or a named error; the same answer however the bytes are cut",
        HOUR,
        True,
        _fuzzers,
    ),
    Stage(
        "kills",
        "processes killed at every kind of step and at random moments",
        _NOTHING_LOST,
        30 * MINUTE,
        True,
        lambda seconds: _one("run_crash_tests.sh", "--seconds", str(seconds)),
    ),
    Stage(
        "kill_matrix",
        "processes killed at every occurrence of every step in every setting",
        _NOTHING_LOST,
        2 * HOUR,
        False,
        lambda seconds: _one("run_crash_tests.sh", "1"),
    ),
    Stage(
        "allocations",
        "every allocation of a query fails once",
        "the query ends right or by name; started again, totals are right",
        2 * HOUR,
        False,
        lambda seconds: _one("run_resource_faults.sh", "allocations"),
    ),
    Stage(
        "disks",
        "the disk is full at every step",
        "the query fails by name, its checkpoint is whole; started again, totals are right",
        30 * MINUTE,
        False,
        lambda seconds: _one("run_resource_faults.sh", "disks"),
    ),
    Stage(
        "soak",
        "streams of many rows",
        "each total is right; memory stays flat",
        15 * MINUTE,
        True,
        lambda seconds: _one("run_soak.sh", "--seconds", str(seconds)),
    ),
    Stage(
        "random_queries",
        "random queries compared with DuckDB",
        "the same rows; no query that Velaria alone refuses",
        15 * MINUTE,
        True,
        lambda seconds: _one("run_random_queries.sh", "--seconds", str(seconds)),
    ),
    Stage(
        "public_suites",
        "suites of CSV, JSON, encodings, regular expressions and SQL that others wrote",
        "what the suite expects, but for the deviations that are listed with their reasons",
        30 * MINUTE,
        False,
        lambda seconds: _one("run_public_suites.sh"),
    ),
]
