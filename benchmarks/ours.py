"""The library's sides: its compiled training step and its compiled evaluation, as its own loop calls them."""

import dataclasses
import functools
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import floors, shapes
from benchmarks.shapes import Case
from dsta_jax import checkpoint, evaluate, memory, parallel, train
from dsta_jax import train_state as state_lib
from dsta_jax.data import batches
from dsta_jax.data.batches import Batch
from dsta_jax.feed import Feed
from dsta_jax.run import Run
from dsta_jax.train_state import TrainState


class Training:
    """Steps of training on one batch that lies on the device.

    Attributes:
      case: what is trained.
      runs: the library's runs of it.
      feed: their batches.
      rows: R, rows of a member's batch: the usual number where absent bodies share one.
      rows_mean: mean over all batches of the numbers of rows that they take.
      state: of all members.
      compiled: the step, for the usual number of rows.
      estimated_bytes: of a member's step on each of its devices, as `config.members_per_step=0` goes by.
      trace_seconds, compile_seconds: what the last compilation took.
    """

    def __init__(self, case: Case):
        """Compiles the step and makes the first state."""
        self.case = case
        self.runs = shapes.runs_of(case)
        like = self.runs[0]
        mesh = parallel.make_mesh(case.members, case.batch)
        names = tuple(name for run in self.runs for name in run.names)
        tx = state_lib.optimizer(like.config.train, like.steps_per_epoch)
        init = functools.partial(
            state_lib.init, like.network, tx, names, like.config.seed, like.input_shape(case.batch)
        )
        self.state_shapes = checkpoint.with_sharding(jax.eval_shape(init), mesh)
        self.state = _made_up(self.state_shapes)
        self.feed = Feed(self.runs, mesh)
        most = like.config.members_per_step or case.members
        self.step = train.compiled_step(like, mesh, self.state_shapes, parallel.at_once(mesh, case.members, most))
        counts = self.feed.row_counts
        taken_S = [like.input_shape(case.batch).shape[0]]
        if counts is not None:
            needed_S = batches.train_rows(like.train, case.batch, like.config.seed, like.steps)
            taken_S = [counts.of(needed) for needed in needed_S]
        self.rows, self.rows_mean = min(taken_S), float(np.mean(taken_S))
        self.estimated_bytes = memory.member_bytes(like, mesh, None if counts is None else self.rows)
        self.batch = next(self.feed.batches(taken_S.index(self.rows)))
        self.compiled = self.compile(self.batch)

    def compile(self, batch: Batch) -> Any:
        """The step compiled for batches of this shape."""
        shapes_of_batch = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding), batch
        )
        begin = time.perf_counter()
        lowered = self.step.lower(self.state_shapes, shapes_of_batch)
        traced = time.perf_counter()
        compiled = lowered.compile()
        self.trace_seconds, self.compile_seconds = traced - begin, time.perf_counter() - traced
        return compiled

    @property
    def flops(self) -> float:
        """Operations of a step, counted by its rows."""
        frames, joints = self.batch.x.shape[2:4]
        return floors.step_flops(self.runs[0].network, self.case.members * self.rows, frames, joints)

    def planned_bytes(self) -> int:
        """Memory that XLA plans for a step: state, batch and everything between."""
        plan = self.compiled.memory_analysis()
        together = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
        return int(together - plan.alias_size_in_bytes)

    def start(self) -> None:
        """Starts a step."""
        self.state, self._totals = self.compiled(self.state, self.batch)

    def wait(self) -> None:
        """Waits for the state."""
        jax.block_until_ready(self.state)


class Separate:
    """The members of a case as networks of their own, stepped one after the other by one compiled step."""

    def __init__(self, case: Case):
        """Compiles the step of one, and makes all states."""
        self.one = Training(dataclasses.replace(case, members=1))
        self._states = [jax.tree.map(jnp.copy, self.one.state) for _ in range(case.members)]

    def start(self) -> None:
        """Starts a step of every member."""
        self._states = [self.one.compiled(state, self.one.batch)[0] for state in self._states]

    def wait(self) -> None:
        """Waits for all states."""
        jax.block_until_ready(self._states)


