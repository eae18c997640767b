#!/usr/bin/env bash
# Runs the Python tests, imports the package the way a user does, starts (without running them again)
# the tests of the runtime contract one by one, and makes a wheel that is
# installed into an empty environment, where it is looked at file by file, asked one query, imported
# fast and without any other package, and called as a command; then with the packages of velaria[cli],
# and with those of all extras. The source archive it is made from is looked at too.
#   scripts/run_python_ecosystem_regression.sh [--no-wheel | --wheel] [BAZEL-OPTION...]
#     --no-wheel  leaves the wheel out
#     --wheel     does only the wheel
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

tests=1
wheel=1
case "${1-}" in
  -h | --help) show_help "$0"; exit ;;
  --no-wheel) wheel=; shift ;;
  --wheel) tests=; shift ;;
esac
cd "$REPO_ROOT"

# The targets of the runtime contract, each as somebody types it.
CONTRACT_TESTS=(
  streaming_v05_test
  arrow_stream_ingestion_test
  file_source_api_test
  python_cli_contract_test
  workspace_runs_test
  vector_search_test
  read_excel_test
  custom_stream_source_test
  bitable_stream_source_test
  bitable_group_by_owner_integration_test
)
contract_tests_start() {
  local name log status=0
  log=$(mktemp)
  for name in "${CONTRACT_TESTS[@]}"; do
    ./scripts/run_python_test.sh "$name" -- --collect-only -q >"$log" 2>&1 || {
      tail -n 20 "$log"
      status=1
    }
  done
  rm -f "$log"
  return "$status"
}

imports_by_uv() {
  "$UV" run python -c 'import velaria; print("velaria", velaria.__version__, "from", velaria.__file__)'
}

# From the source archive, as pip does it: proves that the archive is complete.
wheel_works() (
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  "$UV" build -q --python "$VENV/bin/python" --out-dir "$out" "$REPO_ROOT" || exit
  "$UV" venv -q --no-project --python "$VENV/bin/python" "$out/empty" || exit
  "$UV" pip install -q --no-index --python "$out/empty/bin/python" "$out"/*.whl || exit
  ls "$out"
  "$VENV/bin/python" "$here/check_sdist.py" "$out"/*.tar.gz || exit
  cd "$out"
  unset VELARIA_PYTHON_BIN PYTHONPATH
  # -I: neither this folder nor the user's settings may help
  "$out/empty/bin/python" -I "$here/check_wheel.py" "$out"/*.whl || exit
  status=0
  "$out/empty/bin/velaria" sql "SELECT 1" 2>words || status=$?
  if [ "$status" -ne 3 ] || ! grep -q "pip install 'velaria\[cli\]'" words; then
    cat words
    exit 1
  fi
  # The command, with what the extra brings and nothing else.
  "$UV" pip install -q --python "$out/empty/bin/python" "$(ls "$out"/*.whl)[cli]" || exit
  "$out/empty/bin/velaria" sql "SELECT 40 + 2 AS x" || exit
  ! "$out/empty/bin/python" -c 'import pandas' 2>/dev/null || exit
  "$UV" pip install -q --python "$out/empty/bin/python" "$(ls "$out"/*.whl)[all]" || exit
  "$out/empty/bin/python" -I - <<'PYTHON'
import velaria

session = velaria.Session()
frame = session.create_dataframe_from_arrow({"n": [1, 2]})
assert frame.to_arrow().num_rows == len(frame.to_pandas()) == frame.to_polars().height == 2
frame.to_pandas().to_excel("x.xlsx", index=False)
for engine in ("openpyxl", "calamine"):
    read = velaria.read_excel(session, "x.xlsx", engine=engine)
    assert read.to_rows() == frame.to_rows(), engine
print("the packages of velaria[all] work with it")
PYTHON
)

./scripts/setup.sh
find_uv
if [ -n "$tests" ]; then
  bazel_tests "Python tests" --test_tag_filters=python,-experimental "$@" //...
  check "extension for this tree" ./scripts/build_python.sh
  check "import through uv run" imports_by_uv
  check "tests of the contract start by themselves" contract_tests_start
fi
[ -z "$wheel" ] || check "wheel in an empty environment" wheel_works
finish "Python ecosystem regression"
