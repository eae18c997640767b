# shellcheck shell=bash
# Sourced after lib_steps.sh. Which Bazel this tree uses, as setup.sh wrote it down.

# Line 1: what the choice was made from; line 2: the Bazel; line 3: whether .bazelrc.local
# replaces the module registry.
TOOLCHAIN_FILE=$REPO_ROOT/.velaria-setup
LOCAL_RC=$REPO_ROOT/.bazelrc.local

toolchain_inputs() {
  printf '%s|%s|%s\n' "$VELARIA_PREFIX" "${VELARIA_BAZEL-}" \
    "$(cat "$REPO_ROOT"/scripts/{install_bazel,fetch_cc_sources}.sh | cksum)"
}

# Sets BAZEL when the choice written down still holds; fails otherwise.
find_bazel() {
  local inputs local_rc
  { read -r inputs && read -r BAZEL && read -r local_rc; } 2>/dev/null <"$TOOLCHAIN_FILE" || return 1
  [ "$inputs" = "$(toolchain_inputs)" ] && [ -x "$BAZEL" ] || return 1
  case "$local_rc" in
    local) [ -e "$LOCAL_RC" ] && [ -e "$VELARIA_PREFIX/cc/late.bazelrc" ] ;;
    *) true ;;
  esac
}
