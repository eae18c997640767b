#!/usr/bin/env bash
# Runs what belongs to local workers: their own tests, those tagged `experimental`, the whole stream
# test-suite in worker processes over both transports, and the benchmark grid in short form.
#   scripts/run_experimental_regression.sh [--no-grid] [BAZEL-OPTION...]
# The grid prints JSON lines, and is written to benchmark_output/local_workers.jsonl.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

grid=yes
case "${1-}" in
  -h | --help) show_help "$0"; exit ;;
  --no-grid) grid=no; shift ;;
esac
cd "$REPO_ROOT"
workers=execution_mode=local-workers,local_workers=2,worker_choice=always
bazel_tests "local workers" "$@" //tests/stream/workers/... //python_api:local_workers_test
bazel_tests "experimental tests" --test_tag_filters=experimental "$@" //...
bazel_tests "streams in workers over shared memory" --test_tag_filters=streams \
  --test_env="VELARIA_STREAM_OPTIONS=$workers,shared_memory_min_payload_bytes=0" "$@" //...
bazel_tests "streams in workers over sockets" --test_tag_filters=streams \
  --test_env="VELARIA_STREAM_OPTIONS=$workers,shared_memory_transport=false" "$@" //...
if [ "$grid" = yes ]; then
  ./scripts/build_python.sh
  check "benchmark grid" env PYTHONPATH=python_api "$VENV/bin/python" \
    benchmarks/local_workers_bench.py --short --output benchmark_output/local_workers.jsonl
fi
finish "experimental regression"
