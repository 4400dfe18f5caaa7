"""A run of two streams, trained once, and the authors' golden weights as their files have them."""

import pathlib

import ml_collections
import numpy as np
import pytest

from dsta_jax import get_config
from dsta_jax.data.dataset import DataSet
from dsta_jax.datasets.layouts import Layout, Reference
from dsta_jax.experiment import Experiment

JOINTS = ("wrist", "thumb", "index", "middle", "ring", "pinky")


def recordings(classes=("wave", "point"), joints=JOINTS, seed=0, **given) -> DataSet:
    """Eight recordings of a star of joints, in which the joint of the class swings."""
    frames = []
    for number in range(8):
        rng = np.random.default_rng([seed, number])
        moved_TxVxC = np.tile(rng.normal(size=(len(joints), 3)), (10, 1, 1))
        moved_TxVxC[:, 1 + number % len(classes), 1] += np.sin(np.arange(10))
        frames.append(moved_TxVxC)
    layout = Layout("star", tuple(joints), (0,) * len(joints), Reference(center=(joints[0],)))
    labels = [classes[number % len(classes)] for number in range(8)]
    words = {"layout": layout, "classes": list(classes), "split": ["train"] * 6 + ["test"] * 2, **given}
    return DataSet.from_arrays(frames, labels, **words)


@pytest.fixture
def tiny() -> ml_collections.ConfigDict:
    """Two streams of networks that take a second to compile: 3 steps."""
    config = get_config("own:small,spatial_temporal,spatial")
    config.data.sampled_frames, config.data.frames = 8, 8
    config.model.update({"input_channels": 4, "channels": (4, 6), "embedding": (2, 2), "strides": (2, 1), "heads": 2})
    config.train.update({"epochs": 1.0, "batch_size": 2, "warmup_epochs": 0.0})
    config.evaluate.batch_size = 2
    return config


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """A finished run of two streams, and the recordings' frames; made by the first test that asks."""
    made = []

    def get(config) -> pathlib.Path:
        if not made:
            made.append(tmp_path_factory.mktemp("trained") / "run")
            Experiment(ml_collections.ConfigDict(config), recordings()).train(made[0])
        return made[0]

    return get


# Golden networks, as configurations of a benchmark with as many joints, bodies and classes.
GOLDEN = {
    "dsta_hand_stgr": {"channels": (16, 32), "embedding": (4, 8), "strides": (1, 2)},
    "dsta_body_temporal_conv": {"channels": (16, 32, 48), "embedding": (4, 8, 8), "strides": (1, 2, 1)},
}
CHOICES = {
    "dsta_hand_stgr": {"regularization": "spatial_temporal"},
    "dsta_body_temporal_conv": {"temporal": "conv"},
}


def golden_config(name, directory) -> ml_collections.ConfigDict:
    config = get_config("shrec14:spatial_temporal")
    config.data.sampled_frames = config.data.frames = 32
    config.model.update({"input_channels": 16, **GOLDEN[name], **CHOICES[name]})
    if name == "dsta_body_temporal_conv":
        config.benchmark = str(directory / "body.toml")
        classes = ", ".join(f'"action {number}"' for number in range(11))
        text = f'name = "body"\nclasses = [{classes}]\nlayout = "ntu_25"\nbodies = 2\n'
        (directory / "body.toml").write_text(text)
    return config


def golden_state(golden) -> dict[str, np.ndarray]:
    return {key.removeprefix("state/"): golden[key] for key in golden.files if key.startswith("state/")}
