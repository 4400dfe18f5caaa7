#!/usr/bin/env bash
# The paper's experiments on NTU RGB+D 120, one after the other; docs/launch.md explains it.
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/commands.sh

usage() {
  cat <<'TEXT'
Trains the paper's two experiments on NTU RGB+D 120, cross-subject and
cross-setup, one after the other: four streams each, side by side, and fused.

  launch/ntu120_all.sh DATA RUNS [OPTION...] [-- LAUNCHER...]

  launch/ntu120_all.sh data runs --config.model.precision=bfloat16
  launch/ntu120_all.sh gs://my-bucket/data gs://my-bucket/runs \
      --config.model.precision=bfloat16 \
      -- launch/tpu_pod.sh --zone=us-east5-b --target=v6e:2x4 --spot
  launch/ntu120_all.sh /data/ntu /scratch/runs -- sbatch launch/slurm.sbatch

DATA          holds ntu120, as data_prep.convert wrote it
RUNS          keeps the runs, in ntu120_cs and ntu120_ce
OPTION        of the training, such as --config.members_per_step=2
LAUNCHER      what starts a training; default: python -m dsta_jax.main, here
--dry_run     prints the commands, and runs none of them

The same command goes on with what was stopped, and reports what is finished.
PYTHON=PATH names the Python that trains here; default: .venv/bin/python.
TEXT
}

dry_run="" words=() options=() launcher=("${PYTHON:-.venv/bin/python}" -m dsta_jax.main) here=1
while [ $# -gt 0 ]; do
  case $1 in
  --dry_run) dry_run=1 ;;
  --help | -h) usage && exit ;;
  --)
    shift
    [ $# -gt 0 ] || fail "-- is followed by no launcher: see --help"
    launcher=("$@") here=""
    break
    ;;
  --config.*=*) options+=("$1") ;;
  -*) fail "unknown option $1: see --help" ;;
  *) words+=("$1") ;;
  esac
  shift
done
[ ${#words[@]} -eq 2 ] || fail "expected DATA and RUNS, found ${#words[@]} names: see --help"
data=${words[0]} runs=${words[1]%/}

for config in ntu120_cs ntu120_ce; do
  say "$config"
  status=0
  execute "${launcher[@]}" --config="$config" --config.data.dir="$data" --workdir="$runs/$config" "${options[@]}" ||
    status=$?
  [ "$status" -eq 0 ] || fail "$config ended with status $status; the same command goes on from there"
  if [ -n "$here" ] && [ -z "$dry_run" ] && ! finished "$runs/$config"; then
    fail "$config was stopped before it was finished; the same command goes on from there"
  fi
done
