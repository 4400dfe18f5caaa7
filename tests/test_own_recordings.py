"""Recordings of one's own, of joints and channels that the project has never seen, from a TOML file to accuracies."""

import json

import pytest

from configs import own
from dsta_jax import members
from dsta_jax import run as run_lib
from dsta_jax.errors import UserError
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
    mine = own.get_config("spatial,slow_temporal")
    mine.benchmark, mine.data.dir = str(path), str(tmp_path / "data")
    mine.data.update({"sampled_frames": 10, "frames": 8, "rotation_degrees": 10.0})
    mine.model, mine.log = config.model, config.log
    mine.train.update({"epochs": 2.0, "batch_size": 4, "decay_epochs": (1.0,)})
    mine.evaluate.batch_size = 4
    return mine


@pytest.mark.parametrize(("channels", "bodies"), [("xy", 1), ("xyc", 2)])
def test_from_a_file_to_accuracies(tmp_path, config, channels, bodies):
    runs = run_lib.prepare(prepare(tmp_path, config, channels, bodies))
    (run,) = runs
    assert run.input_shape(4).shape == (4 * bodies, 8, 4, len(channels))
    assert run.model_shapes()["params"]["input_map"]["linear"]["kernel"].shape[-2:] == (len(channels), 4)
    assert set(run.test.name_N) == {"recording_1", "recording_4"}
    results = members.train_and_evaluate(runs, tmp_path / "run")
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
        run_lib.prepare(mine)
