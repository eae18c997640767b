#!/usr/bin/env bash
# Runs what tries to break Velaria, stage by stage: sanitizers, fuzzers, killed processes, failing
# allocations, full disks, a soak, random queries, public suites. Writes a dated JSON of all figures and a report in
# Markdown; ends with 1 when a stage failed. docs/reliability.md explains it.
#   scripts/run_reliability.sh [--stages A,B] [--leave-out A,B] [--seconds STAGE=N]... [--output FOLDER]
#   scripts/run_reliability.sh --help        the stages and their budgets
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
PYTHONPATH=$here exec python3 -m reliability "$@"
