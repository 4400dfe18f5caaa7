"""NTU RGB+D 120, cross-subject: `python -m dsta_jax.main --config=configs/ntu120_cs.py`.

`configs/ntu120_cs.py:spatial` trains one stream, `configs/ntu120_cs.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
53 subjects train (63,026 samples), the others test (50,919).
The paper reports 86.6% for the four streams.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("ntu120_cs", words)
