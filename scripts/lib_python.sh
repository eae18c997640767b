# shellcheck shell=bash
# Sourced after lib_steps.sh. Which uv and which Python the project uses.
# shellcheck disable=SC2034

# uv brings its own list of certificate authorities; the machine's may know more.
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never
# An environment that happens to be active must not be taken for ours.
unset VIRTUAL_ENV CONDA_PREFIX

VENV=$REPO_ROOT/.venv

# Sets UV to the uv on PATH, else to the private one; fails when there is neither.
find_uv() {
  UV=$(command -v uv || true)
  [ -z "$UV" ] || return 0
  UV=$VELARIA_PREFIX/uv/bin/uv
  [ -x "$UV" ]
}

# Installs uv into the cache folder. `pip --target` is what every pip can do: it needs no
# environment and no permission to change the system's packages.
install_uv() {
  local folder=$VELARIA_PREFIX/uv python pip
  python=$(command -v python3) || fail "no python3 on PATH; install Python 3.9 or newer"
  rm -rf "$folder.tmp"
  mkdir -p "$folder.tmp"
  if "$python" -m pip --version >/dev/null 2>&1; then
    pip=("$python" -m pip)
  else
    "$python" -m venv "$folder.tmp/pip" >/dev/null 2>&1 || {
      apt_install "Python's pip is missing" python3-venv
      "$python" -m venv --clear "$folder.tmp/pip" >/dev/null || fail "python3 cannot install packages; install python3-venv or uv"
    }
    pip=("$folder.tmp/pip/bin/python" -m pip)
  fi
  "${pip[@]}" --disable-pip-version-check install -q --no-deps --require-hashes --only-binary :all: \
    --target "$folder.tmp/uv" -r "$REPO_ROOT/requirements-uv.lock" >"$folder.tmp/log" 2>&1 || {
    tail -n 3 "$folder.tmp/log" >&2
    fail "uv could not be installed from the Python package index; install uv yourself and put it on PATH"
  }
  rm -rf "$folder"
  mv "$folder.tmp/uv" "$folder"
  rm -rf "$folder.tmp"
  UV=$folder/bin/uv
}

# What an environment was made from. A change of any of it makes setup.sh sync it again.
environment_inputs() { # LOCK
  # Raise the first number when make_environment does more.
  printf '2|%s|%s\n' "$REPO_ROOT" "$(sha256sum <"$1" | cut -c1-16)"
}

# environment_ready FOLDER LOCK: whether setup.sh has nothing to do there.
environment_ready() {
  local folder=$1 inputs base
  { read -r inputs && read -r base; } 2>/dev/null <"$folder/.velaria-inputs" || return 1
  [ "$inputs" = "$(environment_inputs "$2")" ] || return 1
  case "${VELARIA_PYTHON_BIN-}" in "" | "$base" | "$folder/bin/python") ;; *) return 1 ;; esac
  "$folder/bin/python" -c '' 2>/dev/null
}

# python_facts PYTHON: "OK FOLDER" or "NO-HEADERS FOLDER"; nothing for one too old or broken.
python_facts() {
  "$1" -I -c '
import os, sys, sysconfig
if sys.version_info >= (3, 9):
    folder = sysconfig.get_config_var("INCLUDEPY") or sysconfig.get_paths()["include"]
    print("OK" if os.path.exists(folder + "/Python.h") else "NO-HEADERS", folder)
' 2>/dev/null || true
}

# Sets PYTHON to an interpreter of 3.9 or newer whose headers are there.
choose_python() {
  local name path facts debian=
  if [ -n "${VELARIA_PYTHON_BIN-}" ]; then
    PYTHON=$VELARIA_PYTHON_BIN
    facts=$(python_facts "$PYTHON")
    case "$facts" in
      OK*) return ;;
      "") fail "VELARIA_PYTHON_BIN=$PYTHON is not a Python of 3.9 or newer" ;;
    esac
    case "$facts" in
      */usr/include/*) apt_install "the headers of $PYTHON are missing" "$(basename "${facts#* }")-dev" ;;
      *) fail "Python.h is not in ${facts#* }; install the development headers of $PYTHON or point VELARIA_PYTHON_BIN at an interpreter that has them" ;;
    esac
    return
  fi
  for name in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
    path=$(command -v "$name") || continue
    facts=$(python_facts "$path")
    case "$facts" in
      OK*)
        PYTHON=$path
        return
        ;;
      NO-HEADERS\ /usr/include/*) [ -n "$debian" ] || debian=$path:$(basename "${facts#* }")-dev ;;
    esac
  done
  [ -n "$debian" ] || fail "no Python of 3.9 or newer with its development headers found; install one (Debian: python3-dev) or set VELARIA_PYTHON_BIN"
  PYTHON=${debian%%:*}
  apt_install "the headers of $PYTHON are missing" "${debian#*:}"
}

# make_environment FOLDER LOCK: the locked packages, this tree's package on its path, and its command.
make_environment() {
  local folder=$1 lock=$2 site
  if ! [ "$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("INCLUDEPY"))' 2>/dev/null)" = \
    "$("$PYTHON" -I -c 'import sysconfig; print(sysconfig.get_config_var("INCLUDEPY"))')" ]; then
    rm -rf "$folder"
    "$UV" venv -q --no-project --python "$PYTHON" "$folder" || fail "uv could not make an environment of $PYTHON"
  fi
  rm -f "$folder/.velaria-inputs"
  "$UV" pip sync -q --python "$folder/bin/python" --require-hashes "$lock" ||
    fail "the packages of $(basename "$lock") could not be installed; check that the Python package index is reachable"
  site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$REPO_ROOT/python_api" >"$site/velaria.pth"
  printf '%s\n' '#!/bin/sh' "exec '$folder/bin/python' -m velaria \"\$@\"" >"$folder/bin/velaria"
  chmod +x "$folder/bin/velaria"
  # Bazel cannot see into the environment; it watches this file and re-runs Python tests.
  "$UV" pip freeze -q --python "$folder/bin/python" | sha256sum | cut -c1-16 >"$folder/.velaria-stamp"
  { environment_inputs "$lock"; echo "$PYTHON"; } >"$folder/.velaria-inputs"
}
