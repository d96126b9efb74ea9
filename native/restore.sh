#!/bin/sh
# Brings the native llama.cpp libraries into this folder: restore.sh cpu|cuda
# The build calls it (NativeRuntime.targets); errors are printed in MSBuild's canonical form.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kind=${1:-cpu}
case $kind in
  cpu)  folder=$here;      package=linux-x64 ;;
  cuda) folder=$here/cuda; package=linux-x64-cuda ;;
  *) echo "native : error NATIVE001: unknown native runtime '$kind'; use cpu or cuda"; exit 1 ;;
esac
lock=$folder/package-lock.json
target=$folder/node_modules/@node-llama-cpp/$package
state=$here/.restore
stamp=$state/$kind.stamp
offline=$here/offline
mkdir -p "$state" || { echo "native : error NATIVE006: cannot write to $state; make the repository folder writable"; exit 1; }

# One restore at a time, whatever number of builds asks for it; whoever waited finds the work done.
exec 9>"$state/$kind.lock"
command -v flock >/dev/null 2>&1 && flock 9

wanted=$(sha256sum "$lock" | cut -c1-64)
current() { [ -f "$target/bins/$package/libggml-base.so" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; }
current && exit 0

# npm's integrity field is base64(sha512); sha512sum prints hex.
sha512=$(sed -n 's/.*"integrity": "sha512-\([^"]*\)".*/\1/p' "$lock" | head -n 1 | base64 -d | od -An -v -tx1 | tr -d ' \n')
version=$(sed -n 's/.*"@node-llama-cpp\/[^"]*": "\([^"]*\)".*/\1/p' "$folder/package.json")

from_offline() {
  for archive in "$offline"/*.tgz; do
    [ -f "$archive" ] || continue
    if [ "$(sha512sum "$archive" | cut -c1-128)" = "$sha512" ]; then
      echo "native: unpacking $(basename "$archive")"
      rm -rf "$target" "$target.tmp" && mkdir -p "$target.tmp" \
        && tar -xzf "$archive" -C "$target.tmp" --strip-components=1 --no-same-owner \
        && mv "$target.tmp" "$target" && return 0
      echo "native : error NATIVE006: $archive could not be unpacked to $target; check free space and permissions"
      exit 1
    fi
    case $(basename "$archive") in
      node-llama-cpp-$package-[0-9]*)
        echo "native : error NATIVE005: $archive is not the file that package-lock.json pins (SHA-512 differs); fetch it again with: npm pack @node-llama-cpp/$package@$version"
        exit 1 ;;
    esac
  done
  return 1
}

from_registry() {
  if ! command -v npm >/dev/null 2>&1; then
    echo "native : error NATIVE002: npm was not found; install it (Debian/Ubuntu: apt install npm) or put node-llama-cpp-$package-$version.tgz into $offline (see native/README.md)"
    exit 1
  fi
  echo "native: npm ci (@node-llama-cpp/$package@$version)"
  log=$state/$kind.log
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$log" 2>&1 && return 0
  reason=$(grep -m 1 -E 'npm (error|ERR!) (code|network)' "$log" | sed 's/^npm [^ ]* //')
  case $reason in
    *ENOTFOUND*|*EAI_AGAIN*|*ECONN*|*ETIMEDOUT*|*ENETUNREACH*|*EHOSTUNREACH*|*ENOTCACHED*)
      echo "native : error NATIVE003: the npm registry cannot be reached ($reason); check network or proxy (npm config), or put node-llama-cpp-$package-$version.tgz into $offline (see native/README.md)" ;;
    *EBADPLATFORM*)
      echo "native : error NATIVE004: the prebuilt libraries need Linux on x64 with glibc; this machine is $(uname -sm)" ;;
    *EINTEGRITY*)
      echo "native : error NATIVE005: the registry's file for @node-llama-cpp/$package@$version is not the one that package-lock.json pins" ;;
    *)
      echo "native : error NATIVE006: npm ci failed in $folder (${reason:-no reason given}); the log is $log" ;;
  esac
  exit 1
}

from_offline || from_registry
[ -f "$target/bins/$package/libggml-base.so" ] || { echo "native : error NATIVE006: $target/bins/$package has no libggml-base.so after the restore; delete $folder/node_modules and build again"; exit 1; }
printf '%s\n' "$wanted" > "$stamp"
