"""SHREC'17, 28 gestures: `python -m dsta_jax.main --config=shrec28`.

`shrec28:spatial` trains one stream, `shrec28:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data`.
The paper reports 93.9% for the four streams.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("shrec28", words)
