#!/usr/bin/env bash
# Runs the C++ tests under sanitizers.
#   scripts/run_sanitizers.sh [asan | tsan | ubsan | asan+ubsan]...    all of them by default: asan+ubsan tsan
# A target tagged no-asan, no-tsan or no-ubsan is left out of that one. asan+ubsan is one build with both.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
[ $# -gt 0 ] || set -- asan+ubsan tsan
cd "$REPO_ROOT"
for sanitizer in "$@"; do
  case "$sanitizer" in
    asan | tsan | ubsan | asan+ubsan) ;;
    *) fail "unknown sanitizer '$sanitizer'; there are asan, tsan, ubsan and asan+ubsan" ;;
  esac
done
for sanitizer in "$@"; do
  before=$((PASSED + ${#FAILED_CHECKS[@]}))
  configs=() filters=-python,-experimental
  for one in ${sanitizer//+/ }; do
    configs+=("--config=$one")
    filters+=,-no-$one
  done
  bazel_tests "C++ tests under $sanitizer" "${configs[@]}" --test_tag_filters="$filters" //...
  echo "tried: $((PASSED + ${#FAILED_CHECKS[@]} - before)) C++ test programs under $sanitizer"
done
finish "sanitizers ($*)"
