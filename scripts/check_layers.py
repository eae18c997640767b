#!/usr/bin/env python3
"""Proves who includes whom.

    scripts/check_layers.py [ROOT]

Reads the #include lines under src/, stream/ and python_api/ and checks the order of the rooms, the
few places that may use what others may not, what the bindings may use, the rooms of third-party
headers, and the names of files. Prints each violation as file:line: what, and ends with status 1
when there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A room may include itself and what is named here.
_BASE = ["src/base"]
_COLUMN = [*_BASE, "src/column"]
_KERNEL = [*_COLUMN, "src/kernel"]
_SIMILARITY = [*_KERNEL, "src/similarity"]
_EXPR = [*_SIMILARITY, "src/expr"]
_PLAN = [*_EXPR, "src/plan"]
_STREAM = [*_PLAN, "src/sql", "src/io", "src/exec", "stream"]
ALLOWED = {
    "src/base": _BASE,
    "src/column": _COLUMN,
    "src/kernel": _KERNEL,
    "src/similarity": _SIMILARITY,
    "src/expr": _EXPR,
    "src/plan": _PLAN,
    # These three do not see each other.
    "src/sql": [*_PLAN, "src/sql"],
    "src/io": [*_PLAN, "src/io"],
    "src/exec": [*_PLAN, "src/exec"],
    "stream": _STREAM,
    "src/session": [*_STREAM, "src/session"],
}

# The bindings turn calls and values around: they may include the front doors, and what values are.
BINDINGS = "python_api"
BINDINGS_MAY_INCLUDE = [
    BINDINGS,
    "src/base/error.h",
    "src/base/file_system.h",
    "src/base/text.h",
    "src/base/thread_pool.h",
    "src/column",
    "src/io/cells/cell_table.h",
    "src/io/probe/probe.h",
    "src/session/data_frame.h",
    "src/session/dataflow_session.h",
    "src/session/frame_verbs.h",
    "src/session/query_monitor.h",
    "stream/connectors",
    "stream/progress.h",
    "stream/stream_context.h",
    "stream/stream_options.h",
    "stream/stream_sink.h",
    "stream/stream_source.h",
    "stream/streaming_data_frame.h",
    "stream/streaming_query.h",
    "stream/workers/worker_process.h",
    "stream/workers/worker_server.h",
]

# Folders inside a room that only these places may include.
RESTRICTED = {
    "src/column/arrow": ["src/column/arrow", "src/io/memory", "stream", "src/session", BINDINGS],
}
# c_data.h declares the structs of the Arrow C interface and nothing of ours.
RESTRICTED_EXCEPT = {"src/column/arrow/c_data.h"}

# Third-party headers by the start of their include path, and the only places for them.
THIRD_PARTY = {
    "xxhash": ["src/kernel", "stream/stream_plan.cc", "stream/checkpoint"],
    "fast_float/": ["src/io"],
    "simdjson": ["src/io"],
    "re2/": ["src/kernel"],
    "zstd": ["src/io"],
    "zlib": ["src/io"],
    "pybind11/": ["python_api"],
    "gtest/": ["tests"],
}

BAD_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "manager", "managers"}
SOURCE_ENDINGS = {".h", ".cc", ".c", ".inc"}
# Where people write code; names are checked there.
NAMED_PLACES = ["src", "stream", "python_api", "tests", "benchmarks", "examples", "bazel"]

_INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


@dataclass(frozen=True)
class Include:
    file: str  # from the root, with '/'
    line: int
    target: str


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place + "/")


def room_of(path: str) -> str | None:
    """The room a path lies in; nothing for a path in none."""
    return next((room for room in ALLOWED if _is_below(path, room)), None)


def includes_of(root: Path, place: str) -> Iterator[Include]:
    for file in sorted((root / place).rglob("*")):
        if file.suffix not in SOURCE_ENDINGS or not file.is_file():
            continue
        name = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            found = _INCLUDE.match(line)
            if found:
                yield Include(name, number, found[1] or found[2])


def check_include(include: Include) -> str | None:
    """What is wrong with one include line."""
    room = room_of(include.file)
    target_room = room_of(include.target)
    if _is_below(include.file, BINDINGS):
        ours = include.target.startswith(("src/", "stream/", "python_api/", "tests/"))
        if ours and not any(_is_below(include.target, name) for name in BINDINGS_MAY_INCLUDE):
            return f"{BINDINGS} may not include {include.target}; see BINDINGS_MAY_INCLUDE"
    elif room is None:
        return None if not _is_below(include.file, "src") else "lies in no room of src/"
    elif target_room is not None and target_room not in ALLOWED[room]:
        return f"{room} may not include {target_room} ({include.target})"
    elif target_room is None and include.target.startswith(("src/", "python_api/", "tests/")):
        return f"{room} may not include {include.target}"
    for folder, places in RESTRICTED.items():
        if not _is_below(include.target, folder) or include.target in RESTRICTED_EXCEPT:
            continue
        if not any(_is_below(include.file, place) for place in places):
            return f"{include.target} is for {', '.join(places)} only"
    for prefix, places in THIRD_PARTY.items():
        if not include.target.startswith(prefix):
            continue
        if not any(_is_below(include.file, place) for place in places):
            return f"{include.target} is for {', '.join(places)} only"
    return None


def find_cycles(includes: list[Include]) -> Iterator[tuple[Include, list[str]]]:
    """Cycles of header files, each once, with the include line that closes it."""
    graph: dict[str, list[Include]] = {}
    for include in includes:
        graph.setdefault(include.file, []).append(include)
    done: set[str] = set()
    path: list[str] = []

    def visit(file: str) -> Iterator[tuple[Include, list[str]]]:
        path.append(file)
        for include in graph.get(file, []):
            if include.target in path:
                yield include, [*path[path.index(include.target) :], include.target]
            elif include.target in graph and include.target not in done:
                yield from visit(include.target)
        path.pop()
        done.add(file)

    for file in sorted(graph):
        if file not in done:
            yield from visit(file)


def bad_names(root: Path) -> Iterator[str]:
    for place in NAMED_PLACES:
        for path in sorted((root / place).rglob("*")):
            parts = path.relative_to(root).parts
            if any(part.startswith((".", "bazel-")) or part == "__pycache__" for part in parts):
                continue
            words = re.split(r"[_\-.]", path.name.lower())
            if set(words) & BAD_NAMES:
                yield f"{path.relative_to(root).as_posix()}:1: a name that says nothing"


def check_tree(root: Path) -> list[str]:
    """All violations of a tree, in the order of files and lines."""
    includes = [
        include for place in ("src", "stream", BINDINGS) for include in includes_of(root, place)
    ]
    out = []
    for include in includes:
        wrong = check_include(include)
        if wrong:
            out.append(f"{include.file}:{include.line}: {wrong}")
    for include, cycle in find_cycles(includes):
        out.append(f"{include.file}:{include.line}: a cycle: {' -> '.join(cycle)}")
    out.extend(bad_names(root))
    return out


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    if not (root / "src").is_dir():
        print(f"check_layers: {root} has no src/", file=sys.stderr)
        return 2
    violations = check_tree(root)
    for violation in violations:
        print(violation)
    if not violations:
        print("check_layers: every include goes the right way")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
