#!/usr/bin/env python3
"""Prints the version of the project, or writes it wherever it must stand.

    scripts/version.py               prints it
    scripts/version.py --check       the status is 1 where the places, or CHANGELOG.md, disagree
    scripts/version.py --set X.Y.Z   writes it everywhere

It is kept in python_api/velaria/_version.py. pyproject.toml, the wheel and the command line read
that file; MODULE.bazel and the C++ header can only hold copies, which this script writes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"(?:0|[1-9]\d*)"
VERSION = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}")

# Each pattern matches once in its file: what stands before the version, the version, what follows.
PLACES = [
    ("python_api/velaria/_version.py", r'^(__version__ = ")([^"]*)(")$', "{version}"),
    ("MODULE.bazel", r'(\Amodule\(\s*name = "velaria",\s*version = ")([^"]*)(")', "{version}"),
    ("include/velaria/version.h", r'^(#define VELARIA_VERSION ")([^"]*)(")$', "{version}"),
    ("include/velaria/version.h", r"^(#define VELARIA_VERSION_MAJOR )(\S+)()$", "{major}"),
    ("include/velaria/version.h", r"^(#define VELARIA_VERSION_MINOR )(\S+)()$", "{minor}"),
    ("include/velaria/version.h", r"^(#define VELARIA_VERSION_PATCH )(\S+)()$", "{patch}"),
]


def expected(template: str, version: str) -> str:
    major, minor, patch = version.split(".")
    return template.format(version=version, major=major, minor=minor, patch=patch)


def found(file: str, pattern: str) -> str:
    matches = re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)
    if len(matches) != 1:
        sys.exit(f"{file}: the version stands there {len(matches)} times, not once")
    return str(matches[0][1])


def current() -> str:
    version = found(*PLACES[0][:2])
    if not VERSION.fullmatch(version):
        sys.exit(f"{PLACES[0][0]}: {version!r} is not of the form 1.2.3")
    return version


def copies_that_differ(version: str) -> list[str]:
    wrong = []
    for file, pattern, template in PLACES:
        value, wanted = found(file, pattern), expected(template, version)
        if value != wanted:
            wrong.append(f"{file}: {value!r} must be {wanted!r}; run scripts/version.py --set")
    return wrong


def faults_of_changelog(version: str) -> list[str]:
    """Its sections: [Unreleased] first, then versions with their dates, the newest first."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if headings[:1] != ["[Unreleased]"]:
        return ["CHANGELOG.md: the first section must be '## [Unreleased]'"]
    faults, numbers = [], []
    for heading in headings[1:]:
        match = re.fullmatch(rf"\[({VERSION.pattern})\] - \d{{4}}-\d\d-\d\d", heading)
        if match:
            numbers.append(tuple(map(int, match[1].split("."))))
        else:
            faults.append(f"CHANGELOG.md: '## {heading}' must be like '## [1.2.3] - 2030-01-31'")
    if numbers != sorted(set(numbers), reverse=True):
        faults.append("CHANGELOG.md: versions must go down from the newest, each once")
    if numbers and numbers[0] > tuple(map(int, version.split("."))):
        faults.append(f"CHANGELOG.md: has a version newer than {version}")
    return faults


def write(version: str) -> None:
    for file, pattern, template in PLACES:
        found(file, pattern)
        path = ROOT / file
        value = expected(template, version)
        text = re.sub(pattern, rf"\g<1>{value}\g<3>", path.read_text(), flags=re.MULTILINE)
        path.write_text(text)


def main(arguments: list[str]) -> None:
    if not arguments:
        print(current())
    elif arguments == ["--check"]:
        version = current()
        faults = copies_that_differ(version) + faults_of_changelog(version)
        if faults:
            sys.exit("\n".join(faults))
    elif arguments[0] == "--set" and len(arguments) == 2 and VERSION.fullmatch(arguments[1]):
        write(arguments[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
