#!/usr/bin/env bash
# install_bazel.sh FOLDER: puts Bazel 7.7 from Debian packages into FOLDER, for machines that
# reach a Debian mirror but neither Bazel's downloads nor its module registry.
#
#   result: FOLDER/bin/bazel, with its own C library and Java inside FOLDER
#   needs:  apt-get, dpkg-deb, flock, python3 (standard library); no root; Linux x86-64
#
#   VELARIA_BAZEL_SUITES   Debian suites to try, in order (default "forky sid")
#   VELARIA_DEBIAN_MIRROR  mirror to use (default: the one this host uses)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=scripts/lib_steps.sh
. "$here/lib_steps.sh"
# shellcheck source=scripts/lib_debian_mirror.sh
. "$here/lib_debian_mirror.sh"

RECIPE=1 # raise it when the result of this script changes; installs of another recipe are redone

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
case "$1" in *[[:space:]]*) fail "Bazel cannot be installed into a path with white space: '$1'" ;; esac
[ "$(uname -sm)" = "Linux x86_64" ] || fail "Bazel from Debian packages runs on Linux x86-64 only; install Bazel 7.7.1 yourself and set VELARIA_BAZEL to it"
for tool in apt-get apt-cache dpkg dpkg-deb flock python3 tar awk; do
  command -v "$tool" >/dev/null || fail "'$tool' is not on PATH and Bazel's installation needs it"
done
mkdir -p "$1"
PREFIX=$(cd "$1" && pwd -P)
STAMP="recipe $RECIPE in $PREFIX" # not relocatable: the path is part of it

exec 9>"$PREFIX/.lock"
flock 9
if [ "$(cat "$PREFIX/.stamp" 2>/dev/null || true)" = "$STAMP" ] && [ -x "$PREFIX/bin/bazel" ]; then
  exit 0
fi
rm -f "$PREFIX/.stamp"
STATE=$PREFIX/.apt
SYS=$PREFIX/sys
rm -rf "$STATE/status"
mkdir -p "$STATE"

# ---- what to take ------------------------------------------------------------------------
# Everything in STUBS is described to apt as installed already, which cuts 249 packages
# (660 MB) down to 86 (160 MB): no compiler, no JDK, none of the web and Maven libraries,
# since no jar of theirs is on Bazel's class path.
ROOTS=(bazel-bootstrap default-jre-headless patchelf bazel-rules-shell)
STUBS=(
  build-essential python3 perl unzip zlib1g-dev default-jdk-headless ca-certificates
  ca-certificates-java java-common util-linux debconf tzdata media-types libnss3 libpcsclite1
  liblcms2-2 libjpeg62-turbo openssl-provider-legacy libjs-jquery node-core-js node-html5shiv
  protobuf-compiler-grpc-java-plugin libjarjar-java libjacoco-java libopencensus-java junit4
  libmaven3-core-java libbcprov-java libeclipse-jdt-core-java libjgit-java libjetty9-java
  liblog4j2-java libmongodb-java libjavaparser-java libhttpclient-java libhttpcore-java
  libmaven-resolver-java libplexus-utils2-java libplexus-xml-java libbsh-java
  libjackson2-core-java libjackson2-databind-java libjsch-java liblog4j1.2-java
  libmaven-enforcer-plugin-java libwagon-provider-api-java libmaven-common-artifact-filters-java
  liblightcouch-java libservlet-api-java libel-api-java libjsp-api-java libwebsocket-api-java
  libjunixsocket-java libjctools-java libjaxb-api-java
)
write_status() {
  local name
  for name in "${STUBS[@]}"; do
    printf 'Package: %s\nStatus: install ok installed\nPriority: optional\nSection: misc\n' "$name"
    printf 'Maintainer: none\nArchitecture: amd64\nMulti-Arch: foreign\nVersion: 9999:9999\nDescription: stub\n\n'
  done >"$STATE/status"
}
write_status

MIRROR=$(debian_mirror)
[ -n "$MIRROR" ] || fail "no Debian mirror found in this host's apt sources; set VELARIA_DEBIAN_MIRROR to one"
[ -r "$DEBIAN_KEYRING" ] || fail "$DEBIAN_KEYRING is missing; install the package debian-archive-keyring"
private_apt "$STATE" "$STATE/status"