class Inference:
    """Scores of one batch: from the host's memory and back (latency), or of a batch that lies on the device."""

    def __init__(self, case: Case, from_host: bool):
        """Compiles the evaluation for one member."""
        like = shapes.runs_of(case)[0]
        mesh = parallel.make_mesh(1, case.batch)
        self._from_host, self._split = from_host, parallel.by_member_and_batch(mesh)
        self._host = _shown(like, case)
        self._batch = parallel.put(self._host, self._split)
        row = like.input_shape(case.batch)
        tx = state_lib.optimizer(like.config.train, like.steps_per_epoch)
        init = functools.partial(state_lib.init, like.network, tx, like.names[:1], 0, row)
        state = _made_up(checkpoint.with_sharding(jax.eval_shape(init), mesh))
        fold = evaluate.compiled_fold(like.network, mesh, frames=row.shape[1], joints=row.shape[2])
        self._variables = fold({"params": state.params, "batch_stats": state.batch_stats})
        self._step = evaluate.compiled_step(like.network, mesh)
        self._scores: Any = None

    def start(self) -> None:
        """Starts a batch."""
        batch = parallel.put(self._host, self._split) if self._from_host else self._batch
        self._scores = self._step(self._variables, batch)
        if self._from_host:
            jax.device_get(self._scores)

    def wait(self) -> None:
        """Waits for the scores."""
        jax.block_until_ready(self._scores)


def _shown(like: Run, case: Case) -> Batch:
    """A batch of noise; of the samples a part `single` shows one person, whose absent bodies have no row."""
    rows, *frame_shape = like.input_shape(case.batch).shape
    bodies = rows // case.batch
    present_BxM = np.ones((case.batch, bodies), bool)
    present_BxM[: round(case.single * case.batch), 1:] = False
    sample_R = np.nonzero(present_BxM)[0]
    share_BxR = (sample_R == np.arange(case.batch)[:, None]).astype(np.float32) / bodies
    return Batch(
        x=np.random.default_rng(0).standard_normal((1, len(sample_R), *frame_shape), np.float32),
        label=np.zeros((1, case.batch), np.int32),
        real=np.ones((1, case.batch), np.float32),
        share=share_BxR[None] if case.single else None,
    )


def _made_up(shapes_of_state: TrainState) -> TrainState:
    """A state of values of sensible size: the program that draws real ones takes longer to compile than the step."""
    rng = np.random.default_rng(0)

    def weights(leaf: Any) -> np.ndarray:
        if len(leaf.shape) < 3:
            return np.ones(leaf.shape, leaf.dtype)
        return rng.standard_normal(leaf.shape, leaf.dtype) / np.sqrt(leaf.shape[-2])

    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes_of_state)
    made = zeros.replace(
        params=jax.tree.map(weights, shapes_of_state.params),
        batch_stats=jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes_of_state.batch_stats),
    )
    return jax.tree.map(lambda leaf, shape: jax.device_put(leaf, shape.sharding), made, shapes_of_state)


def dense_flops(case: Case) -> float:
    """Operations of a training step in which every body has its row."""
    network, rows, frames, joints = _dense(case)
    return floors.step_flops(network, rows, frames, joints)


def least_bytes(case: Case) -> float:
    """The least bytes of that step in bfloat16, of the full network."""
    _, rows, frames, joints = _dense(case)
    return floors.step_bytes(rows, frames, joints)


def _dense(case: Case) -> tuple[Any, int, int, int]:
    like = shapes.runs_of(case)[0]
    rows, frames, joints, _ = like.input_shape(case.batch).shape
    return like.network, case.members * rows, frames, joints


def peak_bytes() -> int | None:
    """The most memory that was in use on the first device; None where the device does not say (a CPU)."""
    stats = jax.devices()[0].memory_stats()
    return None if stats is None else int(stats["peak_bytes_in_use"])
