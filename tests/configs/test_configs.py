"""Every configuration: loads, is the paper's where it says so, and takes the words after the colon."""

import importlib

import pytest

from dsta_jax.config import PAPER_STREAMS, check, paper
from dsta_jax.datasets.benchmarks import BENCHMARKS
from dsta_jax.errors import UserError
from tests.conftest import ROOT

NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_every_config(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    assert config.benchmark in BENCHMARKS or name == "own"
    assert tuple(config.streams) == PAPER_STREAMS
    check(config)
    assert module.get_config("fast_temporal,spatial").streams == ("fast_temporal", "spatial")
    assert module.get_config("small").model.channels != paper("shrec14").model.channels
    with pytest.raises(UserError, match="'bones' after the colon"):
        module.get_config("bones")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "demo"])
def test_papers_values(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    training = config.train
    assert (training.epochs, training.batch_size, training.learning_rate) == (120, 32, 0.1)
    assert (training.warmup_epochs, training.warmup_by, training.decay_factor) == (5, "epoch", 10)
    assert [part * training.epochs for part in training.decay_at] == [60, 90]
    assert (training.momentum, training.weight_decay, training.label_smoothing) == (0.9, 0.0005, 0)
    assert (config.data.sampled_frames, config.data.frames) == (150, 128)
    assert (config.data.slow_interval, config.data.fast_interval) == (1, 2)
    assert config.data.rotation_degrees == config.data.scale == config.data.validation_fraction == 0
