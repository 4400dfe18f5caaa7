"""From a configuration to recordings and a network; what makes no sense is said."""

import pytest

from dsta_jax import run as run_lib
from dsta_jax.errors import UserError


def test_prepare(config):
    (run,) = run_lib.prepare(config)
    assert (len(run.train), len(run.validation), len(run.test)) == (28, 0, 28)
    assert run.steps == 14
    assert run.members == ("spatial_temporal", "fast_temporal")
    assert run.input_shape(8).shape == (8, 8, 22, 3)
    kernel = run.model_shapes()["params"]["classifier"]["kernel"]
    assert kernel.shape == (2, 8, 14)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("benchmark", "shrec15", "benchmark 'shrec15': expected one of shrec14, shrec28"),
        ("streams", ("spatial", "bones"), "config.streams=.*bones.*: expected some of spatial_temporal"),
        ("streams", (), "config.streams"),
        ("streams", ("spatial", "spatial"), "each once"),
        ("model.attention", "global", "config.model.attention=global: expected one of per_frame, cross_frame, shared"),
        ("model.channels", (4, 8, 8), "need a number for each layer"),
        ("data.frames", 11, "1 <= config.data.frames <= config.data.sampled_frames"),
        ("data.validation_fraction", 1.0, "0 <= config.data.validation_fraction < 1"),
        ("data.validation_by", "person", "config.data.validation_by: recording, subject"),
        ("data.fast_interval", 0, "fast_interval of 1 or more"),
        ("train.batch_size", 0, "batch_size of 1 or more"),
        ("train.epochs", 0.0, "config.train.epochs above 0"),
        ("train.decay_epochs", ("a",), "decay_epochs to be numbers"),
    ],
)
def test_senseless_configurations(config, key, value, message):
    config.update_from_flattened_dict({key: value})
    with pytest.raises(UserError, match=message):
        run_lib.prepare(config)


def test_missing_recordings_name_the_command(config, tmp_path):
    config.benchmark, config.data.dir = "shrec28", str(tmp_path)
    with pytest.raises(UserError, match=f"make it with: python -m data_prep.convert .*--out={tmp_path}"):
        run_lib.prepare(config)


def test_synthetic_recordings_are_made_where_they_are_missing(config, tmp_path, monkeypatch):
    commands = []

    def pretend(command, check):
        commands.append(command)
        return type("Finished", (), {"returncode": 3})

    monkeypatch.setattr(run_lib.subprocess, "run", pretend)
    config.data.dir = str(tmp_path)
    with pytest.raises(UserError, match="data_prep.synthetic .* failed with status 3"):
        run_lib.prepare(config)
    assert commands[0][1:3] == ["-m", "data_prep.synthetic"]
