#!/usr/bin/env bash
# Measures the built server against llama-server on one machine, same file, threads, slots and context, taking turns, and writes the results to
# benchmarks/results/DEVICE/. See benchmarks/README.md for what each section shows.
set -euo pipefail

usage() {
  cat >&2 <<TEXT
usage: benchmarks/compare.sh DEVICE [options]

  DEVICE               name of the result folder, e.g. cpu-2core-avx2
  --yardstick DIR      folder with llama-server and llama-bench (built by yardstick/build.sh); default: \$INFERENCEHOST_YARDSTICK/llama.cpp/build/bin
  --sections A,B,...   some of: $all_sections (default: all)
  --rounds N           measured rounds (default: 5)
  --threads N          threads of each server (default: one per core)
  --context TOKENS     KV cells of each server (default: 16384)
  --parallel N         slots of each server (default: 32)
  --on cpu|cuda        where both servers compute (default: cpu); on a GPU the yardstick has to be built for it (yardstick/build.sh --cuda),
                       and the section engine is left out
  --bin DIR            our executables, e.g. a published folder (default: what the build makes)
  --model PATH         default: the embedded model
  --adapters DIR       folder with the example adapters (default: models/adapters)
  --vocabulary N       random prompts use token ids below this (default: 16384)
  --strict             exit with 1 where a ratio of the project's goals is missed

Further sections, only on demand: overhead-N, N tenants with an adapter each against our own base model; it needs no yardstick.
TEXT
  exit 2
}

all_sections=engine,base,adapters-8,adapters-32,routing,prefill,second-request,long-prefill,shared-prefix,speculation
fail() { echo "compare: $*" >&2; exit 1; }

cd "$(dirname "$0")/.."
on=cpu bin=src/InferenceHost.Cli/bin/Release/net10.0 sections=$all_sections rounds=5 threads=$(nproc) context=16384 parallel=32 vocabulary=16384 strict=0 device= needs_yardstick=0
model=models/SmolLM2-135M-Instruct.IQ4_NL.gguf
adapters=models/adapters
yardstick=${INFERENCEHOST_YARDSTICK:+$INFERENCEHOST_YARDSTICK/llama.cpp/build/bin}
while [ $# -gt 0 ]; do
  case $1 in
    --strict) strict=1 ;;
    --on | --bin | --yardstick | --sections | --rounds | --threads | --context | --parallel | --model | --adapters | --vocabulary)
      [ $# -ge 2 ] || usage
      printf -v "${1#--}" %s "$2"
      shift ;;
    -* | "") usage ;;
    *) [ -z "$device" ] || usage; device=$1 ;;
  esac
  shift
