"""DSTA-Net in JAX: skeleton-based action and gesture recognition with decoupled spatial-temporal attention.

recognizer = dsta_jax.load("runs/shrec14")
answer = recognizer(frames)                  # T x V x C raw joints
answer.label, answer.probability, answer.top(5)

data = dsta_jax.DataSet.from_arrays(frames, labels, layout="hand_22", split=split)
dsta_jax.Experiment(dsta_jax.get_config("own:small"), data).train("runs/mine")
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsta_jax.answer import Answer
    from dsta_jax.config import get_config
    from dsta_jax.data.dataset import DataSet
    from dsta_jax.data.streams import STREAMS
    from dsta_jax.experiment import Experiment
    from dsta_jax.fusion import fuse
    from dsta_jax.predict import Recognizer, load

__version__ = "0.2.0"

__all__ = ["STREAMS", "Answer", "DataSet", "Experiment", "Recognizer", "fuse", "get_config", "load"]

_HOMES = {
    "STREAMS": "data.streams",
    "Answer": "answer",
    "DataSet": "data.dataset",
    "Experiment": "experiment",
    "Recognizer": "predict",
    "fuse": "fusion",
    "get_config": "config",
    "load": "predict",
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for: conversions need no JAX, which takes seconds to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"dsta_jax.{_HOMES[name]}"), name)
