"""SHREC'17, 28 gestures: `python -m dsta_jax.main --config=configs/shrec28.py`.

`configs/shrec28.py:spatial` trains one stream, `configs/shrec28.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.shrec --raw_dir=DIRECTORY --out_dir=data`.
The paper reports 93.9% for the four streams.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("shrec28", words)
