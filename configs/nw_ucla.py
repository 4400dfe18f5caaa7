"""Northwestern-UCLA, 10 actions: 1,020 recordings of views 1 and 2 train, 464 of view 3 test.

`python -m dsta_jax.main --config=nw_ucla` trains the full network with the paper's schedule, for a GPU; `nw_ucla:small`
trains on two CPU cores. docs/measured.md has the measured accuracies.
Needs `python -m data_prep.convert --from=nw_ucla --in=DIRECTORY --out=data`.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, as for UTD-MHAD, and takes fewer epochs."""
    config = paper("nw_ucla", words)
    if "small" in words.split(","):
        config.data.rotation_degrees, config.data.scale = 20.0, 0.1
        config.train.epochs = 30.0
    return config
