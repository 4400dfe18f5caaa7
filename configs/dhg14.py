"""DHG, 14 gestures, 20 folds: each subject is left out of training once, and tested on.

`python -m dsta_jax.main --config=configs/dhg14.py` trains 20 folds x 4 streams, as many side by side
as memory holds, or `config.members_per_step` networks; each fold can be interrupted and goes on by itself.
`--config.folds=1,2` trains two of them, `configs/dhg14.py:spatial` one stream of each.

Needs the recordings: `python -m data_prep.convert --from=dhg --in=DIRECTORY --out=data`.
The paper reports 93.8% for the four streams, as the mean over the folds.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return base.get_config("dhg14", words)
