"""A run's weights for others: as PyTorch files by the authors' names, or as a directory for the Hugging Face hub."""

import pathlib
from typing import Any

import jax

from dsta_jax import storage, workdir
from dsta_jax.errors import UserError
from dsta_jax.files import writable
from dsta_jax.models import authors_weights
from dsta_jax.weights import card, hub, torch_file, trained
from dsta_jax.weights.trained import Trained


def run(run: str, out: str, fold: int | str | None = None) -> None:
    """Writes a run's networks, and says what was written.

    Args:
      run: its working directory, or a directory in the hub's layout.
      out: a file `NAME.pt` or `NAME.pth`, which becomes `NAME_STREAM.pt` where there are several streams; or else a
        directory, which is made.
      fold: the one whose networks are meant, where each subject was left out of training once.

    Raises:
      UserError: when there is no trained run, a package is missing, or something is there already.
    """
    found, path = trained.read(run, fold), storage.place(out)
    if path.suffix == ".safetensors":
        raise UserError(f"--out={out}: expected NAME.pt, or a directory, for {hub.WEIGHTS} and what belongs to it")
    with writable(path):
        if path.suffix in (".pt", ".pth"):
            _to_torch(found, path)
        else:
            _to_hub(found, workdir.read_content(storage.place(run)), path, fold)


def _to_torch(found: Trained, path: pathlib.Path) -> None:
    streams = tuple(found.config.streams)
    places = [path] if len(streams) == 1 else [path.with_stem(f"{path.stem}_{stream}") for stream in streams]
    _check_new(places)
    for number, (stream, place) in enumerate(zip(streams, places, strict=True)):
        variables = jax.tree.map(lambda leaf_N, number=number: leaf_N[number], found.model)
        torch_file.write(authors_weights.to_state_dict(variables), place)
        print(f"{place}: {stream}")


def _to_hub(found: Trained, content: dict[str, Any], path: pathlib.Path, fold: int | str | None) -> None:
    names = (hub.WEIGHTS, hub.CONFIG, hub.CARD)
    _check_new([path / name for name in names])
    content = {**content, "config": _without_places(content["config"]), "exported": {"fold": fold}}
    hub.write(path, tuple(found.config.streams), found.model, content, card.text(found, path.name, fold))
    print(f"{path}: {', '.join(names)}; say in {hub.CARD} under which licence you give it away")


def _check_new(places: list[pathlib.Path]) -> None:
    for place in places:
        if place.exists():
            raise UserError(f"{place} is there already: choose another --out")


def _without_places(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without the names of this machine's directories."""
    benchmark, init_from = (pathlib.PurePath(config[field]).name for field in ("benchmark", "init_from"))
    data = {**config["data"], "dir": "data", "frames_dir": ""}
    return {**config, "benchmark": benchmark, "init_from": init_from, "data": data}
