#!/usr/bin/env bash
# Formats every C++ and Python file in place.
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
./scripts/setup.sh
source_files '*.h' '*.cc' '*.c' |
  xargs -0r -n 50 -P 0 "$VENV/bin/clang-format" -i
"$VENV/bin/ruff" check --quiet --fix-only .
"$VENV/bin/ruff" format --quiet .
