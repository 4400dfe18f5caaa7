"""DHG, 28 gestures, 20 folds: each subject is left out of training once, and tested on.

`python -m dsta_jax.main --config=dhg28` trains 20 folds x 4 streams, as many side by side as memory holds, or
`config.members_per_step` networks. Each fold can be interrupted and continued by itself.
`--config.folds=1,2` trains two of them, `dhg28:spatial` one stream of each.

Needs the recordings: `python -m data_prep.convert --from=dhg --in=DIRECTORY --out=data`.
The paper reports 90.9% for the four streams, as the mean over the folds.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("dhg28", words)