done
[ -n "$device" ] || usage
case $device in */* | .*) fail "DEVICE is a folder name, not a path: '$device'" ;; esac
for section in ${sections//,/ }; do
  case ,$all_sections, in
    *",$section,"*) needs_yardstick=1 ;;
    *) [[ $section =~ ^overhead-[1-9][0-9]*$ ]] || fail "unknown section '$section' ($all_sections, overhead-N)" ;;
  esac
done
case $on in cpu) layers=0 ;; cuda) layers=999 ;; *) fail "--on is cpu or cuda, not '$on'" ;; esac

ours=$bin/inferencehost
[ -x "$ours" ] || fail "$ours is not there: dotnet build -c Release src/InferenceHost.Cli"
if [ "$needs_yardstick" = 1 ]; then
  [ -n "$yardstick" ] || fail "where is llama-server? give --yardstick DIR or set INFERENCEHOST_YARDSTICK (see benchmarks/yardstick/build.sh)"
  [ -x "$yardstick/llama-server" ] && [ -x "$yardstick/llama-bench" ] || fail "$yardstick has no llama-server or llama-bench"
fi
[ -f "$model" ] || fail "$model is not there"

results=benchmarks/results/$device
work=$(mktemp -d)
pids=()
missed=0
mkdir -p "$results"

# Only processes that this script started are ended, by their ids.
stop_servers() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap 'stop_servers; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# wait_for PATTERN LOG PID: prints what the pattern's group matched as soon as the log has it.
wait_for() {
  local end=$((SECONDS + 120)) found
  while [ $SECONDS -lt $end ]; do
    found=$(sed -nE "s#$1#\\1#p" "$2" 2>/dev/null | head -n 1)
    if [ -n "$found" ]; then echo "$found"; return; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$2" >&2
  fail "a server did not become ready; its last lines are above"
}

# start_ours [serve options]: sets $ours_url.
start_ours() {
  local log=$work/ours-${#pids[@]}.log
  "$ours" serve --model "$model" --listen http://127.0.0.1:0 --device "$on" --threads "$threads" --context "$context" --parallel "$parallel" "$@" >"$log" 2>&1 &
  pids+=($!)
  ours_url=$(wait_for '^ready ([^ ]+).*' "$log" $!)
}

# start_llama [llama-server options]: sets $llama_url. No cache in host memory: saving idle slots there would cost it time.
start_llama() {
  local log=$work/llama-${#pids[@]}.log
  "$yardstick/llama-server" -m "$model" -ngl "$layers" -t "$threads" -tb "$threads" -c "$context" -np "$parallel" --host 127.0.0.1 --port 0 --no-ui --cache-ram 0 -lv 3 "$@" >"$log" 2>&1 &
  pids+=($!)
  llama_url=$(wait_for '.*listening on (http://[0-9.:]+).*' "$log" $!)
}

# bench NAME ARGS...: one run of the load driver; its tables and figures go to the result folder.
bench() {
  local name=$1 code=0
  shift
  echo "== $name" >&2
  "$ours" bench "$@" --vocabulary "$vocabulary" --repetitions "$rounds" --json "$results/$name.json" --markdown "$results/$name.md" || code=$?
  case $code in
    0) ;;
    8) missed=1 ;;
    *) echo "compare: $name ended with exit code $code" >&2; missed=1 ;;
  esac
}

wanted() { case ,$sections, in *",$1,"*) return 0 ;; *) return 1 ;; esac }

# Our side without guessing tokens, which llama-server does not do by default either; the section 'speculation' shows what it brings.
plain=()
if "$ours" serve --help | grep -q -- --no-speculation; then plain=(--no-speculation); fi

# make_adapters N: N files t01.gguf ... with contents of their own, so that nobody can share what several tenants have alike:
# the example adapters in turn, each copy with the low byte of one weight set to its number.
make_adapters() {
  local sources=() i source target offset
  for source in "$adapters"/*.gguf; do [ -f "$source" ] && sources+=("$source"); done
  [ ${#sources[@]} -gt 0 ] || fail "$adapters has no *.gguf; give --adapters DIR"
  names= llama_files= our_options=()
  for ((i = 1; i <= $1; i++)); do
    source=${sources[$(((i - 1) % ${#sources[@]}))]}
    target=$work/$(printf 't%02d' "$i").gguf
    cp "$source" "$target"
    offset=$(($(stat -c %s "$target") / 4 * 2))
    printf "\\x$(printf %02x "$i")" | dd of="$target" bs=1 seek="$offset" conv=notrunc status=none
    names+=${names:+,}$(basename "$target" .gguf)
    llama_files+=${llama_files:+,}$target
    our_options+=(--adapter "$(basename "$target" .gguf)=$target")
  done
}

median() { sort -g | awk '{ v[NR] = $1 } END { if (NR == 0) exit 1; print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# The engine loop alone, without server, pipe and client, against llama-bench: one stream, 128 tokens, taking turns.
engine_section() {
  local worker=$bin/inferencehost-worker round ours_rate llama_rate
  [ -x "$worker" ] || fail "$worker is not there"
  : >"$work/engine.txt"
  for ((round = 0; round <= rounds; round++)); do
    ours_rate=$("$worker" bench --model "$model" --threads "$threads" --tokens 128 --streams 1 --repeat 1 | sed -nE 's/.*"tokens_per_second":([0-9.]+).*/\1/p' | tail -n 1)
    llama_rate=$("$yardstick/llama-bench" -m "$model" -ngl "$layers" -t "$threads" -p 0 -n 128 -r 1 -o jsonl 2>/dev/null | sed -nE 's/.*"avg_ts": ?([0-9.]+).*/\1/p' | tail -n 1)
    [ -n "$ours_rate" ] && [ -n "$llama_rate" ] || fail "the engine benchmark or llama-bench printed no rate"
    # The first round warms the machine up.
    if [ "$round" -gt 0 ]; then awk -v a="$ours_rate" -v b="$llama_rate" 'BEGIN { print a, b, a / b }' | tee -a "$work/engine.txt" >&2; fi
  done
  local ours_median llama_median ratio
  ours_median=$(cut -d ' ' -f 1 "$work/engine.txt" | median)
  llama_median=$(cut -d ' ' -f 2 "$work/engine.txt" | median)
  ratio=$(cut -d ' ' -f 3 "$work/engine.txt" | median)
  {
    echo "# Engine loop alone"
    echo
    echo "One stream, 128 tokens, $threads threads, $rounds alternating rounds after one of warm-up, $(date -u +%Y-%m-%dT%H:%M:%SZ), $(sed -nE 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)."
    echo
    echo "| round | inferencehost-worker bench (tokens/s) | llama-bench tg128 (tokens/s) | ratio |"
    echo "| --- | --- | --- | --- |"
    awk '{ printf "| %d | %.1f | %.1f | %.3f |\n", NR, $1, $2, $3 }' "$work/engine.txt"
    printf '| **median** | **%.1f** | **%.1f** | **%.3f** (goal 0.98) |\n' "$ours_median" "$llama_median" "$ratio"
  } >"$results/engine.md"
  tail -n 1 "$results/engine.md"
  if awk -v r="$ratio" 'BEGIN { exit !(r < 0.98) }'; then missed=1; fi
}

