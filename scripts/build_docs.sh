#!/usr/bin/env bash
# Makes the site of docs/ in site/; open site/index.html. Needs the Python package index once, for
# .venv-docs, and no other network.
#   scripts/build_docs.sh [--generate] [MKDOCS-OPTION...]
#     --generate  first writes docs/reference/cli.md, docs/contract-matrix.md and the pictures of the
#                 command line anew
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"

generate=
case "${1-}" in
  -h | --help) show_help "$0"; exit ;;
  --generate) generate=1; shift ;;
esac
cd "$REPO_ROOT"
./scripts/setup.sh
find_uv
docs_environment() {
  choose_python
  make_environment "$VENV-docs" requirements-docs.lock
}
environment_ready "$VENV-docs" requirements-docs.lock || step "Python environment .venv-docs" docs_environment
if [ -n "$generate" ]; then
  ./scripts/build_python.sh
  "$VENV/bin/python" scripts/generate_cli_reference.py docs/reference/cli.md
  "$VENV/bin/python" scripts/check_contract_matrix.py --write
  "$VENV/bin/python" scripts/capture_cli.py docs/images
fi
"$VENV/bin/python" scripts/generate_cpp_reference.py docs/reference/cpp.md
# The banner about other projects is no news of ours.
export NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true
"$VENV-docs/bin/mkdocs" build --clean "$@"
note "site/index.html"
