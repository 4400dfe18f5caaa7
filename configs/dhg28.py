"""DHG, 28 gestures: `python -m dsta_jax.main --config=dhg28`, 20 folds, as configs/dhg14.py explains.

Needs `python -m data_prep.convert --from=dhg --in=DIRECTORY --out=data`.
The paper reports 90.9% for the four streams, as the mean over the folds.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "dhg28")
