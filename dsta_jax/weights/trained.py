"""The networks of a run, or of a directory in the layout of the Hugging Face hub, and all that their answers need."""

import pathlib
from typing import Any, NamedTuple

import ml_collections
from jax.sharding import Mesh

from dsta_jax import evaluate, parallel, storage, workdir
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.members import Members
from dsta_jax.weights import hub


class Trained(NamedTuple):
    """The networks of one fold.

    Attributes:
      config: what they were trained with; a network for each of its streams, in their order.
      benchmark: their joints, classes and normalisation.
      model: `params` and `batch_stats`, numpy arrays that lead with the axis of the streams.
      place: the directory of their results.
    """

    config: ml_collections.ConfigDict
    benchmark: Benchmark
    model: dict[str, Any]
    place: pathlib.Path


def read(directory: str | pathlib.Path, fold: int | str | None = None, mesh: Mesh | None = None) -> Trained:
    """Reads the best variables where a part was held out to choose them, else the latest.

    Where each subject was left out of training once, `fold` says whose networks are meant. All processes of a mesh read
    together; without one this process does alone.

    Raises:
      UserError: when there is no trained run, or the fold is missing.
    """
    path = storage.place(directory)
    run, mesh = workdir.read(path), mesh or parallel.one_device_mesh()
    members = Members(run.config, run.benchmark, ())
    if hub.is_at(path):
        if fold is not None:
            raise UserError(f"{directory}: fold={fold!r}, but the weights of one network a stream are there, no folds")
        return Trained(run.config, run.benchmark, hub.read(path, members), path)
    place = _of_fold(path, run.benchmark, fold)
    model, _ = evaluate.restore(members, place, mesh)
    return Trained(run.config, run.benchmark, parallel.fetch(model, mesh), place)


def _of_fold(path: pathlib.Path, benchmark: Benchmark, fold: int | str | None) -> pathlib.Path:
    """Where a fold's checkpoints are."""
    left_out = benchmark.left_out
    if left_out is None:
        if fold is not None:
            raise UserError(f"{path}: fold={fold!r}, but {benchmark.name} has a fixed test part, no folds")
        return path
    trained, place = sorted(path.glob("folds/*")), workdir.of_fold(path, benchmark, fold)
    if place not in trained:
        names = ", ".join(one.name.removeprefix(f"{left_out}_") for one in trained) or "none yet: train first"
        raise UserError(f"{path}: fold={fold!r}, expected the {left_out} that was left out, one of {names}")
    return place
