"""UTD-MHAD, 27 actions, 431 recordings of odd subjects for training, 430 of even subjects for testing.

`configs/utd_mhad.py` is the full network with the paper's schedule, for a GPU; `configs/utd_mhad.py:small` trains on
two CPU cores. Needs the recordings: `python -m data_prep.convert --from=utd_mhad --in=DIRECTORY --out=data`.
README.md has the accuracies that were measured.
"""

import ml_collections

from configs import base


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration; `small` adds random rotation and scale, chosen on a held-out subject."""
    config = base.get_config("utd_mhad", words)
    if "small" in words.split(","):
        config.data.rotation_degrees = 20.0
        config.data.scale = 0.1
    return config
