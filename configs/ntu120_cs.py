"""NTU RGB+D 120, cross-subject: `python -m dsta_jax.main --config=ntu120_cs`.

Needs `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
53 subjects train (63,026 samples), the others test (50,919). The paper reports 86.6% for the four streams.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "ntu120_cs")
