"""The authors' PyTorch weights as a run, which evaluates, answers, and can be fine-tuned."""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import ml_collections
import numpy as np

from dsta_jax import checkpoint, storage, workdir
from dsta_jax import config as config_lib
from dsta_jax.data.streams import STREAMS
from dsta_jax.datasets import own
from dsta_jax.datasets.benchmark import Benchmark
from dsta_jax.errors import UserError
from dsta_jax.members import Members, variable_shapes
from dsta_jax.models import authors_weights
from dsta_jax.weights import torch_file


def run(files: Sequence[str], config: ml_collections.ConfigDict, out: str) -> None:
    """Makes a run of PyTorch files of the authors' network, one a stream, and says what was done.

    Args:
      files: as STREAM=FILE, which are then the run's streams; or one for each of `config.streams`, in that order. A
        file holds a state dictionary, or a training's state with one in it.
      config: the configuration that the networks were trained with. Where a benchmark leaves each subject out once,
        `config.folds` names the one that was.
      out: the run's working directory, which is made.

    Raises:
      UserError: when a file cannot be read or is of another network, or the directory is not empty.
    """
    config_lib.check(config)
    benchmark, path = own.find(config.benchmark), storage.place_of_run(out)
    of_stream = {stream: storage.place(file) for stream, file in _by_stream(files, tuple(config.streams)).items()}
    config = _of_run(config, tuple(of_stream))
    checkpoints = _checkpoints(path, config, benchmark)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is there already, and not empty: choose another --out")
    model = _model(of_stream, Members(config, benchmark, ()))
    checkpoint.save_imported(checkpoints, model)
    workdir.claim_imported(path, config, benchmark, {stream: _checksum(file) for stream, file in of_stream.items()})
    for stream, file in of_stream.items():
        print(f"{stream}: {file}")
    numbers = sum(leaf.size for leaf in jax.tree.leaves(model["params"])) // len(of_stream)
    print(f"{path} is a run of benchmark {benchmark.name}: {numbers:,} parameters a network, all shapes as configured")


def _by_stream(files: Sequence[str], streams: tuple[str, ...]) -> dict[str, str]:
    """Each stream's file, in the order of the streams."""
    words = [file.partition("=") for file in files]
    named = {stream: file for stream, equals, file in words if equals and stream in STREAMS}
    if not named:
        if len(files) != len(streams):
            raise UserError(
                f"{len(files)} files for {len(streams)} streams: expected one for each of {', '.join(streams)}, or "
                f"STREAM=FILE"
            )
        return dict(zip(streams, files, strict=True))
    if len(named) < len(files):
        raise UserError(f"{' '.join(files)}: expected STREAM=FILE, with each of {', '.join(STREAMS)} at most once")
    return {stream: named[stream] for stream in STREAMS if stream in named}


def _of_run(config: ml_collections.ConfigDict, streams: tuple[str, ...]) -> ml_collections.ConfigDict:
    """The configuration of the run: nothing of its training was held out here, nor loaded."""
    config = ml_collections.ConfigDict(config)
    config.streams, config.init_from = streams, ""
    config.data.validation_fraction = 0.0
    return config


def _checkpoints(path: pathlib.Path, config: ml_collections.ConfigDict, benchmark: Benchmark) -> pathlib.Path:
    if benchmark.left_out is None:
        return path
    if len(config.folds) != 1:
        raise UserError(
            f"config.folds={config.folds}: benchmark {benchmark.name} leaves each {benchmark.left_out} out once; name "
            f"the one that was left out of this training, as --config.folds=7"
        )
    return workdir.of_fold(path, benchmark, config.folds[0])


def _model(of_stream: dict[str, pathlib.Path], members: Members) -> dict[str, Any]:
    shapes = variable_shapes(members.network, members.input_shape(1), 1)
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), shapes)
    each = [_variables(file, like) for file in of_stream.values()]
    return dict(jax.tree.map(lambda *leaves: np.stack(leaves), *each))


def _variables(file: pathlib.Path, like: dict[str, Any]) -> dict[str, Any]:
    state = authors_weights.without_prefix(torch_file.read(file))
    try:
        return authors_weights.from_state_dict(state, like)
    except UserError as error:
        raise UserError(f"{file}: {error}; give the configuration that it was trained with") from None


def _checksum(file: pathlib.Path) -> str:
    with storage.open_whole(file) as opened:
        return hashlib.sha256(opened.read()).hexdigest()
