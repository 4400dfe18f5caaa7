"""The training loop, from top to bottom: members in one compiled step, exact resume, metrics, validation, saving."""

import collections
import contextlib
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
from jax.sharding import Mesh, NamedSharding

from dsta_jax import checkpoint, evaluate, memory, parallel, train_state
from dsta_jax.data import batches, packing
from dsta_jax.data.batches import Batch
from dsta_jax.errors import UserError
from dsta_jax.logs import Metrics, Progress
from dsta_jax.members import Members
from dsta_jax.train_state import Totals, TrainState

Step = Callable[[TrainState, Batch], tuple[TrainState, Totals]]


def train(members: Members, workdirs: Sequence[pathlib.Path]) -> bool:
    """Trains members side by side, from the latest checkpoints on if there are any.

    What becomes of a member does not depend on those beside it.

    Args:
      members: what to train; its folds are at the same step.
      workdirs: of each fold, where its checkpoints, metrics and so on are kept.

    Returns:
      True when training is finished, False when it was interrupted (by SIGINT, SIGTERM or SIGHUP) and saved.

    Raises:
      UserError: when a loss or a parameter is not finite any more; the last checkpoint before it stays.
    """
    config = members.config
    mesh = members.mesh(config.train.batch_size)
    shapes = checkpoint.with_sharding(jax.eval_shape(_init(members, members.names)), mesh)
    with contextlib.ExitStack() as stack:
        latest = [stack.enter_context(contextlib.closing(checkpoint.Latest(workdir))) for workdir in workdirs]
        # XLA compiles in a thread, as Python answers Ctrl-C only between what its main thread does.
        compiler = ThreadPoolExecutor(1)
        stack.callback(compiler.shutdown, wait=False, cancel_futures=True)
        state = _restored(members, latest, mesh, shapes)
        if state is None:
            init = jax.jit(_init(members, members.names), out_shardings=_shardings(shapes))
            state = compiler.submit(init).result()
        first = int(jax.device_get(state.step))
        if first >= members.steps:
            return True
        metrics = [stack.enter_context(contextlib.closing(Metrics(workdir, first))) for workdir in workdirs]
        feed = Feed(members, mesh)
        in_turn = memory.members_in_turn(members, mesh, feed.row_counts.most if feed.row_counts else None)
        progress = stack.enter_context(Progress(first, members.steps))
        step_fn = _compiled(compiler, compiled_step(members, mesh, shapes, in_turn), shapes, feed)
        interrupts = stack.enter_context(Interrupts())
        reporter = Reporter(members, metrics, progress)

        for step, batch in zip(range(first + 1, members.steps + 1), feed.batches(first), strict=True):
            state, totals = step_fn(state, batch)
            progress.advance()
            reporter.note(step, totals)
            stopping = interrupts.seen and step < members.steps  # Looked at once: it may come at any moment.
            validating = step % members.every(config.evaluate.every_epochs) == 0 or step == members.steps
            saving = step % members.every(config.checkpoint.every_epochs) == 0 or step == members.steps or stopping
            if validating or saving:
                reporter.flush()
            if validating and len(members.folds[0].validation):
                _validate(members, workdirs, metrics, step, state)
            if saving:  # Last: a run that is killed before comes back to an earlier step, and does all of this again.
                reporter.check(step, totals)
                for number, one in enumerate(latest):
                    one.save(_part(state, members.of_fold(number), mesh), step)
            if stopping:
                progress.say(f"stopped and saved at step {step} of {members.steps}; the same command goes on from here")
                return False
    return True


# The state and its step.


def _init(members: Members, names: tuple[str, ...]) -> Callable[[], TrainState]:
    """Makes a fresh state of the named members."""
    tx = train_state.optimizer(members.config.train, members.steps_per_epoch)
    row = members.input_shape(members.config.train.batch_size)
    return functools.partial(train_state.init, members.network, tx, names, members.config.seed, row)


def _restored(
    members: Members, latest: Sequence[checkpoint.Latest], mesh: Mesh, shapes: TrainState
) -> TrainState | None:
    """The folds' latest states in one; None when there are none."""
    states = []
    for number, one in enumerate(latest):
        like = jax.eval_shape(_init(members, members.names[members.of_fold(number)]))
        states.append(one.restore(checkpoint.replicated(like, mesh)))
    found = [state for state in states if state is not None]
    return jax.jit(train_state.join, out_shardings=_shardings(shapes))(found) if found else None


def _shardings(shapes: TrainState) -> TrainState:
    return jax.tree.map(lambda leaf: leaf.sharding, shapes)


