#!/usr/bin/env python3
"""Writes src/kernel/unicode_case_table.inc and src/base/display_width_table.inc.

    scripts/generate_case_mapping.py [--check]

They come from Python's Unicode data. Simple case mappings only: one code point for one, so that
lengths in code points stay. Widths are the columns of a terminal. With --check nothing is written;
the status is 1 when a file is not what this Python (of the Unicode version it names) would write.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAST = 0x10FFFF


def simple_upper(c: str) -> str:
    # A full mapping of several code points has its simple one in the title case, or none.
    return next((m for m in (c.upper(), c.title()) if len(m) == 1), c)


def simple_lower(c: str) -> str:
    # The only longer one is U+0130, an i with a dot above it.
    return c.lower()[0]


def mapping_ranges(of: Callable[[str], str]) -> Iterator[tuple[int, int, int, int]]:
    """(first, last, delta, step): first, first + step, ... last move by delta."""
    run: list[int] = []  # first, last, delta, step (0: one code point so far)
    for code in range(0x80, LAST + 1):
        delta = ord(of(chr(code))) - code
        if delta == 0:
            continue
        if run and delta == run[2] and code - run[1] in ((1, 2) if run[3] == 0 else (run[3],)):
            run[3] = code - run[1]
            run[1] = code
            continue
        if run:
            yield run[0], run[1], run[2], max(run[3], 1)
        run = [code, code, delta, 0]
    if run:
        yield run[0], run[1], run[2], max(run[3], 1)


def word_ranges() -> Iterator[tuple[int, int]]:
    """Letters, marks and numbers beyond ASCII."""
    first = None
    for code in range(0x80, LAST + 2):
        inside = code <= LAST and unicodedata.category(chr(code))[0] in "LMN"
        if inside and first is None:
            first = code
        elif not inside and first is not None:
            yield first, code - 1
            first = None


def width_ranges(of: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """What `of` holds for; code points without a character take part on either side."""
    first = last = None
    for code in range(0x80, LAST + 1):
        if unicodedata.category(chr(code)) == "Cn":
            continue
        if of(chr(code)):
            first, last = code if first is None else first, code
        elif first is not None and last is not None:
            yield first, last
            first = None
    if first is not None and last is not None:
        yield first, last


def is_wide(c: str) -> bool:
    return unicodedata.east_asian_width(c) in "WF"


def is_without_width(c: str) -> bool:
    return unicodedata.category(c) in ("Mn", "Me", "Cf") and c != "\N{SOFT HYPHEN}"


def rows(name: str, kind: str, entries: list[str]) -> Iterator[str]:
    yield f"constexpr {kind} {name}[] = {{"
    line = "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            yield line
            line = "   "
        line += f" {entry},"
    yield line
    yield "};"


def table(*lines: str) -> str:
    head = (
        "// Made by scripts/generate_case_mapping.py from Unicode "
        f"{unicodedata.unidata_version}; do not edit."
    )
    return "\n".join([head, "// clang-format off", *lines, "// clang-format on"]) + "\n"


def code_ranges(name: str, ranges: Iterator[tuple[int, int]]) -> Iterator[str]:
    return rows(name, "CodeRange", [f"{{{a:#x}, {b:#x}}}" for a, b in ranges])


def case_table() -> str:
    def mapped(of: Callable[[str], str]) -> list[str]:
        return [f"{{{a:#x}, {b:#x}, {d}, {s}}}" for a, b, d, s in mapping_ranges(of)]

    return table(
        *rows("kToUpper", "CaseRange", mapped(simple_upper)),
        *rows("kToLower", "CaseRange", mapped(simple_lower)),
        *code_ranges("kWordRanges", word_ranges()),
    )


def width_table() -> str:
    return table(
        *code_ranges("kWide", width_ranges(is_wide)),
        *code_ranges("kWithoutWidth", width_ranges(is_without_width)),
    )


def main() -> int:
    status = 0
    for name, made in {
        "src/kernel/unicode_case_table.inc": case_table(),
        "src/base/display_width_table.inc": width_table(),
    }.items():
        if "--check" not in sys.argv[1:]:
            (ROOT / name).write_text(made)
        elif (ROOT / name).read_text() != made:
            print(f"{name} is not what {Path(sys.argv[0]).name} makes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
