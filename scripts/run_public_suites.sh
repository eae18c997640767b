#!/usr/bin/env bash
# Runs the readers and SQL over public test suites, fetched into the cache folder, and compares with
# what the suites expect. Ends with 1 when a case deviates that is not in
# tests/public_suites/deviations, or one that is there does not deviate. docs/reliability.md has the
# counts.
#   scripts/run_public_suites.sh [--suites A,B]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
step "setup" ./scripts/setup.sh
step "Python extension" ./scripts/build_python.sh
folder=$(./scripts/fetch_public_suites.sh)
PYTHONPATH=$REPO_ROOT/python_api exec .venv/bin/python tests/public_suites/run_suites.py "$folder" "$@"
