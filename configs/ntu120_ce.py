"""NTU RGB+D 120, cross-setup as in the paper: `python -m dsta_jax.main --config=ntu120_ce`.

Needs `python -m data_prep.convert --from=ntu120 --in=DIRECTORY --out=data`.
The paper trains on the odd setups (59,477 samples), tests on the even ones (54,468), and reports 89.0% for the four
streams. The data set's own protocol, which all other work uses, is the opposite: configs/ntu120_xset.py.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "ntu120_ce")
