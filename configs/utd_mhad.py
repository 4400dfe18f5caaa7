"""UTD-MHAD, 27 actions, 431 recordings of odd subjects for training, 430 of even subjects for testing.

`utd_mhad` is the full network with the paper's schedule, for a GPU; `utd_mhad:small` trains on two CPU cores.
docs/measured.md has the accuracies that were measured.

Needs the recordings: `python -m data_prep.convert --from=utd_mhad --in=DIRECTORY --out=data`.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, chosen on a held-out subject."""
    config = paper("utd_mhad", words)
    if "small" in words.split(","):
        config.data.rotation_degrees = 20.0
        config.data.scale = 0.1
    return config
