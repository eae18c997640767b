#!/usr/bin/env bash
# fetch_cc_sources.sh FOLDER: the C++ dependencies of MODULE.bazel as upstream sources, taken
# from Debian source packages, for machines that do not reach Bazel's module registry.
#
#   result: FOLDER/MODULE/ for each, and FOLDER/overrides.bazelrc that points Bazel at them.
#           FOLDER/late.bazelrc must be read after install_bazel.sh's own file (scripts/bazel does
#           that): Bazel's tools name zlib too, and get an empty one there.
#   needs:  apt-get, tar, flock; no root
#
# The list below and the bazel_deps of MODULE.bazel go together: Bazel rejects an override of
# a module that is not in the graph, and a module without one would be asked of the registry.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_debian_mirror.sh
. "$here/lib_debian_mirror.sh"

RECIPE=2 # raise it when more than the lists below changes
SUITE=trixie # the stable release: these versions stay

# module in MODULE.bazel = Debian source package, "/" and another suite where it is not SUITE's
SOURCES=(
  googletest=googletest
  google_benchmark=benchmark
  abseil-cpp=abseil
  re2=re2
  fast_float=fast-float
  xxhash=xxhash
  zlib=zlib
  zstd=libzstd
  simdjson=simdjson/bookworm
)
# Named by the modules above, reached by no target of ours: google_benchmark names the first
# two, re2 the third.
EMPTY=(rules_foreign_cc libpfm pybind11_bazel)

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
FOLDER=$(cd "$1" && pwd -P)
STAMP="recipe $RECIPE: ${SOURCES[*]} ${EMPTY[*]} in $FOLDER"
exec 9>"$FOLDER/.lock"
flock 9
if [ "$(cat "$FOLDER/.stamp" 2>/dev/null || true)" = "$STAMP" ]; then exit 0; fi
rm -f "$FOLDER/.stamp"

MIRROR=$(debian_mirror)
[ -n "$MIRROR" ] || fail "no Debian mirror found in this host's apt sources; set VELARIA_DEBIAN_MIRROR to one"
[ -r "$DEBIAN_KEYRING" ] || fail "$DEBIAN_KEYRING is missing; install the package debian-archive-keyring"
STATE=$FOLDER/.apt
DOWNLOADS=$FOLDER/.downloads
mkdir -p "$DOWNLOADS"
private_apt "$STATE" /dev/null
private_apt_source "$STATE" deb-src "$SUITE" "$MIRROR"
for pair in "${SOURCES[@]}"; do
  case "$pair" in
    */*) echo "deb-src [signed-by=$DEBIAN_KEYRING] $MIRROR ${pair#*/} main" >>"$STATE/sources.list" ;;
  esac
done
apt-get "${PRIVATE_APT[@]}" -q update >"$STATE/log" 2>&1 ||
  { tail -n 3 "$STATE/log" >&2; fail "the package lists of Debian $SUITE could not be read from this host's mirror"; }
(
  cd "$DOWNLOADS"
  with_progress "downloading C++ sources" "$DOWNLOADS" 9 \
    apt-get "${PRIVATE_APT[@]}" -q --download-only --tar-only source "${SOURCES[@]#*=}" >"$STATE/log" 2>&1 9>&-
) || { tail -n 3 "$STATE/log" >&2; fail "the C++ sources could not be downloaded from this host's Debian mirror"; }

for pair in "${SOURCES[@]}"; do
  module=${pair%%=*}
  package=${pair#*=}
  tarballs=("$DOWNLOADS/${package%/*}"_*.orig.tar.*)
  archive=
  for file in "${tarballs[@]}"; do
    case "$file" in *.asc) ;; *) archive=$file ;; esac
  done
  [ -f "$archive" ] || fail "Debian $SUITE's source package $package has no upstream tarball"
  rm -rf "${FOLDER:?}/$module"
  mkdir -p "$FOLDER/$module"
  tar -xf "$archive" -C "$FOLDER/$module" --strip-components=1 --no-same-owner
done

