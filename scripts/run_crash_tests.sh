#!/usr/bin/env bash
# Kills streaming queries with a checkpoint at every occurrence of every step of their life, and at
# random moments, and starts them again until they are done; the tests do each step once only.
#   scripts/run_crash_tests.sh [ROUNDS]      2 by default; a round takes some minutes
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
rounds=${1:-2}
./scripts/bazel test //tests/stream:crash_test //python_api:stream_crash_test \
  --test_env=VELARIA_CRASH_ROUNDS="$rounds" --test_env=VELARIA_CRASH_SEEDS=$((20 * rounds)) \
  --test_timeout=7200 --nocache_test_results --test_output=all
