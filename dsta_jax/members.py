"""What a run trains: the members, streams x folds, in groups that share one program."""

import logging
import pathlib
from collections.abc import Sequence
from typing import Any

from dsta_jax import checkpoint, cross_validation, evaluate, memory, parallel, train
from dsta_jax.errors import UserError
from dsta_jax.run import Run

_LOGGER = logging.getLogger(__name__)


def directory(run: Run, workdir: pathlib.Path) -> pathlib.Path:
    """Where a run's checkpoints, metrics and scores are: the working directory, or a fold's own below it."""
    if run.fold is None:
        return workdir
    return workdir / "folds" / f"{run.benchmark.left_out}_{run.fold:02d}"


def train_and_evaluate(runs: Sequence[Run], workdir: pathlib.Path) -> dict[str, Any] | None:
    """Trains and evaluates what is not finished yet; folds in groups of `config.members_per_step` networks.

    Args:
      runs: all folds of a configuration, or its only run.
      workdir: of all of them.

    Returns:
      What `results.json` of the working directory holds; None when training was interrupted and saved.

    Raises:
      UserError: as `train.train` and `evaluate.evaluate`.
    """
    pending = [run for run in runs if evaluate.final_results(run, directory(run, workdir)) is None]
    while pending:
        group = _next_group(pending, workdir)
        directories = [directory(run, workdir) for run in group]
        for path in directories:
            path.mkdir(parents=True, exist_ok=True)
        if pending[0].fold is not None:
            _LOGGER.info("%d of %d folds to train, now %s", len(pending), len(runs), _names(group))
        if not train.train(group, directories):
            return None
        for run, path in zip(group, directories, strict=True):
            evaluate.evaluate(run, path)
        pending = [run for run in pending if run not in group]
    return _results(runs, workdir)


def evaluate_all(runs: Sequence[Run], workdir: pathlib.Path) -> dict[str, Any]:
    """Evaluates the checkpoints of all runs that have one.

    Raises:
      UserError: when there is none.
    """
    trained = [run for run in runs if run.fold is None or checkpoint.latest_step(directory(run, workdir))]
    if not trained:
        raise UserError(f"{workdir}: none of the {len(runs)} folds has a checkpoint: train first")
    for run in trained:
        evaluate.evaluate(run, directory(run, workdir))
    return _results(trained, workdir)


def _results(runs: Sequence[Run], workdir: pathlib.Path) -> dict[str, Any]:
    results = [evaluate.read_results(directory(run, workdir)) for run in runs]
    if runs[0].fold is None:
        return results[0]
    return cross_validation.summarize(runs, results, [directory(run, workdir) for run in runs], workdir)


def _next_group(pending: Sequence[Run], workdir: pathlib.Path) -> list[Run]:
    """The first run, and those that can train beside it: as many recordings, at the same step, and memory for them."""

    def progress(run: Run) -> tuple[int, int]:
        return len(run.train), checkpoint.latest_step(directory(run, workdir))

    first = progress(pending[0])
    like = [run for run in pending if progress(run) == first]
    return like[: next(count for count in range(len(like), 0, -1) if count == 1 or _fit(like[:count]))]


def _fit(runs: Sequence[Run]) -> bool:
    """Whether all networks of the runs may train at once."""
    members = sum(len(run.members) for run in runs)
    return members <= memory.most_at_once(runs[0], parallel.widest_mesh(members, runs[0].config.train.batch_size))


def _names(group: Sequence[Run]) -> str:
    """Such as 'subject 1, 2, 3'."""
    return f"{group[0].benchmark.left_out} {', '.join(str(run.fold) for run in group)}"
