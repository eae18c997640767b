#!/usr/bin/env python3
"""What a source archive must hold: files of this tree that git knows or would add, no others.

scripts/check_sdist.py ARCHIVE
"""

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = {"PKG-INFO", "setup.cfg"}
MOST_BYTES = 4_000_000
# What a wheel is built from, or must come with one.
NEEDED = {
    "CHANGELOG.md",
    "LICENSE",
    "MODULE.bazel",
    "README.md",
    "SECURITY.md",
    "THIRD_PARTY_LICENSES",
    "include/velaria/velaria.h",
    "pyproject.toml",
    "python_api/velaria/__init__.py",
    "scripts/bazel",
    "setup.py",
}

archive = Path(sys.argv[1])
with tarfile.open(archive) as file:
    names = {member.name.partition("/")[2] for member in file if member.isfile()}
names = {name for name in names if ".egg-info/" not in name} - MADE
missing = NEEDED - names
assert not missing, missing
listed = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    check=True,
    capture_output=True,
).stdout
strangers = names - set(listed.decode().split("\0"))
assert not strangers, strangers
size_bytes = archive.stat().st_size
assert size_bytes < MOST_BYTES, size_bytes
print(f"{archive.name} is as it should be: {len(names)} files, {size_bytes / 1e6:.1f} MB")
