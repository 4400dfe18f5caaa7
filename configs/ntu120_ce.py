"""NTU RGB+D 120, cross-setup as in the paper: `python -m dsta_jax.main --config=configs/ntu120_ce.py`.

`configs/ntu120_ce.py:spatial` trains one stream, `configs/ntu120_ce.py:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
The paper trains on the odd setups (59,477 samples) and tests on the even ones (54,468), and reports 89.0% for the four
streams. The data set's own protocol, which all other work uses, is the opposite: configs/ntu120_xset.py.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("ntu120_ce", words)
