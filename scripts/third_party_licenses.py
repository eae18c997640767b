#!/usr/bin/env python3
"""Writes THIRD_PARTY_LICENSES: whose code is compiled into the library, and under which terms.

    scripts/third_party_licenses.py --check   the status is 1 where something bundled has no entry
    scripts/third_party_licenses.py --write   writes the file from the sources of setup.sh

A library counts as bundled when MODULE.bazel, scripts/fetch_cc_sources.sh or a BUILD file of what
is shipped names it. Each must stand below, as a part or with the reason why it is none. Where the
sources are there, --check also compares the texts with them.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD_PARTY_LICENSES"
SHIPPED = ("src", "stream", "include", "python_api/bindings", "python_api/velaria")
RULE = "=" * 78

HEAD = """\
The compiled part of Velaria contains code and data of the projects below, under their own terms.
Velaria itself is under the Apache License 2.0, see LICENSE.

Written by scripts/third_party_licenses.py; a check compares it with what is built.
"""


@dataclass
class Part:
    """One project: its name in the build, its licence, and where the texts stand in its sources."""

    module: str
    title: str
    licence: str
    files: list[str] = field(default_factory=list)
    # Comments with terms of their own: a file, and words of the comment.
    comments: list[tuple[str, str]] = field(default_factory=list)
    # Terms that no file of the sources has.
    words: str = ""


MIT_TERMS = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

UNICODE_TERMS = """\
The tables of upper and lower case (src/kernel/unicode_case_table.inc) and of widths on a terminal
(src/base/display_width_table.inc) are made from the Unicode Character Database.

UNICODE LICENSE V3

COPYRIGHT AND PERMISSION NOTICE

Copyright © 1991-2021 Unicode, Inc.

NOTICE TO USER: Carefully read the following legal agreement. BY DOWNLOADING, INSTALLING, COPYING
OR OTHERWISE USING DATA FILES, AND/OR SOFTWARE, YOU UNEQUIVOCALLY ACCEPT, AND AGREE TO BE BOUND BY,
ALL OF THE TERMS AND CONDITIONS OF THIS AGREEMENT. IF YOU DO NOT AGREE, DO NOT DOWNLOAD, INSTALL,
COPY, DISTRIBUTE OR USE THE DATA FILES OR SOFTWARE.

Permission is hereby granted, free of charge, to any person obtaining a copy of data files and any
associated documentation (the "Data Files") or software and any associated documentation (the
"Software") to deal in the Data Files or Software without restriction, including without limitation
the rights to use, copy, modify, merge, publish, distribute, and/or sell copies of the Data Files
or Software, and to permit persons to whom the Data Files or Software are furnished to do so,
provided that either (a) this copyright and permission notice appear with all copies of the Data
Files or Software, or (b) this copyright and permission notice appear in associated Documentation.

THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE
AND NONINFRINGEMENT OF THIRD PARTY RIGHTS.

IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS NOTICE BE LIABLE FOR ANY CLAIM,
OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF
USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THE DATA FILES OR SOFTWARE.

