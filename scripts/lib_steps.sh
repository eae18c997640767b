# shellcheck shell=bash
# Sourced by every script: where things are, step lines with their times, one-sentence errors.
# shellcheck disable=SC2034

REPO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# env -i leaves no HOME; the password database still knows it.
: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME
VELARIA_PREFIX=${VELARIA_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/velaria}
STEPS_QUIET=${STEPS_QUIET:-}

FAILED=
STEP_NOW=

fail() {
  FAILED=1
  echo "velaria: $*" >&2
  exit 1
}

# A command that fails without a sentence of its own still leaves one.
trap '[ -z "$STEP_NOW" ] || [ -n "$FAILED" ] || echo "velaria: stopped at \"$STEP_NOW\"; the reason stands above." >&2' EXIT

note() { [ -n "$STEPS_QUIET" ] || echo "    $*" >&2; }

case "$VELARIA_PREFIX" in
  *[[:space:]]*) fail "the cache folder '$VELARIA_PREFIX' contains white space; set VELARIA_CACHE_DIR to a path without" ;;
  /*) ;;
  *) VELARIA_PREFIX=$PWD/$VELARIA_PREFIX ;;
esac
mkdir -p "$VELARIA_PREFIX" || fail "the cache folder $VELARIA_PREFIX cannot be made; set VELARIA_CACHE_DIR"
VELARIA_PREFIX=$(cd "$VELARIA_PREFIX" && pwd -P) # one spelling, since it is written down

seconds_now() { # with tenths; EPOCHREALTIME uses the locale's decimal mark
  local t=${EPOCHREALTIME/,/.}
  printf '%s\n' "$t"
}

seconds_since() { awk -v a="$1" -v b="$(seconds_now)" 'BEGIN { printf "%.1f", b - a }'; }

# step "what it does" COMMAND...: a line before, a line with the time after.
step() {
  local what=$1 begin
  shift
  begin=$(seconds_now)
  [ -n "$STEPS_QUIET" ] || echo "==> $what" >&2
  # Called plainly, not in a condition: `set -e` stays in force inside the command.
  STEP_NOW=$what
  "$@"
  STEP_NOW=
  [ -n "$STEPS_QUIET" ] || echo "    done in $(seconds_since "$begin") s" >&2
}

# with_progress "label" FOLDER TOTAL_MB COMMAND...: tells how the folder grows while the
# command runs; one rewritten line on a terminal, a line every 10 s elsewhere.
with_progress() {
  local label=$1 folder=$2 total=$3 watcher status=0
  shift 3
  (
    ticks=0
    while sleep 1; do
      ticks=$((ticks + 1))
      have=$(du -sm "$folder" 2>/dev/null | cut -f1)
      if [ -t 2 ]; then
        printf '\r    %s: %s of %s MB ' "$label" "${have:-0}" "$total" >&2
      elif [ $((ticks % 10)) -eq 0 ]; then
        echo "    $label: ${have:-0} of $total MB" >&2
      fi
    done
  ) &
  watcher=$!
  "$@" || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  [ ! -t 2 ] || printf '\r\033[K' >&2
  return "$status"
}

# apt_install "why" PACKAGE...: as root or through sudo; else one sentence that says what to do.
apt_install() {
  local why=$1
  local -a as_root=()
  shift
  command -v apt-get >/dev/null || fail "$why; install the equivalent of Debian's: $*"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "$why; ask an administrator to run: apt-get install $*"
    as_root=(sudo)
  fi
  note "$why: apt-get install $*"
  # A bare machine has no package lists yet.
  "${as_root[@]}" apt-get -q update >/dev/null 2>&1 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >/dev/null ||
    fail "$why, and installing it failed; run: apt-get install $*"
}
