"""The authors' PyTorch state dictionaries as our variables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flax import traverse_util

from dsta_jax.errors import UserError

# Our names and theirs; `*` is `s` in a spatial module and `t` in a temporal one.
_THEIRS = {
    "classifier": "fc",
    "query_key": "in_net*",
    "alpha": "alpha*",
    "global_map": "attention0*",
    "join_heads": "out_net*",
    "convolution": "out_net*",
    "feed_forward": "ff_net*",
    "residual_1": "down*1",
    "residual_2": "down*2",
    "linear": "0",
    "norm": "1",
    "kernel": "weight",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}

# Tables that the network computes itself, and counters that it does not need.
_NOT_NEEDED = re.compile(r"graph_layers\.\d+\.(pe[st]\.pe|att[st])|.*\.num_batches_tracked")

# An array that every network has: what stands before its name is a prefix of all names.
_FIRST = "input_map.0.weight"

# So many entries of each kind are named in an error.
_SHOWN = 3

Path = tuple[str, ...]


def from_state_dict(state: Mapping[str, np.ndarray], like: Mapping[str, Any]) -> dict[str, Any]:
    """Maps a state dictionary of the authors' network to `params` and `batch_stats`, numpy arrays shaped as in `like`.

    Args:
      state: arrays by PyTorch name, such as `graph_layers.0.in_nets.weight` (O x I x 1 x 1). Position tables, masks and
        counters of batches may be there and are not needed.
      like: variables of the network that is to be filled (arrays or shapes).

    Raises:
      UserError: when names are missing or not known, or shapes do not fit; the first of each kind are listed.
    """
    shapes = {path: tuple(leaf.shape) for path, leaf in traverse_util.flatten_dict(dict(like)).items()}
    names = {path: torch_name(path) for path in shapes}
    given = {path: np.asarray(state[name]) for path, name in names.items() if name in state}
    found = {path: value.T if path[-1] == "kernel" else value for path, value in given.items()}
    problems = {
        "missing": [f"{'/'.join(path)} ({names[path]})" for path in shapes if path not in found],
        "not known": [name for name in state if name not in names.values() and not _NOT_NEEDED.fullmatch(name)],
        "shapes that do not fit": [
            f"{names[path]} is {given[path].shape}, {'/'.join(path)} needs {shapes[path]}"
            for path, value in found.items()
            if _without_ones(value.shape) != _without_ones(shapes[path])
        ],
    }
    if any(problems.values()):
        said = "; ".join(f"{title}: {_listed(entries)}" for title, entries in problems.items() if entries)
        raise UserError(f"state dictionary is of another network; {said}")
    # Kernels were O x I x 1 x 1 for our I x O, or O x I x 7 x 1 for our 7 x 1 x I x O; maps 1 x S x V x V.
    return traverse_util.unflatten_dict({path: value.reshape(shapes[path]) for path, value in found.items()})


def to_state_dict(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Maps `params` and `batch_stats` to a state dictionary of the authors' network: the way back.

    Position tables, masks and counters of batches, which their network makes itself, are not in it.
    """
    flat = traverse_util.flatten_dict(dict(variables))
    return {torch_name(path): _in_their_layout(path, np.asarray(value)) for path, value in flat.items()}


def _in_their_layout(path: Path, value: np.ndarray) -> np.ndarray:
    """Kernels as O x I, O x I x 1 x 1 or O x I x 7 x 1; maps and their factors with an axis for the batch."""
    if path[-1] in ("alpha", "global_map"):
        return value[None]
    if path[-1] != "kernel" or path[-2] == "classifier":
        return np.ascontiguousarray(value.T)
    return np.ascontiguousarray(value.T[:, :, None, None] if value.ndim == 2 else value.T.swapaxes(2, 3))


def without_prefix(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state dictionary by the network's own names: without what a wrapper put before all, such as `module.`."""
    prefix = next((name.removesuffix(_FIRST) for name in state if name.endswith(f".{_FIRST}")), "")
    return {name.removeprefix(prefix): value for name, value in state.items()}


def torch_name(path: Path) -> str:
    """The authors' name of one of our variables: of ('params', 'layer_0_spatial', 'alpha'), `graph_layers.0.alphas`."""
    _, module, *parts = path
    layer = re.fullmatch(r"layer_(\d+)_([st]).*", module)
    first, axis = (f"graph_layers.{layer[1]}", layer[2]) if layer else (_THEIRS.get(module, module), "")
    return ".".join([first, *(_THEIRS.get(part, part).replace("*", axis) for part in parts)])


def _listed(entries: Sequence[str]) -> str:
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return ", ".join(entries[:_SHOWN]) + more


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
