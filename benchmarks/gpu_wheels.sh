#!/usr/bin/env bash
# Brings the small packages that a machine with a GPU may lack, as wheels for Python 3.11 to 3.13 on x86-64 Linux, into
# .wheels (about 3 MB), which git ignores. Run it where there is a network, and carry the directory along.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
wheels=${1:-.wheels}
mkdir -p "$wheels"
for version in 3.11 3.12 3.13; do
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$wheels" \
    --python-version "$version" --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    absl-py ml-collections pyyaml tqdm psutil protobuf google-crc32c
done
du -sh "$wheels"
