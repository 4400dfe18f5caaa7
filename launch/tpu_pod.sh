#!/usr/bin/env bash
# Trains on a slice of Cloud TPUs that it asks for, sets up and deletes; docs/launch.md explains it.
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/commands.sh

usage() {
  cat <<'TEXT'
Trains on a slice of Cloud TPUs: asks for it as a queued resource, waits, sets
up all workers, trains, starts again after a preemption, deletes the slice.

  launch/tpu_pod.sh --zone=ZONE --target=TARGET [--spot|--reserved] [OPTION...]
      --config=NAME --config.data.dir=gs://BUCKET/DATA --workdir=gs://BUCKET/RUN

  launch/tpu_pod.sh --zone=us-east5-b --target=v6e:2x4 --spot \
      --config=ntu60_cs --config.model.precision=bfloat16 \
      --config.data.dir=gs://my-bucket/data \
      --workdir=gs://my-bucket/runs/ntu60_cs --dry_run
  launch/tpu_pod.sh --zone=us-west4-a --target=v5e:2x2 --config=demo \
      --config.data.dir=gs://my-bucket/data --workdir=gs://my-bucket/runs/demo

--zone=ZONE       where; each generation of TPUs has its zones
--target=TARGET   the slice, such as v5e:4x4, v5p:2x2x2, v6e:2x4
--spot            cheaper, and can be taken away at any time
--reserved        out of your reservation; without either: on demand
--project=NAME    default: gcloud's own
--name=NAME       of the queued resource; default: the end of the workdir
--logs=DIRECTORY  WORKER.log of each start; default: runs/tpu/NAME
--delete=WHEN     finished (default): when the training is finished or failed;
                  always: on Ctrl-C, too; never: the slice stays, and costs
--retries=N       how often it starts again, 20 by default; 0: for ever
--poll=SECONDS    between two looks at the slice, 30 by default; a retry waits
                  twice as long, the next one twice that, up to 32 times
--dry_run         prints the commands, and runs none of them
--config...       and --workdir are the training's; see --help of dsta_jax.main

The same command goes on with a run that was stopped, and with a slice that is
there already. Status 0: finished.
TEXT
}