def _part(state: TrainState, members: slice, mesh: Mesh) -> TrainState:
    """The state of some members, on all devices."""
    return _compiled_part(members.start, members.stop, parallel.everywhere(mesh))(state)


@functools.lru_cache(maxsize=64)
def _compiled_part(start: int, stop: int, everywhere: NamedSharding) -> Callable[[TrainState], TrainState]:
    return jax.jit(functools.partial(train_state.part, members=slice(start, stop)), out_shardings=everywhere)


def compiled_step(members: Members, mesh: Mesh, shapes: TrainState, in_turn: int | None = None) -> Any:
    """The training step over a mesh, to be compiled. The old state's memory is given to the new one.

    Args:
      members: what to train.
      mesh: the devices.
      shapes: of the state, with shardings.
      in_turn: how many of its members a device works on in a turn; None is all of them.
    """
    count = len(members)
    in_turn = parallel.members_in_turn(mesh, count, count) if in_turn is None else in_turn
    step = functools.partial(
        train_state.train_step,
        members.network,
        train_state.optimizer(members.config.train, members.steps_per_epoch),
        members.config.train.label_smoothing,
        members.config.log.every_steps,
        over_members=parallel.over_members(mesh, count, in_turn),
    )
    return jax.jit(
        step,
        in_shardings=(_shardings(shapes), parallel.by_member_and_batch(mesh)),
        out_shardings=(_shardings(shapes), parallel.by_member(mesh)),
        donate_argnums=0,
    )


def _compiled(compiler: ThreadPoolExecutor, step: Any, shapes: TrainState, feed: "Feed") -> Step:
    """The step for each number of rows that a batch may have; the rarer one is compiled while the other runs."""
    counts = [None] if feed.row_counts is None else [feed.row_counts.usual, feed.row_counts.most]
    compiled = {
        batch.x.shape: compiler.submit(lambda batch: step.lower(shapes, batch).compile(), batch)
        for batch in map(feed.shapes, dict.fromkeys(counts))
    }
    next(iter(compiled.values())).result()
    return lambda state, batch: compiled[batch.x.shape].result()(state, batch)


# Batches.


class Feed:
    """The batches of all members, on the devices before the step that needs them.

    Attributes:
      row_counts: numbers of rows of the batches, where empty bodies share one; None where every body has its row.
    """

    def __init__(self, members: Members, mesh: Mesh):
        self._members, self._sharding = members, parallel.by_member_and_batch(mesh)
        self._batch_size, self._seed = members.config.train.batch_size, members.config.seed
        # Batches are a pure function of the step, so all of their needs are known before the first one.
        needed_FxS = [
            batches.train_rows(fold.train, self._batch_size, self._seed, members.steps) for fold in members.folds
        ]
        self._needed_S = np.max(needed_FxS, axis=0)
        rows = self._batch_size * members.benchmark.source.bodies
        self.row_counts = packing.choose(self._needed_S, rows, parallel.batch_devices(mesh))

    def shapes(self, rows: int | None) -> Batch:
        """Shapes of a batch with so many rows, with shardings; None is a row for every body."""
        row = self._members.input_shape(self._batch_size)
        count = row.shape[0] if rows is None else rows

        def shape(*sizes: int, dtype: Any = np.float32) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((len(self._members), *sizes), dtype, sharding=self._sharding)

        return Batch(
            x=shape(count, *row.shape[1:]),
            label=shape(self._batch_size, dtype=np.int32),
            real=shape(self._batch_size),
            share=None if rows is None else shape(self._batch_size, count),
        )

    def batches(self, first: int) -> Iterator[Batch]:
        """Batches of the steps from `first` on; two are made ahead while a step runs."""
        with ThreadPoolExecutor(1) as pool:
            steps = iter(range(first, self._members.steps))
            ahead = collections.deque(pool.submit(self._make, step) for step in itertools.islice(steps, 2))
            while ahead:
                batch = ahead.popleft().result()
                ahead.extend(pool.submit(self._make, step) for step in itertools.islice(steps, 1))
                yield batch

    def _make(self, step: int) -> Batch:
        rows = None if self.row_counts is None else self.row_counts.of(self._needed_S[step])
        streams, sampling = self._members.streams, self._members.sampling
        each = [
            batches.train_batch(fold.train, streams, sampling, self._batch_size, self._seed, step, rows)
            for fold in self._members.folds
        ]
        together: Batch = each[0] if len(each) == 1 else jax.tree.map(lambda *parts: np.concatenate(parts), *each)
        return parallel.put(together, self._sharding)


# What the totals say.


