"""Batches of runs that train side by side, on the devices before the step that needs them."""

import collections
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from dsta_jax import parallel
from dsta_jax.data import batches, packing
from dsta_jax.data.batches import Batch
from dsta_jax.run import Run


class Feed:
    """The batches of all members of runs, which have one configuration and equally many recordings.

    Attributes:
      row_counts: numbers of rows of the batches, where empty bodies share one; None where every body has its row.
    """

    def __init__(self, runs: Sequence[Run], mesh: Mesh):
        """Looks at every batch of the training, to know how many rows they need."""
        self._runs, self._sharding = runs, parallel.by_member_and_batch(mesh)
        self._train, self._seed = runs[0].config.train, runs[0].config.seed
        rows = self._train.batch_size * runs[0].benchmark.bodies
        needed_RxS = [batches.train_rows(run.train, self._train.batch_size, self._seed, run.steps) for run in runs]
        self._needed_S = np.max(needed_RxS, axis=0)
        self.row_counts = packing.choose(self._needed_S, rows, parallel.batch_devices(mesh))

    def shapes(self, rows: int | None) -> Batch:
        """Shapes of a batch with so many rows, with shardings; None is a row for every body."""
        run, batch_size = self._runs[0], self._train.batch_size
        members = sum(len(each.members) for each in self._runs)
        row = run.input_shape(batch_size)
        count = row.shape[0] if rows is None else rows

        def shape(*sizes: int, dtype: Any = np.float32) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((members, *sizes), dtype, sharding=self._sharding)

        return Batch(
            x=shape(count, *row.shape[1:]),
            label=shape(batch_size, dtype=np.int32),
            real=shape(batch_size),
            share=None if rows is None else shape(batch_size, count),
        )

    def batches(self, first: int) -> Iterator[Batch]:
        """Batches of the steps from `first` on; two are made ahead while a step runs."""
        with ThreadPoolExecutor(1) as pool:
            steps = iter(range(first, self._runs[0].steps))
            ahead = collections.deque(pool.submit(self._make, step) for step in itertools.islice(steps, 2))
            while ahead:
                batch = ahead.popleft().result()
                ahead.extend(pool.submit(self._make, step) for step in itertools.islice(steps, 1))
                yield batch

    def _make(self, step: int) -> Batch:
        rows = None if self.row_counts is None else self.row_counts.of(self._needed_S[step])
        each = [
            batches.train_batch(run.train, run.members, run.sampling, self._train.batch_size, self._seed, step, rows)
            for run in self._runs
        ]
        together: Batch = each[0] if len(each) == 1 else jax.tree.map(lambda *parts: np.concatenate(parts), *each)
        return parallel.put(together, self._sharding)
