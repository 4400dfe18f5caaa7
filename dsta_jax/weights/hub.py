"""A directory in the layout of the Hugging Face hub: `model.safetensors`, `config.json`, and `README.md`, its card.

The arrays have names such as `spatial.params.layer_0_spatial.alpha`, with the stream first. `config.json` is that of
the run: configuration and benchmark.
"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import traverse_util

from dsta_jax import checkpoint, storage
from dsta_jax.errors import UserError
from dsta_jax.files import complete_file, readable, regular
from dsta_jax.members import Members, variable_shapes
from dsta_jax.weights import packages

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def is_at(directory: pathlib.Path) -> bool:
    """Whether there are weights in this layout."""
    return (directory / WEIGHTS).exists()


def write(directory: pathlib.Path, streams: tuple[str, ...], model: Mapping[str, Any], config: Any, card: str) -> None:
    """Writes the three files; `config.json`, without which nothing is loaded, last.

    Args:
      directory: is made.
      streams: their names, in the order of the arrays' first axis.
      model: `params` and `batch_stats`, numpy arrays.
      config: what `config.json` shall hold.
      card: what `README.md` shall say.

    Raises:
      UserError: when the package safetensors is not installed.
      OSError: when a file cannot be written.
    """
    safetensors = packages.load("safetensors.numpy")
    flat = traverse_util.flatten_dict(dict(model), sep=".")
    arrays = {
        f"{stream}.{name}": np.ascontiguousarray(leaf_N[number])
        for number, stream in enumerate(streams)
        for name, leaf_N in flat.items()
    }
    contents = {
        # One entry of metadata: several come in any order, and the same weights shall be the same file.
        WEIGHTS: safetensors.save(arrays, {"format": "flax"}),
        CARD: card.encode(),
        CONFIG: json.dumps(config, indent=2).encode() + b"\n",
    }
    for name, content in contents.items():
        with complete_file(directory / name) as file:
            file.write(content)


def read(directory: pathlib.Path, members: Members) -> dict[str, Any]:
    """`params` and `batch_stats` of a network for each stream, numpy arrays that lead with the axis of the streams.

    Raises:
      UserError: when the package safetensors is not installed, or the weights cannot be read or are of other networks.
    """
    safetensors, path = packages.load("safetensors.numpy"), directory / WEIGHTS
    with readable(path, "safetensors"), storage.open_whole(regular(path)) as file:
        arrays = safetensors.load(file.read())
    one = variable_shapes(members.network, members.input_shape(1), 1)
    wanted = {name: leaf.shape[1:] for name, leaf in traverse_util.flatten_dict(one, sep=".").items()}
    of_streams = {f"{stream}.{name}": shape for stream in members.streams for name, shape in wanted.items()}
    if other := checkpoint.misfits({name: array.shape for name, array in arrays.items()}, of_streams):
        raise UserError(f"{path} is of other networks than {CONFIG} beside it: {other}; copy or download both again")
    if strange := [name for name in arrays if arrays[name].dtype != np.float32]:
        raise UserError(f"{path}: {strange[0]} is of {arrays[strange[0]].dtype}, expected float32")
    stacked = {name: np.stack([arrays[f"{stream}.{name}"] for stream in members.streams]) for name in wanted}
    return dict(traverse_util.unflatten_dict(stacked, sep="."))
