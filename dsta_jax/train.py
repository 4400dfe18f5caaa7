"""The training loop: members in one compiled step, exact resume, when to save and to validate."""

import contextlib
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
from jax.sharding import Mesh

from dsta_jax import checkpoint, memory, parallel
from dsta_jax import train_state as state_lib
from dsta_jax.data.batches import Batch
from dsta_jax.feed import Feed
from dsta_jax.interrupts import Interrupts
from dsta_jax.logs import Metrics, Progress
from dsta_jax.part import Part
from dsta_jax.reporter import Reporter
from dsta_jax.run import Run
from dsta_jax.train_state import Totals, TrainState
from dsta_jax.validator import Validator

Step = Callable[[TrainState, Batch], tuple[TrainState, Totals]]


def train(runs: Sequence[Run], workdirs: Sequence[pathlib.Path]) -> bool:
    """Trains all members of one or several runs side by side, from the latest checkpoints on if there are any.

    What becomes of a member does not depend on those beside it.

    Args:
      runs: what to train; folds of one configuration, with equally many recordings, at the same step.
      workdirs: where checkpoints, metrics and so on of each run are kept.

    Returns:
      True when training is finished, False when it was interrupted (by SIGINT or SIGTERM) and saved.

    Raises:
      UserError: when a loss is not finite any more; the last checkpoint before it stays.
    """
    like = runs[0]
    mesh = parallel.make_mesh(sum(len(run.members) for run in runs), like.config.train.batch_size)
    with contextlib.ExitStack() as stack:
        latests = [stack.enter_context(contextlib.closing(checkpoint.Latest(workdir))) for workdir in workdirs]
        shapes = checkpoint.with_sharding(jax.eval_shape(_init(runs)), mesh)
        # XLA compiles in a thread, as Python answers Ctrl-C only between what its main thread does.
        compiler = ThreadPoolExecutor(1)
        stack.callback(compiler.shutdown, wait=False, cancel_futures=True)
        state = _restore(runs, latests, mesh, shapes)
        if state is None:
            state = compiler.submit(jax.jit(_init(runs), out_shardings=_shardings(shapes))).result()
        first = int(jax.device_get(state.step))
        if first >= like.steps:
            return True
        parts = _parts(runs, latests, first, stack)
        feed = Feed(runs, mesh)
        at_once = memory.at_once(runs, mesh, feed.row_counts.most if feed.row_counts else None)
        progress = stack.enter_context(Progress(first, like.steps))
        step = _compiled(compiler, compiled_step(like, mesh, shapes, at_once), shapes, feed)
        interrupts = stack.enter_context(Interrupts())
        return _loop(_steps(feed, step, state, first, like.steps), parts, progress, interrupts)


def _parts(
    runs: Sequence[Run], latests: Sequence[checkpoint.Latest], first: int, stack: contextlib.ExitStack
) -> list[Part]:
    ends = list(itertools.accumulate(len(run.members) for run in runs))
    return [
        Part(
            run,
            slice(end - len(run.members), end),
            latest,
            stack.enter_context(contextlib.closing(Metrics(latest.workdir, first))),
        )
        for run, latest, end in zip(runs, latests, ends, strict=True)
    ]


def _init(runs: Sequence[Run]) -> Callable[[], TrainState]:
    """Makes a fresh state of all members."""
    like = runs[0]
    tx = state_lib.optimizer(like.config.train, like.steps_per_epoch)
    names = tuple(name for run in runs for name in run.names)
    row_shape = like.input_shape(like.config.train.batch_size)
    return functools.partial(state_lib.init, like.network, tx, names, like.config.seed, row_shape)


def _restore(
    runs: Sequence[Run], latests: Sequence[checkpoint.Latest], mesh: Mesh, shapes: TrainState
) -> TrainState | None:
    """The runs' latest states in one; None when there are none."""
    states = [
        latest.restore(checkpoint.replicated(jax.eval_shape(_init([run])), mesh))
        for run, latest in zip(runs, latests, strict=True)
    ]
    found = [state for state in states if state is not None]
    return jax.jit(state_lib.join, out_shardings=_shardings(shapes))(found) if found else None


def _loop(
    steps: Iterator[tuple[int, TrainState, Totals]],
    parts: Sequence[Part],
    progress: Progress,
    interrupts: Interrupts,
) -> bool:
    """Goes through the steps: reports, validates, saves; False when it was interrupted."""
    run = parts[0].run
    reporter = Reporter(parts, progress)
    validators = [Validator(part) for part in parts]
    save_every = max(1, round(run.config.checkpoint.every_epochs * run.steps_per_epoch))
    for step, state, totals in steps:
        progress.advance()
        reporter.note(step, totals)
        due = [validator for validator in validators if validator.due(step)]
        # Saved last: a run that is killed before comes back to an earlier step, and says all of this again.
        saving = step % save_every == 0 or step == run.steps or interrupts.seen
        if due or saving:
            reporter.flush()
        for validator in due:
            validator.validate(step, state)
        if saving:
            reporter.check(step, totals)
            for part in parts:
                part.latest.save(part.of(state), step)
        if interrupts.seen and step < run.steps:
            progress.say(f"stopped and saved at step {step} of {run.steps}; the same command goes on from here")
            return False
    return True


def _steps(
    feed: Feed, step_fn: Step, state: TrainState, first: int, last: int
) -> Iterator[tuple[int, TrainState, Totals]]:
    """Takes the steps after `first`: steps taken, state and totals. A state is gone once the next one is asked for."""
    for step, batch in zip(range(first + 1, last + 1), feed.batches(first), strict=True):
        state, totals = step_fn(state, batch)
        yield step, state, totals


def compiled_step(run: Run, mesh: Mesh, shapes: TrainState, at_once: int | None = None) -> Any:
    """The training step over a mesh, to be compiled. The old state's memory is given to the new one.

    Args:
      run: what to train.
      mesh: the devices.
      shapes: of the state, with shardings.
      at_once: how many of its members a device works on at once; None is all of them.
    """
    members = shapes.totals.seen.shape[0]
    at_once = parallel.at_once(mesh, members, members) if at_once is None else at_once
    step = functools.partial(
        state_lib.train_step,
        run.network,
        state_lib.optimizer(run.config.train, run.steps_per_epoch),
        run.config.train.label_smoothing,
        run.config.log.every_steps,
        over_members=parallel.over_members(mesh, members, at_once),
    )
    return jax.jit(
        step,
        in_shardings=(_shardings(shapes), parallel.by_member_and_batch(mesh)),
        out_shardings=(_shardings(shapes), parallel.by_member(mesh)),
        donate_argnums=0,
    )


def _compiled(compiler: ThreadPoolExecutor, step: Any, shapes: TrainState, feed: Feed) -> Step:
    """The step for each number of rows that a batch may have; the rarer one is compiled while the other runs."""
    counts = [None] if feed.row_counts is None else [feed.row_counts.usual, feed.row_counts.most]
    compiled = {
        batch.x.shape: compiler.submit(lambda batch: step.lower(shapes, batch).compile(), batch)
        for batch in map(feed.shapes, dict.fromkeys(counts))
    }
    next(iter(compiled.values())).result()
    return lambda state, batch: compiled[batch.x.shape].result()(state, batch)


def _shardings(shapes: TrainState) -> TrainState:
    return jax.tree.map(lambda leaf: leaf.sharding, shapes)
