#!/usr/bin/env bash
# Kills streaming queries with a checkpoint at every occurrence of every step of their life, and at
# random moments, and starts them again until they are done; kills worker processes, too. The tests
# alone do each step at least once.
#   scripts/run_crash_tests.sh [ROUNDS]      2 by default; a round takes about 10 minutes
#   scripts/run_crash_tests.sh --seconds N   the tests again and again, with other seeds each time
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
tests=(//tests/stream:crash_test //python_api:stream_crash_test //python_api:local_workers_test)
kill_processes() { # BAZEL-OPTION...
  ./scripts/bazel test "${tests[@]}" --noshow_progress --test_timeout=7200 --nocache_test_results \
    --test_output=all "$@"
}

if [ "${1-}" != --seconds ]; then
  rounds=${1:-2}
  kill_processes --test_env=VELARIA_CRASH_ROUNDS="$rounds" --test_env=VELARIA_CRASH_SEEDS=$((20 * rounds))
  exit
fi
seconds=${2:?"--seconds needs a number"}
./scripts/bazel build --noshow_progress "${tests[@]}"
first_seed=$(date +%s)
end=$((SECONDS + seconds))
while :; do
  kill_processes --test_env=VELARIA_CRASH_FIRST_SEED="$first_seed"
  [ $SECONDS -lt $end ] || break
  first_seed=$((first_seed + 2))
done