# ---- download ----------------------------------------------------------------------------
# Lists every package file of the install, also those an interrupted run fetched already:
# hence the empty archive folder.
resolve() {
  apt-get "${PRIVATE_APT[@]}" -oDir::Cache::archives="$STATE/none" -q -y --print-uris \
    install "${ROOTS[@]}" >"$STATE/uris" 2>"$STATE/resolve.log"
}
fetch_from() { # SUITE
  local suite=$1 version wanted name
  local -a kept
  private_apt_source "$STATE" deb "$suite" "$MIRROR"
  note "reading the package lists of Debian $suite"
  apt-get "${PRIVATE_APT[@]}" -q update >"$STATE/update.log" 2>&1 || {
    tail -n 3 "$STATE/update.log" >&2
    return 1
  }
  version=$(apt-cache "${PRIVATE_APT[@]}" policy bazel-bootstrap | awk '/Candidate:/ { print $2 }')
  case "$version" in
    7.*) ;;
    *)
      note "Debian $suite has bazel-bootstrap ${version:-not at all}; 7.x is needed"
      return 1
      ;;
  esac
  # A package may want an exact version of a stub: then the real one is taken.
  until resolve; do
    wanted=$(grep -Eo '[a-z0-9.+-]+ \([^)]*\) but 9999:9999' "$STATE/uris" | cut -d' ' -f1 | sort -u || true)
    if [ -z "$wanted" ]; then
      tail -n 12 "$STATE/uris" >&2
      return 1
    fi
    kept=()
    for name in "${STUBS[@]}"; do
      grep -qxF "$name" <<<"$wanted" || kept+=("$name")
    done
    STUBS=("${kept[@]}")
    write_status
  done
  wanted=$(awk "/^'/ { t += \$3 } END { printf \"%.0f\", t / 1e6 }" "$STATE/uris")
  note "bazel-bootstrap $version: $(grep -c "^'" "$STATE/uris") packages, $wanted MB"
  with_progress "downloading Bazel" "$STATE/cache/archives" "$wanted" \
    apt-get "${PRIVATE_APT[@]}" -q -y --download-only install "${ROOTS[@]}" >"$STATE/download.log" 2>"$STATE/download.err" 9>&- || {
    tail -n 5 "$STATE/download.err" >&2
    return 1
  }
}
fetched=
for suite in ${VELARIA_BAZEL_SUITES:-forky sid}; do
  if fetch_from "$suite"; then
    fetched=1
    break
  fi
done
[ -n "$fetched" ] || fail "no Debian suite of '${VELARIA_BAZEL_SUITES:-forky sid}' gave a usable Bazel; install Bazel 7.7.1 yourself and set VELARIA_BAZEL to it"

# ---- unpack ------------------------------------------------------------------------------
rm -rf "$SYS" "$SYS.tmp"
# The merged-/usr links come first, else a package's /lib and /usr/lib drift apart.
mkdir -p "$SYS.tmp/usr/bin" "$SYS.tmp/usr/lib" "$SYS.tmp/usr/lib64"
ln -s usr/lib "$SYS.tmp/lib"
ln -s usr/lib64 "$SYS.tmp/lib64"
ln -s usr/bin "$SYS.tmp/bin"
awk "/^'/ { print \$2 }" "$STATE/uris" | while read -r deb; do
  # tar instead of dpkg's own extraction: it keeps our links to directories
  dpkg-deb --fsys-tarfile "$STATE/cache/archives/$deb" |
    tar -x -C "$SYS.tmp" --keep-directory-symlink --no-same-owner \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/maven-repo' \
      --exclude='./usr/share/locale' --exclude='./usr/share/lintian'
done
mv "$SYS.tmp" "$SYS"

# ---- make it self-contained --------------------------------------------------------------
LIBDIR=$SYS/usr/lib/x86_64-linux-gnu
LOADER=$SYS/usr/lib64/ld-linux-x86-64.so.2
[ -e "$LOADER" ] || fail "the unpacked C library has no loader at $LOADER"
JAVA_HOME_DIR=
for dir in "$SYS"/usr/lib/jvm/java-*-openjdk-amd64; do
  if [ -x "$dir/bin/java" ] && [ ! -L "$dir" ]; then JAVA_HOME_DIR=$dir; fi
