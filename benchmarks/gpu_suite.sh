#!/usr/bin/env bash
# All measurements that need a GPU, the most important first, in under 8 minutes.
#
#   benchmarks/gpu_suite.sh [--small] [--done=FILE] [--parts=NAME,NAME] [--options=FIELDS]... [DIRECTORY]
#
# DIRECTORY (default: $OUT, else benchmark_results) receives results.jsonl, a line for each part, and log.txt. A part
# that is in results.jsonl already, or in FILE, is skipped; the same command goes on with what is missing. --small
# tries everything out with tiny networks, on a CPU. --options is a side of ours with these fields of the configuration,
# such as --options=model.activation=softmax, and --options= one with none; by default there is one in float32 and one in
# bfloat16. SUITE_SECONDS (default 460) limits the whole. Needs PyTorch for PyTorch's sides; packages that are
# missing come from .wheels (gpu_wheels.sh).
set -uo pipefail
cd "$(dirname "$0")/.." || exit

options=()
small="" results=${OUT:-benchmark_results} done_before=/dev/null wanted=""
for word in "$@"; do
  case $word in
  --small) small=yes ;;
  --done=*) done_before=${word#*=} ;;
  --options=*) options+=("$word") ;;
  --parts=*) wanted=,${word#*=}, ;;
  -*)
    sed -n '2,/^set/p' "$0" | grep '^#'
    exit 2
    ;;
  *) results=$word ;;
  esac
done
mkdir -p "$results"
results=$(cd "$results" && pwd)
. benchmarks/gpu_environment.sh

# What one part compiled, another finds again.
export JAX_COMPILATION_CACHE_DIR=${JAX_COMPILATION_CACHE_DIR:-${TMPDIR:-/tmp}/dsta_benchmarks/jax}
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-${TMPDIR:-/tmp}/dsta_benchmarks/inductor}
export BENCHMARK_COMMIT=${BENCHMARK_COMMIT:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 PYTHONUNBUFFERED=1

SECONDS=0
limit=${SUITE_SECONDS:-460}
touch "$results/results.jsonl"

# part NAME SECONDS PROGRAM ARGUMENT...: runs one program, for so long at most.
part() {
  local name=$1 longest=$2 program=$3 left begin
  shift 3
  case $wanted in "" | *,"$name",*) ;; *) return ;; esac
  if grep -qF "\"part\": \"$name\"" "$results/results.jsonl" "$done_before"; then
    echo "== $name: skipped, its result is there"
    return
  fi
  left=$((limit - SECONDS))
  if [ "$left" -lt 20 ]; then
    echo "== $name: skipped, $left of $limit seconds are left; the same command goes on from here"
    return
  fi
  [ "$longest" -lt "$left" ] || longest=$left
  echo "== $name: at most $longest s: benchmarks.$program $*"
  begin=$SECONDS
  BENCHMARK_PART=$name timeout --kill-after=5 "$longest" \
    "$python" -m "benchmarks.$program" "$@" --json="$results/results.jsonl"
  case $? in
  0) echo "== $name: $((SECONDS - begin)) s" ;;
  124 | 137) echo "== $name: stopped after $longest s, no result" ;;
  *) echo "== $name: failed, its message stands above" ;;
  esac
}

suite() {
  "$python" -c 'import jax; print("device:", jax.devices()[0].device_kind)'
  "$python" -c 'import torch; print("PyTorch", torch.__version__, "sees a GPU:", torch.cuda.is_available())' ||
    echo "PyTorch's sides are left out: it is not installed"
  if [ -n "$small" ]; then
    local tiny=(--network=tiny --repeats=2 --seconds=0.01)
    part train_ntu 120 train_step "${tiny[@]}" --batch=4 --memory=planned "${options[@]}"
    part train_shrec 120 train_step "${tiny[@]}" --shape=shrec --batch=4 --members=1,4 --memory=planned "${options[@]}"
    part inference 120 inference "${tiny[@]}" --batch=4 "${options[@]}"
    part compiled 90 compiled "${tiny[@]}" --batch=4 "${options[@]}"
    part spellings 120 spellings "${tiny[@]}" --batch=4
    part members 90 members "${tiny[@]}" --batch=4 --members=1,4
    part input_pipeline 90 input_pipeline "${tiny[@]}" --batch=4 --members=1 --steps=4
    part compile_time 120 compile_time "${tiny[@]}" --batch=4 "${options[@]}"
    part scaling 90 scaling "${tiny[@]}" --batch=4 --axes=batch --values=4,8
    return
  fi
  # Each part compiles what the ones before did not, and measures against PyTorch's float32 anew.
  local ntu=(train_step --batch=64 --memory=planned "${options[@]}")
  local shrec=(train_step --shape=shrec --batch=32 --memory=planned "${options[@]}")
  part train_ntu 150 "${ntu[@]}" --single=0 --torch=eager,bf16
  part train_ntu_packed 100 "${ntu[@]}" --torch=eager
  part train_ntu_compile 120 "${ntu[@]}" --single=0 --torch=eager,compile,graphs
  part train_shrec 100 "${shrec[@]}" --torch=eager,bf16,graphs
  part members 90 members --shape=shrec --batch=32 --members=1,4,20
  part inference 90 inference --batch=64 "${options[@]}"
  part compiled 60 compiled --batch=64 "${options[@]}"
  part input_pipeline 60 input_pipeline --batch=64 --members=1,4
  part train_shrec_4 90 "${shrec[@]}" --members=4 --torch=eager,bf16
  part train_ntu_conv 120 train_step --batch=64 --memory=planned --both=model.temporal=conv --torch=eager,bf16 --single=0
  part compile_time 90 compile_time --batch=64 "${options[@]}"
  part scaling_shape 90 scaling --axes=frames,joints
  part scaling_size 90 scaling --axes=batch,bodies,members,classes
  part train_memory 150 train_step --batch=64 --torch=eager,bf16 --repeats=1 --memory=process "${options[@]}"
  part spellings 150 spellings --batch=64 --options=model.precision=bfloat16
}

suite 2>&1 | tee -a "$results/log.txt"
echo "results: $results/results.jsonl"
