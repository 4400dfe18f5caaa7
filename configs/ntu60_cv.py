"""NTU RGB+D, 60 actions, cross-view: `python -m dsta_jax.main --config=configs/ntu60_cv.py`.

`configs/ntu60_cv.py:spatial` trains one stream, `configs/ntu60_cv.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
Cameras 2 and 3 train (37,646 samples), camera 1 tests (18,932).
The paper reports 96.4% for the four streams.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("ntu60_cv", words)
