#!/usr/bin/env bash
# Runs the C++ tests under sanitizers.
#   scripts/run_sanitizers.sh [asan | tsan | ubsan]... (default: all three)
# A target tagged no-asan, no-tsan or no-ubsan is left out of that one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
[ $# -gt 0 ] || set -- asan tsan ubsan
cd "$REPO_ROOT"
for sanitizer in "$@"; do
  case "$sanitizer" in asan | tsan | ubsan) ;; *) fail "unknown sanitizer '$sanitizer'; there are asan, tsan and ubsan" ;; esac
done
for sanitizer in "$@"; do
  before=$((PASSED + ${#FAILED_CHECKS[@]}))
  bazel_tests "C++ tests under $sanitizer" --config="$sanitizer" \
    --test_tag_filters="-python,-experimental,-no-$sanitizer" //...
  echo "tried: $((PASSED + ${#FAILED_CHECKS[@]} - before)) C++ test programs under $sanitizer"
done
finish "sanitizers ($*)"
