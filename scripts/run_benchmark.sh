#!/usr/bin/env bash
# Runs one benchmark family with the other engines beside ours, in their own environment.
#   scripts/run_benchmark.sh FAMILY [ARGUMENT...]     e.g. run_benchmark.sh group_by --runs 5
# FAMILY names benchmarks/FAMILY_bench.py; its arguments: --runs N, --only TEXT, --json FILE.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help | "") show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
family=$1
shift
if [ ! -f "benchmarks/${family}_bench.py" ]; then
  echo "run_benchmark: there is no benchmarks/${family}_bench.py; there are:" >&2
  (cd benchmarks && ls ./*_bench.py) >&2
  exit 2
fi
step "setup" ./scripts/setup.sh --bench
step "Python extension" ./scripts/build_python.sh
# These tell old builds of OpenBLAS what they cannot find out; they only slow a new one, so NumPy.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
PYTHONPATH=$REPO_ROOT/python_api exec .venv-bench/bin/python "benchmarks/${family}_bench.py" "$@"
