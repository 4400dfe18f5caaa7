"""The training loop, from top to bottom: members in one compiled step, exact resume, metrics, validation, saving."""

import collections
import contextlib
import functools
import itertools
import logging
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

from dsta_jax import checkpoint, evaluate, logs, memory, parallel, processes, train_state
from dsta_jax.data import batches, packing
from dsta_jax.data.batches import Batch
from dsta_jax.errors import UserError
from dsta_jax.logs import Metrics, Progress
from dsta_jax.members import Members
from dsta_jax.train_state import Totals, TrainState
from dsta_jax.weights import fine_tuning
from dsta_jax.weights.trained import Trained

_LOGGER = logging.getLogger(__name__)

Step = Callable[[TrainState, Batch], tuple[TrainState, Totals]]


def train(
    members: Members, workdirs: Sequence[pathlib.Path], begun_with: Trained | None = None
) -> signal.Signals | None:
    """Trains members side by side, from the latest checkpoints on if there are any, else with fresh parameters.

    Of these, what `begun_with` has is taken from there. What becomes of a member does not depend on those beside it. In
    the working directory of each fold are its checkpoints, metrics and so on. All processes train together; a batch is
    divided over them.

    Returns:
      None when training is finished; else the signal that interrupted it, and it is saved.

    Raises:
      UserError: when a loss or a parameter is not finite any more; the last checkpoint before it stays. Also when the
        folds are not at the same step.
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
            if begun_with is not None:
                state = fine_tuning.begin(state, begun_with, members, mesh)
        first = int(jax.device_get(state.step))
        _tell_lost_best(members, workdirs, first)
        if first >= members.steps:
            return None
        writers = workdirs if processes.is_first() else []
        metrics = [stack.enter_context(contextlib.closing(Metrics(workdir, first))) for workdir in writers]
        feed = Feed(members, mesh)
        in_turn = memory.members_in_turn(members, mesh, feed.row_counts.most if feed.row_counts else None)
        progress = stack.enter_context(
            Progress(first, members.steps, members.steps_per_epoch, shown=processes.is_first())
        )
        step_fn = _compiled(compiler, compiled_step(members, mesh, shapes, in_turn), shapes, feed)
        interrupts = stack.enter_context(Interrupts())
        reporter = Reporter(members, mesh, metrics, progress)

        for step, batch in zip(range(first + 1, members.steps + 1), feed.batches(first), strict=True):
            state, totals = step_fn(state, batch)
            reporter.note(step, totals)
            stopping, last = interrupts.stopping(), step == members.steps  # Asked once: it may come at any moment.
            validating = step % members.every(config.evaluate.every_epochs) == 0 or last
            saving = step % members.every(config.checkpoint.every_epochs) == 0 or last or stopping
            if validating or saving:
                reporter.flush()
            if validating and len(members.folds[0].validation):
                progress.phase("validating")
                _validate(members, mesh, workdirs, metrics, step, state)
            if saving:  # Last: a run that is killed before comes back to an earlier step, and does all of this again.
                reporter.check(totals)
                progress.reach(step)
                progress.phase("saving")
                for writer in metrics:
                    writer.save()
                for number, one in enumerate(latest):
                    one.save(_of_fold(state, members, number, mesh), step)
            if stopping:
                progress.say(f"stopped and saved at step {step} of {members.steps}; the same command goes on from here")
                return stopping
    return None


# The state and its step.


def _init(members: Members, names: tuple[str, ...]) -> Callable[[], TrainState]:
    """Makes a fresh state of the named members."""
    tx = train_state.optimizer(members.config.train, members.steps_per_epoch)
    row = members.input_shape(members.config.train.batch_size)
    return functools.partial(train_state.init, members.network, tx, names, members.config.seed, row)


def _restored(
    members: Members, latest: Sequence[checkpoint.Latest], mesh: Mesh, shapes: TrainState
) -> TrainState | None:
    """The folds' states in one, of the latest step that all of them have; None when there are none."""
    starts = [one.starts() for one in latest]
    # None in common: what cannot be joined is told below.
    common = max(set.intersection(*map(set, starts)), default=max(map(max, starts)))
    states = []
    for number, one in enumerate(latest):
        like = jax.eval_shape(_init(members, members.names[members.of_fold(number)]))
        states.append(one.restore(checkpoint.replicated(like, mesh), most=common))
    steps = [0 if state is None else int(jax.device_get(state.step)) for state in states]
    if len(set(steps)) > 1:
        raise UserError(
            f"{', '.join(str(one.workdir) for one in latest)}: at steps {steps}, as damaged checkpoints were passed "
            f"over, and cannot train side by side; give the same command again, which goes on from what is whole"
        )
    for one in latest:  # Now that all have the one to go on from.
        one.forget_after(steps[0])
    return jax.jit(train_state.join, out_shardings=_shardings(shapes))(states) if steps[0] else None


