#!/usr/bin/env bash
# Runs Python tests through uv, without Bazel's sandbox: those of the names given, or all.
#   scripts/run_python_test.sh [NAME...] [-- PYTEST-OPTION...]
#   scripts/run_python_test.sh python_cli_contract_test workspace_runs_test -- -k progress
# A NAME may also be a Bazel target or a path. `uv run pytest PATH` does the same without building first.
# They are the files of python_api/tests, the same that `bazel test //python_api:NAME` runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  name=$(basename "${1#//python_api:}" .py)
  file=python_api/tests/$name.py
  [ -e "$file" ] || fail "there is no $file; ls python_api/tests shows the tests"
  files+=("$file")
  shift
done
[ $# -eq 0 ] || shift
./scripts/setup.sh
find_uv
./scripts/build_python.sh
"$UV" run pytest "${files[@]}" "$@"
