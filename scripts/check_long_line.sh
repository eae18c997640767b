#!/usr/bin/env bash
# One line of 1 GB as a CSV file: an error with its place by default, the whole value when the limit
# on rows is raised as far as it goes, and memory that stays in proportion. Takes 2 GB of disk.
#   scripts/check_long_line.sh [FOLDER]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
case "${1-}" in -h | --help) sed -n '2,4s/^# *//p' "$0"; exit ;; esac
folder=${1-${TMPDIR-/tmp}}
file=$folder/velaria_long_line.csv
trap 'rm -f "$file"' EXIT
python3 - "$file" <<'PYTHON'
import sys

with open(sys.argv[1], "wb") as file:
    file.write(b"a,b\n1,")
    for _ in range(1000):
        file.write(b"x" * 1_000_000)
PYTHON
PYTHONPATH=$here/../python_api "$here/../.venv/bin/python" - "$file" <<'PYTHON'
import resource
import sys

import velaria

session = velaria.Session()
for limit in (64 << 20, 256 << 20):
    try:
        session.read_csv(sys.argv[1], max_row_bytes=limit).count()
        sys.exit("a row of 1 GB came through")
    except velaria.FileFormatError as error:
        assert ":2:1 (byte 4)" in str(error) and "max_row_bytes" in str(error), error
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
assert peak < 1200, f"{peak} MB"
print(f"refused with its place; at most {peak} MB of memory")
PYTHON
