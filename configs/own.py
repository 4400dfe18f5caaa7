"""Recordings of your own: `python -m dsta_jax.main --config=own --config.benchmark=my_gestures.toml`.

The TOML file names the classes and the joints, and says who tests; docs/own_recordings.md explains it. The settings are
the paper's; `own:small` is a network for two CPU cores. With `--check` the command looks at the recordings first.
"""

import functools

from dsta_jax.config import paper

get_config = functools.partial(paper, "NAME.toml")
