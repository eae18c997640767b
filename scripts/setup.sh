#!/usr/bin/env bash
# Prepares this tree for building and testing; run again, it does only what is missing.
#
#   scripts/setup.sh              everything below
#   scripts/setup.sh --toolchain  compiler, Bazel and C++ sources only, no Python environment
#   scripts/setup.sh --bench      everything, and .venv-bench with the engines we compare with
#
# It looks for a C++ compiler and a few host tools (installed by apt where allowed), Python
# headers, uv, the environment .venv with the packages of requirements.lock, Bazel 7, and,
# where Bazel's module registry is out of reach, the C++ dependencies as sources.
#
#   VELARIA_CACHE_DIR      where downloads live (default: velaria in the user's cache folder)
#   VELARIA_PYTHON_BIN     interpreter to build for (default: python3)
#   VELARIA_BAZEL          Bazel to use (default: the first that works here)
#   VELARIA_DEBIAN_MIRROR  mirror to fetch Bazel and the sources from (default: this host's)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_toolchain.sh
. "$here/lib_toolchain.sh"

with_python=1
with_bench=
for arg in "$@"; do
  case "$arg" in
    --toolchain) with_python= ;;
    --bench) with_bench=1 ;;
    -h | --help)
      sed -n '2,/^set -/{s/^# \{0,1\}//;/^set -/d;p}' "${BASH_SOURCE[0]}"
      exit
      ;;
    *) fail "setup.sh does not know '$arg'; see setup.sh --help" ;;
  esac
done

host_tools() {
  local tool
  local -a packages=()
  while read -r tool package; do
    command -v "$tool" >/dev/null || packages+=("$package")
  done <<'TOOLS'
python3 python3
flock util-linux
awk mawk
tar tar
xz xz-utils
gzip gzip
ld binutils
TOOLS
  command -v "${CXX:-g++}" >/dev/null || command -v clang++ >/dev/null || packages+=(g++)
  [ ${#packages[@]} -eq 0 ] || apt_install "tools of the build are missing" "${packages[@]}" ca-certificates
  echo '#include <vector>' | "$(command -v "${CXX:-g++}" || command -v clang++)" -x c++ -std=c++17 -fsyntax-only - ||
    fail "the C++ compiler cannot compile C++17; install g++ 10 or newer"
}

# A Bazel of the machine is used when it is a 7 and reaches the module registry: asked by
# resolving this project's modules, since nothing less proves it.
system_bazel() {
  local name path saved=
  for name in bazelisk bazel; do
    path=$(command -v "$name") || continue
    case "$(cd "$REPO_ROOT" && timeout 60 "$path" --version 2>/dev/null || true)" in
      "bazel 7."*) ;;
      *) continue ;;
    esac
    if [ -e "$LOCAL_RC" ]; then
      saved=$LOCAL_RC.aside
      mv "$LOCAL_RC" "$saved"
    fi
    if (cd "$REPO_ROOT" && timeout 120 "$path" mod graph >/dev/null 2>&1 8>&-); then
      rm -f "$saved"
      BAZEL=$path
      return 0
    fi
    [ -z "$saved" ] || mv "$saved" "$LOCAL_RC"
  done
  return 1
}

