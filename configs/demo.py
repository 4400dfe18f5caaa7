"""The demonstration: synthetic hand recordings, made on the spot, and a network that two CPU cores train in minutes.

`python -m dsta_jax.main` trains it; so does `bash launch/demo.sh`. Its accuracy says that everything works, and
nothing about any benchmark of real recordings.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """A network of three layers on 14 synthetic gestures."""
    config = paper("synthetic14", words)
    config.data.sampled_frames = 36
    config.data.frames = 32
    config.model.input_channels = 16
    config.model.channels = (16, 32, 32)
    config.model.embedding = (4, 8, 8)
    config.model.strides = (2, 2, 1)
    config.train.epochs = 12.0
    config.train.warmup_epochs = 1.0
    config.train.warmup_by = "step"
    config.train.decay_at = (2 / 3, 5 / 6)
    config.checkpoint.every_epochs = 2.0
    return config
