"""What a training said of itself: curves from `metrics.jsonl`, and how long it took from `tensorboard/`."""

import contextlib
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from dsta_jax.data import tfrecord
from dsta_jax.data.messages import Event
from dsta_jax.errors import UserError
from dsta_jax.storage import open_whole

_POINTS = 200  # of a curve; of longer ones, means of neighbouring lines

# Epochs and values of a curve, by its name, such as `train/loss/spatial`.
Curves = dict[str, tuple[np.ndarray, np.ndarray]]


def curves(directories: Sequence[pathlib.Path]) -> Curves:
    """The curves of a training; the mean over several, such as folds, at the epochs that all have."""
    of_each = [_read(directory / "metrics.jsonl") for directory in directories]
    names = [name for name in of_each[0] if all(name in other for other in of_each)] if of_each else []
    found = {}
    for name in names:
        epochs = [epoch for epoch in of_each[0][name] if all(epoch in other[name] for other in of_each)]
        if epochs:
            value_E = np.mean([[other[name][epoch] for epoch in epochs] for other in of_each], axis=0)
            found[name] = _fewer(np.array(epochs)), _fewer(value_E)
    return found


def _read(path: pathlib.Path) -> dict[str, dict[float, float]]:
    """By name, the value at each epoch; validation lines have the epoch of the last line before, or of their step."""
    found: dict[str, dict[float, float]] = {}
    if not path.exists():
        return found
    lines = []
    for text in open_whole(path).read().decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError):  # The last line of a program that was killed may be cut.
            lines.append(json.loads(text))
    of_step = next((line["epoch"] / line["step"] for line in lines if line.get("epoch")), 1.0)
    for line in lines:
        epoch = round(line["step"] * of_step, 4)
        for name, value in line.items():
            if "/" in name:  # The others are of all streams, such as the learning rate.
                found.setdefault(name, {})[epoch] = value
    return found


def _fewer(values: np.ndarray) -> np.ndarray:
    parts = np.array_split(values, min(len(values), _POINTS))
    return np.array([part.mean() for part in parts])


def seconds(directories: Sequence[pathlib.Path]) -> float | None:
    """How long the program trained, all its starts together; None where nothing tells it.

    Trainings side by side, as of folds, count once.
    """
    spans = []
    for path in (path for directory in directories for path in directory.glob("tensorboard/events.*")):
        times = []
        with contextlib.suppress(UserError):  # The end may be missing, as of a program that was killed.
            for payload in tfrecord.read_file(path):
                times.append(Event.FromString(payload.content).wall_time)
        if times:
            spans.append((min(times), max(times)))
    if not spans:
        return None
    total, until = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