zone="" target="" model="" project="" name="" logs="" delete_when=finished retries=20 poll=30 dry_run=""
workdir="" data="" training=()
while [ $# -gt 0 ]; do
  case $1 in
  --zone=*) zone=${1#*=} ;;
  --target=*) target=${1#*=} ;;
  --spot | --reserved) model=$1 ;;
  --project=*) project=${1#*=} ;;
  --name=*) name=${1#*=} ;;
  --logs=*) logs=${1#*=} ;;
  --delete=*) delete_when=${1#*=} ;;
  --retries=*) retries=${1#*=} ;;
  --poll=*) poll=${1#*=} ;;
  --dry_run) dry_run=1 ;;
  --help | -h) usage && exit ;;
  --config=* | --config.*=* | --workdir=*) training+=("$1") ;;
  *) fail "unknown option $1: see --help" ;;
  esac
  case $1 in
  --workdir=*) workdir=${1#*=} && workdir=${workdir%/} ;;
  --config.data.dir=*) data=${1#*=} ;;
  esac
  shift
done

[ -n "$zone" ] || fail "--zone=ZONE is missing: see --help"
[ -n "$target" ] || fail "--target=TARGET is missing, such as --target=v6e:2x4: see --help"
[[ $workdir == gs://*/* ]] || fail "--workdir=$workdir: expected gs://BUCKET/RUN, which outlives the slice"
[[ $data == gs://* ]] || fail "--config.data.dir=$data: expected gs://BUCKET/DATA, which all workers can read"
[[ $delete_when =~ ^(finished|always|never)$ ]] || fail "--delete=$delete_when: expected finished, always or never"
[[ $retries =~ ^[0-9]+$ ]] || fail "--retries=$retries: expected a number"
[[ $poll =~ ^[0-9]+$ ]] || fail "--poll=$poll: expected a number of seconds"
[ -n "$name" ] || name=$(basename "$workdir" | tr '[:upper:]_.' '[:lower:]--')
[[ $name =~ ^[a-z]([-a-z0-9]*[a-z0-9])?$ ]] || fail "--name=$name: expected small letters, digits and -, a letter first"
logs=${logs:-runs/tpu/$name}
facts=$(python3 launch/targets.py "$target") || exit 1
read -r accelerator_type runtime chips <<<"$facts"

said=$(mktemp)
package=${TMPDIR:-/tmp}/dsta_jax-$name.tar.gz
trap 'rm -f "$said" "$package"' EXIT

place=(--zone="$zone")
[ -z "$project" ] || place+=(--project="$project")
resource=(gcloud compute tpus queued-resources)
node=(gcloud compute tpus tpu-vm)
create=("${resource[@]}" create "$name" --node-id="$name" --accelerator-type="$accelerator_type"
  --runtime-version="$runtime" "${place[@]}" --quiet)
[ -z "$model" ] || create+=("$model")
describe=("${resource[@]}" describe "$name" "${place[@]}" --format="value(state.state)")
describe_node=("${node[@]}" describe "$name" "${place[@]}" --format="value(state)")
explain=("${resource[@]}" describe "$name" "${place[@]}" --format="value(state.failedData.error.message)")
delete=("${resource[@]}" delete "$name" "${place[@]}" --force --quiet)

pack=(tar -czf "$package" --exclude=__pycache__ configs data_prep dsta_jax setup.cfg pyproject.toml README.md LICENSE)
copy=("${node[@]}" scp "$package" "$name:dsta_jax.tar.gz" "${place[@]}" --worker=all --quiet)
on_all=("${node[@]}" ssh "$name" "${place[@]}" --worker=all --quiet)
# The images' own Python is older than 3.11.
install=("${on_all[@]}" --command="rm -rf dsta && mkdir dsta && tar -xzf dsta_jax.tar.gz -C dsta &&\
 python3 -m pip install --quiet --user uv && ~/.local/bin/uv venv --quiet --clear --python=3.12 dsta/.venv &&\
 ~/.local/bin/uv pip install --quiet --python=dsta/.venv/bin/python ./dsta[tpu,gcs]")
# A connection may be lost while the training goes on, and its workers must not be shared with a second one.
train=("${on_all[@]}" --ssh-flag=-oServerAliveInterval=30
  --command="PYTHONUNBUFFERED=1 flock --verbose dsta_jax.lock dsta/.venv/bin/python -m dsta_jax.main\
$(quoted "${training[@]}")")

# What is known of the slice: its state ("" where there is none), since when it costs; and why it is started again, and
# how often that was in vain.
look() {
  state=$("${describe[@]}" 2>/dev/null) || state=""
  if [ "$state" = ACTIVE ]; then # the resource may be, for a while, when its node is gone
    case $("${describe_node[@]}" 2>/dev/null) in PREEMPTED | TERMINATED) state=SUSPENDED ;; esac
  fi
  if [ "$state" = ACTIVE ]; then
    active_since=${active_since:-$SECONDS}
  elif [ -n "${active_since:-}" ]; then
    active_seconds=$((${active_seconds:-0} + SECONDS - active_since))
    active_since=""
  fi
}
state="" active_since="" active_seconds="" reason="" in_vain=0

# attend WORD...: runs a command with a process group of its own, so that a signal to the launcher is dealt with at once
# and can end all that the command started.
set -m
child=""
attend() {
  local status=0
  "$@" </dev/null &
  child=$!
  wait "$child" || status=$?
  child=""
  return "$status"
}

execute() {
  show "$@"
  attend "$@"
}

pause() {
  attend sleep "$1"
}

delete_slice() {
  for _ in 1 2 3; do
    if execute "${delete[@]}"; then
      look
      return 0
    fi
    pause "$poll"
  done
  echo "error: $name could not be deleted, AND COSTS UNTIL IT IS; delete it by:" >&2
  show "${delete[@]}" >&2
  return 1
}

# For how long the slice was there.
report_cost() {
  [ -z "$active_since" ] || active_seconds=$((${active_seconds:-0} + SECONDS - active_since))
  [ -n "$active_seconds" ] || return 0
  local hundredths=$((chips * active_seconds / 36))
  say "$chips chips were there for $((active_seconds / 60)) minutes:" \
    "$((hundredths / 100)).$(printf %02d $((hundredths % 100))) chip-hours, at the price of cloud.google.com/tpu/pricing"
}

# leave STATUS: the end; the slice is deleted, unless it shall stay.
leave() {
  local status=$1
  look
  if [ -n "$state" ] && [ "$delete_when" != never ]; then
    delete_slice || status=1
  elif [ -n "$state" ]; then
    say "$name is $state, and costs while it is ACTIVE, until you delete it:"
    show "${delete[@]}"
  fi
  report_cost
  exit "$status"
}

give_up() {
  echo "error: $*" >&2
  leave 1
}

# shellcheck disable=SC2329 # called by trap
interrupted() {
  trap '' INT TERM HUP
  set +e # the terminal may be gone
  [ -z "$child" ] || kill -- "-$child" 2>/dev/null || true
  [ "$delete_when" != always ] || leave 130
  say "stopped. If $name is there, it costs while it is ACTIVE, and its workers may still train. Delete it by"
  show "${delete[@]}"
  say "or give the same command again, which goes on with it."
  exit 130
}

no_quota() {
  give_up "no quota: $(grep -i -m1 quota "$said"). Take a smaller --target or another --zone, or ask for more at" \
    "https://console.cloud.google.com/iam-admin/quotas"
}

create_slice() {
  local status=0
  execute "${create[@]}" 2>"$said" || status=$?
  cat "$said" >&2
  [ "$status" -ne 0 ] || return 0
  grep -qi quota "$said" && no_quota
  if [ "$status" -eq 2 ] || grep -qE "PERMISSION_DENIED|INVALID_ARGUMENT|UNAUTHENTICATED|auth login|not been used" "$said"
  then
    give_up "gcloud refused to create $name; its message stands above"
  fi
  reason="$name could not be created"
  return 1
}

await_slice() {
  local before=""
  while look && [ "$state" != ACTIVE ]; do
    case $state in
    FAILED | SUSPEND* | DELETING | "")
      reason="$name is ${state:-not there}"
      return 1
      ;;
    esac
    [ "$state" = "$before" ] || say "$name is $state"
    before=$state
    pause "$poll"
  done
}

set_up() {
  if execute "${pack[@]}" && execute "${copy[@]}" && execute "${install[@]}"; then return 0; fi
  reason="the workers could not be set up"
  look
  [ "$state" != ACTIVE ] || in_vain=$((in_vain + 1))
  return 1
}

train_once() {
  local status=0 start=1
  while [ -d "$logs/$start" ]; do start=$((start + 1)); done
  execute mkdir -p "$logs/$start"
  say "each worker's log is in $logs/$start"
  execute "${train[@]}" --output-directory="$logs/$start" || status=$? # 255 is ssh's own
  if [[ $status == 0 || $status == 255 ]] && finished "$workdir"; then return 0; fi
  look
  if [ "$model" = --spot ]; then # A preempted slice is ACTIVE for a while yet.
    for _ in 1 2 3; do
      [ "$state" = ACTIVE ] && pause "$poll" && look
    done
  fi
  reason="the training was stopped (status $status) and $name is ${state:-not there}"
  [ "$state" = ACTIVE ] || return 1
  if [[ $status != 0 && $status != 143 && $status != 255 ]]; then # 143: SIGTERM before there was anything to save
    tail -n 20 "$logs/$start/0.log" >&2 || true
    give_up "the training failed with status $status; the end of $logs/$start/0.log stands above"
  fi
  in_vain=$((in_vain + 1))
  return 1
}

# One life of the slice: 0 when the training is finished, 1 when it shall be started again.
live() {
  look
  case $state in
  SUSPENDED | SUSPENDING | FAILED)
    "${explain[@]}" >"$said" 2>/dev/null || true
    grep -qi quota "$said" && no_quota
    in_vain=0
    # A request of the same name is refused before this one is gone.
    delete_slice && create_slice || return 1
    ;;
  "") create_slice || return 1 ;;
  *) say "$name is there already, and $state" ;;
  esac
  await_slice && set_up && train_once
}

