"""Validation while training: each member's best variables, chosen on recordings that are held out."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dsta_jax import checkpoint, evaluate
from dsta_jax.part import Part
from dsta_jax.train_state import TrainState


class Validator:
    """Validates a run on its held-out part, and keeps each member's best variables."""

    def __init__(self, part: Part):
        """Validates a run that may train beside others."""
        self._part, self._run = part, part.run
        self._every = max(1, round(self._run.config.evaluate.every_epochs * self._run.steps_per_epoch))

    def due(self, step: int) -> bool:
        """Whether it is time to validate."""
        return len(self._run.validation) > 0 and (step % self._every == 0 or step == self._run.steps)

    def validate(self, step: int, state: TrainState) -> None:
        """Writes each member's accuracy, and saves the variables of those that are better than ever."""
        state = self._part.of(state)
        model = {"params": state.params, "batch_stats": state.batch_stats}
        parts = evaluate.score(self._run, model, self._run.validation)
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