# xxHash has no Bazel files upstream; the label and the include path are the registry's.
cat >"$FOLDER/xxhash/MODULE.bazel" <<'MODULE'
module(name = "xxhash")

bazel_dep(name = "rules_cc", version = "0.0.9")
MODULE
cat >"$FOLDER/xxhash/BUILD.bazel" <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "xxhash",
    srcs = ["xxhash.c"],
    hdrs = ["xxh3.h", "xxhash.h"],
    include_prefix = "xxhash",
    includes = ["."],
    visibility = ["//visibility:public"],
)
BUILD

# Nor have these two; labels and headers are again the registry's.
cat >"$FOLDER/zlib/MODULE.bazel" <<'MODULE'
module(name = "zlib")

bazel_dep(name = "rules_cc", version = "0.0.9")
MODULE
cat >"$FOLDER/zlib/BUILD.bazel" <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "zlib",
    srcs = glob(
        ["*.c", "*.h"],
        exclude = ["gz*.c", "zlib.h", "zconf.h"],
    ),
    hdrs = ["zconf.h", "zlib.h"],
    copts = ["-O3"],
    includes = ["."],
    visibility = ["//visibility:public"],
)
BUILD
cat >"$FOLDER/zstd/MODULE.bazel" <<'MODULE'
module(name = "zstd")

bazel_dep(name = "rules_cc", version = "0.0.9")
MODULE
cat >"$FOLDER/zstd/BUILD.bazel" <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "zstd",
    srcs = glob(["lib/%s/*.%s" % (folder, kind) for folder in [
        "common",
        "compress",
        "decompress",
    ] for kind in ["c", "h"]]),
    hdrs = ["lib/zstd.h", "lib/zstd_errors.h"],
    copts = ["-O3"],
    includes = ["lib"],
    local_defines = ["XXH_NAMESPACE=ZSTD_", "ZSTD_DISABLE_ASM"],
    visibility = ["//visibility:public"],
)
BUILD

# The registry has simdjson as the two files of upstream's single-header release.
mv "$FOLDER/simdjson" "$FOLDER/simdjson.whole"
mkdir "$FOLDER/simdjson"
mv "$FOLDER/simdjson.whole"/{LICENSE,singleheader/simdjson.{h,cpp}} "$FOLDER/simdjson/"
rm -rf "$FOLDER/simdjson.whole"
cat >"$FOLDER/simdjson/MODULE.bazel" <<'MODULE'
module(name = "simdjson")

bazel_dep(name = "rules_cc", version = "0.0.9")
MODULE
cat >"$FOLDER/simdjson/BUILD.bazel" <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "simdjson",
    srcs = ["simdjson.cpp"],
    hdrs = ["simdjson.h"],
    copts = ["-O3"],
    includes = ["."],
    visibility = ["//visibility:public"],
)
BUILD

: >"$FOLDER/overrides.bazelrc.tmp"
for pair in "${SOURCES[@]}"; do
  echo "common --override_module=${pair%%=*}=$FOLDER/${pair%%=*}" >>"$FOLDER/overrides.bazelrc.tmp"
done
for module in "${EMPTY[@]}"; do
  mkdir -p "$FOLDER/.empty/$module"
  : >"$FOLDER/.empty/$module/BUILD.bazel"
  echo "module(name = \"$module\")" >"$FOLDER/.empty/$module/MODULE.bazel"
  echo "common --override_module=$module=$FOLDER/.empty/$module" >>"$FOLDER/overrides.bazelrc.tmp"
done
mv "$FOLDER/overrides.bazelrc.tmp" "$FOLDER/overrides.bazelrc"
echo "common --override_module=zlib=$FOLDER/zlib" >"$FOLDER/late.bazelrc.tmp"
mv "$FOLDER/late.bazelrc.tmp" "$FOLDER/late.bazelrc"
rm -rf "$DOWNLOADS" "$STATE"
echo "$STAMP" >"$FOLDER/.stamp"
note "${#SOURCES[@]} C++ modules in $FOLDER ($(du -sm "$FOLDER" | cut -f1) MB)"
