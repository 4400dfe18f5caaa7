"""Every configuration: loads, is the paper's where it says so, and takes the words after the colon."""

import importlib
import pathlib

import pytest

from configs import base
from dsta_jax.data.streams import STREAMS
from dsta_jax.datasets.benchmarks import BENCHMARKS

NAMES = sorted(
    path.stem for path in pathlib.Path(base.__file__).parent.glob("*.py") if path.stem not in ("base", "__init__")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_config(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    assert config.benchmark in BENCHMARKS or name == "own"
    assert tuple(config.streams) == STREAMS == base.STREAMS
    assert module.get_config("fast_temporal,spatial").streams == ("fast_temporal", "spatial")
    assert module.get_config("small").model.channels != base.get_config("shrec14").model.channels
    with pytest.raises(ValueError, match="'bones' after the colon"):
        module.get_config("bones")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "demo"])
def test_papers_values(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    training = config.train
    assert (training.epochs, training.batch_size, training.learning_rate) == (120, 32, 0.1)
    assert (training.warmup_epochs, tuple(training.decay_epochs), training.decay_factor) == (5, (60, 90), 10)
    assert (training.momentum, training.weight_decay, training.label_smoothing) == (0.9, 0.0005, 0)
    assert (config.data.sampled_frames, config.data.frames) == (150, 128)
    assert (config.data.slow_interval, config.data.fast_interval) == (1, 2)
    assert config.data.rotation_degrees == config.data.scale == config.data.validation_fraction == 0
