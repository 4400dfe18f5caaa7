"""Evaluations that are made up: a data set, a run's files as `train` leaves them, and scores."""

import json
import pathlib
from collections.abc import Callable

import ml_collections
import numpy as np
import pytest

from dsta_jax import DataSet, evaluate, fusion, get_config, scores, workdir
from dsta_jax.scores import Scores

STREAMS = ("spatial_temporal", "fast_temporal")


def made_scores(label_S: np.ndarray, class_names: tuple[str, ...], name: str = "fused", right: float = 0.7) -> Scores:
    """Scores that are right for about so many of the samples."""
    rng = np.random.default_rng([len(label_S), len(name)])
    score_SxK = rng.normal(size=(len(label_S), len(class_names)))
    score_SxK[np.arange(len(label_S)), label_S] += np.where(rng.random(len(label_S)) < right, 6, 0)
    names = np.array([f"recording_{number}" for number in range(len(label_S))])
    return Scores(name, names, label_S, score_SxK.astype(np.float32), class_names)


@pytest.fixture
def made_data() -> Callable[..., DataSet]:
    """A data set of hands that move at random, two recordings of each class, all for testing."""

    def make(class_names: tuple[str, ...], each: int = 2, bodies: int = 1, **more: str) -> DataSet:
        rng = np.random.default_rng(0)
        label_N = np.repeat(np.arange(len(class_names)), each)
        shape = (70, 22, bodies, 3)
        frames = [rng.normal(5, 1, (1, 22, 1, 3)) + np.cumsum(rng.normal(0, 0.05, shape), axis=0) for _ in label_N]
        split = ["test"] * len(label_N)
        labels = [class_names[label] for label in label_N]
        return DataSet.from_arrays(frames, labels, layout="hand_22", split=split, classes=class_names, **more)

    return make


@pytest.fixture
def made_run(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Writes what an evaluation leaves in a directory, but for checkpoints."""

    def make(data: DataSet, right: float = 0.7) -> pathlib.Path:
        config: ml_collections.ConfigDict = get_config("own:small")
        config.streams = STREAMS
        directory = tmp_path / "run"
        workdir.claim(directory, config, data)
        names = data.benchmark.class_names
        parts = [made_scores(data.label_N, names, stream, right) for stream in STREAMS]
        for part in parts:
            scores.save(part, directory / "scores" / "test" / f"{part.name}.npz")
        fused = fusion.fuse(parts)
        results = {
            "benchmark": data.benchmark.name,
            "samples": len(data),
            "checkpoint": "latest",
            "step": 40,
            "trained": 40,
            "accuracy": {part.name: part.metrics() for part in (*parts, fused)},
            "costliest_confusion": fused.costliest_confusion(),
            "steps": 40,
        }
        evaluate.write_results(results, directory)
        lines = [
            {"step": step, "epoch": step / 10, "learning_rate": 0.1}
            | {f"train/{kind}/{stream}": 1 / step for kind in ("loss", "accuracy") for stream in STREAMS}
            for step in range(10, 50, 10)
        ]
        (directory / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return directory

    return make