class Reporter:
    """Turns totals into lines of metrics, each after the next step is under way, so that no step is waited for."""

    def __init__(self, members: Members, metrics: Sequence[Metrics], progress: Progress):
        self._members, self._metrics, self._progress = members, metrics, progress
        self._rate = jax.jit(train_state.learning_rate(members.config.train, members.steps_per_epoch))
        self._waiting: tuple[int, Totals] | None = None
        self._since: tuple[int, float] | None = None

    def note(self, step: int, totals: Totals) -> None:
        """Writes the line that was waiting, and keeps the totals of this step if it is to have one."""
        self.flush()
        if step % self._members.config.log.every_steps == 0 or step == self._members.steps:
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
        common = {"epoch": step / self._members.steps_per_epoch, "learning_rate": rate}
        shown = f"loss {loss_N.mean():.3f}, acc {100 * accuracy_N.mean():.1f}%, lr {rate:.2g}"
        if speed := self._samples_per_second(step):
            common["samples_per_second"] = speed
            shown += f", {speed:.0f}/s"
        for number, metrics in enumerate(self._metrics):
            line, own = dict(common), self._members.of_fold(number)
            for stream, loss, accuracy in zip(self._members.streams, loss_N[own], accuracy_N[own], strict=True):
                line |= {f"train/loss/{stream}": float(loss), f"train/accuracy/{stream}": float(accuracy)}
            metrics.write(step, line)
        self._progress.show(shown)

    def _samples_per_second(self, step: int) -> float | None:
        """Since the line before; the first line would count compilation, and has none."""
        before, self._since = self._since, (step, time.monotonic())
        if before is None:
            return None
        return (step - before[0]) * self._members.config.train.batch_size / (self._since[1] - before[1])

    def check(self, step: int, totals: Totals) -> None:
        """Stops on a loss or a parameter that is not finite."""
        for name, loss in zip(self._members.names, jax.device_get(totals.loss), strict=True):
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss, a parameter or a running statistic of {name} is not finite at step {step}: lower "
                    f"config.train.learning_rate={self._members.config.train.learning_rate:g}, or lengthen "
                    f"config.train.warmup_epochs; of a motion stream, look with --check for recordings that stand "
                    f"still; the last checkpoint before it is kept"
                )


# Validation.


def _validate(
    members: Members, workdirs: Sequence[pathlib.Path], metrics: Sequence[Metrics], step: int, state: TrainState
) -> None:
    """Writes each member's accuracy on the held-out part, and saves the variables of those better than ever."""
    mesh = members.mesh(members.config.train.batch_size)
    for number, fold in enumerate(members.folds):
        own = _part(state, members.of_fold(number), mesh)
        model = {"params": own.params, "batch_stats": own.batch_stats}
        accuracy_N = [part.top(1) for part in evaluate.score(members, model, fold.validation)]
        named = zip(members.streams, accuracy_N, strict=True)
        metrics[number].write(step, {f"validation/accuracy/{stream}": accuracy for stream, accuracy in named})
        _keep_best(workdirs[number], step, model, accuracy_N)


def _keep_best(workdir: pathlib.Path, step: int, model: dict[str, Any], accuracy_N: list[float]) -> None:
    """Saves each member's best variables, with the steps and accuracies that they were chosen for."""
    chosen = [(accuracy, step) for accuracy in accuracy_N]
    best = checkpoint.restore_best(workdir, model)
    if best is not None:
        best_model, choice = best
        before = list(zip(choice["accuracy"], choice["step"], strict=True))
        better_N = [now > then for now, (then, _) in zip(accuracy_N, before, strict=True)]
        if not any(better_N):
            return
        model = _where_member(better_N, model, best_model)
        chosen = [now if better else then for better, now, then in zip(better_N, chosen, before, strict=True)]
    accuracies, steps = zip(*chosen, strict=True)
    checkpoint.save_best(workdir, step, model, {"step": list(steps), "accuracy": list(accuracies)})


def _where_member(chosen_N: list[bool], yes: Any, no: Any) -> Any:
    """Members' variables from one tree or the other."""
    mask_N = jax.device_put(np.array(chosen_N))

    def pick(yes_leaf: jax.Array, no_leaf: jax.Array) -> jax.Array:
        return jnp.where(mask_N.reshape(-1, *[1] * (yes_leaf.ndim - 1)), yes_leaf, no_leaf)

    return jax.jit(functools.partial(jax.tree.map, pick))(yes, no)


# Interruption.


class Interrupts(contextlib.AbstractContextManager["Interrupts"]):
    """Notes SIGINT, SIGTERM and SIGHUP, so that the loop can save and leave; a second one ends the program at once.

    Attributes:
      seen: whether one came.
    """

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

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # elsewhere there are no signals
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
