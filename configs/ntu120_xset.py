"""NTU RGB+D 120, the data set's own cross-setup: `python -m dsta_jax.main --config=ntu120_xset`.

Needs `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
Even setups train (54,468 samples), odd ones test (59,477), as in all other work. The paper has it the other way round:
its 89.0% belong to configs/ntu120_ce.py, and it has no figure for this protocol.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "ntu120_xset")