adapters_section() { # tenants, goal against llama-server, goal against our own base
  make_adapters "$1"
  start_ours "${plain[@]}" --adapter-slots "$1" "${our_options[@]}"
  start_llama --lora "$llama_files" --lora-init-without-apply
  bench "adapters-$1" --target "grpc=$ours_url" --target "llama=$llama_url" --streams "$1" --adapters "$names" --ignore-eos --min-ratio "$2" --svg "$results/adapters-$1.svg"
  # A server of its own: the other one has these prompts in its prefix cache by now.
  stop_servers
  overhead_section "adapters-$1-own-base" "$1" --min-ratio "$3"
}

overhead_section() { # name, tenants, further options of the driver
  local name=$1 tenants=$2
  shift 2
  make_adapters "$tenants"
  start_ours "${plain[@]}" --adapter-slots "$tenants" "${our_options[@]}"
  bench "$name" --target "grpc=$ours_url,name=base,adapters=off" --target "grpc=$ours_url,name=adapters" --baseline base \
    --streams "$tenants" --adapters "$names" --ignore-eos "$@"
  stop_servers
}

scenario_section() { # name, further options of the driver
  local name=$1
  shift
  start_ours "${plain[@]}"
  start_llama --kv-unified
  bench "$name" --target "grpc=$ours_url" --target "llama=$llama_url" --scenario "$name" --strict "$@"
  stop_servers
}

if wanted engine && [ "$on" = cpu ]; then engine_section; fi

if wanted base; then
  start_ours "${plain[@]}"
  start_llama
  bench base --target "grpc=$ours_url" --target "llama=$llama_url" --streams 1,8,16,32 --ignore-eos \
    --min-ratio 1=0.95,8=1.10,16=1.20,32=1.30 --svg "$results/base.svg"
  stop_servers
fi

if wanted adapters-8; then adapters_section 8 2.8 0.85; fi
if wanted adapters-32; then adapters_section 32 3.8 0.82; fi

for section in ${sections//,/ }; do
  case $section in overhead-*) overhead_section "$section" "${section#overhead-}" ;; esac
done

if wanted routing; then
  # Base-only traffic on a server with adapters loaded against one that has none.
  make_adapters 8
  start_ours "${plain[@]}" --adapter-slots 8 "${our_options[@]}"
  with=$ours_url
  start_ours "${plain[@]}" --adapter-slots 0
  # A hundredth and a half is less than rounds differ by; an even number of them, so that each order of turns counts as often.
  rounds=$((4 * rounds)) bench routing-idle --target "grpc=$with,name=adapters-loaded" --target "grpc=$ours_url,name=no-adapters" --baseline no-adapters \
    --streams 1,8,32 --ignore-eos --min-ratio 0.985
  stop_servers
fi

if wanted prefill; then
  # Time to first token of 256 tokens under the largest example adapter against the base model: the ratio of ttftP50 is at most 1 / 0.8.
  start_ours "${plain[@]}" --adapter "bank=$adapters/bank.gguf"
  bench prefill-adapter --target "grpc=$ours_url,name=adapter" --target "grpc=$ours_url,name=base,adapters=off" --baseline base \
    --streams 1 --requests-per-stream 8 --adapters bank --prompt-length 256 --max-tokens 1
  stop_servers
fi

if wanted second-request; then rounds=$((3 * rounds)) scenario_section second-request; fi
if wanted long-prefill; then scenario_section long-prefill --streams 8; fi
if wanted shared-prefix; then scenario_section shared-prefix; fi

if wanted speculation && [ ${#plain[@]} -gt 0 ]; then
  # Text that repeats itself is what prompt look-up lives on.
  start_ours
  with=$ours_url
  start_ours "${plain[@]}"
  bench speculation --target "grpc=$with,name=look-up" --target "grpc=$ours_url,name=plain" --baseline plain --streams 1,8 --ignore-eos --max-tokens 128 \
    --prompt-file benchmarks/prompts/edit.txt
  stop_servers
fi

{
  echo "# $device"
  echo
  echo "Written by \`benchmarks/compare.sh $device\`; \`benchmarks/README.md\` says how to read it."
  echo
  for file in "$results"/*.md; do
    [ "$(basename "$file")" = README.md ] || echo "- [$(basename "$file" .md)]($(basename "$file"))"
  done
} >"$results/README.md"
echo "results: $results" >&2
if [ "$strict" = 1 ] && [ "$missed" = 1 ]; then exit 1; fi
