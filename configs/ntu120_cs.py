"""NTU RGB+D 120, cross-subject: `python -m dsta_jax.main --config=ntu120_cs`.

`ntu120_cs:spatial` trains one stream, `ntu120_cs:small` a network for two CPU cores.

Needs the recordings: `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
53 subjects train (63,026 samples), the others test (50,919).
The paper reports 86.6% for the four streams.
"""

import ml_collections

from dsta_jax.config import paper


def get_config(words: str = "") -> ml_collections.ConfigDict:
    """The paper's configuration."""
    return paper("ntu120_cs", words)
