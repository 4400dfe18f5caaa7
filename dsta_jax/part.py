"""A run among those that train side by side."""

import dataclasses
import functools
from collections.abc import Callable

import jax
from jax.sharding import NamedSharding

from dsta_jax import checkpoint, parallel
from dsta_jax import train_state as state_lib
from dsta_jax.logs import Metrics
from dsta_jax.run import Run
from dsta_jax.train_state import TrainState


@dataclasses.dataclass(frozen=True)
class Part:
    """Which of the members are a run's own, and where it is kept.

    Attributes:
      run: what is trained.
      members: its place on the member axis.
      latest: its checkpoints to resume from.
      metrics: its metrics.
    """

    run: Run
    members: slice
    latest: checkpoint.Latest
    metrics: Metrics

    def of(self, state: TrainState) -> TrainState:
        """The state of its members, on all devices."""
        everywhere = parallel.everywhere(jax.tree.leaves(state.params)[0].sharding.mesh)
        return _compiled_part(self.members.start, self.members.stop, everywhere)(state)


@functools.lru_cache(maxsize=64)
def _compiled_part(start: int, stop: int, everywhere: NamedSharding) -> Callable[[TrainState], TrainState]:
    return jax.jit(functools.partial(state_lib.part, members=slice(start, stop)), out_shardings=everywhere)
