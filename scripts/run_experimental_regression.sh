#!/usr/bin/env bash
# Runs the tests tagged `experimental`, in C++ and Python.
#   scripts/run_experimental_regression.sh [BAZEL-OPTION...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
bazel_tests "experimental tests" --test_tag_filters=experimental "$@" //...
finish "experimental regression"
