"""NTU RGB+D, 60 actions, cross-subject: `python -m dsta_jax.main --config=ntu60_cs`.

`ntu60_cs:spatial` trains one stream, `ntu60_cs:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
20 subjects train (40,091 samples), the others test (16,487).
The paper reports 91.5% for the four streams.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("ntu60_cs", words)
