"""UTD-MHAD, 27 actions: 431 recordings of odd subjects train, 430 of even subjects test.

`python -m dsta_jax.main --config=utd_mhad` trains the full network with the paper's schedule, for a GPU;
`utd_mhad:small` trains on two CPU cores. docs/measured.md has the measured accuracies.
Needs `python -m data_prep.convert --from=utd_mhad --in=DIRECTORY --out=data`.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, chosen on a held-out subject."""
    config = paper("utd_mhad", words)
    if "small" in words.split(","):
        config.data.rotation_degrees, config.data.scale = 20.0, 0.1
    return config
