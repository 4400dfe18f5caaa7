"""SHREC'17, 28 gestures: `python -m dsta_jax.main --config=configs/shrec28.py`.

`configs/shrec28.py:spatial` trains one stream, `configs/shrec28.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data`.
The paper reports 93.9% for the four streams.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("shrec28", words)