def _shardings(shapes: TrainState) -> TrainState:
    return jax.tree.map(lambda leaf: leaf.sharding, shapes)


def _of_fold(state: TrainState, members: Members, number: int, mesh: Mesh) -> TrainState:
    """The state of a fold's members, on all devices."""
    own = members.of_fold(number)
    return _compiled_part(own.start, own.stop, parallel.everywhere(mesh))(state)


@functools.lru_cache(maxsize=64)
def _compiled_part(start: int, stop: int, everywhere: NamedSharding) -> Callable[[TrainState], TrainState]:
    return jax.jit(functools.partial(train_state.part, members=slice(start, stop)), out_shardings=everywhere)


def compiled_step(members: Members, mesh: Mesh, shapes: TrainState, in_turn: int | None = None) -> Any:
    """The training step over a mesh, to be compiled. The old state's memory is given to the new one.

    A device works on `in_turn` of its members at a time; None is all of them. The state's shapes have shardings.
    """
    count, config = len(members), members.config
    in_turn = parallel.members_in_turn(mesh, count, count) if in_turn is None else in_turn
    tx = train_state.optimizer(config.train, members.steps_per_epoch)
    how = (members.network, tx, config.train.label_smoothing, config.log.every_steps)
    over_members, skipping = parallel.over_members(mesh, count, in_turn), config.train.if_not_finite == "skip"
    step = functools.partial(train_state.train_step, *how, over_members=over_members, skipping=skipping)
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
        how = (self._batch_size, self._seed, members.steps)
        self._needed_S = np.max([batches.train_rows(fold.train, *how) for fold in members.folds], axis=0)
        rows = self._batch_size * members.benchmark.source.bodies
        self.row_counts = packing.choose(self._needed_S, rows, parallel.batch_devices(mesh))

    def shapes(self, rows: int | None) -> Batch:
        """Shapes of a batch with so many rows, with shardings; None is a row for every body."""
        count, one = len(self._members), self._members.batch_shapes(self._batch_size, rows)
        shapes: Batch = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype, sharding=self._sharding), one
        )
        return shapes

    def batches(self, first: int) -> Iterator[Batch]:
        """Batches of the steps from `first` on; two are made ahead while a step runs."""
        with ThreadPoolExecutor(1) as pool:
            steps = iter(range(first, self._members.steps))
            ahead = collections.deque(pool.submit(self._make, step) for step in itertools.islice(steps, 2))
            while ahead:
                with logs.stacks_if_stalled("a batch"):
                    batch = ahead.popleft().result()
                ahead.extend(pool.submit(self._make, step) for step in itertools.islice(steps, 1))
                yield batch

    def _make(self, step: int) -> Batch:
        """Makes what the devices of this process need, without asking the others for theirs."""
        rows = None if self.row_counts is None else self.row_counts.of(self._needed_S[step])
        shapes, of_folds = self.shapes(rows), []
        members, own_rows = parallel.own_part(shapes.x.shape, self._sharding)[:2]
        how = (self._members.sampling, self._batch_size, self._seed, step, rows, own_rows)
        for number, fold in enumerate(self._members.folds):
            first = self._members.of_fold(number).start
            if streams := self._members.streams[max(0, members.start - first) : max(0, members.stop - first)]:
                of_folds.append(batches.train_batch(fold.train, streams, *how))
        own = of_folds[0] if len(of_folds) == 1 else jax.tree.map(lambda *parts: np.concatenate(parts), *of_folds)
        put = functools.partial(parallel.put_own, sharding=self._sharding)
        batch: Batch = jax.tree.map(lambda leaf, whole: put(leaf, whole.shape), own, shapes)
        return batch


