"""NTU RGB+D, 60 actions, cross-view: `python -m dsta_jax.main --config=ntu60_cv`.

Needs `python -m data_prep.convert --from=ntu60 --in=DIRECTORY --out=data`.
Cameras 2 and 3 train (37,646 samples), camera 1 tests (18,932). The paper reports 96.4% for the four streams.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "ntu60_cv")
