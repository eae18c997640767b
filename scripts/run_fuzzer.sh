#!/usr/bin/env bash
# Runs a fuzz target of tests/fuzz under libFuzzer with the address sanitizer, for as long as told.
#   scripts/run_fuzzer.sh TARGET [SECONDS] [LIBFUZZER ARGUMENT...]      e.g. run_fuzzer.sh json 3600
# Needs clang with its runtime (Debian: clang, libclang-rt-dev). Inputs that are worth keeping gather
# in the folder fuzz_corpus/TARGET, which starts with the target's seeds; what crashes is written beside it. Without clang,
# `scripts/bazel test //tests/fuzz/...` runs the same targets over seeds and mutations of them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help | "") show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
target=$1
seconds=${2:-600}
shift $(($# > 1 ? 2 : 1))
[ -f "tests/fuzz/${target}_fuzz.cc" ] || fail "there is no tests/fuzz/${target}_fuzz.cc"
command -v clang++ >/dev/null || fail "libFuzzer needs clang++; on Debian: apt-get install clang libclang-rt-dev"
mkdir -p "fuzz_corpus/$target"
./scripts/bazel build --config=fuzz "//tests/fuzz:${target}_fuzzer"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
"bazel-bin/tests/fuzz/${target}_fuzzer" "-max_total_time=$seconds" -max_len=8192 -print_final_stats=1 \
  -artifact_prefix="fuzz_corpus/$target-" "fuzz_corpus/$target" "$@" 2>&1 | tee "$log" || status=$?
sed -n "s/^stat::number_of_executed_units: */tried: /p" "$log" | sed "s/$/ inputs of the $target fuzzer/"
exit "$status"
