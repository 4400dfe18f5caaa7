"""SHREC'17, 28 gestures: `python -m dsta_jax.main --config=shrec28`.

Needs `python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data`.
The paper reports 93.9% for the four streams.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "shrec28")
