#!/usr/bin/env bash
# Builds the Python extension and puts it beside the package's sources, where `uv run` and
# .venv/bin/python import it from.
#   scripts/build_python.sh [BAZEL-OPTION...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
begin=$(seconds_now)
./scripts/bazel build --noshow_progress "$@" //python_api/velaria:_velaria.so
built=$(./scripts/bazel info "$@" bazel-bin 2>/dev/null)/python_api/velaria/_velaria.so
target=python_api/velaria/_velaria.so
if ! cmp -s "$built" "$target"; then
  # A running Python keeps the file it mapped; the new one takes its name.
  cp "$built" "$target.tmp.$$"
  chmod u+w "$target.tmp.$$"
  mv -f "$target.tmp.$$" "$target"
fi
note "$target is up to date ($(seconds_since "$begin") s)"
