"""Northwestern-UCLA, 10 actions, 1,020 recordings of views 1 and 2 for training, 464 of view 3 for testing.

`nw_ucla` is the full network with the paper's schedule, for a GPU; `nw_ucla:small` trains on two CPU cores.
docs/measured.md has the accuracies that were measured.

Needs the recordings: `python -m data_prep.convert --from=nw_ucla --in=DIRECTORY --out=data`.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, as for UTD-MHAD, and takes fewer epochs."""
    config = paper("nw_ucla", words)
    if "small" in words.split(","):
        config.data.rotation_degrees = 20.0
        config.data.scale = 0.1
        config.train.epochs = 30.0
    return config
