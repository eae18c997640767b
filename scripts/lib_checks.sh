# shellcheck shell=bash
# Sourced after lib_steps.sh. Runs checks one after another, goes on after a failure, counts.

PASSED=0
FAILED_CHECKS=()

# check "name" COMMAND...
check() {
  local name=$1 begin status=0
  shift
  begin=$(seconds_now)
  echo "--- $name"
  "$@" || status=$?
  if [ "$status" -eq 0 ]; then
    PASSED=$((PASSED + 1))
    echo "ok  $name ($(seconds_since "$begin") s)"
  else
    FAILED_CHECKS+=("$name")
    echo "BAD $name ($(seconds_since "$begin") s)"
  fi
}

# bazel_tests "name" OPTION-OR-TARGET...: every test target counts by itself. No such target
# is no failure.
bazel_tests() {
  local name=$1 log status=0 target verdict counted=0
  shift
  log=$(mktemp)
  echo "--- $name"
  "$REPO_ROOT/scripts/bazel" test --keep_going --build_tests_only --noshow_progress \
    --test_summary=short "$@" 2>&1 | tee "$log" || status=$?
  while read -r target verdict; do
    counted=$((counted + 1))
    case "$verdict" in
      PASSED* | "(cached) PASSED"* | FLAKY*) PASSED=$((PASSED + 1)) ;;
      *) FAILED_CHECKS+=("$target") ;;
    esac
  done < <(grep -E '^//[^ ]+ +(\(cached\) )?(PASSED|FLAKY|FAILED|TIMEOUT|NO STATUS|INCOMPLETE|REMOTE)' "$log" || true)
  rm -f "$log"
  # 4: all built, no tests. 3: tests failed, counted above.
  if [ "$status" -eq 4 ]; then
    echo "    no targets of this kind yet"
  elif [ "$status" -ne 0 ] && { [ "$status" -ne 3 ] || [ "$counted" -eq 0 ]; }; then
    FAILED_CHECKS+=("$name: Bazel ended with $status")
  fi
}

# finish "name": the summary, the counts for run_tests.sh, and the exit status.
finish() {
  local failed=${#FAILED_CHECKS[@]}
  [ "$failed" -eq 0 ] || printf 'failed: %s\n' "${FAILED_CHECKS[@]}"
  echo "$1: $PASSED passed, $failed failed"
  [ -z "${VELARIA_COUNTS-}" ] || echo "$PASSED $failed" >>"$VELARIA_COUNTS"
  [ "$failed" -eq 0 ]
}

# show_help FILE: the comment at the head of a script.
show_help() {
  sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p;}' "$1"
}

# source_files PATTERN...: tracked files and new ones, but nothing git ignores; NUL between them.
# An unpacked source archive has no git: there every file counts that no tool made.
source_files() {
  local pattern
  if git -C "$REPO_ROOT" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$REPO_ROOT" ls-files -z --cached --others --exclude-standard -- "$@" |
      while IFS= read -r -d '' pattern; do [ ! -e "$pattern" ] || printf '%s\0' "$pattern"; done
  else
    for pattern in "$@"; do
      find . \( -name '.venv*' -o -name 'bazel-*' -o -name build \) -prune -o -type f -path "./$pattern" -print0
    done
  fi
}
