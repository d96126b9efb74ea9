#!/bin/sh
# Brings the native llama.cpp libraries into this folder: restore.sh cpu|cuda
# The build calls it (NativeRuntime.targets) and shows the one line that a failure leaves in .restore/error.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kind=${1:-cpu}
state=$here/.restore
mkdir -p "$state" || { echo "NATIVE006: cannot write to $state; make the repository folder writable" >&2; exit 1; }
rm -f "$state/error"

fail() {
  echo "$1: $2" | tee "$state/error" >&2
  exit 1
}

case $kind in
  cpu)  folder=$here;      package=linux-x64 ;;
  cuda) folder=$here/cuda; package=linux-x64-cuda ;;
  *) fail NATIVE001 "unknown native runtime '$kind'; use cpu or cuda" ;;
esac
lock=$folder/package-lock.json
target=$folder/node_modules/@node-llama-cpp/$package
stamp=$state/$kind.stamp
offline=$here/offline

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
      fail NATIVE006 "$archive could not be unpacked to $target; check free space and permissions"
    fi
    case $(basename "$archive") in
      node-llama-cpp-$package-[0-9]*)
        fail NATIVE005 "$archive is not the file that package-lock.json pins (SHA-512 differs); fetch it again with: npm pack @node-llama-cpp/$package@$version" ;;
    esac
  done
  return 1
}

from_registry() {
  if ! command -v npm >/dev/null 2>&1; then
    fail NATIVE002 "npm was not found; install it (Debian/Ubuntu: apt install npm) or put node-llama-cpp-$package-$version.tgz into $offline (see native/README.md)"
  fi
  echo "native: npm ci (@node-llama-cpp/$package@$version)"
  log=$state/$kind.log
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$log" 2>&1 && return 0
  reason=$(grep -m 1 -E 'npm (error|ERR!) (code|network)' "$log" | sed 's/^npm [^ ]* //')
  case $reason in
    *ENOTFOUND*|*EAI_AGAIN*|*ECONN*|*ETIMEDOUT*|*ENETUNREACH*|*EHOSTUNREACH*|*ENOTCACHED*)
      fail NATIVE003 "the npm registry cannot be reached ($reason); check network or proxy (npm config), or put node-llama-cpp-$package-$version.tgz into $offline (see native/README.md)" ;;
    *EBADPLATFORM*)
      fail NATIVE004 "the prebuilt libraries need Linux on x64 with glibc; this machine is $(uname -sm)" ;;
    *EINTEGRITY*)
      fail NATIVE005 "the registry's file for @node-llama-cpp/$package@$version is not the one that package-lock.json pins" ;;
    *)
      fail NATIVE006 "npm ci failed in $folder (${reason:-no reason given}); the log is $log" ;;
  esac
}

from_offline || from_registry
[ -f "$target/bins/$package/libggml-base.so" ] || { fail NATIVE006 "$target/bins/$package has no libggml-base.so after the restore; delete $folder/node_modules and build again"; }
printf '%s\n' "$wanted" > "$stamp"
