#!/usr/bin/env bash
# Lint, types and the whole test suite. Words on the command line go to pytest: launch/test.sh tests/models -x
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/environment.sh

environment .venv test project
environment .venv-tensorflow tensorflow # reads our files with TensorFlow, apart from everything else
python=.venv/bin/python

"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
"$python" -m pytest -n "${WORKERS:-auto}" --dist loadfile --durations=10 "$@"
