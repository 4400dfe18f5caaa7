# shellcheck shell=bash
# Makes virtual environments from lock files; sourced by the other scripts, from the root of the checkout.
# launch/requirements/*.lock are made from setup.cfg by:
#   uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --extra prepare --extra matlab \
#     --extra draw [--extra test] setup.cfg -o launch/requirements/{run,test}.lock
# and tensorflow.lock the same way from tensorflow.in.

fail() {
  echo "error: $*" >&2
  exit 1
}

# environment DIRECTORY LOCK [PROJECT]: a virtual environment with the packages of launch/requirements/LOCK.lock and,
# with a third argument, this project. Does nothing when they are there already.
environment() {
  local directory=$1 lock=launch/requirements/$2.lock project=${3:-} python=${PYTHON:-python3} wanted
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is $("$python" --version 2>&1), Python 3.11 or newer is needed; name one by PYTHON=..."
  wanted=$(cat "$lock" setup.cfg | cksum)
  grep -qsF "$2 $wanted" "$directory/installed" && return
  echo "Installing the packages of $lock into $directory (a few minutes the first time)"
  [ -x "$directory/bin/python" ] || "$python" -m venv "$directory" || fail "$python cannot make virtual environments"
  "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
    fail "pip could not install $lock; its message stands above"
  if [ -n "$project" ]; then
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable . ||
      fail "pip could not install this project; its message stands above"
  fi
  echo "$2 $wanted" >>"$directory/installed"
}
