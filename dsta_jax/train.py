"""The training loop: members in one compiled step, exact resume, when to save and to validate."""

import collections
import contextlib
import dataclasses
import functools
import itertools
import math
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from dsta_jax import checkpoint, parallel
from dsta_jax import evaluate as evaluation
from dsta_jax import state as state_lib
from dsta_jax.data import batches
from dsta_jax.errors import UserError
from dsta_jax.logs import Metrics, Progress
from dsta_jax.run import Run
from dsta_jax.state import Totals, TrainState

Step = Callable[[TrainState, batches.Batch], tuple[TrainState, Totals]]


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
        state = _restore(runs, latests, mesh, shapes)
        if state is None:
            state = jax.jit(_init(runs), out_shardings=_shardings(shapes))()
        first = int(jax.device_get(state.step))
        if first >= like.steps:
            return True
        parts = _parts(runs, latests, first, stack)
        progress = stack.enter_context(Progress(first, like.steps))
        interrupts = stack.enter_context(_Interrupts())
        return _loop(_steps(runs, mesh, compiled_step(like, mesh, shapes), state, first), parts, progress, interrupts)


@dataclasses.dataclass(frozen=True)
class _Part:
    """A run among those that train side by side: which of the members are its own, and where it is kept."""

    run: Run
    members: slice
    latest: checkpoint.Latest
    metrics: Metrics


def _parts(
    runs: Sequence[Run], latests: Sequence[checkpoint.Latest], first: int, stack: contextlib.ExitStack
) -> list[_Part]:
    ends = list(itertools.accumulate(len(run.members) for run in runs))
    return [
        _Part(
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
    parts: Sequence[_Part],
    progress: Progress,
    interrupts: "_Interrupts",
) -> bool:
    """Goes through the steps: reports, validates, saves; False when it was interrupted."""
    run = parts[0].run
    reporter = _Reporter(parts, progress)
    validators = [_Validator(part) for part in parts]
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
                part.latest.save(_part_of(state, part.members), step)
        if interrupts.seen and step < run.steps:
            progress.say(f"stopped and saved at step {step} of {run.steps}; the same command goes on from here")
            return False
    return True


def _part_of(state: TrainState, members: slice) -> TrainState:
    """A run's members, on all devices."""
    whole = parallel.everywhere(jax.tree.leaves(state.params)[0].sharding.mesh)
    return _compiled_part(members.start, members.stop, whole)(state)


@functools.lru_cache(maxsize=64)
def _compiled_part(start: int, stop: int, whole: jax.sharding.NamedSharding) -> Callable[[TrainState], TrainState]:
    return jax.jit(functools.partial(state_lib.part, members=slice(start, stop)), out_shardings=whole)


def _steps(
    runs: Sequence[Run], mesh: Mesh, step_fn: Step, state: TrainState, first: int
) -> Iterator[tuple[int, TrainState, Totals]]:
    """Takes the steps after `first`: steps taken, state and totals. A state is gone once the next one is asked for."""
    for step, batch in zip(range(first + 1, runs[0].steps + 1), _batches(runs, mesh, first), strict=True):
        state, totals = step_fn(state, batch)
        yield step, state, totals


def compiled_step(run: Run, mesh: Mesh, shapes: TrainState) -> Step:
    """The training step over a mesh. The old state's memory is given to the new one.

    Args:
      run: what to train.
      mesh: the devices.
      shapes: of the state, with shardings.
    """
    step = functools.partial(
        state_lib.train_step,
        run.network,
        state_lib.optimizer(run.config.train, run.steps_per_epoch),
        run.config.train.label_smoothing,
        run.config.log.every_steps,
    )
    batch_sharding = batches.Batch._make([parallel.by_member_and_batch(mesh)] * 3)
    return jax.jit(
        step,
        in_shardings=(_shardings(shapes), batch_sharding),
        out_shardings=(_shardings(shapes), parallel.by_member(mesh)),
        donate_argnums=0,
    )


def _shardings(shapes: TrainState) -> TrainState:
    return jax.tree.map(lambda leaf: leaf.sharding, shapes)


def _batches(runs: Sequence[Run], mesh: Mesh, first: int) -> Iterator[batches.Batch]:
    """Batches of the steps from `first` on, on the devices; two are made ahead while a step runs."""
    split = parallel.by_member_and_batch(mesh)
    config = runs[0].config

    def make(step: int) -> batches.Batch:
        each = [
            batches.train_batch(run.train, run.members, run.sampling, config.train.batch_size, config.seed, step)
            for run in runs
        ]
        return parallel.put(batches.Batch(*map(np.concatenate, zip(*each, strict=True))), split)

    with ThreadPoolExecutor(1) as pool:
        steps = iter(range(first, runs[0].steps))
        ahead = collections.deque(pool.submit(make, step) for step in itertools.islice(steps, 2))
        while ahead:
            batch = ahead.popleft().result()
            ahead.extend(pool.submit(make, step) for step in itertools.islice(steps, 1))
            yield batch


class _Reporter:
    """Turns totals into lines of metrics, each after the next step is under way, so that no step is waited for."""

    def __init__(self, parts: Sequence[_Part], progress: Progress):
        self._parts, self._progress = parts, progress
        self._run = parts[0].run
        self._rate = jax.jit(state_lib.learning_rate(self._run.config.train, self._run.steps_per_epoch))
        self._waiting: tuple[int, Totals] | None = None
        self._since: tuple[int, float] | None = None

    def note(self, step: int, totals: Totals) -> None:
        """Writes the line that was waiting, and keeps the totals of this step if it is to have one."""
        self.flush()
        if step % self._run.config.log.every_steps == 0 or step == self._run.steps:
            self._waiting = step, totals

    def flush(self) -> None:
        """Writes the line that is waiting, if one is."""
        if self._waiting is not None:
            self._write(*self._waiting)
            self._waiting = None

    def _write(self, step: int, totals: Totals) -> None:
        self.check(step, totals)
        totals = jax.device_get(totals)
        loss_N, accuracy_N = totals.loss / totals.seen, totals.correct / totals.seen
        rate = float(jax.device_get(self._rate(jax.device_put(np.int32(step - 1)))))
        shown = f"loss {loss_N.mean():.3f}, acc {100 * accuracy_N.mean():.1f}%, lr {rate:.2g}"
        common = {"epoch": step / self._run.steps_per_epoch, "learning_rate": rate}
        speed = self._samples_per_second(step)
        if speed:
            shown += f", {speed:.0f}/s"
        for part in self._parts:
            metrics = dict(common)
            of_part = zip(part.run.members, loss_N[part.members], accuracy_N[part.members], strict=True)
            for stream, loss, accuracy in of_part:
                metrics[f"train/loss/{stream}"] = float(loss)
                metrics[f"train/accuracy/{stream}"] = float(accuracy)
            if speed:
                metrics["samples_per_second"] = speed
            part.metrics.write(step, metrics)
        self._progress.show(shown)

    def _samples_per_second(self, step: int) -> float | None:
        """Since the line before; the first line would count compilation, and has none."""
        before, self._since = self._since, (step, time.monotonic())
        if before is None:
            return None
        return (step - before[0]) * self._run.config.train.batch_size / (self._since[1] - before[1])

    def check(self, step: int, totals: Totals) -> None:
        """Stops on a loss that is not finite."""
        names = [name for part in self._parts for name in part.run.names]
        for name, loss in zip(names, jax.device_get(totals.loss), strict=True):
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss of {name} is {loss} at step {step}: lower config.train.learning_rate, or lengthen "
                    f"config.train.warmup_epochs; the last checkpoint before it is kept"
                )


