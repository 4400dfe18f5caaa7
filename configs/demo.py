"""The demonstration: synthetic hand recordings, made on the spot, and a network that two CPU cores train in minutes.

`python -m dsta_jax.main` trains it, and so does `bash launch/demo.sh`. Its accuracy shows that everything works, and
says nothing about any benchmark of real recordings.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """A network of three layers on 14 synthetic gestures."""
    config = paper("synthetic14", words)
    config.data.update(sampled_frames=36, frames=32)
    config.model.update(input_channels=16, channels=(16, 32, 32), embedding=(4, 8, 8), strides=(2, 2, 1))
    config.train.update(epochs=12.0, warmup_epochs=1.0, warmup_by="step", decay_at=(2 / 3, 5 / 6))
    config.checkpoint.every_epochs = 2.0
    return config
