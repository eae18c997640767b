# shellcheck shell=bash
# Sourced. Fetching from the host's own Debian mirror without touching the host's
# package state: every file apt writes lands in a folder of ours.

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the base address of the mirror this host already uses, or nothing.
debian_mirror() {
  local mirror=${VELARIA_DEBIAN_MIRROR:-}
  if [ -z "$mirror" ]; then
    mirror=$(apt-get indextargets --format "\$(ORIGIN)|\$(SUITE)|\$(REPO_URI)" 'Created-By: Packages' 2>/dev/null |
      awk -F'|' '$1 == "Debian" && $2 !~ /security|updates|backports/ { print $3; exit }' || true)
  fi
  if [ -z "$mirror" ]; then # apt knows no index before its first update: read its sources instead
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
      grep -Eo '^(URIs:|deb( \[[^]]*\])?) *[a-z+]+://[^ ]+' | grep -Eo '[a-z+]+://.*' |
      grep -E '/debian/?$' | head -n 1 || true)
  fi
  printf '%s\n' "$mirror"
}

# private_apt STATE_DIR STATUS_FILE: creates the state folder and fills the array
# PRIVATE_APT with the options that keep apt inside it.
private_apt() {
  local state=$1 status=$2
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/none/partial"
  # shellcheck disable=SC2034  # read by the script that sources this file
  PRIVATE_APT=(
    -oDir::Etc::sourcelist="$state/sources.list" -oDir::Etc::sourceparts=/dev/null
    -oDir::Etc::preferences=/dev/null -oDir::Etc::preferencesparts=/dev/null
    -oDir::State="$state" -oDir::State::Lists="$state/lists" -oDir::State::status="$status"
    -oDir::State::extended_states="$state/extended_states" -oDir::Cache="$state/cache"
    -oDebug::NoLocking=1 -oAPT::Sandbox::User= -oAcquire::Languages=none -oAcquire::Retries=3
    -oAPT::Install-Recommends=false -oDpkg::Use-Pty=0
  )
}

# private_apt_source STATE_DIR KIND SUITE MIRROR: KIND is deb or deb-src.
private_apt_source() {
  echo "$2 [signed-by=$DEBIAN_KEYRING] $4 $3 main" >"$1/sources.list"
}
