"""What lies in the directory of an evaluation, read for its report."""

import pathlib
from typing import Any, NamedTuple

import ml_collections

from dsta_jax import fusion, scores, workdir
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.files import read_json
from dsta_jax.report import history
from dsta_jax.scores import Scores


class Evaluated(NamedTuple):
    """An evaluation, and the run that it is of.

    Attributes:
      run: the run's working directory; that of the evaluation, or two above where other recordings were evaluated.
      content: what the run's `config.json` holds.
      results: what `results.json` holds; of folds, their summary.
      parts: the scores of each stream, and their fusion where there are several; by name.
      curves: of the training, the mean over the folds.
      seconds: how long it took; None where nothing tells.
    """

    run: pathlib.Path
    config: ml_collections.ConfigDict
    benchmark: Benchmark
    content: dict[str, Any]
    results: dict[str, Any]
    parts: dict[str, Scores]
    curves: history.Curves
    seconds: float | None

    @property
    def whole(self) -> Scores:
        """The scores that count: fused, or those of the only stream."""
        return list(self.parts.values())[-1]

    @property
    def of_other_recordings(self) -> bool:
        """Whether other recordings were evaluated than those that the run was trained for."""
        return "steps" not in self.results or not self.results["steps"]


def read(directory: pathlib.Path) -> Evaluated:
    """Reads `results.json`, the scores beside it, and the run's configuration and metrics.

    Raises:
      UserError: when something of it is missing or damaged.
    """
    results = read_json(directory / "results.json", "evaluate the run again, with --mode=evaluate")
    of_other = directory.parent.name == "evaluations" and not (directory / "config.json").exists()
    run = directory.parent.parent if of_other else directory
    claimed = workdir.read(run)
    of_streams = [scores.load(directory / "scores" / "test" / f"{name}.npz") for name in claimed.config.streams]
    parts = [*of_streams, *([fusion.fuse(of_streams)] if len(of_streams) > 1 else [])]
    folds = [_directory_of_fold(run, claimed.benchmark, word) for word in results.get("folds", ())]
    return Evaluated(
        run,
        claimed.config,
        claimed.benchmark,
        read_json(run / "config.json"),
        results,
        {part.name: part for part in parts},
        history.curves(folds or [run]),
        history.seconds(folds or [run]),
    )


def _directory_of_fold(run: pathlib.Path, benchmark: Benchmark, word: str) -> pathlib.Path:
    """Of the word that `results.json` has for what was left out: a number, or a word that may look like one."""
    path = workdir.of_fold(run, benchmark, word)
    as_number = word.isdecimal() and not (path / "metrics.jsonl").exists()
    return workdir.of_fold(run, benchmark, int(word)) if as_number else path
