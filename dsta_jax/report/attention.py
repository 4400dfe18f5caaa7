"""Attention maps of a trained network for one recording (Sec. 3.3 to 3.5, and Fig. 5 of the paper)."""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from dsta_jax.data import batches
from dsta_jax.data.dataset import DataSet
from dsta_jax.data.streams import Stream
from dsta_jax.members import Members
from dsta_jax.models.attention import Attention
from dsta_jax.models.dsta import DSTANet


class Maps(NamedTuple):
    """The maps of one module.

    Attributes:
      layer: the layer, counted from 1.
      axis: `spatial` or `temporal`.
      map_SxPxP: of each head, how much of each joint (or frame; row) enters each one of the result (column): alpha
        times the map of Eq. 2 to 4, plus the global map. The mean over the frames where each frame has its own.
    """

    layer: int
    axis: str
    map_SxPxP: np.ndarray


class Attended(NamedTuple):
    """What a network attends to in a recording.

    Attributes:
      pose_TxVxC: the joints in the frames that the network sees, of the body that was seen first; 0 is not seen.
      maps: of the first layer and of the last one.
    """

    pose_TxVxC: np.ndarray
    maps: list[Maps]


def attend(members: Members, model: dict[str, Any], stream: Stream, recording: DataSet) -> Attended:
    """Runs a stream's network on a data set of one recording; the model is what `evaluate.restore` gives."""
    streams: tuple[Stream, ...] = (stream, "spatial_temporal")
    (batch,) = batches.test_batches(recording, streams, members.sampling, 1)
    body = int(recording.body_NxM[0].argmax())
    number = members.streams.index(stream)
    variables = jax.tree.map(lambda leaf: leaf[number], jax.device_get(model))
    held = _modules(members.network)(*jax.device_put((variables, batch.x[0])))
    coordinates = 3 if "z" in members.benchmark.source.channels else 2
    return Attended(batch.x[1, body, ..., :coordinates], _maps(jax.device_get(held), body))


@functools.lru_cache(maxsize=4)
def _modules(network: DSTANet) -> Any:
    """The compiled network that returns what its attention modules' `_map` return, and no scores."""

    def is_map(module: nn.Module, method: str) -> bool:
        return isinstance(module, Attention) and method == "_map"

    def run(variables: dict[str, Any], x_RxTxVxC: jax.Array) -> Any:
        _, state = network.apply(
            variables, x_RxTxVxC, train=False, mutable=["intermediates"], capture_intermediates=is_map
        )
        return state["intermediates"]

    return jax.jit(run)


def _maps(held: dict[str, Any], body: int) -> list[Maps]:
    found = []
    for name, values in held.items():
        _, layer, axis = name.split("_")
        map_SxPxP = values["_map"][0][body].astype(np.float32)
        if map_SxPxP.ndim == 4:  # T x S x P x P, strategy `per_frame`
            map_SxPxP = map_SxPxP.mean(0)
        found.append(Maps(int(layer) + 1, axis, map_SxPxP))
    layers = {maps.layer for maps in found}
    return sorted((maps for maps in found if maps.layer in (min(layers), max(layers))), key=lambda maps: maps[:2])
