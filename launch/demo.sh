#!/usr/bin/env bash
# The whole way, on synthetic hand recordings: environment, recordings, conversion, training of four streams,
# evaluation, fusion. Run it again, and it goes on where it was stopped, or says that it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/environment.sh

environment .venv run project
python=.venv/bin/python

echo "1/3 Writing synthetic hand recordings, as raw files of SHREC'17"
"$python" -m data_prep.synthetic --out_dir=data/raw/synthetic_hands

echo "2/3 Converting them to TFRecord"
"$python" -m data_prep.convert --from=shrec17 --in=data/raw/synthetic_hands --out=data --name=synthetic_hands

echo "3/3 Training four streams (joints, bones, slow and fast motion), evaluating, fusing"
"$python" -m dsta_jax.main --workdir=runs/demo

cat <<'TEXT'

Synthetic recordings: these figures show that everything works, and say nothing about a benchmark.

What to try next:
  source .venv/bin/activate
  python -m dsta_jax.fusion runs/demo --weights=1,2,1,2       weigh the streams
  tensorboard --logdir=runs/demo/tensorboard                  the curves (pip install tensorboard)
  python -m dsta_jax.main --config.model.position=none --workdir=runs/no_position     an ablation of Table 1
  python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data                real recordings: SHREC'17
  python -m dsta_jax.main --config=configs/shrec14.py                                 the paper's training on them
TEXT
