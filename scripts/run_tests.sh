#!/usr/bin/env bash
# Runs every check of the project, one suite after another, and ends with a line that counts:
# Bazel test targets and single checks.
#   scripts/run_tests.sh [--help]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in
  "") ;;
  -h | --help) show_help "$0"; exit ;;
  *) fail "run_tests.sh takes no arguments; the suites it calls do" ;;
esac
cd "$REPO_ROOT"
./scripts/setup.sh
VELARIA_COUNTS=$(mktemp)
export VELARIA_COUNTS
trap 'rm -f "$VELARIA_COUNTS"' EXIT

for suite in core_regression python_ecosystem_regression experimental_regression python_ci_checks; do
  echo "=== ./scripts/run_$suite.sh"
  lines=$(wc -l <"$VELARIA_COUNTS")
  "./scripts/run_$suite.sh" || true
  # A suite that broke off before its counts is one failure.
  [ "$(wc -l <"$VELARIA_COUNTS")" -gt "$lines" ] || echo "0 1" >>"$VELARIA_COUNTS"
done
read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$VELARIA_COUNTS")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
