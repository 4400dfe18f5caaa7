"""The library's sides: its compiled training step and its compiled evaluation, as its own loop calls them."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import floors, shapes
from benchmarks.shapes import Case
from dsta_jax import checkpoint, evaluate, memory, parallel, train, train_state
from dsta_jax.data import batches
from dsta_jax.data.batches import Batch
from dsta_jax.members import Members, variable_shapes
from dsta_jax.train import Feed
from dsta_jax.train_state import TrainState


class Training:
    """Steps of training on one batch that lies on the device.

    Attributes:
      case: what is trained.
      members: the library's networks of it.
      feed: their batches.
      rows: R, rows of a member's batch: the usual number where absent bodies share one.
      rows_mean: mean over all batches of the numbers of rows that they take.
      state: of all members.
      compiled: the step, for the usual number of rows.
      estimated_bytes: of a member's step on each of its devices, as `config.members_per_step=0` goes by.
      trace_seconds: what tracing took when the step was compiled last.
      compile_seconds: what compiling took then.
    """

    def __init__(self, case: Case):
        self.case = case
        self.members = shapes.members_of(case)
        mesh = self.members.mesh(case.batch)
        self.state_shapes = checkpoint.with_sharding(jax.eval_shape(init(self.members)), mesh)
        self.state = _made_up_state(self.state_shapes)
        self.feed = Feed(self.members, mesh)
        at_once = self.members.config.members_per_step or case.members
        in_turn = parallel.members_in_turn(mesh, case.members, at_once)
        self.step = train.compiled_step(self.members, mesh, self.state_shapes, in_turn)
        every_body = self.members.input_shape(case.batch).shape[0]
        rows_S = [rows or every_body for rows in rows_of_steps(self.members, self.feed)]
        self.rows, self.rows_mean = min(rows_S), float(np.mean(rows_S))
        self.estimated_bytes = memory.member_bytes(self.members, mesh, self.rows if self.feed.row_counts else None)
        self.batch = next(self.feed.batches(rows_S.index(self.rows)))
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
        return floors.step_flops(self.members.network, self.case.members * self.rows, frames, joints)

    @property
    def bytes_accessed(self) -> float:
        """Bytes that the kernels of a step read and write, as XLA estimates them."""
        return float(self.compiled.cost_analysis()["bytes accessed"])

    def planned_bytes(self) -> int:
        """Memory that XLA plans for a step: state, batch and everything between."""
        return planned_bytes(self.compiled)

    def start(self) -> None:
        """Starts a step."""
        self.state, self._totals = self.compiled(self.state, self.batch)

    def wait(self) -> None:
        """Waits for the state."""
        jax.block_until_ready(self.state)


class Separate:
    """The members of a case as networks of their own, stepped one after the other by one compiled step."""

    def __init__(self, case: Case):
        self.one = Training(dataclasses.replace(case, members=1))
        self._states = [jax.tree.map(jnp.copy, self.one.state) for _ in range(case.members)]

    def start(self) -> None:
        """Starts a step of every member."""
        self._states = [self.one.compiled(state, self.one.batch)[0] for state in self._states]

    def wait(self) -> None:
        """Waits for all states."""
        jax.block_until_ready(self._states)


class Inference:
    """Scores of one network for one batch: from the host's memory and back (latency), or on the device (throughput)."""

    def __init__(self, case: Case, task: str):
        members = shapes.members_of(case)
        mesh = members.mesh(case.batch)
        self._from_host, self._split = task == "latency", parallel.by_member_and_batch(mesh)
        self._host = _shown(members, case)
        self._batch = parallel.put(self._host, self._split)
        variables = made_up(variable_shapes(members.network, members.input_shape(case.batch), len(members)))
        self._variables = evaluate.fold_model(members, variables, mesh)
        self._step = evaluate.compiled_step(members.network, mesh)
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


def planned_bytes(compiled: Any) -> int:
    """Memory on a device that XLA plans for a program: arguments, results and everything between."""
    plan = compiled.memory_analysis()
    together = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return int(together - plan.alias_size_in_bytes)


def init(members: Members) -> Callable[[], TrainState]:
    """Makes a fresh state, as the training loop does."""
    tx = train_state.optimizer(members.config.train, members.steps_per_epoch)
    row = members.input_shape(members.config.train.batch_size)
    return functools.partial(train_state.init, members.network, tx, members.names, members.config.seed, row)


def rows_of_steps(members: Members, feed: Feed) -> list[int | None]:
    """R of each step's batch; None where every body has its row."""
    counts, train_config = feed.row_counts, members.config.train
    if counts is None:
        return [None] * members.steps
    recordings = members.folds[0].train  # all folds have the same
    needed_S = batches.train_rows(recordings, train_config.batch_size, members.config.seed, members.steps)
    return [counts.of(needed) for needed in needed_S.tolist()]


def _shown(members: Members, case: Case) -> Batch:
    """A batch of noise; of the samples a part `single` shows one person, whose absent bodies have no row."""
    rows, *frame_shape = members.input_shape(case.batch).shape
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


def _made_up_state(like: TrainState) -> TrainState:
    """A state without history, on the devices."""
    variables = made_up({"params": like.params, "batch_stats": like.batch_stats})
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like).replace(**variables)
    made: TrainState = jax.device_put(state, jax.tree.map(lambda leaf: leaf.sharding, like))
    return made


def made_up(like: dict[str, Any]) -> dict[str, Any]:
    """Variables of sensible size: the program that draws real ones takes longer to compile than the step."""
    rng = np.random.default_rng(0)

    def values(leaf: Any) -> np.ndarray:
        if len(leaf.shape) < 3:  # a vector of each member
            return np.ones(leaf.shape, leaf.dtype)
        return rng.standard_normal(leaf.shape, leaf.dtype) / np.sqrt(leaf.shape[-2])

    return jax.tree.map(values, like)


def peak_bytes() -> int | None:
    """The most memory that was in use on the first device; None where the device does not say (a CPU)."""
    stats = jax.devices()[0].memory_stats()
    return None if stats is None else int(stats["peak_bytes_in_use"])
