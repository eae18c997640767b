#!/usr/bin/env bash
# Lets every allocation of a whole streaming query fail, one after the other, or its disk be full at
# every step; the query fails by name, and loses nothing when it is started again.
#   scripts/run_resource_faults.sh [allocations | disks]... (default: both)
# The tests alone let every 13th allocation fail.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
[ $# -gt 0 ] || set -- allocations disks
tests=()
for kind in "$@"; do
  case "$kind" in
    allocations) tests+=(//tests/stream:allocation_failure_test) ;;
    disks) tests+=(//tests/stream:full_disk_test) ;;
    *) fail "unknown kind of fault '$kind'; there are allocations and disks" ;;
  esac
done
./scripts/bazel test "${tests[@]}" --noshow_progress --test_env=VELARIA_TEST_EVERY_ALLOCATION=1 \
  --test_timeout=7200 --nocache_test_results --test_output=all
