"""NTU RGB+D, 60 actions, cross-subject: `python -m dsta_jax.main --config=ntu60_cs`.

Needs `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
20 subjects train (40,091 samples), the others test (16,487). The paper reports 91.5% for the four streams.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "ntu60_cs")
