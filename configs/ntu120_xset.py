"""NTU RGB+D 120, the data set's own cross-setup: `python -m dsta_jax.main --config=configs/ntu120_xset.py`.

`configs/ntu120_xset.py:spatial` trains one stream, `configs/ntu120_xset.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
Even setups train (54,468 samples), odd ones test (59,477), as in all other work. The paper has it the other way round,
so its 89.0% are those of configs/ntu120_ce.py, and there is no figure of the paper's for this one.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("ntu120_xset", words)
