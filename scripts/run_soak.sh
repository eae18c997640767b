#!/usr/bin/env bash
# Runs streams of many millions of rows and asserts that their memory stays flat.
#   scripts/run_soak.sh [--rows N | --seconds N] [--only TEXT]      10,000,000 rows a stream by default
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
step "setup" ./scripts/setup.sh
step "Python extension" ./scripts/build_python.sh
# Arrow's own allocators keep what they freed, which would look like growth.
export ARROW_DEFAULT_MEMORY_POOL=system
PYTHONPATH=$REPO_ROOT/python_api exec .venv/bin/python tests/soak/stream_soak.py "$@"
