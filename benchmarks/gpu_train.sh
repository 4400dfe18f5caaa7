#!/usr/bin/env bash
# Trains Northwestern-UCLA and UTD-MHAD as their configurations say (full network, four streams side by side, the
# paper's schedule) from converted sets, on a machine with a GPU.
#
#   benchmarks/gpu_train.sh DATA_DIR [DIRECTORY] [CONFIG...] [-- OPTION...]
#
# DATA_DIR holds nw_ucla/1.0.0 and utd_mhad/1.0.0. DIRECTORY (default: $OUT, else runs/gpu) keeps the runs; the same
# command goes on with a run that was stopped, and only reports one that is finished. CONFIG is such as
# configs/nw_ucla.py:small (default: both, full); options after -- go to the training, such as --config.train.epochs=2.
# TRAIN_SECONDS limits the whole; a run that is stopped saves first. Results are copied to $OUT, where it is set:
# NAME.results.json, NAME.metrics.jsonl and NAME.scores.zip of each run, and what is needed to go on in NAME.run.tar.
# A run that came back as NAME.run.tar goes on when that file lies in DATA_DIR.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
  sed -n '2,/^set/p' "$0" | grep '^#'
  exit 2
fi
data=$(cd "$1" && pwd) && shift
runs=${OUT:+${TMPDIR:-/tmp}/dsta_runs}
runs=${runs:-runs/gpu}
if [ $# -gt 0 ] && [ "${1#configs/}" = "$1" ] && [ "$1" != -- ]; then runs=$1 && shift; fi
configs=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do configs+=("$1") && shift; done
[ ${#configs[@]} -gt 0 ] || configs=(configs/nw_ucla.py configs/utd_mhad.py)
[ $# -eq 0 ] || shift
mkdir -p "$runs"
runs=$(cd "$runs" && pwd)
. benchmarks/gpu_environment.sh
export JAX_COMPILATION_CACHE_DIR=${JAX_COMPILATION_CACHE_DIR:-${TMPDIR:-/tmp}/dsta_benchmarks/jax}
export PYTHONUNBUFFERED=1

SECONDS=0
status=0
for config in "${configs[@]}"; do
  name=$(basename "${config%%:*}" .py)
  [ "$config" = "${config#*:}" ] || name=${name}_$(echo "${config#*:}" | tr , _)
  run=$runs/$name
  [ -d "$run" ] || [ ! -f "$data/$name.run.tar" ] || tar -xf "$data/$name.run.tar" -C "$runs"
  left=$((${TRAIN_SECONDS:-100000} - SECONDS))
  if [ "$left" -lt 20 ]; then
    echo "== $name: skipped, $left seconds are left; the same command goes on from here"
    continue
  fi
  echo "== $name: at most $left s"
  begin=$SECONDS
  # The interrupt has the run save and stop.
  timeout --signal=INT --kill-after=60 "$left" \
    "$python" -m dsta_jax.main --config="$config" --config.data.dir="$data" --workdir="$run" "$@" || status=1
  echo "== $name: $((SECONDS - begin)) s"
  [ -n "${OUT:-}" ] || continue # nothing to copy to
  mkdir -p "$OUT"
  [ -f "$run/metrics.jsonl" ] || continue # it was stopped before the first step
  cp "$run/metrics.jsonl" "$OUT/$name.metrics.jsonl"
  if [ -f "$run/results.json" ]; then
    cp "$run/results.json" "$OUT/$name.results.json"
    (cd "$run" && "$python" -m zipfile -c "$OUT/$name.scores.zip" scores)
  else
    tar -cf "$OUT/$name.run.tar" -C "$runs" "$name"
  fi
done
exit $status