choose_bazel() {
  local registry=
  if [ -n "${VELARIA_BAZEL-}" ]; then
    BAZEL=$(command -v "$VELARIA_BAZEL") || fail "VELARIA_BAZEL=$VELARIA_BAZEL is not a program"
    registry=1
    [ "$BAZEL" != "$VELARIA_PREFIX/bazel/bin/bazel" ] || registry=
  elif [ ! -e "$VELARIA_PREFIX/bazel/.stamp" ] && system_bazel; then
    registry=1
  elif [ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get >/dev/null; then
    "$here/install_bazel.sh" "$VELARIA_PREFIX/bazel"
    BAZEL=$VELARIA_PREFIX/bazel/bin/bazel
  else
    fail "no usable Bazel here; install Bazelisk, or Bazel 7.7.1 and set VELARIA_BAZEL to it"
  fi
  note "$BAZEL"
  if [ -n "$registry" ]; then
    if [ -e "$LOCAL_RC" ] && head -n 1 "$LOCAL_RC" | grep -q "$LOCAL_RC_MARK"; then rm -f "$LOCAL_RC" "$EMBEDDING_RC"; fi
    printf '%s\n%s\nregistry\n' "$(toolchain_inputs)" "$BAZEL" >"$TOOLCHAIN_FILE"
  else
    need_sources=1
  fi
}

LOCAL_RC_MARK='written by scripts/setup.sh'
EMBEDDING_RC=$REPO_ROOT/.bazelrc.embedding
DEV_MODULES='google_benchmark|rules_foreign_cc|libpfm'
need_sources=
cc_sources() {
  "$here/fetch_cc_sources.sh" "$VELARIA_PREFIX/cc"
  if [ -e "$LOCAL_RC" ] && ! head -n 1 "$LOCAL_RC" | grep -q "$LOCAL_RC_MARK"; then
    note "keeping your own .bazelrc.local; it must contain $VELARIA_PREFIX/cc/overrides.bazelrc"
  else
    {
      echo "# $LOCAL_RC_MARK; deleted and made anew by it"
      cat "$VELARIA_PREFIX/cc/overrides.bazelrc"
      # Without the second option a cleared cache breaks the next build of a live tree.
      echo "build --disk_cache=$VELARIA_PREFIX/disk-cache --remote_download_outputs=all"
      echo "build --experimental_disk_cache_gc_max_size=5G"
    } >"$LOCAL_RC.tmp"
    mv "$LOCAL_RC.tmp" "$LOCAL_RC"
    # For projects that embed this one: Bazel rejects overrides of modules that only our tests need.
    grep -vE -- "--override_module=($DEV_MODULES)=" "$LOCAL_RC" >"$EMBEDDING_RC"
  fi
  printf '%s\n%s\nlocal\n' "$(toolchain_inputs)" "$BAZEL" >"$TOOLCHAIN_FILE"
}

python_environment() { # FOLDER LOCK
  choose_python
  note "$PYTHON ($("$PYTHON" --version 2>&1))"
  make_environment "$@"
}

# Where `uv run` finds it afterwards: uv's own installer uses this folder too.
offer_uv() {
  local bin=$HOME/.local/bin
  if [ "$UV" = "$VELARIA_PREFIX/uv/bin/uv" ] && [ ! -e "$bin/uv" ]; then
    mkdir -p "$bin" && ln -sfn "$UV" "$bin/uv"
  fi
  command -v uv >/dev/null || note "uv is in $bin, which is not on PATH: export PATH=\"$bin:\$PATH\""
}

exec 8>"$VELARIA_PREFIX/.setup.lock"
command -v flock >/dev/null && flock 8
begin=$(seconds_now)

if ! find_bazel; then
  step "compiler and host tools" host_tools
  step "Bazel (160 MB where it must be downloaded)" choose_bazel
  [ -z "$need_sources" ] || step "C++ dependencies as sources" cc_sources
fi
if [ -n "$with_python" ]; then
  find_uv || { step "uv" install_uv; }
  environment_ready "$VENV" "$REPO_ROOT/requirements.lock" ||
    { step "Python environment .venv" python_environment "$VENV" "$REPO_ROOT/requirements.lock"; }
  if [ -n "$with_bench" ] && ! environment_ready "$VENV-bench" "$REPO_ROOT/requirements-bench.lock"; then
    step "Python environment .venv-bench" python_environment "$VENV-bench" "$REPO_ROOT/requirements-bench.lock"
  fi
  offer_uv
fi
note "ready in $(seconds_since "$begin") s; next: ./scripts/build_python.sh, ./scripts/run_tests.sh"
