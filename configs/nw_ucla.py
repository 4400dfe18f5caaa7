"""Northwestern-UCLA, 10 actions, 1,020 recordings of views 1 and 2 for training, 464 of view 3 for testing.

`configs/nw_ucla.py` is the full network with the paper's schedule, for a GPU; `configs/nw_ucla.py:small` trains on two
CPU cores. Needs the recordings: `python -m data_prep.convert --from=nw_ucla --in=DIRECTORY --out=data`.
README.md has the accuracies that were measured.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, as for UTD-MHAD, and takes fewer epochs."""
    config = base.get_config("nw_ucla", words)
    if "small" in words.split(","):
        config.data.rotation_degrees = 20.0
        config.data.scale = 0.1
        config.train.epochs = 30.0
        config.train.decay_epochs = (20.0, 26.0)
    return config