class _Validator:
    """Validates a run on its held-out part, and keeps each member's best variables."""

    def __init__(self, part: _Part):
        self._part, self._run = part, part.run
        self._every = max(1, round(self._run.config.evaluate.every_epochs * self._run.steps_per_epoch))

    def due(self, step: int) -> bool:
        """Whether it is time to validate."""
        return len(self._run.validation) > 0 and (step % self._every == 0 or step == self._run.steps)

    def validate(self, step: int, state: TrainState) -> None:
        """Writes each member's accuracy, and saves the variables of those that are better than ever."""
        state = _part_of(state, self._part.members)
        model = {"params": state.params, "batch_stats": state.batch_stats}
        parts = evaluation.score(self._run, model, self._run.validation)
        accuracy_N = [part.top(1) for part in parts]
        self._part.metrics.write(
            step,
            {f"validation/accuracy/{part.name}": accuracy for part, accuracy in zip(parts, accuracy_N, strict=True)},
        )
        self._keep_best(step, model, accuracy_N)

    def _keep_best(self, step: int, model: dict[str, Any], accuracy_N: list[float]) -> None:
        """Saves each member's best variables, with the steps and accuracies that they were chosen for."""
        workdir = self._part.latest.workdir
        step_N = [step] * len(accuracy_N)
        best = checkpoint.restore_best(workdir, model)
        if best is not None:
            best_model, best_choice = best
            before = list(zip(best_choice["step"], best_choice["accuracy"], strict=True))
            better_N = [now > then for now, (_, then) in zip(accuracy_N, before, strict=True)]
            if not any(better_N):
                return
            model = _where_member(better_N, model, best_model)
            now_or_then = zip(better_N, zip(step_N, accuracy_N, strict=True), before, strict=True)
            step_N, accuracy_N = map(
                list, zip(*(now if better else then for better, now, then in now_or_then), strict=True)
            )
        checkpoint.save_best(workdir, step, model, {"step": step_N, "accuracy": accuracy_N})


def _where_member(chosen_N: list[bool], yes: Any, no: Any) -> Any:
    """Members' variables from one tree or the other."""
    mask_N = jax.device_put(np.array(chosen_N))

    def pick(yes_leaf: jax.Array, no_leaf: jax.Array) -> jax.Array:
        return jnp.where(mask_N.reshape(-1, *[1] * (yes_leaf.ndim - 1)), yes_leaf, no_leaf)

    return jax.jit(functools.partial(jax.tree.map, pick))(yes, no)


class _Interrupts:
    """Notes SIGINT and SIGTERM, so that the loop can save and leave; a second one ends the program at once."""

    def __init__(self) -> None:
        self.seen = False
        self._before: dict[int, Any] = {}

    def _note(self, number: int, frame: Any) -> None:
        del frame
        if self.seen:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.seen = True
        print("\nstopping after this step; once more ends at once, unsaved", file=sys.stderr)

    def __enter__(self) -> "_Interrupts":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
