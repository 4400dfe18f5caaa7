"""SHREC'17, 14 gestures: `python -m dsta_jax.main --config=shrec14`.

Needs `python -m data_prep.convert --from=shrec17 --in=DIRECTORY --out=data`.
The paper reports 97.0% for the four streams; 96.3, 95.1, 94.5 (fast) and 93.7 (slow) for one (Table 1, Sec. 4.3).
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "shrec14")
