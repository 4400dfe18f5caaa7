# shellcheck shell=bash
# What the launchers have in common; sourced by them, from the root of the checkout.

fail() {
  echo "error: $*" >&2
  exit 1
}

# A launcher goes on, and deletes what costs, when nobody reads any more what it says.
say() {
  echo "# $*" 2>/dev/null || true
}

# quoted WORD...: the words as a shell reads them, each after a space.
quoted() {
  local word
  for word; do
    case $word in
    *[!A-Za-z0-9_/.:=,@%+-]* | "") printf " %s" "${word@Q}" ;;
    *) printf " %s" "$word" ;;
    esac
  done
}

# show WORD...: a command as it can be pasted into a shell.
show() {
  local line
  line=$(quoted "$@")
  echo "${line# }" 2>/dev/null || true
}

# execute WORD...: shows a command and, unless dry_run is set, runs it.
execute() {
  show "$@"
  [ -n "${dry_run:-}" ] || "$@"
}

# finished WORKDIR: whether the training there is finished. Its status does not say so, as a training that was told to
# stop (SIGTERM) saves and ends with 0.
finished() {
  case $1 in
  gs://*) gcloud storage ls "$1/results.json" >/dev/null 2>&1 ;;
  *) [ -f "$1/results.json" ] ;;
  esac
}
