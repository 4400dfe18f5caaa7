"""Recordings of your own: `python -m dsta_jax.main --config=own --config.benchmark=my_gestures.toml`.

The file says what the classes and the joints are, and who tests; docs/own_recordings.md explains it. The numbers are
the paper's; `own:small` is a network for two CPU cores. With `--check` the command looks at the recordings first.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration, for a benchmark that is still to be named."""
    return paper("NAME.toml", words)
