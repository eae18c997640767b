#!/usr/bin/env bash
# Compiles src/similarity and its tests for 64-bit Arm and runs them under emulation: NEON kernels
# are then more than text on a machine without them. On Arm it just runs them.
#   scripts/test_arm_kernels.sh [TEST...]      e.g. test_arm_kernels.sh product_kernels_test
# Needs g++-aarch64-linux-gnu and qemu-user, which it installs by apt where it may. Emulation is
# slow: a few minutes in all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
tests=("$@")
[ $# -gt 0 ] || tests=(distance_kernels_test product_kernels_test vector_edge_cases_test many_search_test)
compiler=(aarch64-linux-gnu-g++)
emulator=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
if [ "$(uname -m)" = aarch64 ]; then
  compiler=(g++)
  emulator=()
elif ! command -v "${compiler[0]}" >/dev/null || ! command -v "${emulator[0]}" >/dev/null; then
  apt_install "the Arm compiler or the emulator is missing" g++-aarch64-linux-gnu qemu-user
fi

googletest=$VELARIA_PREFIX/cc/googletest/googletest
[ -d "$googletest" ] || fail "$googletest is missing; run ./scripts/setup.sh first"
out=$VELARIA_PREFIX/arm_kernels
mkdir -p "$out"
sources=(
  src/base/{buffer,cpu_features,cpu_tiles,error,large_memory,memory_budget,text,thread_pool}.cc
  src/column/*.cc src/similarity/*.cc
  src/similarity/kernels/{kernel_levels,portable_kernels,neon_kernels}.cc
  tests/similarity/vector_test_data.cc
)

compile() { # SOURCE OBJECT
  local options=(-std=c++17 -O2 -Wall -Wextra -Werror -Wno-missing-field-initializers -fno-math-errno)
  case "$1" in */exact_score.cc) options+=(-ffp-contract=off) ;; "$googletest"/*) options=(-std=c++17 -O1 -I"$googletest") ;; esac
  "${compiler[@]}" "${options[@]}" -I. -isystem "$googletest/include" -c "$1" -o "$2"
}

compile_all() {
  local source objects=()
  for source in "${sources[@]}" "$googletest"/src/gtest-all.cc "$googletest"/src/gtest_main.cc; do
    objects+=("$out/$(basename "$source").o")
    compile "$source" "${objects[-1]}"
  done
  for source in "${tests[@]}"; do
    compile "tests/similarity/$source.cc" "$out/$source.o"
    "${compiler[@]}" "$out/$source.o" "${objects[@]}" -o "$out/$source" -lpthread
  done
}

step "compiling for 64-bit Arm" compile_all
for name in "${tests[@]}"; do check "$name" "${emulator[@]}" "$out/$name" --gtest_brief=1; done
finish "arm kernels (${tests[*]})"
