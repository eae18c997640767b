#!/usr/bin/env bash
# Sets up, builds, fetches the data and runs the demo; results land in demo_output/.
#   scripts/run_demo.sh [ARGUMENT...]  (arguments go to examples/flights_demo/run.py)
# The demo reads its files from the folder VELARIA_DEMO_DATA, which this script sets.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
begin=$(seconds_now)
step "setup" ./scripts/setup.sh
step "Python extension" ./scripts/build_python.sh
step "data" ./scripts/fetch_demo_data.sh
export VELARIA_DEMO_DATA=$VELARIA_PREFIX/demo-data
step "demo" "$VENV/bin/python" examples/flights_demo/run.py --output-dir demo_output "$@"
note "all of it took $(seconds_since "$begin") s; results are in demo_output/"
note "next: $VENV/bin/python has import velaria, $VENV/bin/velaria is the command, in any folder"
