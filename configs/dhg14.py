"""DHG, 14 gestures, 20 folds: `python -m dsta_jax.main --config=dhg14` leaves out and tests each subject once.

It trains 20 folds x 4 streams, as many side by side as memory holds, or `config.members_per_step`; each fold can be
interrupted and continued. `--config.folds=1,2` trains two folds, `dhg14:spatial` one stream of each.
Needs `python -m data_prep.convert --from=dhg --in=DIRECTORY --out=data`.
The paper reports 93.8% for the four streams, as the mean over the folds.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "dhg14")