done
[ -n "$JAVA_HOME_DIR" ] || fail "the downloaded packages contain no Java runtime"
find "$JAVA_HOME_DIR" -type l | while read -r link; do # conf -> /etc/java-NN-openjdk and the like
  target=$(readlink "$link")
  case "$target" in /*) if [ -e "$SYS$target" ]; then ln -sfn "$SYS$target" "$link"; fi ;; esac
done
patch_elf() { "$LOADER" --library-path "$LIBDIR" "$SYS/usr/bin/patchelf" "$@"; }
is_elf() { [ "$(head -c4 "$1" 2>/dev/null | tr -d '\0')" = $'\x7fELF' ]; }
for file in "$SYS/usr/bin/bazel" "$SYS"/usr/libexec/x86_64-linux-gnu/bazel/* \
  "$JAVA_HOME_DIR"/bin/* "$JAVA_HOME_DIR"/lib/jspawnhelper; do
  if [ -f "$file" ] && is_elf "$file"; then
    patch_elf --set-interpreter "$LOADER" "$file"
    # RPATH and not RUNPATH: it must reach the libraries of the libraries too
    patch_elf --force-rpath --set-rpath "\$ORIGIN/../lib:\$ORIGIN/../lib/server:$LIBDIR" "$file"
  fi
done
# The runtime's own libraries carry RUNPATH, which would find the host's older libstdc++.
find "$JAVA_HOME_DIR/lib" "$LIBDIR/bazel" -name '*.so' -type f | while read -r file; do
  if is_elf "$file"; then
    patch_elf --force-rpath --set-rpath "\$ORIGIN:\$ORIGIN/server:\$ORIGIN/..:$LIBDIR" "$file"
  fi
done
rm -f "$JAVA_HOME_DIR"/lib/server/classes_*.jsa                   # for VM modes not used here, 50 MB
"$JAVA_HOME_DIR/bin/java" -Xshare:dump >/dev/null 2>&1 || true # one that is used: faster start

# Class path: our jars, and those the jars' own manifests name.
python3 - "$SYS" <<'PY'
import os
import sys
import zipfile

system = sys.argv[1]
listing = system + "/usr/share/bazel/bazel_classpath_debian_depends.txt"
with open(listing) as file:
    todo = [line.strip() for line in file if line.strip()]
done = []
while todo:
    jar = todo.pop(0)
    if jar.startswith("/usr/"):
        jar = system + jar
    if jar in done or not os.path.exists(jar):
        continue  # a few named jars belong to packages that were left out; nothing needs them
    done.append(jar)
    try:
        manifest = zipfile.ZipFile(jar).read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
    except KeyError:
        continue
    for line in manifest.replace("\r\n", "\n").replace("\n ", "").splitlines():
        if line.startswith("Class-Path:"):
            for entry in line[len("Class-Path:"):].split():
                if not entry.startswith("/"):
                    entry = os.path.normpath(os.path.join(os.path.dirname(jar), entry))
                todo.append(entry)
with open(listing, "w") as file:
    file.write("\n".join(done) + "\n")
PY

# ---- the modules Bazel's own tools name, all local ---------------------------------------
BAZEL_SHARE=$SYS/usr/share/bazel
MODULES=$PREFIX/modules
rm -rf "$MODULES"
mkdir -p "$MODULES/.registry/modules"
for module in protobuf zlib buildozer apple_support; do # no C++ or Python target reaches them
  mkdir -p "$MODULES/$module"
  : >"$MODULES/$module/BUILD.bazel"
  echo "module(name = \"$module\", version = \"0\")" >"$MODULES/$module/MODULE.bazel"
done
printf 'def _impl(ctx):\n    pass\n\nbuildozer_binary = module_extension(implementation = _impl)\n' \
  >"$MODULES/buildozer/buildozer_binary.bzl"
# A registry on disk: an unknown module fails at once instead of waiting for a network.
echo '{"mirrors": []}' >"$MODULES/.registry/bazel_registry.json"
for version in 0.2.0 0.3.0 0.4.0 0.4.1 0.5.0 0.6.0 0.6.1; do
  dir=$MODULES/.registry/modules/rules_shell/$version
  mkdir -p "$dir"
  sed "s/version = \"0.0.0\"/version = \"$version\"/" "$BAZEL_SHARE/rules/shell/MODULE.bazel" >"$dir/MODULE.bazel"
  echo "{\"type\": \"local_path\", \"path\": \"$BAZEL_SHARE/rules/shell\"}" >"$dir/source.json"
done
{
  echo "# written by install_bazel.sh; read after the project's .bazelrc"
  echo "common --registry=file://$MODULES/.registry"
  echo "common --noenable_workspace"
  echo "common --lockfile_mode=off" # a lock file made here would hold this machine's paths
  for pair in platforms:tools/platforms bazel_skylib:tools/skylib bazel_features:tools/features \
    rules_java:rules/java rules_cc:rules/cc rules_license:rules/license \
    rules_python:rules/python rules_proto:rules/proto; do
    if [ -d "$BAZEL_SHARE/${pair#*:}" ]; then
      echo "common --override_module=${pair%%:*}=$BAZEL_SHARE/${pair#*:}"
    fi
  done
  for module in protobuf zlib buildozer apple_support; do
    echo "common --override_module=$module=$MODULES/$module"
  done
} >"$PREFIX/bazelrc"

mkdir -p "$PREFIX/bin"
cat >"$PREFIX/bin/bazel.tmp" <<WRAPPER
#!/bin/sh
# written by install_bazel.sh
case "\${1-}" in --version) echo "bazel \$(cat '$BAZEL_SHARE/build-label.txt')"; exit ;; esac
exec '$SYS/usr/bin/bazel' --nosystem_rc --install_base='$BAZEL_SHARE' --trust_install_base \\
  --server_javabase='$JAVA_HOME_DIR' --bazelrc='$PREFIX/bazelrc' "\$@"
WRAPPER
chmod +x "$PREFIX/bin/bazel.tmp"
mv "$PREFIX/bin/bazel.tmp" "$PREFIX/bin/bazel"

version=$("$PREFIX/bin/bazel" --version) || fail "the installed Bazel does not run"
"$JAVA_HOME_DIR/bin/java" -version >/dev/null 2>&1 || fail "the installed Java runtime does not run: $JAVA_HOME_DIR/bin/java"
rm -rf "$STATE"
echo "$STAMP" >"$PREFIX/.stamp"
note "$version in $PREFIX ($(du -sm "$PREFIX" | cut -f1) MB)"
