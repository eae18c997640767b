#!/usr/bin/env python3
"""Writes the reference of C++ from the headers that a program which embeds Velaria includes.

    scripts/generate_cpp_reference.py [FILE]

Without FILE it goes to standard output. scripts/build_docs.sh makes docs/reference/cpp.md with it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

HEAD = """\
# C++

<!-- Written by scripts/generate_cpp_reference.py; change the headers, not this page. -->

`#include "velaria/velaria.h"`, link the Bazel target `@velaria//:velaria`. Everything is in the
namespace `velaria`; all failures are `velaria::Error`. What follows are the headers themselves,
without what is private.
"""

HEADERS = {
    "Sessions, frames, errors": [
        "src/session/dataflow_session.h",
        "src/session/session_options.h",
        "src/session/data_frame.h",
        "src/session/query_monitor.h",
        "src/session/result_stream.h",
        "src/session/query_profile.h",
        "src/session/vector_search_options.h",
        "src/sql/parameters.h",
        "src/expr/user_function.h",
        "src/base/error.h",
        "include/velaria/version.h",
    ],
    "Streams": [
        "stream/streaming_data_frame.h",
        "stream/streaming_query.h",
        "stream/stream_options.h",
        "stream/progress.h",
        "stream/stream_source.h",
        "stream/stream_sink.h",
        "stream/connectors/arrow_stream_source.h",
        "stream/connectors/stream_file_format.h",
        "stream/connectors/file_directory_source.h",
        "stream/connectors/file_tail_source.h",
        "stream/connectors/realtime_stream_source.h",
        "stream/connectors/rate_source.h",
        "stream/connectors/realtime_stream_sink.h",
        "stream/connectors/memory_sink.h",
        "stream/connectors/callback_sink.h",
        "stream/connectors/console_sink.h",
        "stream/connectors/csv_file_sink.h",
    ],
    "Plugins in C": [
        "stream/source_sink_abi.h",
        "stream/source_sink_adapters.h",
        "stream/plugin_library.h",
        "stream/conformance/stream_conformance.h",
    ],
}

# Lines that only a compiler wants.
_DROPPED = re.compile(
    r"#pragma once|#include |(}\s*// )?namespace velaria|}  // namespace velaria"
    r"|class \w+;$|struct \w+;$|#ifn?def (STREAM|VELARIA)\w*_H|#define (STREAM|VELARIA)\w*_H\b"
)


def split(text: str) -> tuple[list[str], list[str]]:
    """The comment at the head of a header, and its declarations."""
    lines = text.splitlines()
    if lines[0].startswith("/*"):
        end = lines.index(" */") + 1
        comment = [line[3:] for line in lines[: end - 1]]
    else:
        end = next(i for i, line in enumerate(lines) if not line.startswith("//"))
        comment = [line[3:] for line in lines[:end]]
    return comment, [line for line in public(lines[end:]) if not _DROPPED.match(line)]


def public(lines: list[str]) -> Iterator[str]:
    """The lines without the private and protected parts of classes."""
    hidden: str | None = None  # the indentation of the class whose part is left out
    for line in lines:
        section = re.fullmatch(r"( *) (private|protected|public):", line)
        if hidden is not None and line == hidden + "};":
            hidden = None
        if section is not None:
            hidden = section[1] if section[2] != "public" else None
            if hidden is not None:
                continue
        if hidden is None:
            yield line


def prose(comment: list[str]) -> str:
    """A comment as Markdown: what is indented in it is code."""
    out: list[str] = []
    code = False
    for line in comment:
        indented = line.startswith("  ")
        if indented and not code:
            out.append("```cpp")
            code = True
        elif code and line and not indented:
            while out[-1] == "":
                out.pop()
            out += ["```", ""]
            code = False
        out.append(line[2:] if code else line)
    if code:
        out.append("```")
    return "\n".join(out).strip()


def squeezed(lines: list[str]) -> str:
    """The lines without blank ones at the ends and without two of them in a row."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, headers in HEADERS.items():
        parts.append(f"## {title}\n")
        for header in headers:
            comment, declarations = split((ROOT / header).read_text(encoding="utf-8"))
            parts.append(f"### {header}\n\n{prose(comment)}\n")
            parts.append(f"```cpp\n{squeezed(declarations)}\n```\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> None:
    """Writes the page to the file named, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
