#!/usr/bin/env bash
# Runs a training as the main process of a container:
#   until_finished.sh WORKDIR COMMAND...
# The status is the training's, but 75 where it was stopped (SIGTERM) before it was finished: it saves and ends with 0
# then, and Kubernetes would take the job for done. Only the first of several hosts looks, as it writes the results.
# launch/gke_jobset.py puts this text into the JobSet: so no command substitution, which Kubernetes would look into.
set -uo pipefail
workdir=$1
shift

stop() { # a signal is not passed on by itself
  [ -n "${!:-}" ] || exit 75
  told=yes
  kill -TERM "$!"
}
trap stop TERM INT
"$@" &
told=yes
while [ "$told" = yes ]; do # a signal ends the wait, not the training
  told=no
  wait "$!"
  status=$?
done

[ "$status" -ne 143 ] || exit 75 # SIGTERM came before there was anything to save
[ "$status" -eq 0 ] || exit "$status"
[ "${JOB_COMPLETION_INDEX:-0}" = 0 ] || exit 0
python -c '
import sys
from etils import epath

sys.exit(not (epath.Path(sys.argv[1]) / "results.json").exists())
' "$workdir" || exit 75
