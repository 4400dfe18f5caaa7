"""NTU RGB+D, 60 actions, cross-view: `python -m dsta_jax.main --config=ntu60_cv`.

`ntu60_cv:spatial` trains one stream, `ntu60_cv:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
Cameras 2 and 3 train (37,646 samples), camera 1 tests (18,932).
The paper reports 96.4% for the four streams.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("ntu60_cv", words)
