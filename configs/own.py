"""Recordings of your own: `python -m dsta_jax.main --config=configs/own.py --config.benchmark=my_gestures.toml`.

The file says what the classes are, by which joints they are to be told apart, and who tests; README.md, *Your own
recordings*, has one, and `dsta_jax/datasets/own.py` everything that it can say. The numbers are the paper's;
`configs/own.py:small` is a network for two CPU cores. `--check` looks the recordings over before.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration, for a benchmark that is still to be named."""
    return paper("NAME.toml", words)
