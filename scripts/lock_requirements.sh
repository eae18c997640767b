#!/usr/bin/env bash
# Writes requirements.lock and those of the benchmarks, docs, demo and uv anew from pyproject.toml:
# names, versions and hashes for every Python and platform, no addresses.
# Pins already in a lock stay; --upgrade takes the newest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"

case "${1-}" in
  "" | --upgrade) ;;
  *) echo "usage: $0 [--upgrade]" >&2; exit 2 ;;
esac
find_uv || install_uv
export UV_CUSTOM_COMPILE_COMMAND=scripts/lock_requirements.sh

# uv reads no dependency groups of a project it does not manage, so it gets a copy it may.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
grep -v '^managed = false' "$REPO_ROOT/pyproject.toml" >"$copy/pyproject.toml"
cp "$REPO_ROOT"/requirements*.lock "$copy/" 2>/dev/null || true
cd "$copy"
lock() { # FILE OPTION...
  local file=$1
  shift
  step "resolving $file" "$UV" pip compile -q --no-config --universal --python-version 3.9 \
    --generate-hashes --no-emit-index-url --no-annotate "${upgrade[@]}" "$@" -o "$file"
  cp "$file" "$REPO_ROOT/$file"
}
upgrade=("$@")
lock requirements.lock pyproject.toml --all-extras --group dev
lock requirements-bench.lock --group bench
lock requirements-docs.lock --group docs
lock requirements-demo.lock --no-deps --group demo
lock requirements-uv.lock --no-deps --group uv
