#!/usr/bin/env bash
# Builds llama-server and llama-bench, the yardstick, from the sources that the npm package node-llama-cpp carries.
# Nothing of it becomes part of this repository: the folder must lie outside it.
set -euo pipefail

package=node-llama-cpp
version=3.22.1
sha512=6e5b488a9b9699cd76dc7eed30880318a4ac4ab866865418795502e3c5d38d55bb5c624988927209d95333343f2e25a83e4183a5c2f816f883a60c3ba9f4e20f
commit=de3ff81

usage() {
  cat >&2 <<TEXT
usage: yardstick/build.sh [FOLDER] [--bundle FILE] [--jobs N] [--cuda ARCHITECTURES]

  FOLDER         where sources and build go, outside the repository; default: \$INFERENCEHOST_YARDSTICK
  --bundle FILE  use this llama/gitRelease.bundle (or the package's .tgz) instead of fetching $package@$version with npm
  --jobs N       compiler processes; default: one per core
  --cuda LIST    for NVIDIA GPUs too, of these architectures, e.g. 90 or 86;89 (needs nvcc)

Needs git, cmake and a C++ compiler; without --bundle also npm. Prints the folder of the executables at the end.
TEXT
  exit 2
}

fail() { echo "yardstick: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 was not found; install it (Debian/Ubuntu: apt install $2)"; }

folder=${INFERENCEHOST_YARDSTICK:-}
bundle=
cuda=()
jobs=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    --bundle) [ $# -ge 2 ] || usage; bundle=$2; shift ;;
    --jobs) [ $# -ge 2 ] || usage; jobs=$2; shift ;;
    --cuda) [ $# -ge 2 ] || usage; cuda=(-DGGML_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=$2"); shift ;;
    -*) usage ;;
    *) folder=$1 ;;
  esac
  shift
done
[ -n "$folder" ] || usage
need git git
need cmake cmake
need c++ g++

repository=$(cd "$(dirname "$0")/../.." && pwd -P)
folder=$(realpath -m "$folder")
case $folder/ in "$repository"/*) fail "$folder lies inside the repository; choose a folder outside" ;; esac
mkdir -p "$folder"

unpack() { # archive -> $folder/gitRelease.bundle
  tar -xzf "$1" -C "$folder" --strip-components=2 --no-same-owner package/llama/gitRelease.bundle || fail "$1 does not hold llama/gitRelease.bundle"
}

if [ ! -d "$folder/llama.cpp/.git" ]; then
  if [ -z "$bundle" ]; then
    need npm npm
    echo "yardstick: npm pack $package@$version (36 MB)" >&2
    archive=$folder/$package-$version.tgz
    (cd "$folder" && npm pack --silent "$package@$version" >/dev/null) || fail "npm cannot fetch $package@$version; fetch it elsewhere and give it with --bundle"
    case $(sha512sum "$archive") in "$sha512 "*) ;; *) fail "$archive is not the file that was pinned (SHA-512 differs)" ;; esac
    bundle=$archive
  fi
  [ -f "$bundle" ] || fail "$bundle is not a file"
  case $bundle in *.tgz) unpack "$bundle"; bundle=$folder/gitRelease.bundle ;; esac
  rm -rf "$folder/llama.cpp.new"
  git -c advice.detachedHead=false clone --quiet "$bundle" "$folder/llama.cpp.new" || fail "$bundle is no git bundle"
  mv "$folder/llama.cpp.new" "$folder/llama.cpp"
fi

source=$folder/llama.cpp
head=$(git -C "$source" rev-parse HEAD)
case $head in "$commit"*) ;; *) fail "$source is at $head, expected llama.cpp v0.5.0 ($commit)" ;; esac

# As fast as it gets on this machine: native instructions, OpenMP as llama.cpp's default has it; no web page, no TLS.
cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON "${cuda[@]}" -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF >"$folder/configure.log" 2>&1 ||
  fail "cmake failed; the log is $folder/configure.log"
cmake --build "$source/build" --target llama-server llama-bench -j "$jobs" >"$folder/build.log" 2>&1 || fail "the build failed; the log is $folder/build.log"
echo "$source/build/bin"
