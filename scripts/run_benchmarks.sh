#!/usr/bin/env bash
# Runs benchmark families with their peers, records the figures and makes docs/performance.md.
#   scripts/run_benchmarks.sh [FAMILY | BENCHMARK]... [--runs N] [--short]
# Families: batch, tpch, files, streams, workers, vectors, start_up; without one all are run, which
# takes more than an hour; the name of one benchmark, such as group_by, runs that alone. What is
# measured is kept when the rest is broken off. --short only shows, with little data, that all work.
# Exit code 3: a case takes more than a tenth longer than in the last record of this machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
cd "$REPO_ROOT"
step "setup" ./scripts/setup.sh --bench
step "Python extension" ./scripts/build_python.sh
# These tell old builds of OpenBLAS what they cannot find out; they only slow a new one, so NumPy.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export PYTHONPATH=$REPO_ROOT/python_api
code=0
.venv-bench/bin/python benchmarks/performance_record.py "$@" || code=$?
case " $* " in
  *" --short "*) ;;
  *) .venv-bench/bin/python benchmarks/performance_report.py ;;
esac
exit "$code"
