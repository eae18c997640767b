#!/usr/bin/env bash
# Compares answers to random queries with DuckDB's.
#   scripts/run_random_queries.sh [--queries N | --seconds N] [--seed N] [--show-errors]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
step "setup" ./scripts/setup.sh --bench
step "Python extension" ./scripts/build_python.sh
PYTHONPATH=$REPO_ROOT/python_api exec .venv-bench/bin/python tests/random/compare_with_duckdb.py "$@"
