"""What the totals of training say: lines of metrics, the bar, and when to stop."""

import math
import time
from collections.abc import Sequence

import jax
import numpy as np

from dsta_jax import train_state as state_lib
from dsta_jax.errors import UserError
from dsta_jax.logs import Progress
from dsta_jax.part import Part
from dsta_jax.train_state import Totals


class Reporter:
    """Turns totals into lines of metrics, each after the next step is under way, so that no step is waited for."""

    def __init__(self, parts: Sequence[Part], progress: Progress):
        """Writes for runs that train side by side; `progress` shows the mean over all of them."""
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
