"""NTU RGB+D, 60 actions, cross-subject: `python -m dsta_jax.main --config=configs/ntu60_cs.py`.

`configs/ntu60_cs.py:spatial` trains one stream, `configs/ntu60_cs.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
20 subjects train (40,091 samples), the others test (16,487).
The paper reports 91.5% for the four streams.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("ntu60_cs", words)
