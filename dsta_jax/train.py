"""The training loop: members in one compiled step, exact resume, when to save and to validate."""

import collections
import functools
import itertools
import math
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
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
from dsta_jax.logs import Log
from dsta_jax.run import Run
from dsta_jax.state import Totals, TrainState

Step = Callable[[TrainState, batches.Batch], tuple[TrainState, Totals]]


def train(run: Run, workdir: pathlib.Path) -> bool:
    """Trains all members of a run, from its latest checkpoint on if there is one.

    Args:
      run: what to train.
      workdir: where checkpoints, metrics and so on are kept.

    Returns:
      True when training is finished, False when it was interrupted (by SIGINT or SIGTERM) and saved.

    Raises:
      UserError: when a loss is not finite any more; the last checkpoint before it stays.
    """
    mesh = run.mesh(run.config.train.batch_size)
    tx = state_lib.optimizer(run.config.train, run.steps_per_epoch)
    row_shape = run.input_shape(run.config.train.batch_size)
    init = functools.partial(state_lib.init, run.network, tx, run.members, run.config.seed, row_shape)
    shapes = checkpoint.with_sharding(jax.eval_shape(init), mesh)
    latest = checkpoint.Latest(workdir)
    try:
        state = latest.restore(shapes)
        if state is None:
            state = jax.jit(init, out_shardings=_shardings(shapes))()
        first = int(jax.device_get(state.step))
        if first >= run.steps:
            return True
        with Log(workdir, first, run.steps) as log, _Interrupts() as interrupts:
            return _loop(
                _steps(run, mesh, compiled_step(run, mesh, shapes), state, first), run, latest, log, interrupts
            )
    finally:
        latest.close()


def _loop(
    steps: Iterator[tuple[int, TrainState, Totals]],
    run: Run,
    latest: checkpoint.Latest,
    log: Log,
    interrupts: "_Interrupts",
) -> bool:
    """Goes through the steps: reports, validates, saves; False when it was interrupted."""
    reporter = _Reporter(run, log)
    validator = _Validator(run, latest.workdir, log)
    save_every = max(1, round(run.config.checkpoint.every_epochs * run.steps_per_epoch))
    for step, state, totals in steps:
        log.advance()
        reporter.note(step, totals)
        if validator.due(step):
            reporter.flush()
            validator.validate(step, state)
        # Saved last: a run that is killed before comes back to an earlier step, and says all of this again.
        if step % save_every == 0 or step == run.steps or interrupts.seen:
            reporter.flush()
            reporter.check(step, totals)
            latest.save(state, step)
        if interrupts.seen and step < run.steps:
            log.say(f"stopped and saved at step {step} of {run.steps}; the same command goes on from here")
            return False
    return True


def _steps(
    run: Run, mesh: Mesh, step_fn: Step, state: TrainState, first: int
) -> Iterator[tuple[int, TrainState, Totals]]:
    """Takes the steps after `first`: steps taken, state and totals. A state is gone once the next one is asked for."""
    for step, batch in zip(range(first + 1, run.steps + 1), _batches(run, mesh, first), strict=True):
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


def _batches(run: Run, mesh: Mesh, first: int) -> Iterator[batches.Batch]:
    """Batches of the steps from `first` on, on the devices; two are made ahead while a step runs."""
    split = parallel.by_member_and_batch(mesh)

    def make(step: int) -> batches.Batch:
        batch = batches.train_batch(
            run.train, run.members, run.sampling, run.config.train.batch_size, run.config.seed, step
        )
        return parallel.put(batch, split)

    with ThreadPoolExecutor(1) as pool:
        steps = iter(range(first, run.steps))
        ahead = collections.deque(pool.submit(make, step) for step in itertools.islice(steps, 2))
        while ahead:
            batch = ahead.popleft().result()
            ahead.extend(pool.submit(make, step) for step in itertools.islice(steps, 1))
            yield batch


class _Reporter:
    """Turns totals into lines of metrics, each after the next step is under way, so that no step is waited for."""

    def __init__(self, run: Run, log: Log):
        self._run, self._log = run, log
        self._rate = jax.jit(state_lib.learning_rate(run.config.train, run.steps_per_epoch))
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
        metrics = {"epoch": step / self._run.steps_per_epoch, "learning_rate": rate}
        for stream, loss, accuracy in zip(self._run.members, loss_N, accuracy_N, strict=True):
            metrics[f"train/loss/{stream}"] = float(loss)
            metrics[f"train/accuracy/{stream}"] = float(accuracy)
        shown = f"loss {loss_N.mean():.3f}, acc {100 * accuracy_N.mean():.1f}%, lr {rate:.2g}"
        if speed := self._samples_per_second(step):
            metrics["samples_per_second"] = speed
            shown += f", {speed:.0f}/s"
        self._log.write(step, metrics, shown)

    def _samples_per_second(self, step: int) -> float | None:
        """Since the line before; the first line would count compilation, and has none."""
        before, self._since = self._since, (step, time.monotonic())
        if before is None:
            return None
        return (step - before[0]) * self._run.config.train.batch_size / (self._since[1] - before[1])

    def check(self, step: int, totals: Totals) -> None:
        """Stops on a loss that is not finite."""
        for stream, loss in zip(self._run.members, jax.device_get(totals.loss), strict=True):
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss of {stream} is {loss} at step {step}: lower config.train.learning_rate, or lengthen "
                    f"config.train.warmup_epochs; the last checkpoint before it is kept"
                )


class _Validator:
    """Validates on the held-out part, and keeps each member's best variables."""

    def __init__(self, run: Run, workdir: pathlib.Path, log: Log):
        self._run, self._workdir, self._log = run, workdir, log
        self._every = max(1, round(run.config.evaluate.every_epochs * run.steps_per_epoch))

    def due(self, step: int) -> bool:
        """Whether it is time to validate."""
        return len(self._run.validation) > 0 and (step % self._every == 0 or step == self._run.steps)

    def validate(self, step: int, state: TrainState) -> None:
        """Writes each member's accuracy, and saves the variables of those that are better than ever."""
        model = {"params": state.params, "batch_stats": state.batch_stats}
        parts = evaluation.score(self._run, model, self._run.validation)
        accuracy_N = [part.top(1) for part in parts]
        self._log.write(
            step,
            {f"validation/accuracy/{part.name}": accuracy for part, accuracy in zip(parts, accuracy_N, strict=True)},
        )
        self._keep_best(step, model, accuracy_N)

    def _keep_best(self, step: int, model: dict[str, Any], accuracy_N: list[float]) -> None:
        """Saves each member's best variables, with the steps and accuracies that they were chosen for."""
        step_N = [step] * len(accuracy_N)
        best = checkpoint.restore_best(self._workdir, model)
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
        checkpoint.save_best(self._workdir, step, model, {"step": step_N, "accuracy": accuracy_N})


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
