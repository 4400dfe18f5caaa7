"""A run's working directory: which configuration it belongs to."""

import json
import pathlib
import subprocess
from importlib import metadata
from typing import Any

import ml_collections

import dsta_jax
from dsta_jax.errors import UserError

# Fields that change nothing about a fold: they may differ from one command to the next.
_FREE = ("config.folds", "config.members_per_step")

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def claim(directory: pathlib.Path, config: ml_collections.ConfigDict) -> None:
    """Makes a working directory and writes `config.json`, or checks that it is of this very configuration.

    Which folds are trained, and how many at once, may change: the file then says what was asked for last.

    Raises:
      UserError: when it belongs to another configuration; the fields that differ are named.
    """
    path = directory / "config.json"
    if path.exists():
        before = _flat(read_config(directory))
        _check_same(path, before, _flat(config))
        if before != _flat(config):
            _write(path, config)
        return
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"{directory} is not empty and holds no config.json: choose another --workdir")
    directory.mkdir(parents=True, exist_ok=True)
    _write(path, config)


def _write(path: pathlib.Path, config: ml_collections.ConfigDict) -> None:
    content = {"config": config.to_dict(), "versions": _versions()}
    temporary = path.with_suffix(".incomplete")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(path)


def read_config(directory: pathlib.Path) -> ml_collections.ConfigDict:
    """The resolved configuration of a run.

    Raises:
      UserError: when the directory holds none.
    """
    path = directory / "config.json"
    try:
        content = json.loads(path.read_text())["config"]
    except FileNotFoundError:
        raise UserError(f"{path} is not there: {directory} is not the working directory of a run") from None
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read as a configuration ({error})") from error
    return ml_collections.ConfigDict(_tuples(content))


def _check_same(path: pathlib.Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    different = [
        f"{key} was {before.get(key, 'absent')}, is {now.get(key, 'absent')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key not in _FREE
    ]
    if different:
        raise UserError(
            f"{path} is of another configuration: {'; '.join(different)}. Choose another --workdir, or give the same "
            f"configuration to go on"
        )


def _flat(config: ml_collections.ConfigDict, prefix: str = "config.") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _tuples(value: Any) -> Any:
    """JSON has lists where a configuration has tuples."""
    if isinstance(value, dict):
        return {key: _tuples(entry) for key, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _versions() -> dict[str, str]:
    """The code's version, its commit where it is a checkout, and the packages that decide the numbers."""
    versions = {"dsta_jax": dsta_jax.__version__, **{name: metadata.version(name) for name in _PACKAGES}}
    here = pathlib.Path(__file__).resolve().parent
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        described = subprocess.run(git, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return versions
    if described.returncode == 0:
        versions["commit"] = described.stdout.strip()
    return versions
