#!/usr/bin/env bash
# Runs the Python tests, imports the package the way a user does, and makes a wheel that is
# installed into an empty environment and asked one query.
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
  cd "$out"
  # -I: neither this folder nor the user's settings may help
  env -u VELARIA_PYTHON_BIN "$out/empty/bin/python" -I -c '
import velaria
assert "site-packages" in velaria.__file__, velaria.__file__
rows = velaria.Session().sql("SELECT 1 AS x").to_rows()
print(rows)
'
)

./scripts/setup.sh
find_uv
if [ -n "$tests" ]; then
  bazel_tests "Python tests" --test_tag_filters=python,-experimental "$@" //...
  check "extension for this tree" ./scripts/build_python.sh
  check "import through uv run" imports_by_uv
fi
[ -z "$wheel" ] || check "wheel in an empty environment" wheel_works
finish "Python ecosystem regression"
