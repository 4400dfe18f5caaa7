"""PyTorch's files of weights: read without running anything that they say, and written."""

import pathlib
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from dsta_jax import storage
from dsta_jax.errors import UserError
from dsta_jax.files import check_archive, complete_file, readable, regular
from dsta_jax.weights import packages

# Under what names a training's state holds the network's.
_NAMES = ("model_state_dict", "state_dict", "model_state", "model", "network", "net", "weights")


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a state dictionary by name; it may be a part of a training's state.

    Numbers of other precisions become float32.

    Raises:
      UserError: when the package torch is not installed, the file cannot be read, holds more than numbers and text, or
        there is no state dictionary in it.
    """
    torch = packages.load("torch")
    with readable(path, "a PyTorch file"), storage.open_whole(regular(path)) as file:
        state = _state_in(_loaded(torch, path, file), torch)
        if isinstance(state, str):
            raise UserError(
                f"{path}: no state dictionary in it: found {state}; expected tensors by name, or a dictionary of them "
                f"under one of {', '.join(_NAMES)}"
            )
        return {name: _array(torch, name, tensor) for name, tensor in state.items()}


def write(state: Mapping[str, np.ndarray], path: pathlib.Path) -> None:
    """Writes a state dictionary; OSError when it cannot be, UserError when torch is not installed."""
    torch = packages.load("torch")
    with complete_file(path) as file:
        torch.save({name: torch.from_numpy(np.array(value)) for name, value in state.items()}, file)


def _loaded(torch: Any, path: pathlib.Path, file: BinaryIO) -> Any:
    if zipfile.is_zipfile(file):
        check_archive(file)
    file.seek(0)
    try:
        with warnings.catch_warnings(action="ignore"):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if classes := _refused(torch, file, str(error)):
            raise UserError(_remedy(path, classes)) from None
        raise ValueError("torch.save did not write it") from error


def _refused(torch: Any, file: BinaryIO, said: str) -> list[str]:
    """The classes and functions that a file names and that are not loaded; of PyTorch's older files the first one."""
    file.seek(0)
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    except ValueError:
        return re.findall(r"Unsupported global: GLOBAL (\S+)", said)


def _remedy(path: pathlib.Path, classes: list[str]) -> str:
    shown = ", ".join(classes[:6]) + (f" and {len(classes) - 6} more" if len(classes) > 6 else "")
    again = f"torch.save(torch.load({str(path)!r}, weights_only=False)['state_dict'], 'plain.pt')"
    return (
        f"{path}: needs {shown}, and is not loaded, as a file that names classes can run anything; expected tensors "
        f"alone: ask for torch.save(model.state_dict(), 'plain.pt'), or take them out by {again}, which runs whatever "
        f"the file says: only if you made it, or trust whoever did"
    )


def _state_in(content: Any, torch: Any) -> dict[str, Any] | str:
    """The state dictionary that something is or holds; what was found instead where there is none."""
    if not isinstance(content, Mapping):
        return f"a value of type {type(content).__name__}"
    if content and all(isinstance(key, str) and isinstance(content[key], torch.Tensor) for key in content):
        return dict(content)
    for name in _NAMES:
        if isinstance(found := _state_in(content.get(name), torch), dict):
            return found
    return f"a dictionary of {', '.join(map(ascii, list(content)[:6]))}" if content else "an empty dictionary"


def _array(torch: Any, name: str, tensor: Any) -> np.ndarray:
    held = tensor.untyped_storage().nbytes() // tensor.element_size()
    if tensor.numel() > held:  # It would take memory that the file has not paid for.
        raise UserError(f"{name} is of {tensor.numel()} numbers, of which the file holds {held}")
    return np.asarray((tensor.float() if tensor.is_floating_point() else tensor).detach().numpy())
