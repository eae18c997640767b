#!/usr/bin/env bash
# Everything that reads sources without running them: ruff, mypy, pyright (also whether every public
# type is complete), clang-format, shellcheck, whether the reference of C++ can be made, whether each
# row of the contract matrix has its tests, whether all that is bundled has its licence, whether the
# version is the same wherever it is written, and whether the performance page is what the records
# say.
#   scripts/run_python_ci_checks.sh
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
./scripts/setup.sh
tool=$VENV/bin

cc_format() { source_files '*.h' '*.cc' '*.c' | xargs -0r -n 1 -P "$(nproc)" "$tool/clang-format" --dry-run -Werror --ferror-limit=1; }
shell_lint() { source_files '*.sh' scripts/bazel .ci/run | xargs -0r "$tool/shellcheck" -x; }
# What users of the package see of it, as their type checker does.
public_types() (
  export PYTHONPATH=$REPO_ROOT/python_api
  cd "$(mktemp -d)" || exit
  "$tool/pyright" --pythonpath "$tool/python" --verifytypes velaria --ignoreexternal | tee report |
    grep -E 'error|score' || true
  grep -q '^Type completeness score: 100%' report
)
cpp_reference() { "$tool/python" scripts/generate_cpp_reference.py | grep -q '^class DataflowSession {'; }

check "ruff check" "$tool/ruff" check --quiet .
check "ruff format" "$tool/ruff" format --check --quiet .
check "mypy" "$tool/mypy" --no-error-summary
check "pyright" "$tool/pyright"
check "public types are complete" public_types
check "clang-format" cc_format
check "shellcheck" shell_lint
check "reference of C++" cpp_reference
check "contract matrix" "$tool/python" scripts/check_contract_matrix.py
check "licences of what is bundled" "$tool/python" scripts/third_party_licenses.py --check
check "one version, and the form of the changelog" "$tool/python" scripts/version.py --check
check "performance page" "$tool/python" benchmarks/performance_report.py --check
finish "Python and source checks"