# What the totals say.


class Reporter:
    """Turns totals into lines of metrics, each after the next step is under way, so that no step is waited for."""

    def __init__(self, members: Members, mesh: Mesh, metrics: Sequence[Metrics], progress: Progress):
        self._members, self._mesh, self._metrics, self._progress = members, mesh, metrics, progress
        self._rate = jax.jit(train_state.learning_rate(members.config.train, members.steps_per_epoch))
        self._waiting: tuple[int, Totals] | None = None
        self._under_way: Totals | None = None
        self._since: tuple[int, float] | None = None
        self._told: set[tuple[str, int]] = set()

    def note(self, step: int, totals: Totals) -> None:
        """Writes the line that was waiting, and keeps the totals of this step if it is to have one.

        Waits for the step before, so that one is under way, and the bar tells of those that are done.
        """
        self.flush()
        if self._under_way is not None:
            with logs.stacks_if_stalled("a step"):
                jax.block_until_ready(self._under_way)
            self._progress.reach(step - 1)
        self._under_way = totals
        if step % self._members.config.log.every_steps == 0 or step == self._members.steps:
            self._waiting = step, totals

    def flush(self) -> None:
        """Writes the line that is waiting, if one is."""
        if self._waiting is None:
            return
        step, totals = self._waiting
        self._waiting = None
        totals = self._fetch(totals)
        loss_N, accuracy_N = totals.loss / totals.seen, totals.correct / totals.seen
        rate = float(jax.device_get(self._rate(jax.device_put(np.int32(step - 1)))))
        common = {"epoch": step / self._members.steps_per_epoch, "learning_rate": rate}
        shown = f"loss {loss_N.mean():.3f}, acc {100 * accuracy_N.mean():.1f}%"
        before, self._since = self._since, (step, time.monotonic())
        if before is not None:  # The first line would count compilation.
            samples = (step - before[0]) * self._members.config.train.batch_size
            common["samples_per_second"] = samples / (self._since[1] - before[1])
        for number, metrics in enumerate(self._metrics):
            line, own = dict(common), self._members.of_fold(number)
            for stream, loss, accuracy in zip(self._members.streams, loss_N[own], accuracy_N[own], strict=True):
                line |= {f"train/loss/{stream}": float(loss), f"train/accuracy/{stream}": float(accuracy)}
            if self._members.config.train.if_not_finite == "skip":
                skipped_N = zip(self._members.streams, totals.skipped[own], strict=True)
                line |= {f"train/skipped/{stream}": float(skipped) for stream, skipped in skipped_N}
            metrics.write(step, line)
        self._progress.show(shown)

    def check(self, totals: Totals) -> None:
        """Stops on a loss or a parameter that is not finite."""
        self._fetch(totals)

    def _fetch(self, totals: Totals) -> Totals:
        with logs.stacks_if_stalled("a step"):
            fetched: Totals = parallel.fetch(totals, self._mesh)
        self._check(fetched)
        return fetched

    def _check(self, totals: Totals) -> None:
        train = self._members.config.train
        for number, name in enumerate(self._members.names):
            if totals.failed_step[number] == train_state.NEVER:
                continue
            what = f"the loss, a parameter or a running statistic of {name} is not finite"
            at = f"at step {totals.failed_step[number]}, of {self._samples(number, int(totals.failed_step[number]))}"
            if totals.seen[number] and train.if_not_finite == "skip":
                if (failed := (name, int(totals.failed_step[number]))) not in self._told:
                    self._progress.say(f"{what} {at}: {totals.skipped[number]:.0f} step(s) undone")
                self._told.add(failed)
                continue
            raise UserError(
                f"{what} {at}: lower config.train.learning_rate={train.learning_rate:g}, or lengthen "
                f"config.train.warmup_epochs; of a motion stream, look with --check for recordings that stand still; "
                f"the last checkpoint before it is kept"
            )

    def _samples(self, number: int, step: int) -> str:
        """What a member saw in a step."""
        data, config = self._members.folds[number // len(self._members.streams)].train, self._members.config
        _, sample_B = batches.train_samples(data, config.train.batch_size, config.seed, step - 1)
        names = data.name_N[sample_B].tolist()
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


# Validation.


def _validate(
    members: Members,
    mesh: Mesh,
    workdirs: Sequence[pathlib.Path],
    writers: Sequence[Metrics],
    step: int,
    state: TrainState,
) -> None:
    """Writes each member's accuracy on the held-out part, and saves the variables of those better than ever."""
    for number, fold in enumerate(members.folds):
        own = _of_fold(state, members, number, mesh)
        model = {"params": own.params, "batch_stats": own.batch_stats}
        accuracy_N = [part.top(1) for part in evaluate.score(members, model, fold.validation)]
        named = zip(members.streams, accuracy_N, strict=True)
        for metrics in writers[number : number + 1]:
            metrics.write(step, {f"validation/accuracy/{stream}": accuracy for stream, accuracy in named})
        _keep_best(workdirs[number], step, model, accuracy_N)


def _tell_lost_best(members: Members, workdirs: Sequence[pathlib.Path], first: int) -> None:
    """Says so where the best checkpoint of the steps before is gone."""
    if first < members.every(members.config.evaluate.every_epochs):
        return
    for fold, workdir in zip(members.folds, workdirs, strict=True):
        if len(fold.validation) and not checkpoint.latest_step(workdir, "best"):
            best = workdir / "checkpoints" / "best"
            _LOGGER.warning("%s is not there any more: the best is chosen anew, from step %d on", best, first)


def _keep_best(workdir: pathlib.Path, step: int, model: dict[str, Any], accuracy_N: list[float]) -> None:
    """Saves each member's best variables, with the steps and accuracies that they were chosen for."""
    step_N = [step] * len(accuracy_N)
    if best := checkpoint.restore_best(workdir, model):
        best_model, then = best
        better_N = np.array(accuracy_N) > then["accuracy"]
        if not better_N.any():
            return
        model = jax.jit(_where_member)(jax.device_put(better_N), model, best_model)
        step_N = np.where(better_N, step_N, then["step"]).tolist()
        accuracy_N = np.where(better_N, accuracy_N, then["accuracy"]).tolist()
    checkpoint.save_best(workdir, step, model, {"step": step_N, "accuracy": accuracy_N})


def _where_member(chosen_N: jax.Array, yes: Any, no: Any) -> Any:
    """Members' variables from one tree or the other."""
    pick = jax.vmap(jnp.where)
    return jax.tree.map(lambda yes_leaf, no_leaf: pick(chosen_N, yes_leaf, no_leaf), yes, no)


# Interruption.


class Interrupts(contextlib.AbstractContextManager["Interrupts"]):
    """Notes SIGINT, SIGTERM and SIGHUP, so that the loop can save and leave; a second one ends the program at once.

    Of several processes, one that is told to stop has all of them stop after the same step.
    """

    def __init__(self) -> None:
        self._seen: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def stopping(self) -> signal.Signals | None:
        """The signal for which to stop now; asked once a step."""
        if jax.process_count() == 1:
            return self._seen
        return (self._seen or signal.SIGTERM) if processes.stop_wanted() else None

    def _note(self, number: int, frame: Any) -> None:
        del frame
        if self._seen:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._seen = signal.Signals(number)
        print("\nstopping after this step; once more ends at once, unsaved", file=sys.stderr)
        if jax.process_count() > 1:
            signal.raise_signal(signal.SIGTERM)  # JAX's runtime tells the others.

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # elsewhere there are no signals
            # Of several processes, SIGTERM is for JAX's runtime.
            terminate = [signal.SIGTERM] if jax.process_count() == 1 else []
            for number in (signal.SIGINT, signal.SIGHUP, *terminate):
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