if [ -n "$dry_run" ]; then
  say "in the root of the checkout; asks for the slice, and looks until it is ACTIVE"
  say "(one that is SUSPENDED or FAILED is deleted first)"
  show "${create[@]}"
  show "${describe[@]}"
  show "${describe_node[@]}"
  say "sets up all workers"
  show "${pack[@]}"
  show "${copy[@]}"
  show "${install[@]}"
  say "trains; without results.json in the workdir it starts again"
  show mkdir -p "$logs/1"
  show "${train[@]}" --output-directory="$logs/1"
  show gcloud storage ls "$workdir/results.json"
  say "deletes the slice"
  show "${delete[@]}"
  exit
fi

trap interrupted INT TERM HUP
trap '' PIPE
if finished "$workdir"; then
  say "finished already: $workdir/results.json is there"
  leave 0
fi
attempt=0
until live; do
  attempt=$((attempt + 1))
  [ "$in_vain" -lt 3 ] || give_up "$reason, three times on a slice that is there"
  [ "$retries" -eq 0 ] || [ "$attempt" -le "$retries" ] || give_up "$reason, and --retries=$retries is used up"
  wait_seconds=$((poll << (attempt < 5 ? attempt : 5)))
  say "$reason; attempt $attempt in $wait_seconds s"
  pause "$wait_seconds"
done
say "finished: $workdir/results.json"
leave 0
