#!/usr/bin/env bash
# Builds everything in C++, runs all its tests, and checks which room includes which.
#   scripts/run_core_regression.sh [BAZEL-OPTION...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
check "every target builds" ./scripts/bazel build --noshow_progress "$@" //...
bazel_tests "C++ tests" --test_tag_filters=-python,-experimental "$@" //...
check "layers" python3 scripts/check_layers.py
finish "core regression"
