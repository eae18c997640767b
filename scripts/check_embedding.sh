#!/usr/bin/env bash
# Builds examples/embedding as a project of its own, in a folder of its own, and runs its program on a
# small file: what a stranger who embeds Velaria does. The first run compiles the kernel, for minutes.
#   scripts/check_embedding.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
project=$(mktemp -d)/delays
end() {
  (cd "$project" && "$here/bazel" shutdown 2>/dev/null) || true
  rm -rf "$(dirname "$project")"
}
trap end EXIT
cp -r "$REPO_ROOT/examples/embedding" "$project"
cd "$project"
sed -i "s|path = \"../..\"|path = \"$REPO_ROOT\"|" MODULE.bazel
sed -i "s|%workspace%/../..|$REPO_ROOT|" .bazelrc
grep -qF "path = \"$REPO_ROOT\"" MODULE.bazel || fail "MODULE.bazel of the example names the checkout in another way now"
printf 'carrier,arr_delay\nAA,3\nB6,10\nAA,5\nUA,\n' >flights.csv
"$here/bazel" build --noshow_progress //:delays_app
run() { ./bazel-bin/delays_app "$@"; }

answer() {
  diff -u - <(run "$PWD/flights.csv") <<'TEXT'
carrier  mean_delay_min
utf8            float64
-------  --------------
B6                 10.0
AA                  4.0
UA                 NULL
(3 rows)
TEXT
}
named_error() {
  local said status=0
  said=$(run "$PWD/no_such_file.csv" 2>&1) || status=$?
  echo "$said"
  [ "$status" -eq 1 ] && grep -q "^FileAccessError: .*no_such_file.csv" <<<"$said"
}
check "the program gives the answer" answer
check "a file that is not there is a named error" named_error
finish "embedding"