Except as contained in this notice, the name of a copyright holder shall not be used in advertising
or otherwise to promote the sale, use or other dealings in these Data Files or Software without
prior written authorization of the copyright holder.
"""

PARTS = [
    Part("abseil-cpp", "Abseil", "Apache-2.0", ["LICENSE"]),
    Part("fast_float", "fast_float", "MIT", ["LICENSE-MIT"]),
    Part("pybind11", "pybind11", "BSD-3-Clause", ["LICENSE"]),
    Part("re2", "RE2", "BSD-3-Clause", ["LICENSE"], [("util/rune.cc", "Lucent Technologies")]),
    Part(
        "simdjson",
        "simdjson",
        "Apache-2.0, with parts under MIT and BSD-3-Clause",
        ["LICENSE"],
        [("simdjson.h", "Idiap Research Institute"), ("simdjson.cpp", "Grisu2")],
        MIT_TERMS,
    ),
    Part("unicode", "Unicode character data", "Unicode-3.0", words=UNICODE_TERMS),
    Part("xxhash", "xxHash", "BSD-2-Clause", ["LICENSE"]),
    Part("zlib", "zlib", "Zlib", ["LICENSE"]),
    Part("zstd", "zstd", "BSD-3-Clause", ["LICENSE"]),
]

# Named by the build, and not in what is shipped.
NOT_BUNDLED = {
    "bazel_tools": "rules of the build",
    "platforms": "rules of the build",
    "rules_cc": "rules of the build",
    "googletest": "tests",
    "google_benchmark": "benchmarks",
    # The headers of the interpreter, and pybind11, which is a part.
    "velaria_python": "made on the machine that builds",
}
# These may not be reached by what is shipped.
NEVER_SHIPPED = ("googletest", "google_benchmark")


def shipped_files(*endings: str) -> Iterator[Path]:
    if "BUILD.bazel".endswith(endings):
        yield ROOT / "BUILD.bazel"
    for folder in SHIPPED:
        paths = sorted((ROOT / folder).rglob("*"))
        yield from (path for path in paths if path.name.endswith(endings))


def named_by_the_build() -> dict[str, str]:
    """Each library, and the place that names it."""
    named = {"pybind11": "setup.py", "unicode": "src/kernel/unicode_case_table.inc"}
    for name in re.findall(r'bazel_dep\(name = "([^"]+)"', (ROOT / "MODULE.bazel").read_text()):
        named[name] = "MODULE.bazel"
    fetch = (ROOT / "scripts/fetch_cc_sources.sh").read_text()
    sources = re.search(r"^SOURCES=\(\n(.*?)^\)", fetch, re.MULTILINE | re.DOTALL)
    if not sources:
        sys.exit("scripts/fetch_cc_sources.sh has no list SOURCES")
    for name in re.findall(r"^\s*([\w-]+)=", sources[1], re.MULTILINE):
        named[name] = "scripts/fetch_cc_sources.sh"
    for path in shipped_files("BUILD.bazel"):
        for name in re.findall(r'"@([\w-]+)', path.read_text()):
            named.setdefault(name, str(path.relative_to(ROOT)))
    return named


def sources_of(part: Part) -> Path | None:
    """The folder with the sources or licence of the part, where this machine has one."""
    if part.module == "pybind11":
        try:
            files = importlib.metadata.files("pybind11") or []
        except importlib.metadata.PackageNotFoundError:
            return None
        found = [file for file in files if file.name == "LICENSE"]
        return Path(str(found[0].locate())).parent if found else None
    cache = os.environ.get("VELARIA_CACHE_DIR") or (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "velaria"
    )
    folder = Path(cache) / "cc" / part.module
    return folder if folder.is_dir() else None


def comment_with(path: Path, words: str) -> str:
    for comment in re.findall(r"/\*!?(.*?)\*/", path.read_text(), re.DOTALL):
        if words in comment:
            lines = [re.sub(r"^ \* ?", "", line) for line in comment.strip("\n").splitlines()]
            return "\n".join(lines).strip("\n ")
    sys.exit(f"{path}: no comment has the words {words!r}")


def terms_of(part: Part) -> str | None:
    """The whole text of the part; None where its sources are not on this machine."""
    texts = []
    if part.files:
        folder = sources_of(part)
        if folder is None:
            return None
        texts = [(folder / file).read_text().strip("\n") for file in part.files]
        texts += [comment_with(folder / file, words) for file, words in part.comments]
    texts += [part.words.strip("\n")] if part.words else []
    text = f"\n\n{'-' * 40}\n\n".join(texts)
    return "\n".join(line.rstrip() for line in text.splitlines())


def title_of(part: Part) -> str:
    return f"{part.title} ({part.licence})"


def write() -> None:
    out = [HEAD]
    for part in PARTS:
        terms = terms_of(part)
        if terms is None:
            sys.exit(f"the sources of {part.title} are not here; run ./scripts/setup.sh")
        out.append(f"{RULE}\n{title_of(part)}\n{RULE}\n\n{terms}\n")
    FILE.write_text("\n".join(out))


def sections(text: str) -> dict[str, str]:
    pieces = re.split(rf"^{RULE}\n(.*)\n{RULE}\n", text, flags=re.MULTILINE)
    return {title: body.strip("\n") for title, body in zip(pieces[1::2], pieces[2::2])}


def faults() -> Iterator[str]:
    parts = {part.module for part in PARTS}
    named = named_by_the_build()
    for name, place in named.items():
        if name not in parts and name not in NOT_BUNDLED:
            yield f"{place} names {name}, which stands neither in PARTS nor in NOT_BUNDLED"
    for name in sorted(parts - named.keys()):
        yield f"{name} is a part, and nothing of the build names it"
    for path in shipped_files("BUILD.bazel"):
        for name in NEVER_SHIPPED:
            if f'"@{name}//' in path.read_text():
                yield f"{path.relative_to(ROOT)} depends on {name}, which is not shipped"
    for path in shipped_files(".h", ".cc", ".inc", ".py", ".pyi"):
        if re.search(r"copyright|spdx-license", path.read_text(), re.IGNORECASE):
            yield f"{path.relative_to(ROOT)} speaks of a copyright; whose must stand in PARTS"
    dependencies = (ROOT / "docs/design/0002-dependencies.md").read_text()
    there = sections(FILE.read_text()) if FILE.exists() else {}
    for part in PARTS:
        if f"| {part.title} |" not in dependencies:
            yield f"docs/design/0002-dependencies.md has no line for {part.title}"
        text = there.pop(title_of(part), "")
        if not text:
            yield f"{FILE.name} has no section for {title_of(part)}"
        elif terms_of(part) not in (None, text):
            yield f"the terms of {part.title} are others than {FILE.name} has; run with --write"
    for title in there:
        yield f"{FILE.name} has a section {title!r} for something that is not bundled"


def main(arguments: list[str]) -> None:
    if arguments == ["--write"]:
        write()
    elif arguments == ["--check"]:
        found = list(faults())
        if found:
            sys.exit("\n".join(found))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
