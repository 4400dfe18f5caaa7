"""Recordings of one's own, of joints and channels that the project has never seen, from a TOML file to accuracies."""

import json

import pytest

from dsta_jax import get_config
from dsta_jax.errors import UserError
from dsta_jax.experiment import Experiment
from dsta_jax.members import variable_shapes
from tests import raw_recordings

BENCHMARK = """
name = "tiny"
classes = ["a", "b", "c"]
bodies = {bodies}
channels = "{channels}"

[layout.parents]
left = "root"
right = "root"
tip = "right"
root = "root"

[split]
subject = [2, 5]
"""


def prepare(tmp_path, config, channels, bodies):
    frame_shape = (4, bodies, len(channels))
    recordings = raw_recordings.records(9, frame_shape=frame_shape)
    raw_recordings.write_set(tmp_path / "data" / "tiny" / "1.0.0", {"all": [recordings]}, frame_shape)
    path = tmp_path / "tiny.toml"
    path.write_text(BENCHMARK.format(channels=channels, bodies=bodies))
    mine = get_config("own:spatial,slow_temporal")
    mine.benchmark, mine.data.dir = str(path), str(tmp_path / "data")
    mine.data.update({"sampled_frames": 10, "frames": 8, "rotation_degrees": 10.0})
    mine.model, mine.log = config.model, config.log
    mine.train.update({"epochs": 2.0, "batch_size": 4, "decay_at": (0.5,)})
    mine.evaluate.batch_size = 4
    return mine


@pytest.mark.parametrize(("channels", "bodies"), [("xy", 1), ("xyc", 2)])
def test_from_a_file_to_accuracies(tmp_path, config, channels, bodies):
    experiment = Experiment(prepare(tmp_path, config, channels, bodies))
    members = experiment.members
    row = members.input_shape(4)
    assert row.shape == (4 * bodies, 8, 4, len(channels))
    kernel = variable_shapes(members.network, row, 2)["params"]["input_map"]["linear"]["kernel"]
    assert kernel.shape[-2:] == (len(channels), 4)
    assert set(members.folds[0].test.name_N) == {"recording_1", "recording_4"}
    results = experiment.train(tmp_path / "run")
    assert results == json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["benchmark"], results["samples"]) == ("tiny", 2)
    assert set(results["accuracy"]) == {"spatial", "slow_temporal", "fused"}


def test_recordings_of_other_channels_are_refused(tmp_path, config):
    mine = prepare(tmp_path, config, "xy", 1)
    path = tmp_path / "tiny.toml"
    path.write_text(path.read_text().replace('"xy"', '"xyc"'))
    with pytest.raises(
        UserError, match="4 joints of 1 bodies, 2 channels each, but benchmark tiny needs .* 3 channels"
    ):
        Experiment(mine).train(tmp_path / "run")
