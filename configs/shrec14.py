"""SHREC'17, 14 gestures: `python -m dsta_jax.main --config=configs/shrec14.py`.

`configs/shrec14.py:spatial` trains one stream, `configs/shrec14.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data`.
The paper reports 97.0% for the four streams; 96.3, 95.1, 94.5 (fast) and 93.7 (slow) for one (Table 1, Sec. 4.3).
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("shrec14", words)
