"""The readers by name: what is read of a path, given what the data set is, where that is known."""

import pathlib
from collections.abc import Callable

from dsta_jax.datasets.benchmark import Source
from dsta_jax.datasets.recording import Collection
from dsta_jax.formats import ctr_gcn, folder, kinetics, npy_pair, pyskl

READERS: dict[str, Callable[[pathlib.Path, Source | None], Collection]] = {
    "pyskl": pyskl.read,
    "npy": npy_pair.read,
    "npz": ctr_gcn.read,
    "kinetics": kinetics.read,
    "folder": folder.read,
}
