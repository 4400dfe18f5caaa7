"""The authors' PyTorch state dictionaries as our variables."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from dsta_jax.errors import UserError

# Tables that the network computes itself, and counters that it does not need.
_IGNORED = re.compile(r"graph_layers\.\d+\.(pe[st]\.pe|att[st])$|.*\.num_batches_tracked$")

# The parts of a layer, without the `s` or `t` at the end that says which module they belong to.
_MODULE_PARTS = {
    "in_net": "query_key",
    "alpha": "alpha",
    "attention0": "global_map",
    "out_net": "join_heads",
    "ff_net": "feed_forward",
    "down1": "residual_1",
    "down2": "residual_2",
}
_NORM_LEAVES = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
}

Path = tuple[str, ...]


def from_state_dict(state: Mapping[str, np.ndarray], like: Mapping[str, Any]) -> dict[str, Any]:
    """Maps a state dictionary of the authors' network to our variables.

    Args:
      state: arrays by PyTorch name, such as `graph_layers.0.in_nets.weight` (O x I x 1 x 1). Position tables, masks and
        counters of batches may be there and are not needed.
      like: variables of the network that is to be filled, `params` and `batch_stats` (arrays or shapes).

    Returns:
      `params` and `batch_stats` as numpy arrays, shaped as in `like`.

    Raises:
      UserError: when names are missing or left over, which are listed, or when a shape does not fit.
    """
    wanted = traverse_util.flatten_dict(jax.tree.map(lambda leaf: tuple(leaf.shape), dict(like)))
    found: dict[Path, np.ndarray] = {}
    extra, misfits = [], []
    for name, value in state.items():
        if _IGNORED.match(name):
            continue
        path = our_path(name)
        if path not in wanted:
            path = None if path is None else _of_convolution(path)
        if path is None or path not in wanted:
            extra.append(name)
            continue
        found[path] = _reshape(np.asarray(value), path)
        if found[path].shape != wanted[path]:
            misfits.append(f"{name} is {found[path].shape}, {'/'.join(path)} needs {wanted[path]}")
    missing = ["/".join(path) for path in wanted if path not in found]
    problems = [
        f"{title}: {', '.join(entries)}"
        for title, entries in (("missing", missing), ("not known", extra), ("shapes that do not fit", misfits))
        if entries
    ]
    if problems:
        raise UserError(f"state dictionary is of another network; {'; '.join(problems)}")
    return traverse_util.unflatten_dict(found)


def our_path(name: str) -> Path | None:
    """Where a PyTorch name stands among our variables: ('params', ..., 'kernel'); None for a name we do not know."""
    if match := re.fullmatch(r"fc\.(weight|bias)", name):
        return ("params", "classifier", _linear_leaf(match[1]))
    if match := re.fullmatch(r"input_map\.([01])\.(\w+)", name):
        return _linear_norm_path(("input_map",), match[1], match[2])
    match = re.fullmatch(
        r"graph_layers\.(\d+)\.(in_net|out_net|ff_net|down|alpha|attention0)([st])([12]?)(?:\.(.+))?", name
    )
    if match is None:
        return None
    number, part, axis, which, rest = match.groups()
    module = f"layer_{number}_{'spatial' if axis == 's' else 'temporal'}"
    return _layer_path(module, part + which, (rest or "").split("."))


def _layer_path(module: str, part: str, rest: list[str]) -> Path | None:
    ours = _MODULE_PARTS.get(part)
    if ours is None:
        return None
    if part in ("alpha", "attention0"):
        return ("params", module, ours)
    if part == "in_net":
        return ("params", module, ours, _linear_leaf(rest[0])) if rest[0] in ("weight", "bias") else None
    return _linear_norm_path((module, ours), *rest) if len(rest) == 2 else None


def _linear_norm_path(module: Path, index: str, leaf: str) -> Path | None:
    if index == "1" and leaf in _NORM_LEAVES:
        collection, ours = _NORM_LEAVES[leaf]
        return (collection, *module, "norm", ours)
    if index == "0" and leaf in ("weight", "bias"):
        return ("params", *module, "linear", _linear_leaf(leaf))
    return None


def _of_convolution(path: Path) -> Path:
    """In a module with a convolution, the same names mean the convolution rather than the joining of heads."""
    return tuple("convolution" if part == "join_heads" else part for part in path)


def _linear_leaf(leaf: str) -> str:
    return "kernel" if leaf == "weight" else "bias"


def _reshape(value: np.ndarray, path: Path) -> np.ndarray:
    """PyTorch's O x I x 1 x 1 to our I x O; O x I x 7 x 1 to 7 x 1 x I x O; 1 x S x V x V to S x V x V."""
    if path[-1] == "kernel":
        if value.ndim == 4 and value.shape[2] > 1:
            return value.transpose(2, 3, 1, 0)
        return value.reshape(value.shape[:2]).T
    if path[-1] in ("alpha", "global_map"):
        return value[0]
    return value
